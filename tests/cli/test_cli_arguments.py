"""What FILE, --inputs and the output functions take and give."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorflow.cli.inputs_file import read_inputs_file
from actorflow.cli.options import repeat_options, settings_for
from actorflow.cli.output import json_text
from actorflow.errors import InputError

any_text = st.text(alphabet=st.characters(codec=None, categories=None))
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | any_text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(any_text, inner, max_size=3),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("name", "text", "inputs"),
    [
        ("i.json", '{"a": 1, "b": [true, null]}', {"a": 1, "b": [True, None]}),
        ("i.yaml", "a: 1\nb: [x, on]\n", {"a": 1, "b": ["x", "on"]}),
        ("i", '{"a": "x"}', {"a": "x"}),
        ("empty.yaml", "\n", {}),
    ],
)
def test_inputs_are_read_from_json_and_yaml(tmp_path: Path, name: str, text: str, inputs: object) -> None:
    (tmp_path / name).write_text(text)

    assert read_inputs_file(str(tmp_path / name)) == inputs


def test_inputs_are_read_from_stdin(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(b'{"a": 1}')))

    assert read_inputs_file("-") == {"a": 1}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: 1\na: 2\n", ":2:1: "),
        ("a: [1\n", ":2:1: "),
        ("- 1\n", "are a mapping"),
        ("a: &x 1\nb: *x\n", ":1:4: "),
        ("a: !!python/name:os.system\n", ":1:4: "),
        ("a: \x00\n", ":1:4: "),
    ],
)
def test_an_inputs_file_that_is_wrong_is_told_with_the_place(tmp_path: Path, text: str, said: str) -> None:
    file = tmp_path / "i.yaml"
    file.write_text(text)

    with pytest.raises(InputError) as caught:
        read_inputs_file(str(file))

    assert caught.value.message.startswith(str(file))
    assert said in caught.value.message


def test_an_inputs_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read: No such file"):
        read_inputs_file(str(tmp_path / "none.json"))


@given(json_values, st.booleans())
def test_printed_json_is_the_same_value_and_drives_no_terminal(value: object, is_ascii: bool) -> None:
    text = json_text(value, is_ascii=is_ascii)  # type: ignore[arg-type]

    assert json.loads(text) == value
    assert not [
        c for c in text if (ord(c) < 32 and c != "\n") or 0x7F <= ord(c) <= 0x9F or c in "\u202e\u2028"
    ]
    assert text.isascii() or not is_ascii
    text.encode("utf-8")


def test_suggested_commands_quote_the_state_folder() -> None:
    assert repeat_options("my runs") == "--state-dir 'my runs'"
    assert repeat_options(None) == ""


def test_the_state_folder_is_the_options_then_the_environments_then_the_projects(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".claude").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("ACTORFLOW_STATE_DIR", raising=False)

    default = settings_for(None).state_dir
    monkeypatch.setenv("ACTORFLOW_STATE_DIR", "env")

    assert default == tmp_path / ".claude" / "workflow-state"
    assert settings_for(None).state_dir == tmp_path / "env"
    assert settings_for("flag").state_dir == tmp_path / "flag"

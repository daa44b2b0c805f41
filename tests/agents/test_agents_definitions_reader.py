"""Files that define agents, as people write them: what is read, and what is refused and why."""

from __future__ import annotations

import contextlib
import time
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorflow.agents.definitions import KEYS, AgentDefinition
from actorflow.agents.definitions_reader import read_definition
from actorflow.errors import SpecErrors
from tests.agents.agent_files import PLAIN, READ, REFUSED

SOURCE = Path("agents/file.md")


def read(data):
    return read_definition(data.encode() if isinstance(data, str) else data, source=SOURCE, scope="project")


@pytest.mark.parametrize("case", READ)
def test_what_people_write_is_read(case):
    data, expected, warnings = READ[case]

    definition = read(data)

    found = {name: getattr(definition, name) for name in expected}
    assert {
        k: v.items() >= expected[k].items() if k == "ignored" else v == expected[k] for k, v in found.items()
    } == (dict.fromkeys(expected, True)), found
    assert [problem.code for problem in definition.warnings] == warnings
    assert definition.source == SOURCE


@pytest.mark.parametrize("case", REFUSED)
def test_what_cannot_be_used_is_refused_with_every_reason_and_place(case):
    data, expected = REFUSED[case]

    with pytest.raises(SpecErrors) as caught:
        read(data)

    assert [(p.code, p.line, p.column) for p in caught.value.problems] == expected
    assert all(p.hint for p in caught.value.problems if p.severity == "error" and p.code != "E604")
    assert str(caught.value).startswith(f"{SOURCE}:")


def test_every_key_has_an_effect_or_a_reason():
    text = READ["every key"][0].decode()

    definition = read(text)

    assert {key for key in KEYS if f"\n{key}:" in text} == set(KEYS)
    assert definition.ignored == {key: reason for key, reason in KEYS.items() if reason}
    assert set(definition.effective) == {k for k in KEYS if not KEYS[k]} - {"name", "description"} | {
        "prompt"
    }


def test_a_warning_says_where_and_what_to_do():
    (warning,) = read("---\nname: a\ndescription: use: it\n---\nb").warnings

    assert str(warning).startswith(
        "agents/file.md:3:17: warning[W822]: not YAML, so it was read line by line: "
    )
    assert "description: |" in warning.hint


@pytest.mark.parametrize(
    ("key", "meant"),
    [("allowed-tools", "tools"), ("disallowed_tools", "disallowedTools"), ("max-turns", "maxTurns")],
)
def test_a_key_that_is_spelt_otherwise_is_named(key, meant):
    (warning,) = read(f"---\nname: a\n{key}: 3\n---\nb").warnings

    assert (warning.line, warning.message) == (3, f"'{key}' has no effect")
    assert f"'{meant}'" in warning.hint


@pytest.mark.parametrize(
    "change",
    [
        {"prompt": "You review."},
        {"tools": ()},
        {"tools": ("Read",)},
        {"disallowed_tools": ("Read",)},
        {"model": "opus"},
        {"effort": "low"},
        {"permission_mode": "plan"},
        {"max_turns": 1},
        {"skills": ("a",)},
        {"memory": "user"},
        {"initial_prompt": "x"},
        {"omit_claude_md": True},
    ],
    ids=lambda change: "-".join(f"{k}-{v}" for k, v in change.items()),
)
def test_the_fingerprint_changes_with_the_work(change):
    definition = read(PLAIN)

    assert replace(definition, **change).fingerprint != definition.fingerprint


@pytest.mark.parametrize(
    "change",
    [{"name": "b"}, {"description": "other"}, {"source": Path("x")}, {"scope": "user"}],
    ids=lambda c: next(iter(c)),
)
def test_the_fingerprint_does_not_change_with_what_is_around(change):
    definition = read(PLAIN)

    assert replace(definition, **change).fingerprint == definition.fingerprint
    assert len(definition.fingerprint) == 64


@pytest.mark.slow
@pytest.mark.parametrize(
    "text",
    [
        "---\n" + "a: b: c\n" * 10_000 + "---\n",
        "---\nname: " + "[" * 100_000 + "\n---\n",
        "---\nname: a\ndescription: " + "x: " * 30_000 + "\n---\n",
        "---\nname: a\nx: y: z\n" + "".join(f"key{i}: [a, b]\n" for i in range(5_000)) + "---\n",
        "---\nname: a\ntools: " + "(" * 100_000 + "\n---\n",
        "---\nname: a\n" + "tools: [" * 12_000 + "\n---\n",
        "---\n&a name: *a\n<<: *a\n---\n",
        "---\n!!python/object/apply:os.system [id]\n---\n",
        "---\n" + "-" * 900_000,
        "---\nname: a: b\ndescription: |\n" + "  x\n" * 200_000 + "---\n",
    ],
    ids=["pairs", "brackets", "colons", "keys", "parentheses", "tools", "aliases", "tags", "dashes", "lines"],
)
def test_hostile_files_are_soon_done_with(text):
    started = time.process_time()
    with contextlib.suppress(SpecErrors):
        read(text[: 1024 * 1024])

    assert time.process_time() - started < 1.0


@pytest.mark.slow
@given(
    st.binary(max_size=400)
    | st.text(alphabet="-:|>'\"[]{}#*&!%@` \t\r\nnametools", max_size=200).map(str.encode)
)
def test_any_bytes_give_a_definition_or_problems(data):
    for file in (
        data,
        b"---\n" + data + b"\n---\n",
        b"---\nname: a\ndescription: x: y\n" + data + b"\n---\nb",
    ):
        with contextlib.suppress(SpecErrors):
            definition = read(file)
            assert isinstance(definition, AgentDefinition)
            assert definition.name

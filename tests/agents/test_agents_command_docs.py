"""The pages about other programs have every key, kind and code, and their examples are read and run."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import actorflow.agents.command
from actorflow.agents.codes import CODES
from actorflow.agents.command.agent import CommandAgent
from actorflow.agents.command.argv import PLACEHOLDERS, filled
from actorflow.agents.command.decode import COMMAND, read_command
from actorflow.agents.command.decode_output import ERRORS, OUTPUT
from actorflow.agents.command.files import load_command
from actorflow.agents.command.kinds import KINDS
from actorflow.agents.definitions_found import SHIPPED_COMMANDS, find_definitions
from actorflow.agents.registry import AgentRegistry
from actorflow.testing.agents import RecordingChannel, make_request
from actorflow.workflow import load_workflow

DOCS = Path(__file__).parents[2] / "docs"
REFERENCE = (DOCS / "reference" / "command-backends.md").read_text()
HOW_TO = (DOCS / "how-to" / "use-another-cli.md").read_text()
FILES = find_definitions(None, None)
EXAMPLES = [re.sub(r"^   ", "", text, flags=re.MULTILINE) if text.startswith("   ") else text for page in (REFERENCE, HOW_TO) for text in re.findall(r"```yaml\n(.*?)\n *```", page, re.DOTALL)]  # fmt: skip
DESCRIPTIONS = [text for text in EXAMPLES if "\ntasks:" not in text]


def rows(section, page=REFERENCE):
    text = page.partition(f"\n## {section}\n")[2].partition("\n## ")[0]
    return dict(re.findall(r"^\| `?\{?([A-Za-z0-9_]+)\}?`? \| (.*?) \|", text, re.MULTILINE))


def read(text):
    def base(name):
        return read_command(
            FILES[name][0].path.read_bytes(), source=Path("x"), scope="shipped", base=lambda _: None
        )[1]

    return read_command(text.encode(), source=Path("x.yaml"), scope="project", base=base)[0]


def test_every_key_is_there_and_no_other():
    rules = {"take", "when", "join", "restart", "total", "zero_is_unknown"}

    assert rows("Keys").keys() - {"key"} == COMMAND.keys.keys()
    assert rows("Output").keys() - {"key"} == OUTPUT.keys.keys() | rules
    assert rows("Errors").keys() - {"key", "kind"} == ERRORS.keys.keys() | KINDS.keys()


def test_every_placeholder_is_there_with_its_meaning():
    assert {
        name: text for name, text in rows("Placeholders").items() if name not in ("NAME", "placeholder")
    } == PLACEHOLDERS


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_says_whether_it_is_tried_again(kind):
    answer = "yes" if KINDS[kind].is_retryable else "no"

    assert f"| `{kind}` | {KINDS[kind].meaning} | {answer} |" in REFERENCE


def test_every_other_kind_that_is_raised_is_named():
    sources = "".join(
        path.read_text() for path in Path(actorflow.agents.command.__file__).parent.glob("*.py")
    )

    assert all(f"`{kind}`" in REFERENCE for kind in re.findall(r"AgentError\(\s*\"([a-z_]+)\"", sources))


def test_every_code_is_explained():
    found = dict(re.findall(r"^\| (E83\d) \| (.*?) \|", REFERENCE, re.MULTILINE))

    assert found == {code: text for code, text in CODES.items() if code.startswith("E83")}


def test_what_ships_is_what_the_table_says():
    table = REFERENCE.partition("## What ships")[2]
    for name in SHIPPED_COMMANDS:
        preset = load_command(FILES[name][0], FILES)
        cells = re.search(
            rf"^\| `{name}` \| [^|]+ \| (\w+) \| (\w+) \| (\w+) \|", table, re.MULTILINE
        ).groups()
        assert cells == tuple(
            "yes" if is_there else "no"
            for is_there in (preset.keeps_sessions, preset.output.tokens, preset.output.cost_usd)
        )
        for option, values in preset.options.items():
            if values.allowed and option != "effort":
                assert all(f"`{value}`" in table for value in (option, *values.allowed))


@pytest.mark.parametrize("text", DESCRIPTIONS, ids=range(len(DESCRIPTIONS)))
def test_every_description_is_read_without_a_complaint(text):
    assert read(text).warnings == ()


def test_there_are_as_many_examples_as_are_checked():
    assert len(EXAMPLES) == 7
    assert len(DESCRIPTIONS) == 6


def test_the_command_line_of_the_page_is_what_comes_out():
    (text,) = [text for text in DESCRIPTIONS if "Three options" in text]
    definition = read(text)
    values = {name: option.default for name, option in definition.options.items()} | {
        "files": ("a.py", "b.py")
    }

    assert f"`{' '.join(filled(definition.command, values))}`" in REFERENCE


def test_the_workflow_of_the_page_is_valid():
    (text,) = set(EXAMPLES) - set(DESCRIPTIONS)

    assert (
        load_workflow(text.encode(), file="x.yaml", catalog=AgentRegistry.built_in().catalog()).warnings == ()
    )


@pytest.mark.trio
async def test_the_script_of_the_page_plays_the_program(tmp_path):
    (text,) = [text for text in DESCRIPTIONS if "cat > /dev/null" in text]

    result = await CommandAgent(read(text)).run(make_request(tmp_path, {"task": "hi"}), RecordingChannel())

    assert result.output == "hello"

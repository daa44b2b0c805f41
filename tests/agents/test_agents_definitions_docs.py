"""The page about agent definitions has every key and every code, and its examples are read."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from actorflow.agents.codes import CODES
from actorflow.agents.definitions import EFFORTS, KEYS, MEMORIES, PERMISSION_MODES
from actorflow.agents.definitions_found import SHIPPED_AGENTS
from actorflow.agents.definitions_reader import read_definition

DOCS = Path(__file__).parents[2] / "docs" / "reference"
PAGE = (DOCS / "agent-definitions.md").read_text()
ROWS = dict(re.findall(r"^\| `([A-Za-z]+)` \| (.*?) \|", PAGE, re.MULTILINE))


def test_every_key_is_there_and_no_other():
    assert ROWS.keys() == KEYS.keys()


def test_keys_without_effect_say_why():
    assert {key: text.replace("`", "'") for key, text in ROWS.items() if text.startswith("no effect")} == {
        key: f"no effect: {reason}" for key, reason in KEYS.items() if reason
    }


@pytest.mark.parametrize(
    ("key", "words"), [("effort", EFFORTS), ("memory", MEMORIES), ("permissionMode", PERMISSION_MODES)]
)
def test_every_word_of_a_choice_is_there(key, words):
    assert set(re.findall(r"`(\w+)`", ROWS[key])) == set(words)


def test_every_code_is_explained():
    rows = dict(re.findall(r"^\| ([EW]82\d) \| (.*?) \|", PAGE, re.MULTILINE))

    assert rows == {code: text for code, text in CODES.items() if code[1:3] == "82"}


def test_the_shipped_agents_are_named():
    assert all(f"`{name}`" in PAGE for name in SHIPPED_AGENTS)


def test_the_example_is_read_without_a_complaint():
    (example,) = re.findall(r"```markdown\n(.*?)```", PAGE, re.DOTALL)

    definition = read_definition(example.encode(), source=Path("x.md"), scope="project")

    assert (definition.name, definition.max_turns, definition.warnings) == ("reviewer", 30, ())
    assert definition.tools == ("Read", "Grep", "Glob", "Bash(git diff:*)")

"""The page about Claude Code says what is there: every option, every kind of error with what the table in the code says of it."""

from __future__ import annotations

import re
from pathlib import Path

from actorflow.agents.claude.failures import KINDS
from actorflow.agents.claude.login import LOGIN_VARIABLES
from actorflow.agents.claude.options import OPTIONS

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "claude-code.md").read_text()


def section(title: str) -> str:
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def test_every_option_is_documented_and_no_other():
    assert re.findall(r"^\| `(\w+)` \|", section("Options"), re.MULTILINE) == list(OPTIONS)


def test_every_kind_of_error_is_documented_as_it_is():
    rows = re.findall(r"^\| `(\w+)` \| (.*) \| (yes|no) \|$", section("Errors"), re.MULTILINE)

    expected = [(name, kind.meaning, "yes" if kind.is_retryable else "no") for name, kind in KINDS.items()]
    assert rows == expected


def test_every_variable_that_logs_in_is_documented():
    assert all(f"`{name}`" in section("The program") for name in LOGIN_VARIABLES)

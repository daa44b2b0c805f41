"""The page about Claude Code says what is there: every option, every kind of error with what the table in the code says of it."""

from __future__ import annotations

import re
from pathlib import Path

from actorflow.agents.claude.failures import KINDS
from actorflow.agents.claude.login import LOGIN_VARIABLES
from actorflow.agents.claude.options import OPTIONS
from actorflow.agents.claude.policy import read_policy
from actorflow.agents.registry import AgentRegistry
from actorflow.workflow import load_workflow

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "reference" / "claude-code.md").read_text()
HOW_TO = (DOCS / "how-to" / "claude-code.md").read_text()


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


def test_the_workflow_of_the_how_to_is_valid():
    [workflow] = re.findall(r"```yaml\n(version.*?)```", HOW_TO, re.DOTALL)

    loaded = load_workflow(workflow.encode(), file="fix.yaml", catalog=AgentRegistry.built_in().catalog())

    assert [task.id for task in loaded.workflow.tasks] == ["plan", "fix"]


def test_the_policy_of_the_page_can_be_understood(tmp_path):
    [policy] = re.findall(r"```yaml\n(claude:.*?)```", PAGE, re.DOTALL)
    (tmp_path / "actorflow.yaml").write_text(policy)

    found = read_policy(None, tmp_path)

    assert (found.permission_mode, found.disallowed_tools, found.max_budget_usd) == (
        "acceptEdits",
        ("WebFetch",),
        2.0,
    )
    assert found.tools == ("Read", "Grep", "Glob", "Edit", "Write", "Bash(npm *)")

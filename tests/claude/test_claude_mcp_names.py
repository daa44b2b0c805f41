"""Rules that refuse all MCP tools but those that are granted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorflow.agents.claude.mcp_names import refusals, server_rule, stands_for


def refuses(rule: str, tool: str) -> bool:
    """Whether Claude Code takes ``tool`` away by ``rule``, as it was measured."""
    if rule.endswith("*"):
        return tool.startswith(rule[:-1])
    is_server = rule.count("__") == 1
    return tool == rule or (is_server and tool.startswith(f"{rule}__"))


@pytest.mark.parametrize(
    ("rule", "tool", "does"),
    [
        ("mcp__a", "mcp__a__one", True),
        ("mcp__a__", "mcp__a__one", True),
        ("mcp__a__*", "mcp__a__one", True),
        ("mcp__a__o*", "mcp__a__one", True),
        ("mcp__a__o*", "mcp__a__two", False),
        ("mcp__*", "mcp__b__one", True),
        ("mcp__a", "mcp__ab__one", False),
        ("mcp__a__one", "mcp__a__one_more", False),
        ("mcp__a__one", "mcp__a", False),
        ("mcp__a", "mcp__a__*", True),
        ("mcp__a__o*", "mcp__a", False),
        ("Read", "mcp__a__one", False),
        ("mcp__*", "Read", False),
    ],
)
def test_what_a_rule_stands_for(rule, tool, does):
    assert stands_for(rule, tool) is does


def test_nothing_granted_refuses_all_and_everything_granted_nothing():
    assert refusals(["Read"]) == ("mcp__*",)
    assert refusals(["Read", "mcp__*"]) == ()


def test_names_of_servers_are_written_as_claude_code_writes_them():
    assert server_rule("x.y z") == "mcp__x_y_z"


LETTERS = st.sampled_from("ab_-Z")
PART = st.text(LETTERS, min_size=1, max_size=4).filter(lambda part: "__" not in part and part[-1] != "_")
TOOL = st.builds("mcp__{}__{}".format, PART, PART)
GRANTED = TOOL | st.builds("mcp__{}".format, PART) | st.builds("mcp__{}__{}*".format, PART, PART)


@given(st.lists(GRANTED, max_size=4), TOOL)
def test_exactly_what_is_not_granted_is_refused(granted, tool):
    refused = any(refuses(rule, tool) for rule in refusals(granted))

    assert refused is not any(stands_for(name, tool) for name in granted)


@given(st.lists(GRANTED, min_size=1, max_size=4), st.data())
def test_no_tool_that_is_granted_is_refused(granted, data):
    name = data.draw(st.sampled_from(granted))
    beginning = name.removesuffix("*") if name.count("__") == 2 else f"{name}__"
    tool = beginning + (data.draw(PART) if name.endswith("*") or name.count("__") == 1 else "")

    assert not any(refuses(rule, tool) for rule in refusals(granted))

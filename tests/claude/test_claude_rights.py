"""What an agent may do is what policy, definition and workflow all allow."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actorflow.agents.claude.rights import MODES, Wishes, common_tools, grant

NOBODY = Wishes(who="")


def policy(**limits):
    return Wishes(who="the policy", **limits)


def test_when_nobody_says_anything_edits_are_allowed_and_nothing_else():
    rights = grant(NOBODY, NOBODY, NOBODY)

    assert (rights.mode, rights.tools, rights.allowed, rights.refused) == ("acceptEdits", None, (), ())


def test_tools_that_a_definition_names_are_there_and_allowed():
    rights = grant(NOBODY, Wishes(who="d", tools=("Read", "Bash")), NOBODY)

    assert (rights.tools, rights.allowed) == (("Read", "Bash"), ("Read", "Bash"))


def test_a_workflow_cannot_widen_what_the_definition_names():
    rights = grant(
        NOBODY, Wishes(who="d", tools=("Read",)), Wishes(who="w", tools=("Read", "Bash"), allowed=("Write",))
    )

    assert (rights.tools, rights.allowed) == (("Read",), ("Read",))


def test_the_narrower_rule_of_two_is_what_is_left():
    definition, workflow = (
        Wishes(who="d", tools=("Bash", "Read")),
        Wishes(who="w", tools=("Bash(git *)", "Read")),
    )

    rights = grant(NOBODY, definition, workflow)

    assert set(rights.tools) == {"Bash", "Read"}
    assert set(rights.allowed) == {"Bash(git *)", "Read"}


def test_allowed_tools_add_to_what_there_is_without_leaving_out_the_rest():
    rights = grant(NOBODY, NOBODY, Wishes(who="w", allowed=("Bash(npm test)",)))

    assert (rights.tools, rights.allowed) == (None, ("Bash(npm test)",))


def test_a_policy_limits_and_grants_nothing():
    rights = grant(policy(tools=("Read", "Bash")), NOBODY, Wishes(who="w", allowed=("Bash(ls)", "Write")))

    assert (rights.tools, rights.allowed) == (("Read", "Bash"), ("Bash(ls)",))


def test_what_anybody_refuses_is_refused():
    rights = grant(
        policy(refused=("WebFetch",)),
        Wishes(who="d", refused=("Bash(rm *)",)),
        Wishes(who="w", refused=("WebFetch",)),
    )

    assert rights.refused == ("WebFetch", "Bash(rm *)")


@pytest.mark.parametrize(
    ("first", "second", "common"),
    [
        (None, None, None),
        (None, ("Read",), ("Read",)),
        (("Read",), None, ("Read",)),
        (("Read",), ("Bash",), ()),
        ((), None, ()),
        (("Bash(git *)",), ("Bash(npm *)",), ()),
        (("Bash(git *)", "Bash(npm *)"), ("Bash",), ("Bash(git *)", "Bash(npm *)")),
        (("Task",), ("Agent",), ("Task", "Agent")),
        (("mcp__db",), ("mcp__db__query", "mcp__dba__x"), ("mcp__db__query",)),
        (("mcp__db__*",), ("mcp__db__query",), ("mcp__db__query",)),
    ],
)
def test_common_tools(first, second, common):
    assert common_tools(first, second) == common


@pytest.mark.parametrize(
    ("limit", "definition", "workflow", "mode"),
    [
        (None, None, None, "acceptEdits"),
        (None, "plan", None, "plan"),
        (None, "plan", "acceptEdits", "plan"),
        (None, None, "auto", "auto"),
        (None, "acceptEdits", "default", "default"),
        ("default", None, None, "default"),
        ("default", None, "auto", "default"),
        ("bypassPermissions", None, None, "acceptEdits"),
        (None, "bypassPermissions", "bypassPermissions", "acceptEdits"),
    ],
)
def test_the_least_mode_counts(limit, definition, workflow, mode):
    rights = grant(policy(mode=limit), Wishes(who="d", mode=definition), Wishes(who="w", mode=workflow))

    assert rights.mode == mode


def test_only_a_person_can_bypass_permissions_and_a_policy_can_forbid_it():
    assert (
        grant(policy(), NOBODY, Wishes(who="w", mode="plan"), command_line="bypassPermissions").mode
        == "bypassPermissions"
    )

    rights = grant(policy(mode="acceptEdits"), NOBODY, NOBODY, command_line="bypassPermissions")

    assert rights.mode == "acceptEdits"
    assert rights.notes == (
        "permission mode acceptEdits instead of bypassPermissions: the policy allows no more",
    )


@pytest.mark.parametrize("mode", ["auto", "bypassPermissions"])
def test_a_mode_that_knows_no_rules_does_not_make_the_whole_tool_of_a_rule(mode):
    rights = grant(policy(tools=("Read", "Bash(git *)")), NOBODY, NOBODY, command_line=mode)

    assert (rights.tools, rights.mode) == (("Read", "Bash"), "acceptEdits")
    assert rights.notes == (
        f"permission mode acceptEdits instead of {mode}: Bash(git *) would allow all of its tool",
    )


def test_a_definitions_list_is_its_own_and_everybody_elses_binds_its_subagents():
    definition = Wishes(who="d", tools=("Read", "Agent"), binds_subagents=False)

    assert grant(NOBODY, definition, NOBODY).session_tools is None
    assert grant(policy(tools=("Read", "Agent", "Bash(ls)")), definition, NOBODY).session_tools == (
        "Read",
        "Agent",
        "Bash",
    )


RULES = st.lists(
    st.sampled_from(["Read", "Bash", "Bash(git *)", "Bash(ls)", "mcp__a", "mcp__a__b"]), max_size=4
).map(tuple)
WISHES = st.builds(
    Wishes,
    who=st.just("x"),
    tools=st.none() | RULES,
    allowed=RULES,
    refused=RULES,
    mode=st.none() | st.sampled_from(MODES),
)


def lies_within(tool: str, tools: tuple[str, ...]) -> bool:
    """Whether a tool is one of these, or a tool of a server that is one of these."""
    return any(tool == other or tool.startswith(f"{other}__") for other in tools)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(WISHES, min_size=3, max_size=3), WISHES)
def test_one_more_who_has_a_say_never_adds_a_right(wishes, more):
    is_mode_said = any(wish.mode not in (None, "bypassPermissions") for wish in wishes[1:])
    mode = more.mode if is_mode_said else None  # the default is no limit
    limit = Wishes(who="more", tools=more.tools, refused=more.refused, mode=mode)

    before, after = grant(*wishes), grant(*wishes, limit)

    # A mode that was narrowed for the sake of a rule is wider again when that rule's tool is there no more.
    is_for_a_rule = any("would allow all of its tool" in note for note in before.notes)
    assert is_for_a_rule or MODES.index(after.mode) <= MODES.index(before.mode)
    assert set(before.refused) <= set(after.refused)
    if before.tools is not None:
        assert after.tools is not None
        assert all(lies_within(tool, before.tools) for tool in after.tools)

"""What an agent may do is what policy, definition and workflow all allow."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorflow.agents.claude.mcp_names import refusals, stands_for
from actorflow.agents.claude.rights import MODES, Rights, Wishes, common_tools, grant

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


@pytest.mark.parametrize(
    "wish", [policy(tools=("Agent", "Bash(git *)")), Wishes(who="w", tools=("Bash(ls)", "Agent"))]
)
def test_a_rule_that_only_the_subagents_have_keeps_its_mode_too(wish):
    definition = Wishes(who="d", tools=("Read", "Agent"), binds_subagents=False)
    wishes = (wish, definition, NOBODY) if wish.who == "the policy" else (NOBODY, definition, wish)

    rights = grant(*wishes, command_line="bypassPermissions")

    assert (rights.tools, rights.mode) == (("Agent",), "acceptEdits")


NAMES = ["Read", "Bash", "Agent", "mcp__a__b", "mcp__a__c", "mcp__ab__b"]
RULES = st.lists(
    st.sampled_from(
        ["Read", "Bash", "Bash(git *)", "Bash(ls)", "Task", "mcp__a", "mcp__a__b", "mcp__a__*", "mcp__*"]
    ),
    max_size=4,
).map(tuple)


def wishes_of(*, binds_subagents=True):
    modes = st.none() | st.sampled_from(MODES)
    return st.builds(
        Wishes,
        who=st.just("x"),
        tools=st.none() | RULES,
        allowed=RULES,
        refused=RULES,
        mode=modes,
        binds_subagents=st.just(binds_subagents),
    )


THREE = st.tuples(wishes_of(), wishes_of(binds_subagents=False), wishes_of())
BY_A_PERSON = st.sampled_from(["", "plan", "acceptEdits", "bypassPermissions"])


def has(tools: tuple[str, ...] | None, name: str) -> bool:
    """Whether a list, of names or rules, has a tool in it."""
    names = [tool.partition("(")[0].replace("Task", "Agent") for tool in tools or ()]
    return tools is None or any(
        stands_for(rule, name) if rule.startswith("mcp__") else rule == name for rule in names
    )


def offered(rights: Rights, name: str, *, to_subagents: bool) -> bool:
    """Whether Claude Code has a tool, as it is called: ``--tools`` for its own ones, rules that refuse for those of servers, and the agent's list."""
    if rights.session_tools is not None:
        rules = [rule.removesuffix("*") for rule in refusals(rights.session_tools)]
        if (
            any(name.startswith(rule) for rule in rules)
            if name.startswith("mcp__")
            else name not in rights.session_tools
        ):
            return False
    return to_subagents or has(rights.tools, name)


@given(THREE, BY_A_PERSON)
def test_a_tool_is_there_when_all_have_it_and_only_then(wishes, person):
    rights = grant(*wishes, command_line=person)

    for name in NAMES:
        # Two different rules for one tool have nothing in common.
        is_in_part = sum(any(tool.startswith(f"{name}(") for tool in wish.tools or ()) for wish in wishes) > 1
        for to_subagents in (True, False):
            who = [wish for wish in wishes if wish.binds_subagents or not to_subagents]
            expected = all(has(wish.tools, name) for wish in who)
            is_there = offered(rights, name, to_subagents=to_subagents)
            assert expected if is_there else is_in_part or not expected
    for rule in rights.allowed:
        assert all(has(wish.tools, rule.partition("(")[0].replace("Task", "Agent")) for wish in wishes)


@given(THREE, BY_A_PERSON)
def test_no_mode_makes_a_whole_tool_of_a_rule(wishes, person):
    rights = grant(*wishes, command_line=person)

    has_rules = any("(" in tool for wish in wishes for tool in wish.tools or ())
    assert not has_rules or MODES.index(rights.mode) <= MODES.index("acceptEdits")


@given(THREE, wishes_of(), BY_A_PERSON)
def test_one_more_who_has_a_say_never_adds_a_right(wishes, more, person):
    is_mode_said = any(wish.mode not in (None, "bypassPermissions") for wish in wishes[1:])
    mode = more.mode if is_mode_said or person else None  # the default is no limit
    limit = Wishes(who="more", tools=more.tools, refused=more.refused, mode=mode)

    before, after = grant(*wishes, command_line=person), grant(*wishes, limit, command_line=person)

    assert MODES.index(after.mode) <= MODES.index(before.mode)
    assert set(before.refused) <= set(after.refused)
    for name in NAMES:
        for to_subagents in (True, False):
            assert offered(before, name, to_subagents=to_subagents) or not offered(
                after, name, to_subagents=to_subagents
            )

"""What an agent may do: what the policy, the agent's definition and the workflow all allow, and nothing more.

Each of the three may name tools, refuse tools, and choose a permission mode; who says nothing about something
leaves it to the others. A tool that is named is allowed: nobody is there who could be asked. Takes their
wishes and gives ``Rights``, with a note for whatever was cut. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from actorflow.agents.claude.mcp_names import is_mcp, stands_for

__all__ = ["DEFAULT_MODE", "MODES", "Rights", "Wishes", "common_tools", "grant"]

MODES: Final = ("plan", "dontAsk", "manual", "default", "acceptEdits", "auto", "bypassPermissions")
"""The permission modes of Claude Code; each allows what those before it allow, and more."""

DEFAULT_MODE: Final = "acceptEdits"
"""What an agent works with when nobody says anything: it reads, and edits files in its folders."""

_KEEPS_TO_RULES: Final = "acceptEdits"
"""The most that still asks whether a use of a tool is allowed. Modes above it know tools only as a whole, so with
them a list with ``Bash(git *)`` would allow every use of Bash."""

_OTHER_NAMES: Final = {"Task": "Agent"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wishes:
    """What one of the three says.

    Attributes:
        who: in words, for notes.
        tools: the only tools; None says nothing.
        allowed: tools that are allowed besides.
        refused: tools, or uses of them, that are not.
        mode: the permission mode; None says nothing.
        binds_subagents: whether ``tools`` are the only ones of the agent's subagents too. Those of a definition
            are its own: who only delegates needs other tools than who does the work.
    """

    who: str
    tools: tuple[str, ...] | None = None
    allowed: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    mode: str | None = None
    binds_subagents: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Rights:
    """What is granted.

    Attributes:
        tools: the only tools, by name; None is all that Claude Code has.
        session_tools: the only ones in the whole session, subagents included, those of MCP servers too.
        allowed: names and rules that are allowed without asking.
        refused: names and rules that are refused in any case.
        notes: what was asked for and is not granted.
    """

    mode: str
    tools: tuple[str, ...] | None = None
    session_tools: tuple[str, ...] | None = None
    allowed: tuple[str, ...] = ()
    refused: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def grant(*wishes: Wishes, command_line: str = "") -> Rights:
    """Return what all of ``wishes`` allow.

    Args:
        wishes: in the order in which they count: the policy first.
        command_line: the mode that a person chose for this run; it takes the place of what definition and
            workflow say, and alone can be ``bypassPermissions``. The policy still limits it.
    """
    tools: tuple[str, ...] | None = None
    session_tools: tuple[str, ...] | None = None
    for wish in wishes:
        tools = common_tools(tools, wish.tools)
        if wish.binds_subagents:
            session_tools = common_tools(session_tools, wish.tools)
    # A policy only limits: what it names is not asked for by that.
    asked = (rule for wish in wishes[1:] for rule in (*wish.allowed, *(wish.tools or ())))
    allowed = tuple(dict.fromkeys(asked))
    for wish in wishes:
        allowed = common_tools(allowed, wish.tools) or ()
    mode, notes = _mode(wishes, command_line)
    partly = next((tool for wish in wishes for tool in wish.tools or () if "(" in tool), None)
    if partly is not None and _rank(mode) > _rank(_KEEPS_TO_RULES):
        notes += (
            f"permission mode {_KEEPS_TO_RULES} instead of {mode}: {partly} would allow all of its tool",
        )
        mode = _KEEPS_TO_RULES
    return Rights(
        mode=mode,
        tools=_names_of(tools),
        session_tools=_names_of(session_tools),
        allowed=allowed,
        refused=tuple(dict.fromkeys(rule for wish in wishes for rule in wish.refused)),
        notes=notes,
    )


def common_tools(first: tuple[str, ...] | None, second: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """Return what both lists allow, rule by rule; None is everything.

    ``Bash`` and ``Bash(git *)`` have ``Bash(git *)`` in common. Two different rules for one tool have nothing
    in common, because neither can be said to lie within the other.
    """
    if first is None or second is None:
        return second if first is None else first
    kept = [rule for rule in first if any(_covers(other, rule) for other in second)]
    kept += [rule for rule in second if any(_covers(other, rule) for other in first)]
    return tuple(dict.fromkeys(kept))


def _covers(wide: str, narrow: str) -> bool:
    """Say whether ``wide`` allows all that ``narrow`` allows."""
    if wide == narrow:
        return True
    if "(" in wide:
        return False
    mine, theirs = _name_of(wide), _name_of(narrow)
    return stands_for(mine, theirs) if is_mcp(mine) else mine == theirs


def _names_of(rules: tuple[str, ...] | None) -> tuple[str, ...] | None:
    return None if rules is None else tuple(dict.fromkeys(_name_of(rule) for rule in rules))


def _name_of(rule: str) -> str:
    name = rule.partition("(")[0].strip()
    return _OTHER_NAMES.get(name, name)


def _mode(wishes: Iterable[Wishes], command_line: str) -> tuple[str, tuple[str, ...]]:
    policy, *others = wishes
    notes = []
    if command_line:
        mode = command_line
    else:
        chosen = [wish for wish in others if wish.mode is not None and wish.mode != "bypassPermissions"]
        mode = min((wish.mode or "" for wish in chosen), key=_rank, default=DEFAULT_MODE)
        notes += [
            f"permission mode {mode} instead of {wish.mode}, which {wish.who} asks for"
            for wish in others
            if wish.mode is not None and _rank(wish.mode) > _rank(mode)
        ]
    if policy.mode is not None and _rank(policy.mode) < _rank(mode):
        notes.append(f"permission mode {policy.mode} instead of {mode}: {policy.who} allows no more")
        mode = policy.mode
    return mode, tuple(notes)


def _rank(mode: str) -> int:
    return MODES.index(mode) if mode in MODES else MODES.index(DEFAULT_MODE)

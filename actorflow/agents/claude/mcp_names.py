"""Names of tools of MCP servers: what a rule such as ``mcp__db`` stands for, and the rules that refuse all the others.

``--tools`` of Claude Code says nothing of MCP tools, and the modes above ``acceptEdits`` allow them all, as rules of a settings file may. What nothing can overrule is a rule that refuses; such a
rule knows names, a star at the end for "whatever follows", and no "all but". ``refusals`` says "all but" in those words: a name that is granted is left out letter by letter. Pure.
"""

from __future__ import annotations

import string
from collections.abc import Iterable, Iterator
from typing import Final

__all__ = ["is_mcp", "refusals", "server_rule", "stands_for"]

_PREFIX: Final = "mcp__"
_LETTERS: Final = string.ascii_letters + string.digits + "_-"
"""What names are made of: Claude Code writes ``_`` for anything else."""


def is_mcp(name: str) -> bool:
    """Say whether it names tools of MCP servers."""
    return name.startswith(_PREFIX)


def server_rule(server: str) -> str:
    """Return the rule that stands for all tools of a server, by the name that its configuration gives it."""
    return _PREFIX + "".join(letter if letter in _LETTERS else "_" for letter in server)


def stands_for(rule: str, other: str) -> bool:
    """Say whether ``rule`` stands for all that ``other`` stands for: both are names without brackets."""
    mine, is_mine_open = _pattern(rule)
    theirs, is_their_open = _pattern(other)
    return theirs.startswith(mine) if is_mine_open else not is_their_open and theirs == mine


def refusals(granted: Iterable[str]) -> tuple[str, ...]:
    """Return rules that refuse every MCP tool but those for which ``granted`` stand.

    A tool is refused by exactly one of them. There are some 60 for each letter in which granted names differ.
    """
    patterns = {_pattern(name) for name in granted if is_mcp(name)}
    if (_PREFIX, True) in patterns:
        return ()
    if not patterns:
        return (f"{_PREFIX}*",)
    return tuple(_all_but(patterns))


def _all_but(patterns: set[tuple[str, bool]]) -> Iterator[str]:
    whole = {text for text, is_open in patterns if not is_open}
    opened = tuple(text for text, is_open in patterns if is_open)
    beginnings = {text[:end] for text, _ in patterns for end in range(len(_PREFIX), len(text) + 1)}
    for beginning in sorted(beginnings):
        if beginning.startswith(opened):
            continue
        if beginning not in whole and _is_tool(beginning):
            yield beginning
        for letter in _LETTERS:
            longer = beginning + letter
            if longer not in beginnings and not longer.startswith(opened):
                yield f"{longer}*"


def _is_tool(name: str) -> bool:
    """Say whether a tool may have this name; one without a tool's part would refuse a whole server."""
    server, separator, tool = name.removeprefix(_PREFIX).partition("__")
    return bool(server and separator and tool)


def _pattern(name: str) -> tuple[str, bool]:
    """Return a text, and whether it is only the beginning of what is meant."""
    if name.endswith("*"):
        return name[:-1], True
    body = name.removeprefix(_PREFIX)
    if is_mcp(name) and (not body or body.endswith("__")):
        return name, True
    if is_mcp(name) and "__" not in body:
        return f"{name}__", True  # a server
    return name, False

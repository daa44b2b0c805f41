"""Standard functions of regular expressions, by RE2: linear time, no look-around, no back-references.

A pattern may not be longer than the limits allow nor need more than a megabyte compiled; scanning a text costs steps by its length
and by the size of the compiled pattern. Must not fall back on Python's ``re``.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, Final

from actorflow.expressions.failures import EvaluationError, LimitError
from actorflow.expressions.functions.arguments import a_text
from actorflow.expressions.functions.conversions import utf8
from actorflow.expressions.functions.registry import Registry
from actorflow.expressions.kinds import Value
from actorflow.expressions.limits import (
    LIMITS,
    Frame,
    allocate,
    allocate_parts,
    allocate_text,
    char_size,
    spend,
)

__all__ = ["regexes"]

regexes: Final = Registry("Regular expressions")

LARGE: Final = 1500
"""The size of a compiled pattern beyond which it is one of nested repetitions; a class of Unicode letters has 1,200."""


@lru_cache(maxsize=64)  # each may keep a megabyte
def _compiled(pattern: str) -> Any:
    """Return RE2's own object for ``pattern``, or the message why there is none."""
    import re2

    options = re2.Options()
    options.log_errors = False
    options.max_mem = 1 << 20
    try:
        return re2.compile(pattern, options)
    except re2.error:
        return None


def _pattern(frame: Frame, pattern: Value) -> Any:
    text = a_text(frame, pattern)
    if len(text) > frame[LIMITS].regex:
        raise LimitError(
            "E409",
            "the regular expression is too long",
            hint=f"at most {frame[LIMITS].regex:,} characters are allowed",
        )
    utf8(text)
    compiled = _compiled(text)
    if compiled is None:
        spend(frame, 500)  # what RE2 refuses for its size has cost most
        raise EvaluationError(
            "E314",
            "RE2 does not accept the regular expression",
            hint="look-around, back-references and very large repetitions do not exist in RE2; escape with \\\\ or write r'…'",
        )
    spend(frame, compiled.programsize >> 4)
    return compiled


def _prepared(frame: Frame, text: Value, pattern: Value) -> tuple[str, Any]:
    """Return the text and the compiled pattern, with one scan of the text paid for.

    RE2 scans in time proportional to the text times, at worst, the size of the pattern's program.
    """
    subject, compiled = a_text(frame, text), _pattern(frame, pattern)
    # Repeated repetitions make programs for which RE2's automaton has no room; without it, it is several times slower.
    shift = 10 if compiled.programsize <= LARGE else 8
    spend(frame, (len(subject) * max(compiled.programsize, 32)) >> shift)
    if not subject.isascii():
        utf8(subject)
    return subject, compiled


@regexes("matches")
def matches(frame: Frame, text: Value, pattern: Value) -> bool:
    """Whether the pattern matches anywhere in the text; write ^ and $ for the whole of it.

    'feature/42'.matches('^feature/[0-9]+$') -> true
    matches('abcd', 'bc') -> true
    matches('a', '(') -> E314
    """
    subject, compiled = _prepared(frame, text, pattern)
    return compiled.search(subject) is not None


@regexes("find")
def find(frame: Frame, text: Value, pattern: Value) -> str | None:
    """The first match, or its first group if the pattern has one; null if there is none.

    find('took 42 s', '[0-9]+') -> '42'
    find('id=7;', 'id=([0-9]+)') -> '7'
    find('none', '[0-9]') ?? '0' -> '0'
    """
    subject, compiled = _prepared(frame, text, pattern)
    match = compiled.search(subject)
    if match is None:
        return None
    found = _taken(match)
    allocate_text(frame, len(found), char_size(found))
    return found


def _taken(match: Any) -> str:
    return (match.group(1) if match.re.groups else match.group(0)) or ""


def _each(frame: Frame, subject: str, compiled: Any) -> Iterator[Any]:
    """Yield the matches. Each may have looked at all the text behind it, so each pays for some of that."""
    size = compiled.programsize
    # Large programs may run without RE2's automaton, a hundred times slower.
    shift = 10 if size > 128 else 14
    for match in compiled.finditer(subject):
        spend(frame, 4 + (((len(subject) - match.end()) * size) >> shift))
        yield match


@regexes("find_all")
def find_all(frame: Frame, text: Value, pattern: Value) -> list[str]:
    """All matches, or their first groups if the pattern has one.

    find_all('a1b22', '[0-9]+') -> ['1', '22']
    'k=v;x=y'.find_all('([a-z])=') -> ['k', 'x']
    """
    found = []
    for match in _each(frame, *_prepared(frame, text, pattern)):
        taken = _taken(match)
        allocate(frame, 1)
        allocate_text(frame, len(taken), char_size(taken))
        found.append(taken)
    return found


_GROUP: Final = re.compile(r"\\([0-9\\])")


@regexes("replace_regex")
def replace_regex(frame: Frame, text: Value, pattern: Value, new: Value) -> str:
    r"""The text with every match replaced; \1 to \9 in the replacement are the groups, \0 the match, and two backslashes are one.

    replace_regex('2024-05', '([0-9]+)-([0-9]+)', r'\2/\1') -> '05/2024'
    'a  b'.replace_regex(' +', ' ') -> 'a b'
    """
    (subject, compiled), replacement = _prepared(frame, text, pattern), a_text(frame, new)
    groups = _GROUP.split(replacement)
    parts: list[str] = []
    last = size = 0
    for match in _each(frame, subject, compiled):
        if len(groups) > 1 and any(g != "\\" and int(g) > match.re.groups for g in groups[1::2]):
            raise EvaluationError("E310", "the replacement names a group that the pattern does not have")
        text_of_match = _expanded(frame, match, groups)
        parts += (subject[last : match.start()], text_of_match)
        last = match.end()
        size += len(parts[-2]) + len(text_of_match)
        if size > 4096:
            allocate_text(frame, size)
            size = 0
    parts.append(subject[last:])
    allocate_parts(frame, parts)
    return "".join(parts)


def _expanded(frame: Frame, match: Any, groups: list[str]) -> str:
    if len(groups) == 1:
        return groups[0]
    spend(frame, len(groups))
    pieces = [groups[0]]
    for name, literal in zip(groups[1::2], groups[2::2], strict=True):
        pieces += ("\\" if name == "\\" else match.group(int(name)) or "", literal)
    text = "".join(pieces)
    allocate_text(frame, len(text), char_size(text))
    return text

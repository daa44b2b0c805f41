"""The text of a ``condition:`` key: a bare expression, or exactly one whole hole.

``${…}`` closes at the first ``}`` and ``$<…>`` at the first ``>`` that is outside brackets, quotes and
comments, as in templates. Gives the inner expression and where it starts, so that its errors point to the
right column. Does not look at the expression itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from actorflow.workflow.report import Complaint, Path, Report, spelled
from actorflow.workflow.shapes import INVALID, NOTHING_GIVEN, Shape, described

__all__ = ["Condition", "inner_start", "whole_hole"]

_HINT = "a condition is one expression, bare or as one whole ${…}; names are used directly: ${a.output == b.output}"
# Possessive, so that a long text needs no memory for going back.
_SKIPPED = re.compile(
    r'''[rRbB]{0,2}(?:"""(?:\\.|(?!""").)*+"""|\'\'\'(?:\\.|(?!\'\'\').)*+\'\'\'|"(?:\\.|[^"\\])*+"|'(?:\\.|[^'\\])*+')|`[^`]*+`|//[^\n]*+''',
    re.DOTALL,
)
_LONGEST = 16_384  # twice what an expression may have
_PAIRS = {"(": ")", "[": "]", "{": "}"}


@dataclass(frozen=True)
class Span:
    """Where the expression inside a hole stands, without white space around it."""

    start: int
    end: int


def whole_hole(text: str) -> Span | None:
    """Return where the expression is when ``text`` is exactly one hole, white space around it aside; else None."""
    start = len(text) - len(text.lstrip())
    opening = text[start : start + 2]
    if opening not in ("${", "$<"):
        return None
    closing = _closing(text, start + 2, "}" if opening == "${" else ">")
    if closing is None or text[closing + 1 :].strip():
        return None
    inner = text[start + 2 : closing]
    begin = start + 2 + len(inner) - len(inner.lstrip())
    return Span(begin, max(begin, start + 2 + len(inner.rstrip())))


def inner_start(text: str) -> int:
    """Return where the expression of a condition starts in ``text``."""
    hole = whole_hole(text)
    return hole.start if hole is not None else len(text) - len(text.lstrip())


def _closing(text: str, at: int, mark: str) -> int | None:
    waiting: list[str] = []
    while at < len(text):
        skipped = _SKIPPED.match(text, at)
        if skipped is not None and skipped.end() > at:
            at = skipped.end()
            continue
        character = text[at]
        if not waiting and character == mark:
            return at
        if character in _PAIRS:
            waiting.append(_PAIRS[character])
        elif waiting and character == waiting[-1]:
            waiting.pop()
        at += 1
    return None


@dataclass(frozen=True)
class Condition(Shape):
    """A condition; gives True, False, or the expression's text."""

    def _decode(self, value: Any, path: Path, report: Report) -> Any:
        if isinstance(value, bool):
            return value
        if not isinstance(value, str):
            hint = NOTHING_GIVEN if value is None else "write an expression in quotes, true or false"
            report.error(path, "E601", f"{spelled(path)} must be an expression, not {described(value)}", hint)
            return INVALID
        if len(value) > _LONGEST:
            report.error(path, "E618", f"a condition of more than {_LONGEST:,} characters")
            return INVALID
        hole = whole_hole(value)
        if hole is None and ("${" in value or "$<" in value):
            at = min(i for i in (value.find("${"), value.find("$<")) if i >= 0)
            message = "a condition with text around its hole"
            report.add(Complaint(path, "E613", message, _HINT, offset=at, length=2))
            return INVALID
        inner = value[hole.start : hole.end] if hole is not None else value.strip()
        if not inner:
            report.error(path, "E607", f"{spelled(path)} is empty", "write an expression, true or false")
            return INVALID
        return inner

    def _schema(self) -> dict[str, Any]:
        return {"anyOf": [{"type": "boolean"}, {"type": "string", "pattern": r"\S"}]}

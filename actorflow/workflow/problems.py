"""One thing that is wrong with a workflow file, and how it is shown.

    workflow.yaml:14:23: error[E203]: unknown task 'biuld'
        condition: "${biuld.status == 'success'}"
                      ^^^^^
        did you mean 'build'? (tasks this one waits for: build, test)

Problems are values: made once from a finding and its place, then sorted, shown or given out as JSON. Text of
the file is shown with everything a terminal might obey replaced. Must not read the file.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Literal, TypeAlias

__all__ = ["SHOWN_PROBLEMS", "Problem", "Severity", "has_errors", "in_order"]

Severity: TypeAlias = Literal["error", "warning"]

SHOWN_PROBLEMS = 100
"""How many problems of one file are shown; a last one says how many more there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One problem of one file.

    Attributes:
        line: from 1.
        column: from 1, in characters.
        code: a stable code, see ``actorflow.workflow.codes`` and ``actorflow.expressions``.
        excerpt: the line of the file and a line of carets under it, or "".
    """

    file: str
    line: int
    column: int
    code: str
    message: str
    severity: Severity = "error"
    hint: str = ""
    excerpt: str = ""

    def __str__(self) -> str:
        head = f"{self.file}:{self.line}:{self.column}: {self.severity}[{self.code}]: {self.message}"
        below = [*self.excerpt.splitlines(), *self.hint.splitlines()]
        return "\n".join([head, *(f"    {line}" for line in below)])

    def as_json(self) -> dict[str, str | int]:
        """Return what ``validate --json`` prints of a problem."""
        return {
            "file": self.file,
            "line": self.line,
            "column": self.column,
            "code": self.code,
            "severity": self.severity,
            "message": self.message,
            "hint": self.hint,
        }


def has_errors(problems: Iterable[Problem]) -> bool:
    """Say whether one of ``problems`` is more than a warning."""
    return any(problem.severity == "error" for problem in problems)


def in_order(problems: Iterable[Problem], *, is_cut: bool = False) -> tuple[Problem, ...]:
    """Return ``problems`` in the order of the file, without repetitions, cut to what a person can use.

    Args:
        problems: of one file.
        is_cut: whether there may be more than these.
    """
    unique = dict.fromkeys(sorted(problems, key=lambda p: (p.line, p.column, p.severity, p.code, p.message)))
    # Errors come first when not all can be shown: a hundred warnings must not hide the one error.
    ranked = sorted(unique, key=lambda p: p.severity == "warning")
    shown, hidden = set(ranked[:SHOWN_PROBLEMS]), ranked[SHOWN_PROBLEMS:]
    result = [problem for problem in unique if problem in shown]
    return (*result, _rest(result[-1], hidden, is_cut)) if hidden else tuple(result)


def _rest(last: Problem, hidden: list[Problem], is_cut: bool) -> Problem:
    noun = "problem" if len(hidden) == 1 else "problems"
    least = "at least " if is_cut else ""
    return replace(
        last,
        code="E599",
        severity="error" if has_errors(hidden) else "warning",
        message=f"and {least}{len(hidden):,} more {noun}, not shown",
        hint="correct these first",
        excerpt="",
    )

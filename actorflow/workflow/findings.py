"""What the checks of expressions and commands find, before it is known where in the file it stands.

A ``Finding`` names its place by the path of keys to a value and an offset in that value's text; the reader of
the file knows lines and columns and makes a problem of it. The codes here are those of this package's checks
beyond ``actorflow.expressions``: ``E90x`` names in expressions, ``E91x`` and ``E92x`` holes in shell text,
``W95x`` warnings. A code never changes its meaning.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

__all__ = ["CODES", "Finding", "Path"]

Path: TypeAlias = tuple[str | int, ...]
"""Keys and indexes from the top of the file: ``("tasks", 2, "parameters", "task")``."""

CODES: Final[dict[str, str]] = {
    "E901": "a secret outside `env:`",
    "E902": "a key of an output that is text, or that the producer's output_schema does not have",
    "E910": "a hole inside single quotes of a shell command",
    "E911": "a hole inside arithmetic or [[ … ]] of a shell command",
    "E912": "a hole inside a here-document",
    "E913": "a hole inside back-ticks",
    "E914": "a hole inside the shell's own ${…}, or inside [ … ] of a file pattern",
    "E915": "a hole behind a back-slash or a lone $ in a shell command",
    "E916": "a hole inside an array literal of a shell command",
    "E917": "a shell command with holes whose quoting cannot be followed",
    "E918": "a hole that would decide which program runs",
    "E919": "a hole in program text for another shell or interpreter",
    "E920": "a hole that a shell builtin would read as a name, an operator or a format",
    "E921": "a hole whose value would steer the shell or other programs through a variable",
    "E922": "a hole whose value gets into a shell variable that is read as code",
    "E923": "a hole behind >& or <& of a shell command",
    "W951": "a comparison of a status that can never be true",
}
"""Every code of these checks, with what it means."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is wrong (or doubtful) with an expression, a template or a command.

    Attributes:
        path: where the text stands in the file.
        offset: of the first character concerned, in the decoded text (of a condition: in the expression
            without ``${`` and ``}``).
        length: characters concerned, at least 1.
        code: see ``CODES`` here, in ``actorflow.workflow.codes`` and in ``actorflow.expressions``.
    """

    path: Path
    code: str
    message: str
    offset: int = 0
    length: int = 1
    hint: str = ""
    severity: Literal["error", "warning"] = "error"

"""Where decoding and checking write down what they find.

A complaint names a path in the document (``("tasks", 2, "agent")``), not a line: places are looked up
afterwards, in one walk, and only when there is something to say. So a JSON or YAML file without problems is
decoded from plain values and never pays for positions.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from actorflow.workflow.problems import Severity
from actorflow.workflow.suggest import Suggester

__all__ = ["KEPT_COMPLAINTS", "Complaint", "Enough", "Path", "Report", "spelled"]

Path: TypeAlias = tuple[str | int, ...]
"""Keys and indexes from the root of the document."""

KEPT_COMPLAINTS = 500
"""How many errors of one file are kept (with the last one, checking ends), and at most how many warnings."""


@dataclass(frozen=True, slots=True)
class Complaint:
    """Something found wrong at a path.

    Attributes:
        at_key: the key is meant, not its value.
        offset: offset in the text at ``path``, or None for all of it.
        length: how many characters of that text are meant; only with ``offset``.
        first: where the same thing stood before; its line is added to the hint.
    """

    path: Path
    code: str
    message: str
    hint: str = ""
    severity: Severity = "error"
    at_key: bool = False
    offset: int | None = None
    length: int = 1
    first: Path | None = None


class Enough(Exception):
    """A report is full: nobody reads that many problems, and a hostile file could have a million."""


class Report:
    """The complaints of one file, and its budget for suggestions.

    Attributes:
        complaints: all of them, until there are enough.
        is_full: whether there were more than are kept.
        wrong_paths: about which there is an error, so that a later check need not repeat it.
    """

    def __init__(self) -> None:
        self.complaints: list[Complaint] = []
        self.is_full = False
        self._errors = 0
        self.wrong_paths: set[Path] = set()
        self._suggester = Suggester()

    def add(self, complaint: Complaint) -> None:
        """Keep ``complaint``; of warnings only the first ones.

        Raises:
            Enough: it was the last error that is kept.
        """
        if complaint.severity == "error":
            self.wrong_paths.add(complaint.path)
            self._errors += 1
        if complaint.severity == "error" or len(self.complaints) < KEPT_COMPLAINTS:
            self.complaints.append(complaint)
        else:
            self.is_full = True
        if self._errors >= KEPT_COMPLAINTS:
            self.is_full = True
            raise Enough

    def error(self, path: Path, code: str, message: str, hint: str = "", *, at_key: bool = False) -> None:
        """Write down an error."""
        self.add(Complaint(path, code, message, hint, "error", at_key))

    def warning(self, path: Path, code: str, message: str, hint: str = "", *, at_key: bool = False) -> None:
        """Write down a warning."""
        self.add(Complaint(path, code, message, hint, "warning", at_key))

    def nearest(self, name: str, known: Iterable[str]) -> str:
        """Return the known name nearest to ``name``, or ""."""
        return self._suggester.nearest(name, known)

    def suggestion(self, name: str, known: Iterable[str]) -> str:
        """Return ``did you mean 'x'?`` or ""."""
        return self._suggester.hint(name, known)


def spelled(path: Path) -> str:
    """Return the end of ``path`` as a reader knows it: ``timeout``, ``dependencies[0]``."""
    if not path:
        return "the file"
    last = path[-1]
    if isinstance(last, str):
        return last
    return f"{spelled(path[:-1])}[{last}]"

"""What the YAML and the JSON reader have in common: the events of a document, limits, and faults.

An event is a plain tuple ``(kind, start, end, text, style)``; offsets count characters of the decoded text.
``style`` is "" for a plain YAML scalar or a JSON literal, else its first character (``' " | >``). Readers are
generators: nothing recurses, so depth costs nothing, and whoever consumes the events can stop at a limit
before a hostile file is read to its end.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from actorflow.workflow.report import Path

__all__ = [
    "END",
    "MAPPING",
    "SCALAR",
    "SEQUENCE",
    "UNUSABLE",
    "Event",
    "Fault",
    "ReadLimits",
    "ReadingStopped",
    "Unreadable",
]

MAPPING: Final = 0
"""A mapping opens."""
SEQUENCE: Final = 1
"""A sequence opens."""
END: Final = 2
"""What was opened last closes."""
SCALAR: Final = 3
"""A scalar; ``text`` is its content, not yet resolved to a number or the like."""
UNUSABLE: Final = 4
"""Something stands here whose value is not taken (an alias)."""

Event: TypeAlias = tuple[int, int, int, str, str]
"""(kind, start, end, text, style)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadLimits:
    """How large a workflow file may be. A host that embeds actorflow may set its own.

    Attributes:
        max_depth: how many mappings and sequences may be inside each other.
        max_nodes: of a YAML file: keys, values and ends of collections, each of which costs about two
            microseconds. So a hostile file is refused in a second, whatever is in it.
        max_json_nodes: the same of a JSON file, which is read ten times as fast: JSON is the way to huge
            workflows.
    """

    max_bytes: int = 32 * 1024 * 1024
    max_depth: int = 50
    max_nodes: int = 500_000
    max_json_nodes: int = 2_500_000

    def nodes(self, file_format: Literal["yaml", "json"]) -> int:
        """Return the limit on nodes of a file of this format."""
        return self.max_json_nodes if file_format == "json" else self.max_nodes


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong with the file as YAML or JSON.

    Attributes:
        start: offset in the decoded text.
        first_key: for a key given twice, the path of the first one.
    """

    start: int
    end: int
    code: str
    message: str
    hint: str = ""
    first_key: Path | None = None


class ReadingStopped(Exception):
    """The file cannot be read any further; carries the fault."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message)
        self.fault = fault


class Unreadable(ValueError):
    """A scalar has no value that could be kept (``.nan``, a number with 400 digits).

    Attributes:
        message: what is wrong, for a fault.
        hint: what to write instead.
    """

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

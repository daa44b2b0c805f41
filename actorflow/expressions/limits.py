"""How much an expression may be and do.

``Limits`` is what a host sets; a *frame* is what one evaluation has left of it: a plain list, because its look-ups are
the inner loop of everything. Its places are the constants below; macro variables follow from ``FIRST_VARIABLE`` on.
The functions take from the frame and raise ``LimitError`` when nothing is left. Must not measure anything by walking it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from actorflow.expressions.failures import LimitError

__all__ = [
    "FIRST_VARIABLE",
    "LIMITS",
    "NAMES",
    "ROOM",
    "STEPS",
    "TAINT",
    "Frame",
    "Limits",
    "allocate",
    "allocate_parts",
    "allocate_text",
    "char_size",
    "spend",
]


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of compiling and evaluating.

    Attributes:
        source: characters of one expression.
        template: characters of one template, and of the text it renders to.
        brackets: depth of nested brackets, seen before parsing.
        depth: depth of the syntax tree.
        nodes: parts of the syntax tree.
        steps: steps of one evaluation; reading, comparing or making one element is about one step.
        string: characters of one string an evaluation makes.
        allocation: bytes an evaluation makes in all, roughly.
        result: elements of a result, counted as often as they would be printed.
        regex: characters of one regular expression.
    """

    source: int = 8 * 1024
    template: int = 1024 * 1024
    brackets: int = 64
    depth: int = 256
    nodes: int = 2_000
    steps: int = 100_000
    string: int = 1024 * 1024
    allocation: int = 4 * 1024 * 1024
    result: int = 100_000
    regex: int = 1024

    def __post_init__(self) -> None:
        for name in self.__slots__:
            if getattr(self, name) < 1:
                raise ValueError(f"the limit {name} must be at least 1")
        if self.depth > 256 or self.brackets > 256:
            raise ValueError(
                "depth and brackets can be lowered, not raised above 256: Python's own stack is the reason"
            )


Frame: TypeAlias = "list[Any]"
"""What one evaluation works on; see the places below."""

NAMES = 0
"""Place of the snapshot: name -> value."""
STEPS = 1
"""Place of the steps that are left."""
ROOM = 2
"""Place of the bytes that are left."""
TAINT = 3
"""Place of the mark that the content of a secret has been looked at."""
LIMITS = 4
"""Place of the limits."""
FIRST_VARIABLE = 5
"""Place of the first macro variable."""


def spend(frame: Frame, steps: int) -> None:
    """Take ``steps`` from the frame."""
    left = frame[STEPS] = frame[STEPS] - steps
    if left < 0:
        raise LimitError(
            "E405", "the evaluation takes too many steps", hint=f"at most {frame[LIMITS].steps:,} are allowed"
        )


def allocate(frame: Frame, elements: int) -> None:
    """Take the room and the steps of a list or map with that many elements from the frame."""
    left = frame[ROOM] = frame[ROOM] - 56 - 40 * elements
    if left < 0:
        raise _no_room(frame)
    if elements > 8:
        spend(frame, elements >> 3)


def char_size(text: str | bytes) -> int:
    """Return how many bytes Python keeps for each character of ``text``, 1 to 4; 4 if that is not worth finding out."""
    if text.isascii() or type(text) is bytes:
        return 1
    return min(4, round((text.__sizeof__() - 56) / len(text))) if len(text) >= 64 else 4


def allocate_text(frame: Frame, characters: int, size: int = 1) -> None:
    """Take the room and the steps of a string (or bytes) of that length from the frame; ``size`` is the bytes of a character."""
    if characters > frame[LIMITS].string:
        raise LimitError(
            "E406",
            "a string becomes too long",
            hint=f"at most {frame[LIMITS].string:,} characters are allowed",
        )
    left = frame[ROOM] = frame[ROOM] - 49 - characters * size
    if left < 0:
        raise _no_room(frame)
    if characters > 64:
        spend(frame, characters >> 6)


def allocate_parts(frame: Frame, parts: Sequence[str], between: str = "") -> None:
    """Take the room and the steps of the string that ``between.join(parts)`` will be."""
    characters = sum(map(len, parts)) + len(between) * max(0, len(parts) - 1)
    size = 1 if characters < 64 else max(map(char_size, (between, *parts)))
    allocate_text(frame, characters, size)


def _no_room(frame: Frame) -> LimitError:
    return LimitError(
        "E407",
        "the evaluation needs too much memory",
        hint=f"at most {frame[LIMITS].allocation:,} bytes are allowed",
    )

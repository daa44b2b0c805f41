"""Lines out of pieces: bytes come in as they arrive, whole lines go out.

A line longer than the limit is never kept: it goes out as a ``TooLong`` with its size, and the next line is
read as if nothing had happened. What follows the last line break is a line too, once ``end`` says that no more
comes. Pure; knows nothing of what lines mean.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

__all__ = ["Line", "LineSplitter", "TooLong"]


@dataclass(frozen=True, slots=True)
class TooLong:
    """A line that was not kept.

    Attributes:
        size: how many bytes it had, without its line break.
    """

    size: int


Line: TypeAlias = "bytes | TooLong"
"""A line without its line break."""


class LineSplitter:
    """See the module.

    Args:
        max_bytes: the longest line that is kept, without its line break.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._pieces: list[bytes] = []
        self._size = 0

    def feed(self, piece: bytes) -> Iterator[Line]:
        """Take the next bytes, yield the lines that they end; must be consumed before the next call."""
        *ends, rest = piece.split(b"\n")
        for end in ends:
            self._keep(end)
            yield self._take()
        self._keep(rest)

    def end(self) -> Iterator[Line]:
        """Yield the last line if it had no line break."""
        if self._size:
            yield self._take()

    def _keep(self, piece: bytes) -> None:
        self._size += len(piece)
        if self._size > self._max_bytes:
            self._pieces.clear()
        elif piece:
            self._pieces.append(piece)

    def _take(self) -> Line:
        line: Line = TooLong(self._size) if self._size > self._max_bytes else b"".join(self._pieces)
        self._pieces, self._size = [], 0
        return line

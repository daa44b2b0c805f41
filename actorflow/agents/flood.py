"""A bound for what is stored of a stream: its beginning and its end are kept, and what lies between gives its room back.

While a program writes, ``Flood`` punches a hole into the file (Linux, macOS): offsets stay what they are, so whoever writes at the end or reads behind the writer notices nothing, and what has
not been read yet is never taken. ``close_gap`` puts a line that says how much is missing in the place of the hole, once nobody writes any more. ``read_stored`` reads past holes. On a file system that
knows no holes nothing is bounded, and nothing lost. Must not be asked to keep less than an output may have.
"""

from __future__ import annotations

import ctypes
import fcntl
import math
import os
import stat
import struct
import sys
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import BinaryIO, Final, cast

from actorflow.workflow.model import LEAST_STORED_BYTES

__all__ = ["Flood", "close_gap", "close_gap_in_time", "read_stored"]

_BLOCK_BYTES: Final = 1024 * 1024
"""Holes begin and end at multiples of it, which are multiples of every file system's own blocks."""

_STEPS: Final = 16
"""Each time a sixteenth of what is kept gives way, so that a flood costs few calls."""

_PIECE_BYTES: Final = 1024 * 1024
_LONGEST_CUT_LINE: Final = 64 * 1024

_CLOSE_SECONDS: Final = 30.0
"""How long a slow disk may take to write what is kept of a flood once more."""

_KEEP_SIZE_AND_PUNCH: Final = 0x03
_F_PUNCHHOLE: Final = 99


class Flood:
    """Keeps a file that grows at its end within a bound.

    Args:
        file: a descriptor that can write; may have a hole already.
        most_bytes: how much of it is kept, at least ``LEAST_STORED_BYTES``.
    """

    def __init__(self, file: int, most_bytes: int) -> None:
        self._file = file
        self._most = max(most_bytes, LEAST_STORED_BYTES) // _BLOCK_BYTES * _BLOCK_BYTES
        self._begin = self._most // 2 // _BLOCK_BYTES * _BLOCK_BYTES
        gap = _gap(file)
        self._end = self._begin if gap is None else gap[1]

    @property
    def has_cut(self) -> bool:
        """Whether something was taken out."""
        return self._end > self._begin

    def trim(self, size: int, read_to: float = math.inf) -> None:
        """Take out of the middle what is too much.

        Args:
            size: of the file.
            read_to: what begins here is still to be read by somebody.
        """
        if self._stored(size) <= self._most:
            return
        end = min(size - self._begin + self._most // _STEPS, read_to) // _BLOCK_BYTES * _BLOCK_BYTES
        if end > self._end and _punch(self._file, self._begin, int(end)):
            self._end = int(end)

    def is_full(self, size: int) -> bool:
        """Say whether half as much again is stored as should be, because somebody reads so slowly."""
        return self._stored(size) > self._most * 3 // 2

    def _stored(self, size: int) -> int:
        return size - (self._end - self._begin)


def read_stored(file: int, most_bytes: int) -> bytes:
    """Read on from the descriptor's place as ``os.read`` does, but not what is left out: after what is before a hole comes what is behind it."""
    place = os.lseek(file, 0, os.SEEK_CUR)
    begin, end = _extent(file, place) or (place, place + most_bytes)
    os.lseek(file, begin, os.SEEK_SET)
    return os.read(file, min(most_bytes, end - begin))


def close_gap(path: Path) -> bool:
    """Put a line in the place of the hole of a file that nobody writes any more; whole lines are around it. Returns whether there was one.

    Raises:
        OSError: the file cannot be read or replaced; it is as it was.
    """
    status = os.lstat(path)
    if not stat.S_ISREG(status.st_mode) or status.st_size <= LEAST_STORED_BYTES:
        return False
    with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as source:
        gap = _gap(source.fileno())
        if gap is None:
            return False
        temporary = path.with_name(f"{path.name}.closing")
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            with open(os.open(temporary, flags, 0o600), "wb") as target:
                _copy_around(source, target, _last_line(source, gap[0]), _first_line(source, gap[1]))
            temporary.replace(path)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise
    return True


async def close_gap_in_time(path: Path) -> None:
    """Close the gap unless that takes too long or there is no room for it: with its hole the file is as good. Cannot be cancelled."""
    import trio  # only here: whoever reads what is stored needs none

    with trio.move_on_after(_CLOSE_SECONDS, shield=True), suppress(OSError):
        await trio.to_thread.run_sync(close_gap, path, abandon_on_cancel=True)


def _copy_around(source: BinaryIO, target: BinaryIO, begin: int, end: int) -> None:
    source.seek(0)
    while (place := source.tell()) < begin:
        target.write(source.read(min(_PIECE_BYTES, begin - place)))
    target.write(f"--- {end - begin:,} bytes are left out here: settings.stored_output ---\n".encode())
    source.seek(end)
    while piece := source.read(_PIECE_BYTES):
        target.write(piece)


def _last_line(source: BinaryIO, end: int) -> int:
    """Return where the last whole line before ``end`` ends; ``end`` when there is none nearby."""
    source.seek(max(0, end - _LONGEST_CUT_LINE))
    found = source.read(min(end, _LONGEST_CUT_LINE)).rfind(b"\n")
    return end if found < 0 else max(0, end - _LONGEST_CUT_LINE) + found + 1


def _first_line(source: BinaryIO, begin: int) -> int:
    """Return where the first whole line after ``begin`` begins; ``begin`` when there is none nearby."""
    source.seek(begin)
    return begin + source.read(_LONGEST_CUT_LINE).find(b"\n") + 1


def _gap(file: int) -> tuple[int, int] | None:
    """Return where the hole is that ``Flood`` has made."""
    size = os.fstat(file).st_size
    if size <= LEAST_STORED_BYTES:
        return None
    before = _extent(file, 0)
    if before is None or before[0] != 0 or before[1] >= size:
        return None
    after = _extent(file, before[1])
    return None if after is None else (before[1], after[0])


def _extent(file: int, place: int) -> tuple[int, int] | None:
    """Return where data is next, at or behind ``place``; None when there is none, or nobody knows. The descriptor's place is anywhere then."""
    try:
        begin = os.lseek(file, place, os.SEEK_DATA)
        return begin, os.lseek(file, begin, os.SEEK_HOLE)
    except (OSError, AttributeError):
        return None


def _punch(file: int, begin: int, end: int) -> bool:
    """Give the room of a part of a file back; returns whether that can be done."""
    if sys.platform == "darwin":
        try:
            fcntl.fcntl(file, _F_PUNCHHOLE, struct.pack("IIqq", 0, 0, begin, end - begin))
        except OSError:
            return False
        return True
    fallocate = _fallocate()
    return fallocate is not None and fallocate(file, _KEEP_SIZE_AND_PUNCH, begin, end - begin) == 0


@cache
def _fallocate() -> Callable[[int, int, int, int], int] | None:
    try:
        function = ctypes.CDLL(None).fallocate64
    except (OSError, AttributeError):
        return None
    function.argtypes = (ctypes.c_int, ctypes.c_int, ctypes.c_int64, ctypes.c_int64)
    return cast("Callable[[int, int, int, int], int]", function)

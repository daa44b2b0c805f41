"""Damage inside SQLite's write-ahead log, which SQLite itself takes for its end.

Takes the raw ``-wal`` file and raises when commits that were durable would be dropped: SQLite stops at the
first frame whose checksum is wrong, silently, whatever follows. Invariant: a torn tail is no damage. A power
cut may leave any part of the *last* transaction, so only a commit after that one proves that the broken frame
had been synced. Reads the log alone, never the database file, whose locks SQLite would lose by it. Must not
change anything.
"""

from __future__ import annotations

import struct
from pathlib import Path
from typing import TypeAlias

import msgspec
from msgspec.structs import replace

from actorflow.errors import JournalDamaged
from actorflow.journal.storage import storage_errors

__all__ = ["check_wal", "lost_frame"]

_Sums: TypeAlias = tuple[int, int]

_HEADER_BYTES = 32
_FRAME_HEADER_BYTES = 24
_USUAL_PAGE = 4096
_ORDERS = {0x377F0682: "<", 0x377F0683: ">"}  # of the words in checksums; everything else is big-endian
_MASK = 0xFFFFFFFF


def check_wal(path: Path) -> None:
    """Check the log beside the database ``path``; one that is not there is whole.

    Costs about 50 µs a frame. Only for a journal that nobody writes at the moment.

    Raises:
        JournalDamaged: durable commits are behind a broken frame. The log alone cannot tell which events they
            hold, so the sequence is 0; the message names the frame.
        JournalError: the log cannot be read.
    """
    log = path.with_name(f"{path.name}-wal")
    with storage_errors("read", log):
        try:
            data = log.read_bytes()
        except FileNotFoundError:
            return
    frame = lost_frame(data)
    if frame is not None:
        where = "header" if frame == 0 else f"frame {frame}"
        raise JournalDamaged(str(log), 0, f"{where} of the log is broken, and durable events are behind it")


def lost_frame(data: bytes) -> int | None:
    """Return the number of the broken frame that hides durable commits: from 1, 0 for the header, None for none."""
    log = _Log.of(data)
    if log is None:
        return None
    if not log.header_is_whole:  # even what it says about the order of words may be wrong
        return (
            0 if any(replace(log, order=order).has_durable_commit() for order in _ORDERS.values()) else None
        )
    broken = log.first_broken()
    if broken is None:
        return None
    later = [
        n for n in range(broken + 1, log.count + 1) if log.is_commit(n) and log.salts(n) == log.header_salts
    ]
    if log.ends_own_transaction(broken):
        # Whatever was written behind it was written after it had been synced.
        return broken if later or log.has_lost_its_header(broken + 1) else None
    # The first of them may end the transaction that the power cut tore.
    return broken if any(log.is_durable_commit(number) for number in later[1:]) else None


class _Log(msgspec.Struct, frozen=True):
    """The frames of a log; numbers are from 1, as SQLite counts them."""

    data: bytes
    order: str
    page: int
    count: int
    header_is_whole: bool

    @classmethod
    def of(cls, data: bytes) -> _Log | None:
        """Return the log in ``data``, None if it is too short for a single frame."""
        if len(data) < _HEADER_BYTES + _FRAME_HEADER_BYTES:
            return None
        magic, _, page, *_, first, second = struct.unpack_from(">8I", data)
        order = _ORDERS.get(magic, "<")
        whole = magic in _ORDERS and _sums(order, data[:24], (0, 0)) == (first, second)
        if not whole:
            page = _USUAL_PAGE
        count = (len(data) - _HEADER_BYTES) // (_FRAME_HEADER_BYTES + page)
        return cls(data, order, page, count, whole)

    @property
    def header_salts(self) -> bytes:
        return self.data[16:24]

    def salts(self, number: int) -> bytes:
        start = self._start(number)
        return self.data[start + 8 : start + 16]

    def is_commit(self, number: int) -> bool:
        start = self._start(number)
        return any(self.data[start + 4 : start + 8])

    def first_broken(self) -> int | None:
        """Return the frame at which SQLite stops reading, None if it reads them all."""
        sums = self._stored(0)
        for number in range(1, self.count + 1):
            if self.salts(number) != self.header_salts or self._computed(number, sums) != self._stored(
                number
            ):
                return number
            sums = self._stored(number)
        return None

    def has_durable_commit(self) -> bool:
        return any(self.is_durable_commit(number) for number in range(1, self.count + 1))

    def is_durable_commit(self, number: int) -> bool:
        """Whether the frame ends a transaction and fits to the one before it, whatever came before that one.

        That one's checksum may be what is broken, so the one it should have counts too.
        """
        if not self.is_commit(number) or not any(self.salts(number)):
            return False
        return self._fits(number, self._stored(number - 1)) or self._fits(number, self._expected(number - 1))

    def has_lost_its_header(self, number: int) -> bool:
        """Whether a frame was written, and of its header nothing is left: a lost sector reaches into both frames that it lies between."""
        if number > self.count:
            return False
        start = self._start(number)
        page = self.data[start + _FRAME_HEADER_BYTES : start + _FRAME_HEADER_BYTES + self.page]
        return not any(self.data[start : start + _FRAME_HEADER_BYTES]) and any(page)

    def ends_own_transaction(self, number: int) -> bool:
        """Whether a broken frame surely was the end of its transaction, or surely was no part of a torn one.

        What a power cut leaves out shows as what was there before: salts of an older log or zeros, so both
        halves differ. One half that is right and one that is not are damage, as is a frame that one bit would
        mend.
        """
        mine, right = self.salts(number), self.header_salts
        if mine != right:
            return mine[:4] == right[:4] or mine[4:] == right[4:]
        return self.is_commit(number) or self._one_bit_mends(number)

    def _one_bit_mends(self, number: int) -> bool:
        """Whether flipping one bit of the page number or the commit mark makes the checksum right."""
        start = self._start(number)
        page = self.data[start + _FRAME_HEADER_BYTES : start + _FRAME_HEADER_BYTES + self.page]
        mark = int.from_bytes(self.data[start : start + 8], "big")
        before, wanted = self._stored(number - 1), self._stored(number)
        return any(
            _sums(self.order, (mark ^ (1 << bit)).to_bytes(8, "big") + page, before) == wanted
            for bit in range(64)
        )

    def _fits(self, number: int, before: _Sums) -> bool:
        return self._computed(number, before) == self._stored(number)

    def _computed(self, number: int, before: _Sums) -> _Sums:
        start = self._start(number)
        page = start + _FRAME_HEADER_BYTES
        return _sums(self.order, self.data[start : start + 8] + self.data[page : page + self.page], before)

    def _expected(self, number: int) -> _Sums:
        """Return the checksum the frame should have after the one before it, for 0 the header's."""
        if number:
            return self._computed(number, self._stored(number - 1))
        return _sums(self.order, self.data[:24], (0, 0))

    def _stored(self, number: int) -> _Sums:
        """Return the checksum written in the frame, for 0 the one in the header."""
        at = self._start(number) + 16 if number else 24
        first, second = struct.unpack_from(">2I", self.data, at)
        return first, second

    def _start(self, number: int) -> int:
        return _HEADER_BYTES + (number - 1) * (_FRAME_HEADER_BYTES + self.page)


def _sums(order: str, data: bytes, start: _Sums) -> _Sums:
    """SQLite's checksum: two sums over the words of ``data``, each one fed with the other."""
    first, second = start
    words = struct.unpack(f"{order}{len(data) // 4}I", data)
    for left, right in zip(words[::2], words[1::2], strict=True):
        first = (first + left + second) & _MASK
        second = (second + right + first) & _MASK
    return first, second

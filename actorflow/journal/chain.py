"""The chain of checksums that ties every record to the ones before it.

Takes records and gives their CRC-32, each one computed over the CRC before it, so that a changed, missing,
doubled or moved record shows at that record. It guards against accidents of the storage, not against a
forger. The formula is part of the file format (docs/reference/journal-format.md) and never changes. Pure:
bytes in, numbers out.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterable, Sequence
from typing import TypeAlias

import msgspec

from actorflow.errors import JournalDamaged
from actorflow.journal.port import NewRecord, Record

__all__ = ["START", "Link", "Row", "link", "verify"]

Row: TypeAlias = tuple[int, int, int, str, bytes, int]
"""A stored record: sequence, recorded_at, epoch, kind, body, crc."""

_HEADER = struct.Struct(">IQqQI")


class Link(msgspec.Struct, frozen=True):
    """A place in the chain: the last sequence and its CRC."""

    sequence: int
    crc: int


START = Link(0, 0)
"""What the first record is chained to."""


def link(tail: Link, batch: Sequence[NewRecord], epoch: int) -> tuple[list[Row], Link]:
    """Number ``batch`` after ``tail``; return its rows and the new tail."""
    rows: list[Row] = []
    sequence, crc = tail.sequence, tail.crc
    for new in batch:
        sequence += 1
        crc = _crc(crc, sequence, new.recorded_at, epoch, kind=new.kind, body=new.body)
        rows.append((sequence, new.recorded_at, epoch, new.kind, new.body, crc))
    return rows, Link(sequence, crc)


def verify(rows: Iterable[Row], tail: Link, path: str) -> tuple[list[Record], Link]:
    """Return the records of ``rows``, which must follow ``tail``, and the new tail.

    Raises:
        JournalDamaged: a record is missing or is not what was appended; ``path`` is the file it names.
    """
    records: list[Record] = []
    last, crc = tail.sequence, tail.crc
    for sequence, recorded_at, epoch, kind, body, stored in rows:
        last += 1
        if sequence != last:
            raise JournalDamaged(path, last, f"the next event there is {sequence}")
        try:
            crc = _crc(crc, sequence, recorded_at, epoch, kind=kind, body=body)
        except (TypeError, AttributeError, ValueError, struct.error):
            raise JournalDamaged(path, sequence, "its columns have lost their types") from None
        if crc != stored:
            raise JournalDamaged(path, sequence, f"its checksum is {crc:08x}, stored is {stored!r}")
        records.append(Record(sequence, recorded_at, epoch, kind, body))
    return records, Link(last, crc)


def _crc(previous: int, sequence: int, recorded_at: int, epoch: int, *, kind: str, body: bytes) -> int:
    name = kind.encode()
    header = _HEADER.pack(previous, sequence, recorded_at, epoch, len(name))
    return zlib.crc32(body, zlib.crc32(name, zlib.crc32(header)))

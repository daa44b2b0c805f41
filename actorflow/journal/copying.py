"""Filling a new journal with records that another one had: for salvage and import.

Takes the database that ``create_database`` has just made and records with their times and epochs; afterwards
it is what the other one was, with a chain of its own. Must only be used on a journal that nobody knows yet.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from actorflow.journal.chain import START, Row, link
from actorflow.journal.faults import SQLITE_FAILURES, full_error, is_full, sqlite_error
from actorflow.journal.port import NewRecord, Record
from actorflow.journal.tables import connect

__all__ = ["fill_database"]


def fill_database(path: Path, records: Sequence[Record]) -> None:
    """Write ``records`` into the empty journal at ``path``, durably.

    Raises:
        JournalFull: there is no room.
        JournalError: SQLite failed.
    """
    rows: list[Row] = []
    tail = START
    for record in records:
        added, tail = link(tail, [NewRecord(record.recorded_at, record.kind, record.body)], record.epoch)
        rows += added
    epoch = max((record.epoch for record in records), default=0)
    try:
        with closing(connect(path, "mode=rw")) as connection:
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute("BEGIN IMMEDIATE")
            connection.executemany("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?)", rows)
            connection.execute(
                "UPDATE journal SET epoch = ?, head_sequence = ?, head_crc = ?",
                (epoch, tail.sequence, tail.crc),
            )
            connection.execute("COMMIT")
    except SQLITE_FAILURES as error:
        raise full_error(path) if is_full(error) else sqlite_error(error, "fill", path, 1) from error

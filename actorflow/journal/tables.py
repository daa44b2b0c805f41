"""The database of a journal as its driver and its readers both see it: opening it, and reading verified records.

Takes a path or a connection and gives records, checked against their chain and against the note about where
the journal ended when it was last moved into the database. Invariant: what is missing or changed is
``JournalDamaged``, naming the first event that cannot be trusted. Must not write.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from actorflow.errors import JournalDamaged, JournalError
from actorflow.journal.chain import START, Link, Row, verify
from actorflow.journal.port import Record
from actorflow.journal.storage import no_link, storage_errors

__all__ = ["JOURNAL_NAME", "check_files", "connect", "place_of", "read_tail", "select", "select_last"]

JOURNAL_NAME = "journal.db"
"""The database in a run's folder."""

BUSY_SECONDS = 5.0

_MOST_SEQUENCE = (1 << 63) - 1  # SQLite's own bound

_SELECT = "SELECT sequence, recorded_at, epoch, kind, body, crc FROM events WHERE sequence > ? ORDER BY sequence LIMIT ?"
_SELECT_LAST = (
    "SELECT sequence, recorded_at, epoch, kind, body, crc FROM events ORDER BY sequence DESC LIMIT 2"
)
_SELECT_LAST_OF = "SELECT sequence, recorded_at, epoch, kind, body, crc FROM events WHERE kind = ? AND sequence <= ? ORDER BY sequence DESC LIMIT 1"


def connect(path: Path, options: str) -> sqlite3.Connection:
    """Open the database by URI, with explicit transactions. Nothing is read before the first statement."""
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?{options}",
        uri=True,
        isolation_level=None,
        timeout=BUSY_SECONDS,
        check_same_thread=False,
    )


def check_files(path: Path) -> None:
    """Check that ``path`` and what SQLite keeps beside it can be opened.

    Raises:
        JournalError: there is no journal, or one of the files is a symbolic link.
    """
    with storage_errors("look at", path):
        if no_link(path) is None:
            raise JournalError(f"there is no journal at {path}")
        for suffix in ("-wal", "-shm"):
            no_link(path.with_name(path.name + suffix))


def read_tail(connection: sqlite3.Connection, path: str) -> tuple[Link, int]:
    """Return the end of the chain and the epoch of the last driver, checked against each other.

    Raises:
        JournalDamaged: the last record is not what was appended, or records that were there are not.
    """
    with _one_moment(connection):
        noted = connection.execute("SELECT epoch, head_sequence FROM journal").fetchall()
        last: list[Row] = connection.execute(_SELECT_LAST).fetchall()
    if len(noted) != 1 or not all(type(number) is int for number in noted[0]):
        raise JournalDamaged(path, 1, "the row about the journal itself is wrong")
    epoch, head = noted[0]
    before = Link(last[1][0], last[1][5]) if len(last) == 2 else START
    records, tail = verify(last[:1], before, path)
    if tail.sequence < head:
        raise JournalDamaged(path, tail.sequence + 1, f"events up to {head} were there")
    if records and records[0].epoch > epoch:
        raise JournalDamaged(
            path, tail.sequence, f"its driver is {records[0].epoch}, but the last one is {epoch}"
        )
    return tail, epoch


@contextmanager
def _one_moment(connection: sqlite3.Connection) -> Iterator[None]:
    """Let all statements inside see the same journal: between two of them another driver may begin and append."""
    has_one = connection.in_transaction
    if not has_one:
        connection.execute("BEGIN")
    try:
        yield
    finally:
        if not has_one and connection.in_transaction:  # some failures have ended it
            connection.execute("ROLLBACK")


def place_of(connection: sqlite3.Connection, sequence: int, path: str) -> Link:
    """Return the place of the record ``sequence``, the start of the chain for 0.

    Raises:
        JournalDamaged: there is no such record.
    """
    if sequence <= 0:
        return START
    found = connection.execute("SELECT crc FROM events WHERE sequence = ?", (sequence,)).fetchone()
    if found is None or type(found[0]) is not int:
        raise JournalDamaged(path, sequence, "it is missing")
    return Link(sequence, found[0])


def select(connection: sqlite3.Connection, after: Link, limit: int, path: str) -> tuple[list[Record], Link]:
    """Return at most ``limit`` (-1: all) records after the place ``after``, verified, and where they end."""
    return verify(connection.execute(_SELECT, (after.sequence, limit)), after, path)


def select_last(connection: sqlite3.Connection, kind: str, upto: int | None, path: str) -> Record | None:
    """Return the last record of a kind, verified against the one before it; None when there is none.

    Args:
        upto: the last sequence that is looked at; None means all.
    """
    last = _MOST_SEQUENCE if upto is None else upto
    row: Row | None = connection.execute(_SELECT_LAST_OF, (kind, last)).fetchone()
    if row is None:
        return None
    if type(row[0]) is not int:
        raise JournalDamaged(path, 1, "its columns have lost their types")
    records, _ = verify([row], place_of(connection, row[0] - 1, path), path)
    return records[0]

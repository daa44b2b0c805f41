"""The format of ``journal.db``, as numbered steps from an empty database.

Takes an open connection and applies the steps it has not had, each in a transaction of its own that also
notes it in the table ``migrations``. Invariant: a step that was released is never changed, and new ones are
appended. A database with steps that are not known here was written by a newer actorflow and is left alone.
Must not touch events.
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

import msgspec

from actorflow.errors import JournalError
from actorflow.journal.faults import SQLITE_FAILURES

__all__ = ["APPLICATION_ID", "MIGRATIONS", "Migration", "check_known", "migrate"]

APPLICATION_ID = 0x61666C77
"""``aflw``, in the header of the file, so that ``file`` and we can tell it from other databases."""


class Migration(msgspec.Struct, frozen=True):
    """One step.

    Attributes:
        number: its place, from 1.
        name: what it does.
        statements: SQL, in order.
    """

    number: int
    name: str
    statements: tuple[str, ...]


MIGRATIONS = (
    Migration(
        1,
        "m001_initial",
        (
            f"PRAGMA application_id = {APPLICATION_ID}",
            """CREATE TABLE journal (
                id INTEGER PRIMARY KEY CHECK (id = 1),
                epoch INTEGER NOT NULL,
                head_sequence INTEGER NOT NULL,
                head_crc INTEGER NOT NULL
            )""",
            "INSERT INTO journal VALUES (1, 0, 0, 0)",
            """CREATE TABLE events (
                sequence INTEGER PRIMARY KEY,
                recorded_at INTEGER NOT NULL,
                epoch INTEGER NOT NULL,
                kind TEXT NOT NULL,
                body BLOB NOT NULL,
                crc INTEGER NOT NULL
            )""",
        ),
    ),
)


def migrate(connection: sqlite3.Connection, path: Path) -> None:
    """Bring the database up to date; one that is, is only read.

    Raises:
        JournalError: it is somebody else's, or newer.
    """
    applied = _applied(connection)
    if applied:
        check_known(connection, path)
    elif connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
        raise _foreign(path)
    for step in MIGRATIONS[applied:]:
        _apply(connection, step)


def check_known(connection: sqlite3.Connection, path: Path) -> None:
    """Check that the database is a journal of a format known here, without changing it.

    Raises:
        JournalError: it is somebody else's, or newer.
    """
    applied = _applied(connection)
    if not applied or connection.execute("PRAGMA application_id").fetchone()[0] != APPLICATION_ID:
        raise _foreign(path)
    if applied > len(MIGRATIONS):
        raise JournalError(
            f"{path} was written by a newer actorflow (format {applied}, known here: {len(MIGRATIONS)})",
            hint="update actorflow; nothing was changed",
        )


def _applied(connection: sqlite3.Connection) -> int:
    """Return the number of the last step this database has had, 0 for none."""
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'migrations'").fetchone():
        return 0
    last: int | None = connection.execute("SELECT max(number) FROM migrations").fetchone()[0]
    return last or 0


def _apply(connection: sqlite3.Connection, step: Migration) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute(
            "CREATE TABLE IF NOT EXISTS migrations (number INTEGER PRIMARY KEY, name TEXT NOT NULL)"
        )
        for statement in step.statements:
            connection.execute(statement)
        connection.execute("INSERT INTO migrations VALUES (?, ?)", (step.number, step.name))
        connection.execute("COMMIT")
    except SQLITE_FAILURES:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _foreign(path: Path) -> JournalError:
    return JournalError(f"{path} is not a journal of actorflow", hint="nothing was changed")

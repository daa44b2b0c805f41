"""Records chosen by what they are about, without reading the others.

The body of an event begins with its type, and that of an event about a task has the task's id next:
``{"type":"TaskSucceeded","task":"build"…`` (docs/reference/journal-format.md). SQLite compares these few bytes
of each row; what begins in another way is about nothing in particular and always chosen. Takes an open
connection and gives records, each verified against the one before it, or headlines, which are not verified.
Must not know what a type means.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Collection
from typing import TypeAlias

from actorflow.errors import JournalDamaged
from actorflow.journal.chain import START, Link, verify
from actorflow.journal.port import Record

__all__ = ["MOST_SUBJECTS", "Headline", "check_count", "headlines", "select_about"]

Headline: TypeAlias = tuple[int, str, str | None, bytes | None]
"""A record in short: sequence, kind, what it is about; or None, and its body."""

MOST_SUBJECTS = 500
"""Whoever asks for more at once reads everything."""

_HAS_SUBJECT = """substr(e.body, 10 + length(e.kind), 10) = CAST('","task":"' AS BLOB)"""
_REST = "substr(e.body, 20 + length(e.kind), 65)"  # an id has at most 64 characters; a quote ends it
_SUBJECT = f"""substr({_REST}, 1, instr({_REST}, CAST('"' AS BLOB)) - 1)"""

_SELECT_ABOUT = f"""
SELECT e.sequence, e.recorded_at, e.epoch, e.kind, e.body, e.crc, p.crc
FROM events e LEFT JOIN events p ON p.sequence = e.sequence - 1
WHERE e.sequence > ? AND e.sequence <= ? AND (({_HAS_SUBJECT}) IS NOT 1 OR {_SUBJECT} IN (%s))
ORDER BY e.sequence
"""  # noqa: S608 (nothing of it comes from outside; %s is a row of question marks)
_HEADLINES = f"""
SELECT e.sequence, e.kind,
    CASE WHEN {_HAS_SUBJECT} THEN CAST({_SUBJECT} AS TEXT) END,
    CASE WHEN ({_HAS_SUBJECT}) IS NOT 1 THEN e.body END
FROM events e WHERE e.sequence > ? AND e.sequence <= ? %s ORDER BY e.sequence
"""  # noqa: S608 (as above)


def check_count(connection: sqlite3.Connection, upto: int, path: str) -> None:
    """Check that there are as many records up to the sequence ``upto`` as there have to be.

    Raises:
        JournalDamaged: there are not; which is wrong is told by reading all.
    """
    (count,) = connection.execute("SELECT count(*) FROM events WHERE sequence <= ?", (upto,)).fetchone()
    if count != upto:
        raise JournalDamaged(path, 1, f"{count} events are where {upto} have to be")


def select_about(
    connection: sqlite3.Connection, subjects: Collection[str], after: int, upto: int, path: str
) -> list[Record]:
    """Return the records about one of ``subjects`` and those about nothing in particular, in order.

    Args:
        subjects: at most ``MOST_SUBJECTS``.
        after: the sequence behind which to begin.
        upto: the last sequence.

    Raises:
        JournalDamaged: one of them is not what was appended.
    """
    query = _SELECT_ABOUT % ", ".join("?" * len(subjects))
    found = connection.execute(query, (after, upto, *(subject.encode() for subject in subjects)))
    return [_verified(row, path) for row in found]


def _verified(row: tuple[int, int, int, str, bytes, int, int | None], path: str) -> Record:
    sequence, before = row[0], row[6]
    if before is None and sequence > 1:
        raise JournalDamaged(path, sequence - 1, "it is missing")
    records, _ = verify([row[:6]], START if before is None else Link(sequence - 1, before), path)
    return records[0]


def headlines(
    connection: sqlite3.Connection, kinds: Collection[str], after: int, upto: int
) -> list[Headline]:
    """Return records in short, in order, unverified.

    Args:
        kinds: which; none means all.
        after: the sequence behind which to begin.
        upto: the last sequence.
    """
    among = f"AND e.kind IN ({', '.join('?' * len(kinds))})" if kinds else ""
    return connection.execute(_HEADLINES % among, (after, upto, *kinds)).fetchall()

"""The good beginning of a damaged journal.

Takes the path of a database and gives the records that can be trusted, from the first on: up to the first one
that is missing or is not what was appended, or that SQLite cannot read. A private copy is read; the damaged
files are not opened by SQLite, and not changed. A log whose middle is broken counts up to there. Knows nothing
of what a record means.
"""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from actorflow.errors import JournalDamaged, JournalError
from actorflow.journal.chain import START, verify
from actorflow.journal.faults import SQLITE_FAILURES
from actorflow.journal.high_water import read_high_water
from actorflow.journal.port import Record
from actorflow.journal.storage import no_link, storage_errors
from actorflow.journal.tables import JOURNAL_NAME, connect
from actorflow.journal.wal import check_wal

__all__ = ["GoodPart", "good_part"]

_SELECT = "SELECT sequence, recorded_at, epoch, kind, body, crc FROM events ORDER BY sequence"


@dataclass(frozen=True, slots=True)
class GoodPart:
    """What could be read.

    Attributes:
        records: in order, from the first; verified.
        damage: what is wrong with what comes after, "" when the journal is whole.
        expected: how many records there were at least; more than there are when it is damaged and says so.
    """

    records: list[Record]
    damage: str
    expected: int


def good_part(path: Path) -> GoodPart:
    """Read the journal at ``path``; nobody may be driving it.

    Raises:
        JournalError: there is no journal, or its files cannot be copied.
    """
    with storage_errors("copy", path):
        if no_link(path) is None:
            raise JournalError(f"there is no journal at {path}")
    damage, mark = _damage_of_log(path), _marked(path)
    with tempfile.TemporaryDirectory(prefix="actorflow-") as folder:
        copy = Path(folder) / JOURNAL_NAME
        with storage_errors("copy", path):
            for suffix in ("", "-wal"):
                if no_link(path.with_name(path.name + suffix)) is not None:
                    shutil.copyfile(f"{path}{suffix}", f"{copy}{suffix}")
        records, problem, expected = _read(copy, mark)
    return GoodPart(records, damage or problem, max(expected, len(records)))


def _damage_of_log(path: Path) -> str:
    try:
        check_wal(path)
    except JournalDamaged as error:
        return error.message
    return ""


def _marked(path: Path) -> int:
    try:
        return read_high_water(path)
    except JournalError:  # what can be saved does not depend on it
        return 0


def _read(copy: Path, mark: int) -> tuple[list[Record], str, int]:
    records: list[Record] = []
    tail, expected = START, mark
    try:
        with closing(connect(copy, "mode=rw")) as connection:
            expected = max(mark, _noted(connection))
            for row in connection.execute(_SELECT):
                found, tail = verify([row], tail, JOURNAL_NAME)
                records += found
    except JournalDamaged as error:
        return records, error.message, expected
    except (*SQLITE_FAILURES, TypeError, ValueError) as error:
        return records, f"SQLite stops after event {tail.sequence}: {error}", expected
    if tail.sequence < expected:
        return records, f"events up to {expected} were there, and the last one is {tail.sequence}", expected
    return records, "", expected


def _noted(connection: sqlite3.Connection) -> int:
    """Return where the journal ended when its log was last moved into it; 0 when it does not say."""
    try:
        found = connection.execute("SELECT head_sequence FROM journal").fetchone()
    except SQLITE_FAILURES:
        return 0
    return found[0] if found is not None and type(found[0]) is int else 0

"""Reading a journal from another process, while its driver writes and after it died.

Takes a run folder and gives its records, verified against their chain of checksums. Invariant: no file of the
journal is changed. A journal at rest is read as a plain file; one with a log beside it through SQLite's
shared index; and where the folder does not allow that index to be made, a private copy is read. Needs no
trio. Must not hold a transaction open between two calls, which would keep the driver from using its log
again.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Collection
from contextlib import ExitStack, closing
from pathlib import Path
from typing import TYPE_CHECKING, Self, TypeAlias, TypeVar

from actorflow.errors import JournalDamaged, JournalError
from actorflow.journal.chain import START
from actorflow.journal.faults import SQLITE_FAILURES, is_unreachable, sqlite_error
from actorflow.journal.high_water import check_high_water, read_high_water
from actorflow.journal.lease import who_drives
from actorflow.journal.migrations import check_known
from actorflow.journal.port import Record
from actorflow.journal.storage import storage_errors
from actorflow.journal.subjects import MOST_SUBJECTS, Headline, check_count, headlines, select_about
from actorflow.journal.tables import (
    JOURNAL_NAME,
    check_files,
    connect,
    place_of,
    read_tail,
    select,
    select_last,
)
from actorflow.journal.wal import check_wal

if TYPE_CHECKING:
    import tempfile

__all__ = ["JournalReader"]

_T = TypeVar("_T")
_Signature: TypeAlias = tuple[tuple[int, int, int] | None, ...]

_LOG_SUFFIX = "-wal"
_TRIES = 5


class JournalReader:
    """A journal open for reading. A context manager; used by one thread at a time. Made by ``open``."""

    def __init__(self, run_dir: Path) -> None:
        self._run_dir = run_dir
        self.path = run_dir / JOURNAL_NAME
        self._connection: sqlite3.Connection | None = None
        self._copy: tempfile.TemporaryDirectory[str] | None = None
        self._seen: _Signature | None = (
            None  # of files that nobody may change while we read; None: SQLite sees to it
        )
        self._end = START  # where the last read ended, so that following a run looks nothing up

    @classmethod
    def open(cls, run_dir: Path) -> JournalReader:
        """Open the journal in ``run_dir``.

        Raises:
            JournalDamaged: it is not whole.
            JournalError: there is none, it is newer than this actorflow, or it cannot be opened.
        """
        reader = cls(run_dir)
        try:
            reader._ask(lambda _: None)
        except JournalError:
            reader.close()
            raise
        return reader

    def read(self, after: int = 0, limit: int | None = None) -> list[Record]:
        """Return the durable records with a sequence above ``after``, in order, at most ``limit``.

        They are verified from ``after`` on; from 0, the whole chain is.

        Raises:
            JournalDamaged: what is stored is not what was appended.
            JournalError: it cannot be read, or changes faster than that.
        """
        rows = -1 if limit is None else max(limit, 0)
        return self._ask(lambda connection: self._read(connection, max(after, 0), rows))

    def head(self) -> int:
        """Return the sequence of the last durable record, 0 for an empty journal.

        Raises:
            JournalDamaged: the end of the journal is not whole.
            JournalError: it cannot be read.
        """
        return self._ask(lambda connection: read_tail(connection, str(self.path))[0].sequence)

    def checksum(self, sequence: int) -> int:
        """Return the checksum of the chain at a record.

        Raises:
            JournalDamaged: there is no such record.
            JournalError: it cannot be read.
        """
        return self._ask(lambda connection: place_of(connection, sequence, str(self.path)).crc)

    def last_of(self, kind: str, *, upto: int | None = None) -> Record | None:
        """Return the last durable record of a kind, None when there is none.

        It is verified against the one before it.

        Args:
            upto: the last sequence that is looked at; None means the journal's end.

        Raises:
            JournalDamaged: it is not what was appended.
            JournalError: it cannot be read.
        """
        return self._ask(lambda connection: select_last(connection, kind, upto, str(self.path)))

    def read_about(self, subjects: Collection[str], *, after: int = 0, upto: int) -> list[Record]:
        """Return at least the durable records about ``subjects``, and those about nothing in particular, in order.

        Each is verified against the one before it, and all are counted; what is not given back is not verified.

        Args:
            subjects: ids of tasks.
            after: the sequence behind which to begin.
            upto: the last sequence.

        Raises:
            JournalDamaged: one of them is not what was appended, or a record is missing.
            JournalError: they cannot be read.
        """
        if len(subjects) > MOST_SUBJECTS:
            return self.read(after, limit=upto - after)
        return self._ask(lambda connection: self._read_about(connection, subjects, after, upto))

    def headlines(self, kinds: Collection[str] = (), *, after: int = 0, upto: int) -> list[Headline]:
        """Return the records of some kinds, or all, in short and unverified, in order.

        Args:
            after: the sequence behind which to begin.
            upto: the last sequence.

        Raises:
            JournalError: they cannot be read.
        """
        return self._ask(lambda connection: headlines(connection, kinds, after, upto))

    def close(self) -> None:
        """Give the files back. Closing twice is fine; reading again opens them again."""
        connection, self._connection = self._connection, None
        copy, self._copy = self._copy, None
        self._seen = None
        if connection is not None:
            connection.close()
        if copy is not None:
            copy.cleanup()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _read(self, connection: sqlite3.Connection, after: int, limit: int) -> list[Record]:
        tail, _ = read_tail(connection, str(self.path))
        if after >= tail.sequence:
            return []
        place = self._end if after == self._end.sequence else place_of(connection, after, str(self.path))
        records, self._end = select(connection, place, limit, str(self.path))
        if limit < 0 and self._end.sequence < tail.sequence:
            raise JournalDamaged(
                str(self.path), self._end.sequence + 1, f"events up to {tail.sequence} were there"
            )
        return records

    def _read_about(
        self, connection: sqlite3.Connection, subjects: Collection[str], after: int, upto: int
    ) -> list[Record]:
        check_count(connection, upto, str(self.path))
        return select_about(connection, subjects, after, upto, str(self.path))

    def _ask(self, question: Callable[[sqlite3.Connection], _T]) -> _T:
        """Ask until the answer belongs to files that did not change meanwhile."""
        for _ in range(_TRIES):
            try:
                return self._answer(question)
            except _Changed:
                self.close()
        raise JournalError(f"{self.path} changes faster than it can be read", hint="try again")

    def _answer(self, question: Callable[[sqlite3.Connection], _T]) -> _T:
        try:
            answer = question(self._connected())
        except SQLITE_FAILURES as error:
            self._check_unchanged()
            raise sqlite_error(error, "read", self.path, self._end.sequence + 1) from error
        except JournalDamaged:
            self._check_unchanged()
            raise
        self._check_unchanged()
        return answer

    def _check_unchanged(self) -> None:
        if self._seen is not None and self._seen != _signature(self.path):
            raise _Changed

    def _connected(self) -> sqlite3.Connection:
        self._check_unchanged()
        if self._connection is None:
            check_files(self.path)
            mark = read_high_water(self.path)
            self._seen = _signature(self.path)
            with ExitStack() as on_failure:
                connection = on_failure.enter_context(
                    closing(self._opened(has_log=self._seen[1] is not None))
                )
                check_known(connection, self.path)
                check_high_water(self.path, mark, read_tail(connection, str(self.path))[0].sequence)
                on_failure.pop_all()
            self._connection = connection
        return self._connection

    def _opened(self, *, has_log: bool) -> sqlite3.Connection:
        if not has_log:
            return connect(self.path, "mode=ro&immutable=1")
        self._check_log()
        return self._share() or self._copied()

    def _check_log(self) -> None:
        """Look at the raw log, unless a driver is writing it, which then has looked itself."""
        if who_drives(self._run_dir) is None:
            check_wal(self.path)

    def _share(self) -> sqlite3.Connection | None:
        """Open the journal beside its driver; None if the folder does not allow it."""
        try:
            with ExitStack() as on_failure:
                connection = on_failure.enter_context(closing(connect(self.path, "mode=ro")))
                connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
                on_failure.pop_all()
        except SQLITE_FAILURES as error:
            if is_unreachable(error):
                return None
            raise
        self._seen = None
        return connection

    def _copied(self) -> sqlite3.Connection:
        """Open a copy of the journal and its log. No driver is there: it would have made what SQLite misses."""
        import shutil  # rarely needed, and half of what a reader would load
        import tempfile

        self._copy = tempfile.TemporaryDirectory(prefix="actorflow-")
        copy = Path(self._copy.name) / JOURNAL_NAME
        with storage_errors("copy", self.path):
            for suffix in ("", _LOG_SUFFIX):
                shutil.copyfile(f"{self.path}{suffix}", f"{copy}{suffix}", follow_symlinks=False)
        return connect(copy, "mode=rw")


class _Changed(Exception):
    """The files are not those that were opened."""


def _signature(path: Path) -> _Signature:
    """Return what tells a changed database from the same one; the second part is None if there is no log."""
    return _stamp(path), _stamp(path.with_name(path.name + _LOG_SUFFIX))


def _stamp(path: Path) -> tuple[int, int, int] | None:
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return None
    return (found.st_ino, found.st_size, found.st_mtime_ns) if found.st_size else None

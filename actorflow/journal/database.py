"""One journal in one SQLite database, used from one thread: open it as the next driver, append, read, close.

Takes batches and gives sequences; a group of batches is one transaction and one fsync (WAL,
``synchronous=FULL``). The epoch is raised when the database is opened and checked under the write lock of
every append. Invariant: after a failure that leaves a commit in doubt nothing is written, synced or
checkpointed any more, because a second fsync can succeed without having written what the first one lost. Must
not wait for anything but the disk and the write lock.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

from actorflow.errors import InternalError, JournalDamaged, JournalError, JournalFull
from actorflow.journal.chain import Link, Row, link
from actorflow.journal.faults import (
    SQLITE_FAILURES,
    again,
    closed_error,
    full_error,
    is_full,
    sqlite_error,
    stale_error,
)
from actorflow.journal.high_water import HighWaterMark, check_high_water, read_high_water
from actorflow.journal.migrations import check_known, migrate
from actorflow.journal.port import NewRecord, Record, nothing
from actorflow.journal.storage import storage_errors, sync_file, sync_folder
from actorflow.journal.tables import check_files, connect, place_of, read_tail, select
from actorflow.journal.wal import check_wal

__all__ = ["CHECKPOINT_PAGES", "Database", "create_database"]

# What is asked for, and what SQLite must answer when asked again (None: it does not answer).
PRAGMAS: tuple[tuple[str, str, object], ...] = (
    ("journal_mode", "WAL", "wal"),
    ("synchronous", "FULL", 2),
    ("fullfsync", "ON", 1),  # macOS: through the drive's cache; elsewhere it changes nothing
    ("checkpoint_fullfsync", "ON", 1),
    (
        "wal_autocheckpoint",
        "0",
        0,
    ),  # we checkpoint after the answer, and look at the result; SQLite's own does neither
    ("journal_size_limit", "-1", -1),  # the log keeps its size: overwriting a file syncs 1.7 times faster
    ("cell_size_check", "ON", 1),
    ("trusted_schema", "OFF", 0),
    ("mmap_size", "0", 0),  # a file cut short must be an error, not a SIGBUS
)

_PAGE = 4096
_LOG_BYTES = 1 << 20
_CACHE_BYTES = 16 * _PAGE  # while the log is extended: what does not fit goes to the log
CHECKPOINT_PAGES = 200  # a bit less than fit into _LOG_BYTES, so that the log never grows in the usual case

_INSERT = "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?)"
_NOTE = "UPDATE journal SET head_sequence = ?, head_crc = ?"

_LEFT_OPEN: list[
    sqlite3.Connection
] = []  # see Database._forbid_checkpoint; the process is about to stop anyway


def create_database(path: Path) -> None:
    """Make a new journal at ``path`` (mode 0600), durably; the caller makes its name durable.

    Raises:
        OSError: the file cannot be made, or is there already.
        JournalError: SQLite failed.
    """
    # The raw descriptor cannot drop locks of SQLite's: nobody else has this file, and SQLite only in between.
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        with closing(connect(path, "mode=rw")) as connection:
            # One sync in the end is enough for a file nobody knows.
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute("PRAGMA journal_mode = MEMORY").fetchall()
            migrate(connection, path)
            connection.execute("PRAGMA journal_mode = WAL").fetchall()
        sync_file(descriptor)
    except SQLITE_FAILURES as error:
        raise full_error(path) if is_full(error) else sqlite_error(error, "make", path, 1) from error
    finally:
        os.close(descriptor)


class Database:
    """A journal open for writing.

    Attributes:
        path: the file.
        epoch: of this driver.
        tail: the end of the chain.
        failure: why nothing can be done any more, None while all is well.
        is_closed: whether ``close`` was called.
    """

    def __init__(self, path: Path) -> None:
        """Open the journal at ``path`` as its next driver.

        Raises:
            JournalDamaged: it is not whole; nothing was changed.
            JournalFull: there is no room for noting the new driver.
            JournalError: it cannot be opened.
        """
        check_files(path)
        check_wal(path)
        self.path = path
        self.failure: JournalError | None = None
        self.is_closed = False
        self._file = os.fspath(path.absolute())  # looked at after each commit: a Path takes twice as long
        self._identity = _identity(self._file)
        self._pages = 0  # written to the log since the last checkpoint, about
        try:
            _inspect(path)
            with ExitStack() as on_failure:
                self._connection = on_failure.enter_context(closing(connect(path, "mode=rw")))
                on_failure.push(self._keep_log)
                _set_pragmas(self._connection, path)
                migrate(self._connection, path)
                self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
                self._extend_log()
                with storage_errors("open", path):  # SQLite does this, too, and does not look at the answer
                    sync_folder(path.parent)
                self._mark = HighWaterMark(path)
                on_failure.callback(self._mark.close)
                self.tail, self.epoch = self._take_over()
                on_failure.pop_all()
        except SQLITE_FAILURES as error:
            raise full_error(path) if is_full(error) else sqlite_error(error, "open", path, 1) from error
        self._noted = self.tail

    def append(
        self, batches: Sequence[Sequence[NewRecord]], *, before_sync: Callable[[], None] = nothing
    ) -> list[int]:
        """Make all batches durable in one transaction; return the last sequence of each.

        Args:
            before_sync: called when nothing is left to do but to wait for the disk.

        Raises:
            JournalFull: there is no room; none of it was written.
            StaleEpoch: there is a newer driver; none of it was written.
            JournalError: whether it was written is not known; from now on every call raises.
        """
        self._check_usable()
        rows: list[Row] = []
        heads: list[int] = []
        tail = self.tail
        for batch in batches:
            added, tail = link(tail, batch, self.epoch)
            rows += added
            heads.append(tail.sequence)
        if rows:
            self._commit(rows, tail, before_sync)
        return heads

    def read(self, after: Link, limit: int) -> tuple[list[Record], Link]:
        """Return at most ``limit`` records after the place ``after``, verified, and where they end.

        Raises:
            JournalDamaged: a record is not what was appended.
            JournalError: the database cannot be read.
        """
        self._check_usable()
        with self._reported("read", after.sequence + 1):
            records, end = select(self._connection, after, limit, str(self.path))
        if len(records) < limit and end.sequence < self.tail.sequence:
            raise JournalDamaged(
                str(self.path), end.sequence + 1, f"events up to {self.tail.sequence} were there"
            )
        return records, end

    def place(self, sequence: int) -> Link:
        """Return the place of the record ``sequence``; past the end, the end."""
        self._check_usable()
        if sequence >= self.tail.sequence:
            return self.tail
        with self._reported("read", sequence):
            return place_of(self._connection, sequence, str(self.path))

    @property
    def wants_checkpoint(self) -> bool:
        """Whether the log has become so long that ``checkpoint`` should be called when there is time."""
        return self.failure is None and self._pages >= CHECKPOINT_PAGES

    def checkpoint(self) -> None:
        """Move the log into the database, so that the log is used again from its beginning.

        A full disk only puts it off. Any other failure is kept for the next call (``failure``).
        """
        self._pages = 0  # if a reader stands in the way now, the next try is as far away
        try:
            self._note_tail()
            self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()
        except SQLITE_FAILURES as error:
            if not (is_full(error) and self._rolled_back()):
                self.failure = sqlite_error(error, "checkpoint", self.path, self.tail.sequence)
        except JournalError as error:
            self.failure = error

    def close(self) -> None:
        """Give the files back; a whole journal is moved into the one file ``journal.db`` if nobody reads it."""
        if self.failure is None:
            self.checkpoint()
        if self.failure is not None:
            self._forbid_checkpoint()
        self.is_closed = True
        self.failure = self.failure or closed_error()
        self._mark.close()
        with self._reported("close", self.tail.sequence):
            self._connection.close()

    def fail(self, error: JournalError | InternalError) -> None:
        """Refuse every later call, unless ``error`` left nothing in doubt."""
        if self.failure is None and not isinstance(error, JournalFull):
            self.failure = JournalError(error.message, hint=error.hint)

    def _commit(self, rows: list[Row], tail: Link, before_sync: Callable[[], None]) -> None:
        connection = self._connection
        try:
            connection.execute("BEGIN IMMEDIATE")
            self._check_epoch()
            connection.executemany(_INSERT, rows)
            self._count_pages(rows)
            if self._pages >= CHECKPOINT_PAGES:  # the note rides along, so that it costs no fsync of its own
                connection.execute(_NOTE, (tail.sequence, tail.crc))
                self._noted = tail
            before_sync()
            connection.execute("COMMIT")
        except SQLITE_FAILURES as error:
            if is_full(error) and self._rolled_back():
                raise full_error(self.path) from error
            self.failure = sqlite_error(error, "write", self.path, self.tail.sequence + 1)
            raise self.failure from error
        self._check_in_place()
        self._mark.raise_to(tail.sequence)
        self.tail = tail

    def _check_in_place(self) -> None:
        """Raise if the file has been removed or replaced: SQLite would go on writing into what nobody will ever find."""
        if _identity(self._file) != self._identity:
            self.failure = JournalError(
                f"{self.path} was removed or replaced while it was being written",
                hint="put it back if you can; what is not in it is lost",
            )
            raise self.failure

    def _check_epoch(self) -> None:
        """Roll back and raise if there is a newer driver; called while the write lock is held."""
        current = self._connection.execute("SELECT epoch FROM journal").fetchone()[0]
        if current != self.epoch:
            self._connection.execute("ROLLBACK")
            self.failure = stale_error(self.epoch, current)
            raise self.failure

    def _note_tail(self) -> None:
        """Write down where the chain ends, so that a database that lost its last pages is recognised."""
        if self._noted == self.tail:
            return
        self._connection.execute("BEGIN IMMEDIATE")
        self._check_epoch()
        self._connection.execute(_NOTE, (self.tail.sequence, self.tail.crc))
        self._connection.execute("COMMIT")
        self._noted = self.tail

    def _rolled_back(self) -> bool:
        """Whether the transaction is gone, and the journal ends where it did."""
        try:
            if self._connection.in_transaction:
                self._connection.execute("ROLLBACK")
            return read_tail(self._connection, str(self.path))[0] == self.tail
        except (*SQLITE_FAILURES, JournalError):
            return False

    def _take_over(self) -> tuple[Link, int]:
        """Become the next driver, durably."""
        self._connection.execute("BEGIN IMMEDIATE")
        tail, epoch = read_tail(self._connection, str(self.path))
        self._connection.execute(f"{_NOTE}, epoch = epoch + 1", (tail.sequence, tail.crc))
        self._connection.execute("COMMIT")
        return tail, epoch + 1

    def _extend_log(self) -> None:
        """Give the log its size now: overwriting a file syncs nearly twice as fast as making it longer.

        A transaction larger than the cache spills into the log; rolled back, it leaves nothing but the room.
        """
        log = self.path.with_name(f"{self.path.name}-wal")
        if log.exists() and log.stat().st_size >= _LOG_BYTES:
            return
        self._connection.execute(f"PRAGMA cache_size = {_CACHE_BYTES // _PAGE}")
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            self._connection.execute("CREATE TABLE filler (bytes BLOB)")
            self._connection.execute("INSERT INTO filler VALUES (zeroblob(?))", (_LOG_BYTES + _CACHE_BYTES,))
        except sqlite3.OperationalError as error:
            if not is_full(error):
                raise
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")
        self._connection.execute("PRAGMA cache_size = -2000")

    def _keep_log(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        """See to it that a journal whose opening left something in doubt is not checkpointed when it is closed."""
        if isinstance(error, SQLITE_FAILURES) and not is_full(error):
            self._forbid_checkpoint()

    def _forbid_checkpoint(self) -> None:
        """See to it that closing does not checkpoint.

        The last connection to close does it, and a read-only one cannot: so one is left open.
        """
        with suppress(*SQLITE_FAILURES):
            _LEFT_OPEN.append(connect(self.path, "mode=ro"))
            _LEFT_OPEN[-1].execute("SELECT epoch FROM journal").fetchall()

    def _count_pages(self, rows: list[Row]) -> None:
        size = sum(len(row[4]) for row in rows) + 40 * len(rows)
        # A record that does not fit opens a page and touches the one above.
        self._pages += 1 + 2 * size // _PAGE

    @contextmanager
    def _reported(self, doing: str, sequence: int) -> Iterator[None]:
        try:
            yield
        except SQLITE_FAILURES as error:
            raise sqlite_error(error, doing, self.path, sequence) from error

    def _check_usable(self) -> None:
        if self.failure is not None:
            raise again(self.failure)


def _identity(file: str) -> tuple[int, int] | None:
    try:
        found = os.lstat(file)
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def _inspect(path: Path) -> None:
    """Look for damage through a connection that cannot write, as closing any other one would change the file."""
    mark = read_high_water(path)
    with closing(connect(path, "mode=ro")) as connection:
        check_known(connection, path)
        tail, _ = read_tail(connection, str(path))
    check_high_water(path, mark, tail.sequence)


def _set_pragmas(connection: sqlite3.Connection, path: Path) -> None:
    for name, value, expected in PRAGMAS:
        connection.execute(f"PRAGMA {name} = {value}").fetchall()
        answer = connection.execute(f"PRAGMA {name}").fetchone()
        if answer is not None and answer[0] != expected:
            raise JournalError(f"{path}: SQLite did not take {name} = {value} (it says {answer[0]!r})")

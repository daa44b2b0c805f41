"""``doctor RUN``: everything that a run consists of, looked at: its journal to the last byte, its large outputs, its folders, and what may still be running.

Reads only, also a run that is driven at the moment (then of what moves, only what stands still is judged).
Nothing is repaired: what to do is said.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from pathlib import Path

import msgspec

from actorflow.agents.process_record import ProcessRecord
from actorflow.agents.remains import Remains
from actorflow.engine.begun import what_remains
from actorflow.engine.records import read_records
from actorflow.engine.snapshots import saved_state
from actorflow.errors import JournalError
from actorflow.journal import BlobStore, Driver, JournalReader, Record, RunFolder, RunStore, who_drives
from actorflow.journal.faults import SQLITE_FAILURES
from actorflow.journal.snapshots import SNAPSHOT_NAME
from actorflow.journal.tables import connect
from actorflow.journal.wal import check_wal
from actorflow.monitor.health import Finding
from actorflow.settings import Settings
from actorflow.state import EMPTY, IllegalTransition, RunState, RunStatus, apply
from actorflow.state import events as ev
from actorflow.state.recorded import Recorded

__all__ = ["attempt_folders", "check_run", "entries_of"]

_ANSWER_SECONDS = 60.0  # a request that is older was left behind
_MOST_NAMED = 5


def check_run(run: str, *, settings: Settings) -> tuple[str, tuple[Finding, ...]]:
    """Check one run; returns its id and what was found.

    Args:
        run: an id, a unique prefix of one, or ``last``.

    Raises:
        RunError: there is no such run.
    """
    store = RunStore(settings.state_dir)
    folder = store.open(store.resolve(run))
    return folder.run_id, tuple(_Checkup(folder).findings())


class _Checkup:
    """One check of one run."""

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder
        self._driver: Driver | None = None
        self._state: RunState = EMPTY

    def findings(self) -> Iterator[Finding]:
        yield from self._lease()
        yield from self._log()
        records = yield from self._chain()
        yield from self._database()
        if records is not None:
            events = yield from self._events(records)
            yield from self._blobs(events)
            yield from self._snapshot()
            yield from self._attempts()
            yield from self._workflow_file(events)
        yield from self._permissions()
        yield from self._processes()
        yield from self._requests()

    # --- the journal -------------------------------------------------------------------------------------------------

    def _lease(self) -> Iterator[Finding]:
        try:
            self._driver = who_drives(self._folder.path)
        except JournalError as error:
            yield _storage("driver", error.message, error.hint)
            return
        yield Finding(
            "driver", "ok", "nobody drives it" if self._driver is None else f"driven by {self._driver}"
        )

    def _log(self) -> Iterator[Finding]:
        if self._driver is not None:
            yield Finding("log", "ok", "not looked at: it is being written")
            return
        try:
            check_wal(self._folder.journal)
        except JournalError as error:
            yield _storage("log", error.message, _salvage_hint(self._folder))
            return
        size = _size(self._folder.journal.with_name("journal.db-wal"))
        yield Finding(
            "log", "ok", f"whole, {size:,} bytes" if size else "there is none: all is in the database"
        )

    def _chain(self) -> Generator[Finding, None, list[Record] | None]:
        """Verify every event; gives the records, None when they cannot be read."""
        try:
            with JournalReader.open(self._folder.path) as reader:
                records = reader.read()
        except JournalError as error:
            yield _storage("journal", error.message, _salvage_hint(self._folder))
            return None
        yield Finding("journal", "ok", f"{len(records):,} events, each with the checksum that it should have")
        return records

    def _database(self) -> Iterator[Finding]:
        if self._driver is not None:
            return
        try:
            at_rest = not _size(self._folder.journal.with_name("journal.db-wal"))
            options = "mode=ro&immutable=1" if at_rest else "mode=ro"  # so that SQLite puts no file beside it
            with closing(connect(self._folder.journal, options)) as connection:
                answers = [row[0] for row in connection.execute("PRAGMA integrity_check(3)")]
        except SQLITE_FAILURES as error:
            yield _storage("database", f"SQLite cannot check it: {error}", _salvage_hint(self._folder))
            return
        if answers == ["ok"]:
            yield Finding("database", "ok", "SQLite finds it whole")
        else:
            yield _storage("database", f"SQLite says: {answers[0]}", _salvage_hint(self._folder))

    def _events(self, records: list[Record]) -> Generator[Finding, None, list[Recorded]]:
        """Fold; gives the events, as far as they make sense."""
        events: list[Recorded] = []
        for record in records:
            try:
                (recorded,) = read_records([record])
                self._state = apply(self._state, recorded.event, recorded.at)
            except (msgspec.MsgspecError, IllegalTransition) as error:
                hint = "was it written by a newer version? Read it with that one"
                yield _storage(
                    "events", f"event {record.sequence} does not follow from those before: {error}", hint
                )
                return events
            events.append(recorded)
        if not events:
            yield Finding(
                "events", "warn", "there is none: the run was never begun", "actorflow clean removes it"
            )
            return events
        status = "pending" if self._state.status is None else self._state.status.value
        if self._driver is None and self._state.status in (RunStatus.RUNNING, RunStatus.PENDING):
            resume = f"actorflow resume {self._folder.run_id}"
            yield Finding(
                "events", "warn", "the run was interrupted: it has not ended, and nobody drives it", resume
            )
        else:
            yield Finding("events", "ok", f"they make sense; the run is {status}")
        return events

    # --- what lies beside it -------------------------------------------------------------------------------------------

    def _blobs(self, events: list[Recorded]) -> Iterator[Finding]:
        store = BlobStore(self._folder.blobs)
        named: dict[str, str] = {}
        for recorded in events:
            event = recorded.event
            if isinstance(event, ev.AttemptSucceeded) and event.blob is not None:
                named[event.blob.sha256] = event.task
        bad = 0
        for sha256, task in named.items():
            try:
                store.get(sha256)
            except JournalError as error:
                bad += 1
                hint = (
                    f"actorflow resume {self._folder.run_id} --from {task} makes the output of {task} again"
                )
                yield _storage("blobs", error.message, hint)
        if not bad:
            yield Finding(
                "blobs", "ok", f"{len(named)} large outputs, all whole" if named else "no large outputs"
            )
        strays = [path for path in _files(self._folder.blobs) if path.name not in named]
        if strays and self._driver is None:
            size = sum(map(_size, strays))
            text = f"{len(strays)} files ({size:,} bytes) that no event names, left by a crash"
            yield Finding("blobs", "warn", text, "actorflow clean removes them")

    def _snapshot(self) -> Iterator[Finding]:
        if not (self._folder.path / SNAPSHOT_NAME).exists():
            return
        with JournalReader.open(self._folder.path) as reader:
            saved = saved_state(self._folder.path, reader)
        if saved is None:
            text = "it does not fit the journal or this version, and is passed over"
            yield Finding("snapshot", "warn", text, "nothing is lost; the next resume makes another")
        else:
            yield Finding("snapshot", "ok", f"fits the journal at event {saved.state.sequence}")

    def _attempts(self) -> Iterator[Finding]:
        strays: list[str] = []
        count = 0
        for task, number in attempt_folders(self._folder):
            known = self._state.tasks.get(task) or self._state.removed.get(task)  # type: ignore[call-overload]  # a task id, perhaps
            if known is None or not number.isdigit() or not 0 < int(number) <= known.attempts:
                strays.append(f"{task}/{number}")
            count += 1
        if strays:
            text = f"{len(strays)} folders of attempts that the journal does not know: {_some(strays)}"
            yield Finding("attempts", "warn", text, "actorflow clean removes them")
        else:
            yield Finding("attempts", "ok", f"{count} folders, each of an attempt")

    def _workflow_file(self, events: list[Recorded]) -> Iterator[Finding]:
        from actorflow.state.pinned_spec import pinned_spec

        spec = pinned_spec(events)
        if spec is None or not spec.file:
            return
        file = Path(spec.file)
        if not file.is_file():
            yield Finding("workflow", "warn", f"{file} is not there any more; the run keeps its text", "")
        else:
            yield Finding("workflow", "ok", f"{file} is there")

    def _permissions(self) -> Iterator[Finding]:
        links: list[str] = []
        open_ones: list[str] = []
        for path in _everything(self._folder.path):
            try:
                found = os.lstat(path)
            except FileNotFoundError:  # a run that is driven goes on while we look
                continue
            name = str(path.relative_to(self._folder.path)) or "."
            if stat.S_ISLNK(found.st_mode):
                links.append(name)
            elif found.st_mode & 0o077:
                open_ones.append(name)
        if links:
            hint = "no link is followed in a run's folder: put the real files there"
            yield _storage("permissions", f"symbolic links: {_some(links)}", hint)
        if open_ones:
            text = f"{len(open_ones)} files that others may read or change: {_some(open_ones)}"
            yield Finding("permissions", "warn", text, f"chmod -R go-rwx {self._folder.path}")
        if not links and not open_ones:
            yield Finding("permissions", "ok", "only its owner can read it")

    def _processes(self) -> Iterator[Finding]:
        if self._driver is not None:
            return
        alive: list[str] = []
        finished: list[str] = []
        for task, number in attempt_folders(self._folder):
            path = self._folder.attempts / task / number
            remains = what_remains(path)
            record = ProcessRecord.read(path)
            known = self._state.tasks.get(task)  # type: ignore[call-overload]  # a task id, perhaps
            is_open = known is not None and known.is_attempt_open and number == str(known.attempts)
            if record is not None and remains is Remains.RUNNING:
                alive.append(f"{record.pid} ({task}, attempt {number})")
            elif is_open and remains is Remains.FINISHED:
                finished.append(f"{task}, attempt {number}")
        run = self._folder.run_id
        if alive:
            hint = f"actorflow resume {run} goes on with them, actorflow cancel {run} ends them"
            yield Finding("processes", "warn", f"programs that nobody watches: {_some(alive)}", hint)
        else:
            yield Finding("processes", "ok", "nothing of it is left running")
        if finished:
            text = f"attempts that have finished since the driver was gone: {_some(finished)}"
            yield Finding("results", "warn", text, f"actorflow resume {run} takes their results")

    def _requests(self) -> Iterator[Finding]:
        old = [path.name for path in _files(self._folder.control) if _age(path) > _ANSWER_SECONDS]
        if old:
            text = f"{len(old)} requests that nobody waits for any more: {_some(old)}"
            yield Finding("control", "warn", text, "actorflow clean removes them")


def attempt_folders(folder: RunFolder) -> Iterator[tuple[str, str]]:
    """Yield (task, number) for each folder of an attempt, as they are named; links are not followed."""
    for task in sorted(_folders(folder.attempts)):
        for number in sorted(_folders(task)):
            yield task.name, number.name


def _folders(path: Path) -> list[Path]:
    return [child for child in entries_of(path) if child.is_dir() and not child.is_symlink()]


def _files(path: Path) -> list[Path]:
    return [child for child in entries_of(path) if child.is_file() and not child.is_symlink()]


def entries_of(path: Path) -> list[Path]:
    """Return what is in a folder of a run, sorted; nothing when it is a link, which is never followed, or cannot be read."""
    try:
        return [] if path.is_symlink() else sorted(path.iterdir())
    except OSError:
        return []


def _everything(path: Path) -> Iterator[Path]:
    yield path
    for parent, folders, files in os.walk(path):
        yield from (Path(parent) / name for name in (*folders, *files))


def _size(path: Path) -> int:
    try:
        return path.lstat().st_size
    except OSError:
        return 0


def _age(path: Path) -> float:
    try:
        return time.time() - path.lstat().st_mtime
    except OSError:
        return 0.0


def _some(names: Iterable[str]) -> str:
    listed = sorted(names)
    more = f" and {len(listed) - _MOST_NAMED} more" if len(listed) > _MOST_NAMED else ""
    return ", ".join(listed[:_MOST_NAMED]) + more


def _storage(subject: str, text: str, hint: str) -> Finding:
    return Finding(subject, "fail", text, hint, area="storage")


def _salvage_hint(folder: RunFolder) -> str:
    return f"keep a copy of the folder; actorflow doctor {folder.run_id} --salvage saves the good part as another run"

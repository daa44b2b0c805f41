"""``clean``: past runs that nobody needs any more, and what crashes have left behind.

Takes which runs are to go; gives what went and what it freed. Only runs that have ended go unless their state
is named, so that nothing that can be gone on with disappears by the way. A run's lease is taken first: one
that is driven is left alone, and so is one of which something still runs; nobody begins to drive one that is going. A run disappears from the list by
one rename before any of its files is removed.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from actorflow.agents.remains import Remains
from actorflow.api.exporting import blob_names
from actorflow.api.listing import history
from actorflow.api.run_checkup import attempt_folders, entries_of
from actorflow.engine.begun import what_remains
from actorflow.engine.records import read_records
from actorflow.errors import ActorflowError, InputError, JournalError, RunError, RunLocked
from actorflow.ids import RunId
from actorflow.journal import JournalReader, Lease, Record, RunFolder, RunStore, this_process, who_drives
from actorflow.journal.runs import unfinished_folders
from actorflow.journal.snapshots import unfinished_snapshots
from actorflow.monitor.history import DAMAGED, NEVER_BEGUN, UNREADABLE, PastRun
from actorflow.monitor.standing import INTERRUPTED
from actorflow.settings import Settings
from actorflow.state import RunStatus
from actorflow.state import events as ev

__all__ = ["CLEANABLE", "Cleaned", "Removed", "clean"]

ENDED = frozenset({RunStatus.SUCCESS.value, RunStatus.FAILED.value, RunStatus.CANCELLED.value})
"""The states of runs that go without being named."""

CLEANABLE = (*sorted(ENDED), RunStatus.PAUSED.value, INTERRUPTED, DAMAGED, UNREADABLE, NEVER_BEGUN)
"""The states that can be named."""

_MOST_NAMED = 3
_FORGOTTEN_SECONDS = 3600.0
"""A run that has not begun by then was left by a crash; so was a request that nobody has answered."""


@dataclass(frozen=True, slots=True)
class Removed:
    """Something that went, or would go.

    Attributes:
        what: a run's id, or the path of what a crash has left, below the state folder.
        kind: ``run`` or ``leftover``.
        status: of a run.
        size: bytes on the disk.
    """

    what: str
    kind: str
    size: int
    status: str = ""


@dataclass(slots=True)
class Cleaned:
    """What was done.

    Attributes:
        removed: in the order in which it went.
        skipped: what was meant to go and did not, with the reason.
        kept: how many runs are left.
    """

    removed: list[Removed] = field(default_factory=list)
    skipped: list[tuple[str, str]] = field(default_factory=list)
    kept: int = 0

    @property
    def freed(self) -> int:
        """Bytes."""
        return sum(removed.size for removed in self.removed)


def clean(
    *,
    settings: Settings,
    now: float,
    keep: int | None = None,
    older_than_seconds: float | None = None,
    statuses: Collection[str] = (),
    dry_run: bool = False,
) -> Cleaned:
    """Remove runs, and what crashes have left in the others.

    Args:
        now: Unix seconds.
        keep: the newest so many of the runs that may go stay, whatever else is said.
        older_than_seconds: only runs that ended (or, if they have not, began) longer ago than that go.
        statuses: only runs in these states go; by default those that have ended.
        dry_run: say it and do nothing.

    Without ``keep``, ``older_than_seconds`` and ``statuses`` no run goes.

    Raises:
        InputError: a state is none that can be named.
        JournalError: the state folder cannot be read.
    """
    unknown = [status for status in statuses if status not in CLEANABLE]
    if unknown:
        raise InputError(
            f"{unknown[0]!r} is no state of a run that can go", hint=f"one of: {', '.join(CLEANABLE)}"
        )
    store = RunStore(settings.state_dir)
    cleaning = _Cleaning(store, now, dry_run=dry_run)
    is_asked = keep is not None or older_than_seconds is not None or bool(statuses)
    wanted = frozenset(statuses) or ENDED
    count = 0
    for run in list(history(settings=settings)):
        may_go = is_asked and run.status in wanted
        count += may_go
        is_kept = keep is not None and count <= keep
        is_old = older_than_seconds is None or _age(store, run, now) > older_than_seconds
        if may_go and is_old and not is_kept:
            cleaning.remove_run(run)
        else:
            cleaning.tidy_run(run)
    cleaning.remove_unfinished()
    return cleaning.done


def _age(store: RunStore, run: PastRun, now: float) -> float:
    """Return how long ago a run ended, or began, or its folder was changed."""
    at = run.ended_at or run.started_at or run.accepted_at
    if at is None:
        with suppress(OSError, ActorflowError):
            at = store.open(RunId(run.run_id)).path.stat().st_mtime
    return now - (now if at is None else at)


class _Cleaning:
    """One call of ``clean``."""

    def __init__(self, store: RunStore, now: float, *, dry_run: bool) -> None:
        self._store = store
        self._now = now
        self._dry_run = dry_run
        self.done = Cleaned()

    def remove_run(self, run: PastRun) -> None:
        """Remove a run, unless somebody drives it."""
        try:
            folder = self._store.open(RunId(run.run_id))
            size = _size_of(folder.path)
            if self._dry_run:
                self._refuse_driven(folder)
                _refuse_running(folder)
            else:
                with self._lease(folder):
                    _refuse_running(folder)
                    _vanish(folder.path)
        except ActorflowError as error:
            self._skip(run.run_id, error.message)
            return
        except OSError as error:
            self._skip(run.run_id, error.strerror or str(error))
            return
        self.done.removed.append(Removed(run.run_id, "run", size, run.status))

    def tidy_run(self, run: PastRun) -> None:
        """Remove what crashes have left in a run that stays."""
        self.done.kept += 1
        try:
            folder = self._store.open(RunId(run.run_id))
            leftovers = list(self._leftovers(folder, run))
            if not leftovers:
                return
            if self._dry_run:
                self._refuse_driven(folder)
                self._note(leftovers)
                return
            with self._lease(folder):
                leftovers = list(
                    self._leftovers(folder, run)
                )  # nobody drives it now, so nothing new is among them
                self._note(leftovers)
                for path in leftovers:
                    _remove(path)
        except RunLocked:
            return  # what its driver has just written looks like it was left
        except (ActorflowError, OSError) as error:
            self._skip(run.run_id, str(error).splitlines()[0])

    def remove_unfinished(self) -> None:
        """Remove folders of runs that were not made whole, or not removed whole."""
        for path in unfinished_folders(self._store.state_dir, older_than=_FORGOTTEN_SECONDS, now=self._now):
            self._note([path])
            if not self._dry_run:
                shutil.rmtree(path, ignore_errors=True)

    def _leftovers(self, folder: RunFolder, run: PastRun) -> Iterator[Path]:
        yield from _old_requests(folder, self._now)
        yield from unfinished_snapshots(folder.path)
        if run.status in (DAMAGED, UNREADABLE, NEVER_BEGUN):
            return  # nobody can tell what belongs to it
        blobs = [path for path in entries_of(folder.blobs) if path.is_symlink() or path.is_file()]
        attempts = list(attempt_folders(folder))
        if not blobs and not attempts:
            return
        with JournalReader.open(folder.path) as reader:
            records = reader.read()
        known = set(blob_names(records)) if blobs else set()
        yield from (path for path in blobs if path.name not in known)
        started = _attempts_in(records)
        for task, number in attempts:
            if (task, number) not in started:
                yield folder.attempts / task / number

    def _lease(self, folder: RunFolder) -> Lease:
        now = int(self._now * 1_000_000)
        return Lease.acquire(
            folder.path, folder.run_id, now=now, describe=this_process(now=now, command="clean")
        )

    def _refuse_driven(self, folder: RunFolder) -> None:
        driver = who_drives(folder.path)
        if driver is not None:
            raise RunLocked(folder.run_id, str(driver))

    def _note(self, leftovers: Collection[Path]) -> None:
        base = self._store.state_dir
        self.done.removed += [
            Removed(str(path.relative_to(base)), "leftover", _size_of(path)) for path in leftovers
        ]

    def _skip(self, what: str, reason: str) -> None:
        self.done.skipped.append((what, reason))


def _refuse_running(folder: RunFolder) -> None:
    """Raise if attempts of the run have outlived its driver and still run: whoever removes it would never hear of them again."""
    running = [
        f"{task} (attempt {number})"
        for task, number in attempt_folders(folder)
        if what_remains(folder.attempts / task / number) is Remains.RUNNING
    ]
    if running:
        raise RunError(
            f"it still runs, although nobody drives it: {', '.join(running[:_MOST_NAMED])}",
            hint=f"actorflow resume {folder.run_id} goes on with it, actorflow cancel {folder.run_id} ends it",
        )


def _attempts_in(records: Collection[Record]) -> set[tuple[str, str]]:
    starts = read_records(record for record in records if record.kind == "AttemptStarted")
    events = (recorded.event for recorded in starts)
    return {(event.task, str(event.attempt)) for event in events if isinstance(event, ev.AttemptStarted)}


def _old_requests(folder: RunFolder, now: float) -> Iterator[Path]:
    for path in entries_of(folder.control):
        with suppress(OSError):
            if now - path.lstat().st_mtime > _FORGOTTEN_SECONDS:
                yield path


def _vanish(path: Path) -> None:
    """Take a run out of the list at once, then remove its files."""
    gone = path.with_name(f".new-gone-{path.name}-{secrets.token_hex(4)}")
    path.rename(gone)
    shutil.rmtree(gone, ignore_errors=True)  # whoever makes a run at this moment sweeps it away too
    if gone.exists():
        raise JournalError(f"{gone} cannot be removed whole", hint="remove it by hand")


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def _size_of(path: Path) -> int:
    """Return what a file, or all below a folder, takes on the disk."""
    total = _blocks(path)
    for parent, folders, files in os.walk(path):
        total += sum(_blocks(Path(parent) / name) for name in (*folders, *files))
    return total


def _blocks(path: Path) -> int:
    try:
        return path.lstat().st_blocks * 512
    except OSError:
        return 0

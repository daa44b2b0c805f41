"""The folders of all runs of a state folder: making one, finding one.

Takes the state folder (``.claude/workflow-state``) and gives ``RunFolder``s, whose properties name the files
of a run. Invariant: a run is listed only when its folder is complete, with a journal that can be opened: it
is built beside its place and renamed into it. Ids are looked up by their whole text, a prefix, or ``last``.
Must not follow a symbolic link below the state folder, and must not open a journal that exists.
"""

from __future__ import annotations

import os
import stat
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path

import msgspec

from actorflow.errors import RunError
from actorflow.ids import RUN_ID, TASK_ID, RunId
from actorflow.journal.database import create_database
from actorflow.journal.lease import LOCK_NAME
from actorflow.journal.storage import (
    make_private_folder,
    no_link,
    refuse_network_folder,
    storage_errors,
    sync_folder,
)
from actorflow.journal.tables import JOURNAL_NAME

__all__ = ["RunFolder", "RunStore", "unfinished_folders"]

_UNFINISHED = ".new-"
_FORGOTTEN_SECONDS = 3600  # nobody takes an hour to make a folder: what is older was left by a crash
_CANDIDATES_SHOWN = 5


class RunFolder(msgspec.Struct, frozen=True):
    """Where the files of one run are.

    Attributes:
        run_id: the run.
        path: its folder.
    """

    run_id: RunId
    path: Path

    @property
    def journal(self) -> Path:
        """The database; only SQLite may open it."""
        return self.path / JOURNAL_NAME

    @property
    def lock(self) -> Path:
        """The file of the lease."""
        return self.path / LOCK_NAME

    @property
    def ballast(self) -> Path:
        """The room that its driver keeps in reserve."""
        return self.path / "ballast"

    @property
    def control(self) -> Path:
        """Requests of other processes to the driver."""
        return self.path / "control"

    @property
    def blobs(self) -> Path:
        """Outputs too large for an event."""
        return self.path / "blobs"

    @property
    def attempts(self) -> Path:
        """What the agents of each attempt said, by task and number."""
        return self.path / "attempts"

    def attempt_dir(self, task: str, number: int) -> Path:
        """Return the folder of an attempt, made if it is missing.

        It is not made durable: what an attempt says is lost with the attempt, and syncs would cost more than
        the attempt's events.

        Args:
            task: a task's id.
            number: of the attempt, from 1.

        Raises:
            JournalError: it cannot be made.
            RunError: that is no attempt.
        """
        if not TASK_ID.fullmatch(task) or number < 1:
            raise RunError(f"there is no attempt {number} of a task {task!r}")
        path = self.attempts / task / str(number)
        with storage_errors("make", path):
            for folder in (self.attempts, path.parent, path):
                make_private_folder(folder, durable=False)
        return path


class RunStore:
    """The runs of one state folder.

    Args:
        state_dir: the state folder; made, with all its parents, when the first run is created.
    """

    def __init__(self, state_dir: Path) -> None:
        self.state_dir = state_dir.absolute()
        self._runs = self.state_dir / "runs"

    def create(self, run_id: RunId, fill: Callable[[RunFolder], None] | None = None) -> RunFolder:
        """Make the folder of a new run, durably, with an empty journal.

        Args:
            fill: puts something into the folder before it can be seen; what it raises leaves nothing behind.

        Raises:
            RunError: there is such a run.
            JournalFull: there is no room; nothing is left behind.
            JournalError: the folder cannot be made; nothing is left behind.
        """
        folder = RunFolder(_checked(run_id), self._runs / run_id)
        with storage_errors("make", folder.path):
            self._make_runs_folder()
            if no_link(folder.path) is not None:
                raise RunError(f"there is a run {run_id} already")
            import shutil  # who only reads runs makes none
            import tempfile

            building = Path(tempfile.mkdtemp(prefix=f"{_UNFINISHED}{run_id}-", dir=self._runs))
            with ExitStack() as cleanup:
                cleanup.callback(shutil.rmtree, building, ignore_errors=True)
                _build(RunFolder(run_id, building))
                if fill is not None:
                    fill(RunFolder(run_id, building))
                # Fails if it was made meanwhile, as no complete one is empty.
                os.rename(building, folder.path)
                cleanup.pop_all()
            sync_folder(self._runs)
        return folder

    def open(self, run_id: RunId) -> RunFolder:
        """Return the folder of the run ``run_id``; takes no prefix (see ``resolve``).

        Raises:
            RunError: there is no such run.
            JournalError: its folder is a symbolic link, or cannot be looked at.
        """
        path = self._runs / _checked(run_id)
        with storage_errors("look at", path):
            found = no_link(path)
        if found is None or not stat.S_ISDIR(found.st_mode):
            raise RunError(f"no run {run_id} in {self.state_dir}")
        return RunFolder(run_id, path)

    def list(self) -> tuple[RunId, ...]:
        """Return the ids of all runs, newest first.

        Raises:
            JournalError: the state folder is there but cannot be read.
        """
        with storage_errors("read", self._runs):
            if no_link(self._runs) is None:
                return ()
            with os.scandir(self._runs) as entries:
                names = [entry.name for entry in entries if entry.is_dir(follow_symlinks=False)]
        return tuple(RunId(name) for name in sorted(names, reverse=True) if RUN_ID.fullmatch(name))

    def resolve(self, text: str) -> RunId:
        """Return the run that ``text`` names: an id, the beginning of exactly one id, or ``last``.

        Raises:
            RunError: it names none, or several; the message lists the first of them.
        """
        runs = self.list()
        if not runs:
            raise RunError(
                f"there are no runs in {self.state_dir}", hint="start one with 'actorflow run FILE'"
            )
        if text == "last":
            return runs[0]
        found = [run_id for run_id in runs if text and run_id.startswith(text)]
        if len(found) == 1:
            return found[0]
        if not found:
            raise RunError(f"no run {text!r}", hint=f"the newest are: {_shown(runs)}")
        raise RunError(f"{text!r} begins the ids of {len(found)} runs", hint=f"say which: {_shown(found)}")

    def _make_runs_folder(self) -> None:
        self.state_dir.parent.mkdir(parents=True, exist_ok=True)
        # A link to the state folder is the user's own choice; links inside are not.
        state_dir = self.state_dir.resolve()
        if make_private_folder(state_dir):
            (state_dir / ".gitignore").write_text("# The state of workflow runs is nobody's source.\n*\n")
        refuse_network_folder(state_dir)
        make_private_folder(self._runs)
        _sweep(self._runs)


def _build(folder: RunFolder) -> None:
    for path in (folder.control, folder.blobs, folder.attempts):
        path.mkdir(mode=0o700)
    os.close(os.open(folder.lock, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
    create_database(folder.journal)
    sync_folder(folder.path)


def _sweep(runs: Path) -> None:
    import shutil  # as above

    for path in unfinished_folders(runs.parent, older_than=_FORGOTTEN_SECONDS, now=time.time()):
        shutil.rmtree(path, ignore_errors=True)


def unfinished_folders(state_dir: Path, *, older_than: float, now: float) -> list[Path]:
    """Return the folders that a crash has left while a run was made or removed, and that nobody works on any more.

    Args:
        older_than: seconds since somebody did.
        now: Unix seconds.
    """
    found = []
    for path in sorted((state_dir / "runs").glob(f"{_UNFINISHED}*")):
        with suppress(FileNotFoundError):  # it has become a run meanwhile
            if path.lstat().st_mtime < now - older_than:
                found.append(path)
    return found


def _checked(run_id: RunId) -> RunId:
    if not RUN_ID.fullmatch(run_id):  # it becomes a path
        raise RunError(f"{run_id!r} is not the id of a run")
    return run_id


def _shown(runs: tuple[RunId, ...] | list[RunId]) -> str:
    more = f" and {len(runs) - _CANDIDATES_SHOWN} more" if len(runs) > _CANDIDATES_SHOWN else ""
    return ", ".join(runs[:_CANDIDATES_SHOWN]) + more

"""Looking at a run from any process: its state folded from its journal, and who drives it.

Reads only; works while the run is driven, after a crash, and for any past run.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from actorflow.api.left_behind import ends_left, outliving_of
from actorflow.api.presence import standing_under
from actorflow.api.stored_output import stored_output
from actorflow.engine.records import read_records
from actorflow.engine.snapshots import Folded, folded, folded_from_snapshot
from actorflow.errors import RunError
from actorflow.ids import RunId, TaskId
from actorflow.journal import Driver, JournalReader, RunStore, who_drives
from actorflow.monitor.standing import RunStanding
from actorflow.settings import Settings
from actorflow.state import RunState, fold
from actorflow.state.events import BlobRef
from actorflow.state.recorded import Recorded
from actorflow.values import Frozen

if TYPE_CHECKING:
    from actorflow.engine.outliving import Outliving
    from actorflow.monitor.open_ends import OpenEnd

__all__ = ["Glance", "Inspection", "glance", "glance_at_snapshot", "inspect"]


class Inspection(msgspec.Struct, frozen=True):
    """A run at one moment.

    Attributes:
        driver: who drives it; None when nobody does.
    """

    run_id: RunId
    folder: Path
    state: RunState
    events: tuple[Recorded, ...]
    driver: Driver | None

    @property
    def standing(self) -> RunStanding:
        """How it stands."""
        return standing_under(self.state.status, self.driver)

    def outliving(self) -> tuple[Outliving, ...]:
        """Return the attempts that have outlived the driver; none while one drives."""
        return outliving_of(self.folder, self.run_id, self.state, self.driver)

    def open_ends(self, now: float) -> dict[TaskId, OpenEnd]:
        """Return what the open attempts have come to of a run that nobody drives; of others nothing."""
        return ends_left(self.folder, self.run_id, self.state, self.driver, now=now)

    def output(self, ref: BlobRef) -> Frozen:
        """Return an output that lives in a blob; raises JournalError when it is missing or damaged."""
        return stored_output(self.folder, ref)


class Glance(msgspec.Struct, frozen=True):
    """A run at one moment, without its events: what a long one is looked at with.

    Attributes:
        state: without outputs and context, unless they were asked for.
        order: all tasks as the workflow declares them.
        limits: task -> its greatest number of attempts, where that is more than one.
        driver: who drives it; None when nobody does.
    """

    run_id: RunId
    folder: Path
    state: RunState
    order: tuple[TaskId, ...]
    limits: Mapping[TaskId, int]
    driver: Driver | None
    _folded: Folded

    @property
    def standing(self) -> RunStanding:
        """How it stands."""
        return standing_under(self.state.status, self.driver)

    def outliving(self) -> tuple[Outliving, ...]:
        """Return the attempts that have outlived the driver, in the order of the workflow; none while one drives."""
        found = outliving_of(self.folder, self.run_id, self.state, self.driver)
        place = {task_id: index for index, task_id in enumerate(self.order)}
        return tuple(sorted(found, key=lambda attempt: place.get(attempt.task, len(place))))

    def with_outputs(self, tasks: Sequence[TaskId]) -> RunState:
        """Return the state with the outputs of some tasks."""
        return self._folded.with_outputs(tasks)

    def open_ends(self, now: float, outliving: Iterable[Outliving] | None = None) -> dict[TaskId, OpenEnd]:
        """Return what the open attempts have come to of a run that nobody drives; of others nothing.

        Args:
            now: Unix seconds.
            outliving: what the method of that name gave, when that is known already.
        """
        return ends_left(self.folder, self.run_id, self.state, self.driver, now=now, outliving=outliving)

    def outputs(self, tasks: Sequence[TaskId]) -> dict[TaskId, Frozen | BlobRef]:
        """Return task -> its output, for those of some tasks that have one."""
        return self._folded.outputs(tasks)

    def output(self, ref: BlobRef) -> Frozen:
        """Return an output that lives in a blob; raises JournalError when it is missing or damaged."""
        return stored_output(self.folder, ref)


def glance(run: str, *, settings: Settings, whole: bool = False) -> Glance:
    """Look at a run, through its snapshot if it has one: then only what came after is read and verified.

    Args:
        run: an id, a unique prefix of one, or ``last``.
        whole: with all outputs, and the context that expressions see.

    Raises:
        RunError: there is no such run, or it was never accepted.
        JournalError: its journal cannot be read or is damaged.
    """
    store = RunStore(settings.state_dir)
    folder = store.open(store.resolve(run))
    driver = who_drives(folder.path)  # before the journal, as in ``inspect``
    with JournalReader.open(folder.path) as reader:
        found = folded(reader, folder.path, whole=whole)
    if not found.state.sequence:
        hint = "its command was stopped before anything happened"
        raise RunError(f"run {folder.run_id} was never begun", hint=hint)
    return Glance(folder.run_id, folder.path, found.state, found.order, found.limits, driver, found)


def glance_at_snapshot(run: str, *, settings: Settings) -> Glance | None:
    """Look at a run as ``glance`` does, when it has a snapshot; None when there is none that fits its journal."""
    store = RunStore(settings.state_dir)
    folder = store.open(store.resolve(run))
    driver = who_drives(folder.path)
    with JournalReader.open(folder.path) as reader:
        found = folded_from_snapshot(reader, folder.path)
    if found is None:
        return None
    return Glance(folder.run_id, folder.path, found.state, found.order, found.limits, driver, found)


def inspect(run: str, *, settings: Settings) -> Inspection:
    """Look at a run.

    Args:
        run: an id, a unique prefix of one, or ``last``.

    Raises:
        RunError: there is no such run, or it was never accepted.
        JournalError: its journal cannot be read or is damaged.
    """
    store = RunStore(settings.state_dir)
    folder = store.open(store.resolve(run))
    # Before the journal is read: a driver that ends in between has written its last event by then.
    driver = who_drives(folder.path)
    with JournalReader.open(folder.path) as reader:
        events = read_records(reader.read())
    if not events:
        raise RunError(
            f"run {folder.run_id} was never begun", hint="its command was stopped before anything happened"
        )
    state = fold(((recorded.at, recorded.event) for recorded in events), is_final=True)
    return Inspection(folder.run_id, folder.path, state, events, driver)

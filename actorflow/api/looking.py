"""Looking at a run from any process: its state folded from its journal, and who drives it.

Reads only; works while the run is driven, after a crash, and for any past run.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import msgspec

from actorflow.engine.records import read_records
from actorflow.errors import RunError
from actorflow.ids import RunId
from actorflow.journal import BlobStore, Driver, JournalReader, RunStore, who_drives
from actorflow.settings import Settings
from actorflow.state import RunState, RunStatus, fold
from actorflow.state.events import BlobRef
from actorflow.state.recorded import Recorded
from actorflow.values import Frozen, freeze

__all__ = ["Inspection", "inspect"]


@dataclass(frozen=True, slots=True)
class Inspection:
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
    def status_word(self) -> str:
        """The run's status, or ``interrupted`` when it should be running and nobody drives it."""
        if self.state.status in (RunStatus.RUNNING, RunStatus.PENDING) and self.driver is None:
            return "interrupted"
        return "unknown" if self.state.status is None else self.state.status.value

    def output(self, ref: BlobRef) -> Frozen:
        """Return an output that lives in a blob; raises JournalError when it is missing or damaged."""
        return freeze(msgspec.json.decode(BlobStore(self.folder / "blobs").get(ref.sha256)))


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
    state = fold((recorded.at, recorded.event) for recorded in events)
    return Inspection(folder.run_id, folder.path, state, events, driver)

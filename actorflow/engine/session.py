"""What one driver works with: everything that stays the same while it drives one run.

Made once by ``drive`` and handed to every actor's factory. Frozen, apart from ``Ending``, which is how actors
tell the driver that it is over.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
import trio

from actorflow.agents.interface import Agent
from actorflow.agents.masking import Masker
from actorflow.engine.feed import Hub
from actorflow.engine.outliving import Outliving
from actorflow.engine.recovery import AttemptKey
from actorflow.engine.room import Room
from actorflow.engine.snapshots import Keeper
from actorflow.errors import ActorflowError
from actorflow.ids import RunId, TaskId
from actorflow.journal import Blobs, Journal
from actorflow.scheduling import Facts
from actorflow.state import RunState
from actorflow.state.events import BlobRef
from actorflow.state.snapshot import LoadBlob
from actorflow.values import Frozen, freeze
from actorflow.workflow.plan import Plan

__all__ = ["MAX_OUTPUT_BYTES", "BlobReader", "Clock", "Ending", "Session"]

MAX_OUTPUT_BYTES = 16 * 1024 * 1024
"""The largest output, as JSON text."""

Clock = Callable[[], float]
"""Gives Unix seconds."""


@dataclass(slots=True)
class Ending:
    """How the drive ends: set once, by the RunActor, when the run is over or the storage has failed."""

    reached: trio.Event = field(default_factory=trio.Event)
    error: ActorflowError | None = None

    def fail(self, error: ActorflowError) -> None:
        """End the drive because it cannot go on."""
        if self.error is None:
            self.error = error
        self.reached.set()


class BlobReader:
    """Reads outputs out of blobs and remembers the latest; a ``LoadBlob`` for snapshots."""

    def __init__(self, blobs: Blobs, *, keep: int = 8) -> None:
        self._blobs = blobs
        self._keep = keep
        self._known: dict[str, Frozen] = {}

    def __call__(self, ref: BlobRef) -> Frozen:
        """Return the output; raises JournalError when the blob is missing or damaged."""
        value = self._known.pop(ref.sha256, None)
        if value is None:
            value = freeze(msgspec.json.decode(self._blobs.get(ref.sha256)))
        self._known[ref.sha256] = value
        while len(self._known) > self._keep:
            self._known.pop(next(iter(self._known)))
        return value


async def nothing_is_left(task: TaskId, attempt: int) -> None:
    """End nothing: where attempts have no processes."""


async def in_thread(fn: Callable[..., Any], *args: Any) -> Any:
    """Call a function that waits for a disk in a thread."""
    return await trio.to_thread.run_sync(fn, *args)


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One driver's view of one run.

    Attributes:
        initial: the state at the start of the drive; a restarted RunActor folds the journal instead.
        agents: name -> agent, for all agents of the plan.
        secrets: name -> text.
        leaves_when_parked: the drive ends, with the run PAUSED, when all that is left waits for a limit for longer
            than a moment.
        attempt_folder: makes and returns the folder of (task, attempt).
        offload: calls a function that waits for a disk; simulations under a mock clock, which no thread can
            obey, call it in place.
        keeper: makes snapshots of a long journal; None for none.
        outliving: attempts of a driver before this one that are gone on with, instead of being begun.
        end_survivors: ends what is left of (task, attempt), which nobody can go on with.
        takes_only: nothing is done but to take what attempts have left that have finished; see ``AgentRequest``.
    """

    run_id: RunId
    plan: Plan
    facts: Facts
    initial: RunState
    journal: Journal
    blobs: Blobs
    agents: Mapping[str, Agent]
    secrets: Mapping[str, str]
    masker: Masker
    clock: Clock
    hub: Hub
    project_root: Path
    attempt_folder: Callable[[TaskId, int], Path]
    leaves_when_parked: bool = False
    offload: Callable[..., Awaitable[Any]] = in_thread
    ending: Ending = field(default_factory=Ending)
    keeper: Keeper | None = None
    room: Room = field(default_factory=Room)
    outliving: Mapping[AttemptKey, Outliving] = field(default_factory=dict)
    end_survivors: Callable[[TaskId, int], Awaitable[None]] = nothing_is_left
    takes_only: bool = False

    @property
    def load(self) -> LoadBlob:
        """Gives outputs that live in blobs."""
        return self.facts.load

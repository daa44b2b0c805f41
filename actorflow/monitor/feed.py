"""The shapes that read models take in: what a watcher of a run is given, seen from below.

The engine makes updates and recorded events in classes of its own, which this package, being below it, may
not know. These protocols name the fields that are looked at, and nothing else. They hold data only: reading
one never waits.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from actorflow.ids import TaskId
from actorflow.state.events import Event
from actorflow.state.run_state import RunState

__all__ = ["RecordedEvent", "Said", "UpdateOfRun"]


class RecordedEvent(Protocol):
    """An event and when it was recorded, in Unix seconds."""

    @property
    def at(self) -> float:
        """When the journal took it."""
        ...

    @property
    def event(self) -> Event:
        """The fact itself."""
        ...


class Said(Protocol):
    """Something an agent said while it worked."""

    @property
    def kind(self) -> str:
        """``output text tool …``."""
        ...

    @property
    def text(self) -> str:
        """What it said; any characters at all."""
        ...


class UpdateOfRun(Protocol):
    """What has happened since the update before."""

    @property
    def state(self) -> RunState:
        """The state after all of ``events``."""
        ...

    @property
    def events(self) -> Sequence[RecordedEvent]:
        """The events since the last update, oldest first."""
        ...

    @property
    def progress(self) -> Sequence[tuple[TaskId, int, Said]]:
        """(task, attempt, what its agent said), oldest first."""
        ...

    @property
    def missed(self) -> int:
        """How many updates were dropped before this one because the watcher was slow."""
        ...

    @property
    def silent_since(self) -> float | None:
        """When the driver was heard of last, Unix seconds, if that is too long ago."""
        ...

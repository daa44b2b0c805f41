"""Every message that the actors of a run send each other. docs/explanation/engine.md has the table: who, to whom, how many, what if.

Messages are frozen values; those that go down carry the state they speak of, those that go up carry facts as
events.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, TypeAlias

import trio

from actorflow.ids import TaskId
from actorflow.scheduling import StartAttempt
from actorflow.state import RunState
from actorflow.state import events as ev

__all__ = [
    "CancelRun",
    "Carry",
    "DeadlinePassed",
    "Due",
    "OpenSession",
    "Outcome",
    "OutcomeEvent",
    "PoolOpens",
    "Recorded",
    "Recorder",
    "Rejoined",
    "RoomChanged",
    "RunMessage",
    "SupervisorRestarted",
    "TaskMessage",
    "WaitUntil",
]

OutcomeEvent: TypeAlias = (
    ev.AttemptSucceeded | ev.AttemptFailed | ev.AttemptCancelled | ev.AttemptRequeued | ev.AttemptLost
)

# --- up, to RunActor ---------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Outcome:
    """An attempt: it has ended like this. Said again to a RunActor that has been restarted."""

    event: OutcomeEvent


@dataclass(frozen=True, slots=True)
class Due:
    """TaskActor: the wait until ``due_at`` is over."""

    task: TaskId
    due_at: float


@dataclass(frozen=True, slots=True)
class PoolOpens:
    """RunActor's own timer: a pool that a service had closed is open from ``due_at``."""

    due_at: float


@dataclass(frozen=True, slots=True)
class Rejoined:
    """TaskActor, after a crash: tell me again what I am to do."""

    task: TaskId


@dataclass(frozen=True, slots=True)
class OpenSession:
    """An attempt asks: record the agent's session. Answered once it is durable."""

    event: ev.SessionOpened


@dataclass(frozen=True, slots=True)
class CancelRun:
    """A signal or another process: cancel what is left. ``request_id`` names the other process's request."""

    by: str
    request_id: str = ""


@dataclass(frozen=True, slots=True)
class DeadlinePassed:
    """RunActor's own timer: the run's timeout may be over."""


@dataclass(frozen=True, slots=True)
class RoomChanged:
    """``Room``: an output begins, or ends, to wait for room on the disk. How it is now, the room itself knows."""


@dataclass(frozen=True, slots=True)
class SupervisorRestarted:
    """A supervisor: an actor crashed and was replaced."""

    event: ev.ActorRestarted


RunMessage: TypeAlias = (
    Outcome
    | Due
    | PoolOpens
    | Rejoined
    | OpenSession
    | CancelRun
    | DeadlinePassed
    | RoomChanged
    | SupervisorRestarted
)


class Recorder(Protocol):
    """Whoever records what becomes of attempts: the RunActor, through its ref."""

    @property
    def is_alive(self) -> bool:
        """Whether messages are accepted."""
        ...

    def tell_nowait(self, message: object, *, reserved: bool = False) -> None:
        """Take an ``Outcome``."""
        ...

    async def ask(self, message: object, *, timeout_seconds: float) -> object:
        """Record what an ``OpenSession`` says, and answer once it is durable."""
        ...


# --- to TaskActor ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Carry:
    """RunActor: get this attempt ready, and carry it out once ``durable`` is set; go on with it, if it has outlived its driver.

    Sent while the disk writes that the attempt starts, so that nothing but its agent is left to do afterwards. Sent
    again after a crash: it must not be carried out twice.
    """

    start: StartAttempt
    state: RunState
    durable: trio.Event


@dataclass(frozen=True, slots=True)
class WaitUntil:
    """RunActor: say ``Due`` when it is time."""

    due_at: float


@dataclass(frozen=True, slots=True)
class Recorded:
    """RunActor: the outcome of this attempt is durable. ``is_final``: and the task is done with."""

    attempt: int
    is_final: bool


TaskMessage: TypeAlias = Carry | WaitUntil | Recorded

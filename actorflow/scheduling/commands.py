"""What scheduling can decide: imperatives, each with the events that record it.

``decide`` and ``Frontier`` give commands; ``settle`` turns them into events, and the engine carries out the
only one that acts on the world, ``StartAttempt``, once its events are durable.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from actorflow.ids import TaskId
from actorflow.state import events as ev
from actorflow.state.events import Event, Failure
from actorflow.state.status import RunStatus, SkipReason

__all__ = [
    "CancelTask",
    "Command",
    "CompleteTask",
    "FailTask",
    "FinishRun",
    "PauseRun",
    "ScheduleRetry",
    "SettleRun",
    "SkipTask",
    "StartAttempt",
]


class StartAttempt(msgspec.Struct, frozen=True):
    """Hand the next attempt of a task to its agent; ``session`` is the agent session that it goes on with."""

    task: TaskId
    attempt: int
    agent: str
    backend: str = ""
    pool: str = ""
    session: str | None = None

    def events(self) -> tuple[Event, ...]:
        """Give the events that record this command."""
        return (
            ev.AttemptStarted(self.task, self.attempt, self.agent, self.backend, self.pool, self.session),
        )


class CompleteTask(msgspec.Struct, frozen=True):
    """The task's attempt succeeded: it is done."""

    task: TaskId

    def events(self) -> tuple[Event, ...]:
        """Give the events that record this command."""
        return (ev.TaskSucceeded(self.task),)


class ScheduleRetry(msgspec.Struct, frozen=True):
    """Try the task again at ``due_at``; ``agent`` is the fallback that takes over, "" when it is the same agent."""

    task: TaskId
    attempt: int
    due_at: float
    delay_seconds: float
    agent: str = ""

    def events(self) -> tuple[Event, ...]:
        """Give the events that record this command."""
        return (ev.RetryScheduled(self.task, self.attempt, self.due_at, self.delay_seconds, self.agent),)


class FailTask(msgspec.Struct, frozen=True):
    """Give the task up; ``tolerated``: and let its dependents go on."""

    task: TaskId
    failure: Failure
    tolerated: bool = False

    def events(self) -> tuple[Event, ...]:
        """Give the events that record this command."""
        failed = ev.TaskFailed(self.task, self.failure)
        return (
            (failed, ev.TaskSkipped(self.task, SkipReason.TOLERATED_FAILURE)) if self.tolerated else (failed,)
        )


class SkipTask(msgspec.Struct, frozen=True):
    """Do not run the task."""

    task: TaskId
    reason: SkipReason

    def events(self) -> tuple[Event, ...]:
        """Give the events that record this command."""
        return (ev.TaskSkipped(self.task, self.reason),)


class CancelTask(msgspec.Struct, frozen=True):
    """End the task, none of whose attempts runs, because the run is cancelled."""

    task: TaskId

    def events(self) -> tuple[Event, ...]:
        """Give the events that record this command."""
        return (ev.TaskCancelled(self.task),)


class PauseRun(msgspec.Struct, frozen=True):
    """The budget is used up, and nothing is left that costs nothing."""

    reason: str
    cost_usd: float | None = None
    tokens: int | None = None

    def events(self) -> tuple[Event, ...]:
        """Give the events that record this command."""
        return (ev.RunPaused(self.reason, "budget", None, self.cost_usd, self.tokens),)


class SettleRun(msgspec.Struct, frozen=True):
    """All tasks are done: this is how the run ends. Its end hooks follow."""

    status: RunStatus
    failure: Failure | None = None

    def events(self) -> tuple[Event, ...]:
        """Give the events that record this command."""
        return (ev.RunSettled(self.status, self.failure),)


class FinishRun(msgspec.Struct, frozen=True):
    """Nothing is left to do."""

    status: RunStatus
    cost_usd: float | None = None
    tokens: int | None = None

    def events(self) -> tuple[Event, ...]:
        """Give the events that record this command."""
        return (ev.RunFinished(self.status, self.cost_usd, self.tokens),)


Command: TypeAlias = (
    StartAttempt
    | CompleteTask
    | ScheduleRetry
    | FailTask
    | SkipTask
    | CancelTask
    | PauseRun
    | SettleRun
    | FinishRun
)

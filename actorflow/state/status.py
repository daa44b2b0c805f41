"""The states of a run, a task and an attempt, and the only arrows between them.

Everything that changes a state is an event, and each table says which event leads from which state to which.
``transitions.apply`` looks here and nowhere else; the page docs/reference/task-states.md and its picture are
generated from these tables. The words are written to journals: they are never renamed.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

__all__ = [
    "ATTEMPT_TRANSITIONS",
    "NOTES",
    "RUN_TRANSITIONS",
    "TASK_EVENTS",
    "TASK_TRANSITIONS",
    "AttemptStatus",
    "RunStatus",
    "SkipReason",
    "SubState",
    "TaskStatus",
]


class TaskStatus(StrEnum):
    """The state of a task."""

    __hash__ = str.__hash__  # Enum's own is a Python function, and the tables are looked up at every event

    PENDING = "pending"
    """Not started: it waits for its dependencies or for a slot. A resume leads back here."""
    RUNNING = "running"
    """From the start of its first attempt to the end of its last, the waits between them included."""
    SUCCESS = "success"
    """An attempt succeeded; its output is kept and not made again, unless a resume asks for it by name, or with
    a changed workflow."""
    FAILED = "failed"
    """Its attempts are used up, or it could not be started; the error says why."""
    SKIPPED = "skipped"
    """It does not run in this run; the reason says why."""
    CANCELLED = "cancelled"
    """The run was cancelled or timed out before the task was done."""

    @property
    def is_terminal(self) -> bool:
        """Whether only a resume leads out of this state."""
        return self not in (TaskStatus.PENDING, TaskStatus.RUNNING)


class SubState(StrEnum):
    """What a RUNNING task does while no attempt of it runs."""

    RETRY_WAIT = "retry_wait"
    """It waits out the back-off before its next attempt."""
    PARKED = "parked"
    """A rate or usage limit was hit; it goes on when the limit is lifted."""
    WAITING = "waiting"
    """It could go on at once, and waits for a slot."""


class SkipReason(StrEnum):
    """Why a task was skipped."""

    CONDITION_FALSE = "condition_false"
    """Its condition was false."""
    UPSTREAM_FAILED = "upstream_failed"
    """A task it depends on failed, or was itself skipped for that reason."""
    UPSTREAM_SKIPPED = "upstream_skipped"
    """Everything it depends on was skipped."""
    TOLERATED_FAILURE = "tolerated_failure"
    """It failed, and its ``on_failure`` says ``skip``: dependents go on."""
    WORKFLOW_STOPPED = "workflow_stopped"
    """Another task failed and the workflow stops at the first failure."""


class AttemptStatus(StrEnum):
    """The state of one attempt of a task."""

    __hash__ = str.__hash__  # Enum's own is a Python function, and the tables are looked up at every event

    STARTED = "started"
    """Recorded before its agent is called."""
    SUCCEEDED = "succeeded"
    """The agent gave a result that is valid."""
    FAILED = "failed"
    """The agent failed, timed out, or its result is not valid."""
    LOST = "lost"
    """The driver died while it ran; nobody knows how it ended. Does not count as an attempt of the task's
    budget."""
    CANCELLED = "cancelled"
    """It was stopped because the run was."""
    REQUEUED = "requeued"
    """A rate or usage limit, or the run's budget, sent it back. Does not count as an attempt of the task's
    budget."""


class RunStatus(StrEnum):
    """The state of a run."""

    __hash__ = str.__hash__  # Enum's own is a Python function, and the tables are looked up at every event

    PENDING = "pending"
    """Accepted and durable; no driver has begun."""
    RUNNING = "running"
    """A driver works on it, or did until it died."""
    PAUSED = "paused"
    """It stopped by itself with work left; a resume goes on."""
    SUCCESS = "success"
    """Every task is done and none is FAILED."""
    FAILED = "failed"
    """A task is FAILED, a hook of ``on_start`` failed, or the run timed out."""
    CANCELLED = "cancelled"
    """It was cancelled before its tasks were done."""

    @property
    def is_terminal(self) -> bool:
        """Whether the run has ended."""
        return self in (RunStatus.SUCCESS, RunStatus.FAILED, RunStatus.CANCELLED)


_T, _A, _R = TaskStatus, AttemptStatus, RunStatus

TASK_TRANSITIONS: Final[dict[tuple[TaskStatus, str], TaskStatus]] = {
    (_T.PENDING, "AttemptStarted"): _T.RUNNING,
    (_T.PENDING, "TaskFailed"): _T.FAILED,
    (_T.PENDING, "TaskSkipped"): _T.SKIPPED,
    (_T.PENDING, "TaskCancelled"): _T.CANCELLED,
    (_T.RUNNING, "AttemptStarted"): _T.RUNNING,
    (_T.RUNNING, "AttemptSucceeded"): _T.RUNNING,
    (_T.RUNNING, "AttemptFailed"): _T.RUNNING,
    (_T.RUNNING, "AttemptLost"): _T.RUNNING,
    (_T.RUNNING, "AttemptCancelled"): _T.RUNNING,
    (_T.RUNNING, "AttemptRequeued"): _T.RUNNING,
    (_T.RUNNING, "SessionOpened"): _T.RUNNING,
    (_T.RUNNING, "RetryScheduled"): _T.RUNNING,
    (_T.RUNNING, "TaskSucceeded"): _T.SUCCESS,
    (_T.RUNNING, "TaskFailed"): _T.FAILED,
    (_T.RUNNING, "TaskCancelled"): _T.CANCELLED,
    (_T.FAILED, "TaskSkipped(tolerated_failure)"): _T.SKIPPED,
    (_T.SUCCESS, "RunResumed"): _T.PENDING,
    (_T.FAILED, "RunResumed"): _T.PENDING,
    (_T.SKIPPED, "RunResumed"): _T.PENDING,
    (_T.CANCELLED, "RunResumed"): _T.PENDING,
    (_T.PENDING, "RunResumed"): _T.PENDING,
    (_T.RUNNING, "RunResumed"): _T.PENDING,
}
"""(state, event) -> the next state of the event's task. SUCCESS leaves only for ``resume --from``, for a spec
that has changed, and for hooks; RUNNING only when its driver is gone."""

ATTEMPT_TRANSITIONS: Final[dict[tuple[AttemptStatus | None, str], AttemptStatus | None]] = {
    (None, "AttemptStarted"): _A.STARTED,
    (_A.STARTED, "SessionOpened"): _A.STARTED,
    (_A.STARTED, "AttemptSucceeded"): _A.SUCCEEDED,
    (_A.STARTED, "AttemptFailed"): _A.FAILED,
    (_A.STARTED, "AttemptLost"): _A.LOST,
    (_A.STARTED, "AttemptCancelled"): _A.CANCELLED,
    (_A.STARTED, "AttemptRequeued"): _A.REQUEUED,
    (_A.SUCCEEDED, "TaskSucceeded"): None,
    (_A.FAILED, "RetryScheduled"): None,
    (_A.FAILED, "TaskFailed"): None,
    (_A.FAILED, "TaskCancelled"): None,
    (_A.LOST, "RetryScheduled"): None,
    (_A.LOST, "TaskFailed"): None,
    (_A.LOST, "TaskCancelled"): None,
    (_A.REQUEUED, "RetryScheduled"): None,
    (_A.REQUEUED, "TaskCancelled"): None,
    (_A.CANCELLED, "TaskCancelled"): None,
    (None, "TaskFailed"): None,
    (None, "TaskSkipped"): None,
    (None, "TaskSkipped(tolerated_failure)"): None,
    (None, "TaskCancelled"): None,
    (None, "RunResumed"): None,
    (_A.FAILED, "RunResumed"): None,
    (_A.LOST, "RunResumed"): None,
    (_A.REQUEUED, "RunResumed"): None,
    (_A.CANCELLED, "RunResumed"): None,
}
"""(state of a task's latest attempt, event) -> its next state. None: there is no attempt, or its outcome has
been decided upon."""

TASK_EVENTS: Final = tuple(
    """AttemptStarted SessionOpened AttemptSucceeded AttemptFailed AttemptLost AttemptCancelled AttemptRequeued
    RetryScheduled TaskSucceeded TaskFailed TaskSkipped TaskCancelled""".split()
)
"""The events that are about one task."""

NOTES: Final = ("ActorRestarted", "ControlAnswered")
"""The events that change no state."""

RUN_TRANSITIONS: Final[dict[tuple[RunStatus | None, str], RunStatus]] = {
    (None, "RunAccepted"): _R.PENDING,
    (_R.PENDING, "DriverStarted"): _R.RUNNING,
    (_R.RUNNING, "DriverStarted"): _R.RUNNING,
    (_R.PAUSED, "DriverStarted"): _R.RUNNING,
    (_R.PENDING, "RunCancelRequested"): _R.PENDING,
    (_R.RUNNING, "RunCancelRequested"): _R.RUNNING,
    (_R.PAUSED, "RunCancelRequested"): _R.PAUSED,
    (_R.RUNNING, "RunTimedOut"): _R.RUNNING,
    (_R.RUNNING, "RunPaused"): _R.PAUSED,
    (_R.PENDING, "BudgetChanged"): _R.PENDING,
    (_R.RUNNING, "BudgetChanged"): _R.RUNNING,
    (_R.PAUSED, "BudgetChanged"): _R.PAUSED,
    (_R.RUNNING, "RoomRanOut"): _R.RUNNING,
    **{(status, "RoomFound"): status for status in _R},
    (_R.RUNNING, "RunSettled"): _R.RUNNING,
    (_R.RUNNING, "RunFinished(success)"): _R.SUCCESS,
    (_R.RUNNING, "RunFinished(failed)"): _R.FAILED,
    (_R.RUNNING, "RunFinished(cancelled)"): _R.CANCELLED,
    (_R.RUNNING, "RunResumed"): _R.RUNNING,
    (_R.PAUSED, "RunResumed"): _R.RUNNING,
    (_R.SUCCESS, "RunResumed"): _R.RUNNING,
    (_R.FAILED, "RunResumed"): _R.RUNNING,
    (_R.CANCELLED, "RunResumed"): _R.RUNNING,
    (_R.PAUSED, "AttemptLost"): _R.PAUSED,
    **{(status, "SpecChanged"): status for status in _R},
    **{(_R.RUNNING, event): _R.RUNNING for event in TASK_EVENTS},
    **{(status, event): status for status in _R for event in NOTES},
}
"""(state of the run, None before it exists; event) -> its next state. Tasks move only while their run is
RUNNING."""

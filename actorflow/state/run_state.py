"""The state of a run at one moment: immutable, folded from events, shared between everybody who looks.

``RunState`` holds one ``TaskState`` a task in a persistent map, and the context that expressions see, where
each finished task's record is frozen once. Times are Unix seconds (UTC). Only ``transitions.apply`` makes a
new one. Counters are kept so that nobody has to walk the tasks. No cycle can lead through a state, so the
garbage collector need not look (``gc=False``).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec
from pyrsistent import PMap, pmap

from actorflow.ids import RunId, TaskId
from actorflow.state.account import Account
from actorflow.state.events import BlobRef, Failure
from actorflow.state.limits import Limit
from actorflow.state.status import AttemptStatus, RunStatus, SkipReason, SubState, TaskStatus
from actorflow.values import Frozen, FrozenDict
from actorflow.workflow.budget import Budget

__all__ = ["EMPTY", "LIVE", "REHEARSAL", "RunState", "TaskState"]

if TYPE_CHECKING:
    Output: TypeAlias = Frozen | BlobRef
else:
    Output = Any  # msgspec reads the annotation when a state is saved, and knows no recursive types

LIVE = "live"
"""The mode of a run that calls its agents."""

REHEARSAL = "rehearsal"
"""The mode of a run whose agents are played from stubs."""


class TaskState(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """One task at one moment.

    Attributes:
        attempts: attempts started so far, over all resumes; the number of the latest one.
        counted: attempts that count against the retry budget since it was last renewed (lost and requeued
            ones do not).
        lost: attempts lost since the budget was last renewed.
        attempt: how the latest attempt stands; None before the first, and again once its outcome has been
            decided upon.
        due_at: when the next attempt may start; None when none is scheduled.
        agent: who carries out the present attempt, or the next one.
        backend: the service that the latest attempt called; "" when it cost nothing.
        pool: the pool whose limits the latest attempt kept to.
        requeues: how often in a row a limit has sent the task back.
        session_id: the agent session that an attempt can go on with; ``session_agent`` is who opened it in this
            task, "" when it is another task's.
        lost_session: a session that was not found any more.
        error: why the latest attempt, or the task, failed; kept when the failure is tolerated.
        cost_usd: known cost of all attempts; None when nothing is known, which is not zero.
        fingerprint: what the attempt that succeeded was asked; "" when that is not known.
    """

    id: TaskId
    agents: tuple[str, ...]
    dependencies: tuple[TaskId, ...] = ()
    hook: str = ""
    status: TaskStatus = TaskStatus.PENDING
    reason: SkipReason | None = None
    error: Failure | None = None
    agent: str = ""
    attempts: int = 0
    counted: int = 0
    lost: int = 0
    attempt: AttemptStatus | None = None
    waiting: SubState | None = None
    due_at: float | None = None
    output: Output = None
    started_at: float | None = None
    finished_at: float | None = None
    attempt_started_at: float | None = None
    attempt_ended_at: float | None = None
    backend: str = ""
    pool: str = ""
    requeues: int = 0
    session_id: str | None = None
    session_agent: str = ""
    lost_session: str | None = None
    cost_usd: float | None = None
    tokens: int | None = None
    notes: tuple[str, ...] = ()
    fingerprint: str = ""

    @property
    def duration_seconds(self) -> float | None:
        """From the first attempt's start to the end of the task; None while it is not over."""
        if self.started_at is None or self.finished_at is None:
            return None
        return max(0.0, self.finished_at - self.started_at)

    @property
    def is_attempt_open(self) -> bool:
        """Whether an attempt is running."""
        return self.attempt is AttemptStatus.STARTED


class RunState(msgspec.Struct, frozen=True, gc=False):
    """A run at one moment.

    Attributes:
        mode: ``live`` or ``rehearsal``; it stays what it was at first.
        context: what expressions see by bare name: inputs, variables, and the record of each task that is
            done.
        unfinished: tasks (hooks apart) that are not terminal; ``failed`` and ``cancelled`` count those
            states.
        running: open attempts of tasks, hooks apart.
        limits: what services allow at this moment; empty when none of them has complained.
        account: what has been spent.
        session_costs: agent session -> its known cost, over all attempts that went on with it.
        budget: what a person has allowed instead of the workflow's own budget.
        outcome: how the run will end, known once all tasks are done; its hooks may still run.
        cancelled_by: who asked for cancellation; None when nobody did.
        hooks_cancelled: whether cancellation was asked for when the outcome was known already.
        no_room: why the driver waits for room on the disk; "" when it does not.
        driver_started_at: when the present or latest driver began.
        ended_at: when the run reached a terminal state.
        sequence: how many events were folded.
        spec_sequence: the event that has the text of the workflow that the run follows.
        key_id: what the idempotency keys of its tasks begin with: its id, or that of the damaged run that it was
            salvaged from.
        removed: tasks that were part of the run and are not in its workflow any more, as they were: what they
            have cost stays known, and one that comes back goes on with its attempts.
    """

    run_id: RunId
    workflow: str = ""
    status: RunStatus | None = None
    mode: str = LIVE
    project_root: str = ""
    tasks: PMap[TaskId, TaskState] = pmap()
    context: PMap[str, Any] = pmap()
    inputs: FrozenDict = FrozenDict()
    variables: FrozenDict = FrozenDict()
    unfinished: int = 0
    failed: int = 0
    cancelled: int = 0
    running: int = 0
    outcome: RunStatus | None = None
    failure: Failure | None = None
    cancelled_by: str | None = None
    hooks_cancelled: bool = False
    timed_out: bool = False
    paused_because: str = ""
    paused_kind: str = ""
    paused_until: float | None = None
    limits: PMap[str, Limit] = pmap()
    account: Account = Account()
    session_costs: PMap[str, float] = pmap()
    budget: Budget | None = None
    no_room: str = ""
    epoch: int = 0
    accepted_at: float = 0.0
    started_at: float | None = None
    driver_started_at: float | None = None
    settled_at: float | None = None
    ended_at: float | None = None
    updated_at: float = 0.0
    sequence: int = 0
    spec_sequence: int = 0
    key_id: str = ""
    removed: PMap[TaskId, TaskState] = pmap()

    @property
    def is_rehearsal(self) -> bool:
        """Whether no agent is called."""
        return self.mode == REHEARSAL

    @property
    def is_cancelling(self) -> bool:
        """Whether what is left of the tasks is to be cancelled."""
        return self.cancelled_by is not None or self.timed_out

    @property
    def duration_seconds(self) -> float | None:
        """From the first driver's start to the end; None while the run goes on."""
        if self.started_at is None or self.ended_at is None:
            return None
        return max(0.0, self.ended_at - self.started_at)


EMPTY = RunState(run_id=RunId(""))
"""The state before any event."""

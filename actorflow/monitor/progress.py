"""Where a run stands, for a person: counts, and one line for each task worth showing.

``Board`` takes updates and keeps what it needs to answer at once, however many tasks there are: absorbing
costs what happened, not what exists. ``overview`` picks what fits on a screen: what runs, what failed, what
is done, what comes next. When updates were missed it starts again from the state, which is always true. Text
from agents is passed on as it is. Must not ask for the time.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping
from datetime import UTC, tzinfo
from itertools import chain, islice

import msgspec
from msgspec.structs import replace

from actorflow.ids import TaskId
from actorflow.monitor.estimate import Estimate, seconds_left
from actorflow.monitor.feed import UpdateOfRun
from actorflow.monitor.limits import limit_of
from actorflow.monitor.order import depths_of, order_of
from actorflow.monitor.outline import outline_of
from actorflow.monitor.services import limits_text, parked_text, spent_text, wanted_text
from actorflow.monitor.standing import RunStanding, standing_of
from actorflow.monitor.times import duration_text
from actorflow.monitor.words import attempt_text, failure_text, first_line, phase_of, skip_text
from actorflow.state.events import RunAccepted, RunResumed, SpecChanged
from actorflow.state.run_state import EMPTY, RunState, TaskState
from actorflow.state.status import RunStatus, SkipReason, SubState, TaskStatus

__all__ = ["Board", "Overview", "TaskLine", "task_line", "waits_for"]

_RECENT = 200  # more than any screen has lines
_SAID_CHARACTERS = 400  # the end of a line of 400 characters is on no screen


class TaskLine(msgspec.Struct, frozen=True, kw_only=True):
    """What is shown of one task.

    Attributes:
        phase: its state, or its sub-state between attempts (``retry_wait parked waiting``).
        elapsed_seconds: since its first attempt began; None before that.
        detail: what it waits for, what it said last, or why it ended as it did; "" when there is nothing to
            say.
        expected_seconds: how long it takes as a rule, while it runs; None when that is not known.
        depth: how far in it stands in an outline; 0 in a table.
    """

    id: TaskId
    phase: str
    agent: str
    attempt: int
    elapsed_seconds: float | None
    detail: str
    expected_seconds: float | None = None
    depth: int = 0


class Overview(msgspec.Struct, frozen=True, kw_only=True):
    """A run at one moment, ready to be drawn.

    Attributes:
        left_seconds: how long it will still take, going by earlier runs; None when nothing is known.
        done: tasks that are over, hooks apart, as in ``total``.
        counts: state -> how many tasks are in it; states without any are left out.
        lines: tasks worth showing, in the order of the workflow.
        hidden: how many tasks have no line.
        note: what is true of the run as a whole: why it is paused, that it is being cancelled; or "".
        spent: what it has cost; "" when nothing of it costs money.
    """

    run_id: str
    workflow: str
    mode: str
    status: str
    elapsed_seconds: float
    left_seconds: float | None
    done: int
    total: int
    counts: Mapping[str, int]
    lines: tuple[TaskLine, ...]
    hidden: int
    note: str
    spent: str = ""


def task_line(
    task: TaskState, state: RunState, *, now: float, limit: int | None = None, said: str = ""
) -> TaskLine:
    """Return what is shown of one task.

    Args:
        now: Unix seconds.
        limit: the number of its last possible attempt, if that is known; see ``limit_of``.
        said: what its agent said last.
    """
    start, end = task.started_at, task.finished_at
    return TaskLine(
        id=task.id,
        phase=phase_of(task),
        agent=task.agent or task.agents[0],
        attempt=task.attempts,
        elapsed_seconds=None if start is None else max(0.0, (now if end is None else end) - start),
        detail=_detail(task, state, now, limit, said),
    )


def _detail(task: TaskState, state: RunState, now: float, limit: int | None, said: str) -> str:
    match task.status:
        case TaskStatus.PENDING:
            waits = waits_for(task, state)
            return waits if task.hook else f"waits for {waits}"
        case TaskStatus.RUNNING:
            return _between_attempts(task, now, limit) if task.waiting else _while_running(task, limit, said)
        case TaskStatus.SKIPPED:
            tolerated = task.reason is SkipReason.TOLERATED_FAILURE
            return skip_text(task.reason) + (f": {failure_text(task.error)}" if tolerated else "")
        case TaskStatus.FAILED:
            return failure_text(task.error)
        case TaskStatus.SUCCESS:
            return f"attempt {attempt_text(task.attempts, limit)}{_by(task)}" if task.attempts > 1 else ""
        case TaskStatus.CANCELLED:
            return ""


def waits_for(task: TaskState, state: RunState, known: Mapping[TaskId, TaskState] | None = None) -> str:
    """Say what a task that has not begun waits for: the tasks before it, a slot, a limit; for a hook, its phase.

    Args:
        known: the tasks of ``state`` as a plain mapping, for who asks about thousands.
    """
    if task.hook:
        return task.hook
    tasks = state.tasks if known is None else known
    blockers = [d for d in task.dependencies if not tasks[d].status.is_terminal]
    if not blockers:
        return wanted_text(state)
    more = f" and {len(blockers) - 3} more" if len(blockers) > 3 else ""
    return f"{', '.join(blockers[:3])}{more}"


def _by(task: TaskState) -> str:
    """Say which agent it is, of a task that has fallbacks."""
    return f" by {task.agent}" if len(task.agents) > 1 else ""


def _while_running(task: TaskState, limit: int | None, said: str) -> str:
    again = f"attempt {attempt_text(task.attempts, limit)}{_by(task)}" if task.attempts > 1 else ""
    return ": ".join(part for part in (again, said) if part)


def _between_attempts(task: TaskState, now: float, limit: int | None) -> str:
    if task.due_at is None or task.due_at <= now or task.waiting is SubState.WAITING:
        return f"attempt {attempt_text(task.attempts + 1, limit)} waits for a slot"
    left = duration_text(task.due_at - now)
    if task.waiting is SubState.PARKED:
        return f"goes on in {left}: {failure_text(task.error)}"
    number = attempt_text(task.attempts + 1, limit)
    return f"retry {number}{_by(task)} in {left}: {failure_text(task.error)}"


class Board:
    """Follows a run.

    Args:
        order: all tasks as the workflow declares them; learned from the run's first event, or worked out,
            when it is not given.
        limits: task -> its greatest number of attempts; see ``attempt_limits``. It is looked at for every
            overview, so it may be filled later.
        is_outline: whether tasks stand below those that they wait for, and not as the workflow declares them.

    Attributes:
        zone: in which the time of day is written.
        estimate: what earlier runs let one expect; may be set at any time.
    """

    def __init__(
        self,
        *,
        order: Iterable[TaskId] = (),
        limits: Mapping[TaskId, int] | None = None,
        is_outline: bool = False,
        zone: tzinfo = UTC,
    ) -> None:
        self.state: RunState = EMPTY
        self._silent_since: float | None = None
        self.zone = zone
        self.estimate: Estimate | None = None
        self._is_outline = is_outline
        self._depths: Mapping[TaskId, int] = {}
        self._dependencies_first: tuple[TaskId, ...] = ()
        self._order: tuple[TaskId, ...] = tuple(order)
        self._limits = {} if limits is None else limits
        self._index: dict[TaskId, int] = {}
        self._known: dict[TaskId, TaskStatus] = {}
        self._counts: dict[TaskStatus, int] = {}
        self._active: dict[TaskId, None] = {}
        self._failed: dict[TaskId, None] = {}
        self._recent: deque[TaskId] = deque(maxlen=_RECENT)
        self._said: dict[TaskId, tuple[int, str]] = {}

    @property
    def order(self) -> tuple[TaskId, ...]:
        """All tasks, hooks last, as far as they are known."""
        return self._order

    def absorb(self, update: UpdateOfRun) -> None:
        """Take in an update."""
        is_new = not self._known or update.missed > 0
        self.state = update.state
        self._silent_since = update.silent_since
        if is_new or any(isinstance(r.event, RunAccepted | RunResumed | SpecChanged) for r in update.events):
            self._start_again(update)
        else:
            for recorded in update.events:
                task = getattr(recorded.event, "task", None)
                if task is not None:
                    self._look_at(task)
        for task, attempt, said in update.progress:
            if self._is_current(task, attempt) and (line := _last_line(said.text)):
                self._said[task] = (attempt, line)

    def overview(self, *, now: float, rows: int) -> Overview:
        """Return the run as it stands.

        Args:
            now: Unix seconds.
            rows: how many tasks can be shown.
        """
        state = self.state
        standing = standing_of(state.status, is_driven=True, silent_since=self._silent_since)
        total = sum(self._counts.values())
        lines = tuple(self._line(task, now) for task in self._shown(rows))
        start = state.accepted_at if state.started_at is None else state.started_at
        return Overview(
            run_id=state.run_id,
            workflow=state.workflow,
            mode=state.mode,
            status="pending" if state.status is None else standing.word,
            elapsed_seconds=max(0.0, (now if state.ended_at is None else state.ended_at) - start),
            left_seconds=self._seconds_left(now),
            done=sum(n for status, n in self._counts.items() if status.is_terminal),
            total=total,
            counts={status.value: self._counts[status] for status in TaskStatus if self._counts.get(status)},
            lines=lines,
            hidden=max(0, total - sum(1 for line in lines if not state.tasks[line.id].hook)),
            note=_note(state, standing, now, self.zone),
            spent=spent_text(state),
        )

    def _seconds_left(self, now: float) -> float | None:
        if self.estimate is None or self.state.status is not RunStatus.RUNNING:
            return None
        return seconds_left(self.estimate, self.state, now, self._dependencies_first)

    def _start_again(self, update: UpdateOfRun) -> None:
        if len(self._order) != len(self.state.tasks) or any(
            isinstance(r.event, RunAccepted | SpecChanged) for r in update.events
        ):
            self._order = order_of(self.state, update.events)
        if self._is_outline:
            self._depths = outline_of(self.state, self._order)
            self._order = tuple(self._depths)
        depths = depths_of(self.state)
        self._dependencies_first = tuple(sorted(self._order, key=depths.__getitem__))
        self._index = {task: place for place, task in enumerate(self._order)}
        self._known.clear()
        self._counts.clear()
        self._active.clear()
        self._failed.clear()
        self._recent.clear()
        for task in self._order:
            self._look_at(task)

    def _look_at(self, task_id: TaskId) -> None:
        """Move a task from where it was to where it is."""
        task = self.state.tasks[task_id]
        before = self._known.get(task_id)
        if before is task.status:
            return
        self._known[task_id] = task.status
        if not task.hook:
            if before is not None:
                self._counts[before] -= 1
            self._counts[task.status] = self._counts.get(task.status, 0) + 1
        _keep(self._active, task_id, task.status is TaskStatus.RUNNING)
        _keep(self._failed, task_id, task.status is TaskStatus.FAILED)
        if task.status.is_terminal:
            self._said.pop(task_id, None)
            self._recent.append(task_id)

    def _is_current(self, task_id: TaskId, attempt: int) -> bool:
        task = self.state.tasks.get(task_id)
        return task is not None and task.is_attempt_open and task.attempts == attempt

    def _shown(self, rows: int) -> list[TaskId]:
        """Pick at most ``rows`` tasks: what runs, what failed, what comes next, what ended last; in the order of the workflow."""
        tasks = self.state.tasks
        if len(self._order) <= rows:
            return [t for t in self._order if not tasks[t].hook or t in self._active or t in self._failed]
        pending = (t for t in self._order if tasks[t].status is TaskStatus.PENDING and not tasks[t].hook)
        done = (t for t in reversed(self._recent) if not tasks[t].hook and t not in self._failed)
        coming = islice(pending, max(1, rows // 4))
        ranked = dict.fromkeys(chain(self._active, reversed(self._failed), coming, done, pending))
        return sorted(islice(ranked, max(0, rows)), key=self._index.__getitem__)

    def _line(self, task_id: TaskId, now: float) -> TaskLine:
        task = self.state.tasks[task_id]
        attempt, said = self._said.get(task_id, (0, ""))
        shown = said if attempt == task.attempts else ""
        line = task_line(task, self.state, now=now, limit=limit_of(task, self._limits), said=shown)
        expected = None if self.estimate is None else self.estimate.tasks.get(task_id)
        return replace(
            line,
            expected_seconds=expected if task.is_attempt_open else None,
            depth=self._depths.get(task_id, 0),
        )


def _keep(group: dict[TaskId, None], task: TaskId, is_member: bool) -> None:
    if is_member:
        group[task] = None
    else:
        group.pop(task, None)


def _last_line(text: str) -> str:
    """Return the last line that is not blank; a flood of output must not be walked from its beginning."""
    for line in reversed(text[-4096:].splitlines()):
        if line.strip():
            return line.strip()[:_SAID_CHARACTERS]
    return ""


def _note(state: RunState, standing: RunStanding, now: float, zone: tzinfo) -> str:
    if standing.silent_since is not None:
        return f"its driver has not been heard of for {duration_text(now - standing.silent_since)}"
    if state.no_room:
        return f"waiting for the disk: {first_line(state.no_room)}"
    parked = "" if state.paused_kind == "budget" else parked_text(state, now=now, zone=zone)
    if parked:
        return parked
    if state.paused_because:
        return f"paused: {first_line(state.paused_because)}"
    if state.timed_out:
        return "timed out: what is left is being cancelled" if state.ended_at is None else "timed out"
    if state.cancelled_by is not None and state.ended_at is None:
        return "cancelling"
    if state.outcome is not None and state.ended_at is None:
        return f"{state.outcome.value}: its hooks are running"
    return limits_text(state, now=now, zone=zone) if state.ended_at is None else ""

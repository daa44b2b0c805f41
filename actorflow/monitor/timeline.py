"""When each task of a run worked and waited, and how many worked at once: what a Gantt chart is drawn from.

Takes a run's events and the state after them, gives a ``Timeline``. An attempt that was lost ends where its
driver was last heard of, not when the loss was noticed; the time without a driver is a gap of the run.
Waiting for a slot counts from the moment the last dependency was done. Pure: where the picture of an
unfinished run ends is an argument.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from actorflow.ids import TaskId
from actorflow.monitor.attempts import Attempt, every_attempt
from actorflow.monitor.feed import RecordedEvent
from actorflow.monitor.graph_critical import critical_path
from actorflow.monitor.open_ends import OpenEnd
from actorflow.monitor.order import order_of
from actorflow.monitor.words import failure_text, phase_of
from actorflow.state.events import DriverStarted
from actorflow.state.run_state import LIVE, RunState, TaskState
from actorflow.state.status import AttemptStatus, SubState
from actorflow.workflow.model import HookPhase

__all__ = ["Bar", "Row", "Span", "Timeline", "ticks", "timeline_of"]

_PHASES = {
    AttemptStatus.STARTED: "running",
    AttemptStatus.SUCCEEDED: "success",
    AttemptStatus.FAILED: "failed",
    AttemptStatus.LOST: "lost",
    AttemptStatus.CANCELLED: "cancelled",
    AttemptStatus.REQUEUED: "parked",
}


@dataclass(frozen=True, slots=True)
class Span:
    """From ``start`` to ``end``, Unix seconds."""

    start: float
    end: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A stretch of a task's time.

    Attributes:
        phase: how the attempt ended (``running success failed lost cancelled parked``), or what was waited
            for (``waiting retry_wait parked``).
        attempt: its number; 0 for waits.
        agent: who carried it out, for tasks that have fallback agents; "" for others and for waits.
        note: why it ended, in one line, or "".
    """

    span: Span
    phase: str
    attempt: int = 0
    agent: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One task: its bars in order of time, none for a task that never ran."""

    task: TaskId
    phase: str
    hook: str
    bars: tuple[Bar, ...]
    is_critical: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """A run over time.

    Attributes:
        rows: tasks in the order of the workflow, hooks last.
        hidden: how many tasks have no row because there are too many.
        parallel: (moment, how many attempts run from then on), in order; begins and ends with none.
        gaps: when nobody drove the run.
    """

    run_id: str
    workflow: str
    span: Span
    rows: tuple[Row, ...]
    hidden: int = 0
    parallel: tuple[tuple[float, int], ...] = ()
    gaps: tuple[Span, ...] = ()
    mode: str = LIVE

    @property
    def most_parallel(self) -> int:
        """The most attempts that ran at the same time."""
        return max((count for _, count in self.parallel), default=0)


def timeline_of(
    events: Sequence[RecordedEvent],
    state: RunState,
    *,
    until: float,
    ends: Mapping[TaskId, OpenEnd] | None = None,
    most_rows: int = 1000,
) -> Timeline:
    """Return the timeline of a run.

    Args:
        events: all of the run's.
        state: the state after them.
        until: Unix seconds: where a run that has not ended is cut off.
        ends: of a run that nobody drives, what its open attempts have come to; the picture reaches as far as they do.
        most_rows: of more tasks than that, those that took the most time are kept.
    """
    start = state.accepted_at if state.started_at is None else state.started_at
    ends = ends or {}
    latest = max([until, *(end.until for end in ends.values())]) if state.ended_at is None else state.ended_at
    span = Span(start, max(start, latest))
    gaps = tuple(_gaps(events))
    bars = _Bars(state, span, gaps, _prepared_at(state, start), ends)
    attempts = every_attempt(events)
    path = frozenset(critical_path(state, span.end))
    rows = [
        Row(
            task=task_id,
            phase=ends[task_id].phase if task_id in ends else phase_of(state.tasks[task_id]),
            hook=state.tasks[task_id].hook,
            bars=tuple(bars.of(state.tasks[task_id], attempts.get(task_id, ()))),
            is_critical=task_id in path,
        )
        for task_id in order_of(state, events)
    ]
    shown = _longest(rows, most_rows)
    return Timeline(
        run_id=state.run_id,
        workflow=state.workflow,
        mode=state.mode,
        span=span,
        rows=shown,
        hidden=len(rows) - len(shown),
        parallel=tuple(_parallel(bar.span for row in rows for bar in row.bars if bar.attempt)),
        gaps=gaps,
    )


def _gaps(events: Iterable[RecordedEvent]) -> Iterator[Span]:
    """Yield the times between the last sign of a driver and the first one of the next driver."""
    last = now = None
    for recorded in events:
        if recorded.at != now:  # what is recorded at once with a driver's beginning is its own
            last, now = now, recorded.at
        is_driven_again = isinstance(recorded.event, DriverStarted) and recorded.event.epoch > 1
        if is_driven_again and last is not None:
            yield Span(last, recorded.at)


def _prepared_at(state: RunState, start: float) -> float:
    """Return when the tasks could begin: after the hooks of the start, if there are any."""
    hooks = [task.finished_at for task in state.tasks.values() if task.hook == HookPhase.ON_START]
    return max((at for at in hooks if at is not None), default=start)


@dataclass(frozen=True, slots=True)
class _Bars:
    """Makes the bars of a task."""

    state: RunState
    span: Span
    gaps: tuple[Span, ...]
    prepared_at: float
    ends: Mapping[TaskId, OpenEnd]

    def of(self, task: TaskState, attempts: Sequence[Attempt]) -> Iterator[Bar]:
        if attempts:
            yield from _wait(self._ready_at(task), attempts[0].started_at, "waiting")
        for attempt, following in zip_longest(attempts, attempts[1:]):
            open_end = None if attempt.ended_at is not None else self.ends.get(task.id)
            note = failure_text(attempt.error) if open_end is None else open_end.words
            end = self._end_of(attempt) if open_end is None else max(attempt.started_at, open_end.until)
            yield Bar(
                span=Span(attempt.started_at, end),
                phase=_PHASES[attempt.status] if open_end is None else open_end.phase,
                attempt=attempt.number,
                agent=attempt.agent if len(task.agents) > 1 else "",
                note=note,
            )
            yield from self._after(task, attempt, following)

    def _ready_at(self, task: TaskState) -> float:
        """Return when the last of what it waits for was done, as far as that is known."""
        if task.hook == HookPhase.ON_START:
            first = self.span.start
        elif task.hook:
            first = self.span.end if self.state.settled_at is None else self.state.settled_at
        else:
            first = self.prepared_at
        done = [self.state.tasks[dependency].finished_at for dependency in task.dependencies]
        return max((at for at in done if at is not None), default=first)

    def _end_of(self, attempt: Attempt) -> float:
        if attempt.ended_at is None:
            return max(attempt.started_at, self.span.end)
        if attempt.status is not AttemptStatus.LOST:
            return attempt.ended_at
        deaths = [gap.start for gap in self.gaps if attempt.started_at <= gap.start <= attempt.ended_at]
        return deaths[-1] if deaths else attempt.ended_at  # it may have outlived a driver before

    def _after(self, task: TaskState, attempt: Attempt, following: Attempt | None) -> Iterator[Bar]:
        """Yield the waits between an attempt and the next one; a resume begins anew."""
        if attempt.ended_at is None or attempt.retry_at is None:
            return
        if following is None:
            until = self.span.end if task.finished_at is None else task.finished_at
        elif following.resumes == attempt.resumes:
            until = following.started_at
        else:
            return
        is_parked = attempt.status is AttemptStatus.REQUEUED
        kind = SubState.PARKED if is_parked else SubState.RETRY_WAIT
        yield from _wait(attempt.ended_at, min(attempt.retry_at, until), kind.value)
        yield from _wait(max(attempt.ended_at, attempt.retry_at), until, SubState.WAITING.value)


def _wait(start: float, end: float, phase: str) -> Iterator[Bar]:
    if end > start:
        yield Bar(span=Span(start, end), phase=phase)


def _longest(rows: list[Row], most: int) -> tuple[Row, ...]:
    if len(rows) <= most:
        return tuple(rows)
    cost = [sum(bar.span.end - bar.span.start for bar in row.bars) for row in rows]
    kept = sorted(range(len(rows)), key=lambda i: (-cost[i], i))[:most]
    return tuple(rows[i] for i in sorted(kept))


def _parallel(spans: Iterable[Span]) -> Iterator[tuple[float, int]]:
    """Yield (moment, how many spans cover the time from then to the next moment)."""
    changes: dict[float, int] = {}
    for span in spans:
        changes[span.start] = changes.get(span.start, 0) + 1
        changes[span.end] = changes.get(span.end, 0) - 1
    count = 0
    for moment in sorted(changes):
        count += changes[moment]
        yield moment, count


def ticks(span: Span, most: int) -> tuple[float, ...]:
    """Return round distances from the start, in seconds, at which an axis has its marks: 0 first, at most ``most``."""
    length = span.end - span.start
    step = next((s for s in _STEPS if length / s < most), _STEPS[-1])
    while length / step >= most:
        step *= 2
    return tuple(step * i for i in range(int(length / step) + 1))


_STEPS = (
    *(factor * 10.0**power for power in (-3, -2, -1, 0) for factor in (1, 2, 5)),
    *(10.0, 15.0, 30.0),
    *(minutes * 60.0 for minutes in (1, 2, 5, 10, 15, 30)),
    *(hours * 3600.0 for hours in (1, 2, 3, 6, 12, 24)),
)

"""What many runs of one workflow have in common: how long tasks take, how often they fail, which are flaky, what a run waits for.

``figures_of`` takes one run's events and gives what counts of it; ``stats_of`` takes many runs' figures and
gives their statistics. Durations are those of tasks that succeeded, from the start of the first attempt to
the end, waits between attempts included. A rate of nothing is None, which is not zero. Must not read files or
the clock.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from actorflow.ids import TaskId
from actorflow.monitor.feed import RecordedEvent
from actorflow.monitor.order import order_of
from actorflow.state import events as ev
from actorflow.state.run_state import RunState, TaskState
from actorflow.state.status import RunStatus, SkipReason, TaskStatus
from actorflow.state.task_transitions import ended_between

__all__ = [
    "RunFigures",
    "Spend",
    "TaskStats",
    "WorkflowStats",
    "figures_of",
    "percentile",
    "stats_of",
    "stats_report",
]

_ATTEMPT_ENDS = (
    ev.AttemptSucceeded,
    ev.AttemptFailed,
    ev.AttemptLost,
    ev.AttemptCancelled,
    ev.AttemptRequeued,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFigures:
    """What counts of one run.

    Attributes:
        tasks: its tasks in the order of the workflow, hooks apart.
        flaky: tasks that succeeded after an attempt of theirs had failed, with no resume in between.
        most_parallel: the most attempts that ran at the same time.
        busy_seconds: the time that attempts took, added up.
        cost_usd: what is known of its cost; ``tokens`` likewise.
    """

    run_id: str
    status: str
    duration_seconds: float | None
    tasks: tuple[TaskState, ...]
    flaky: frozenset[TaskId]
    most_parallel: int
    busy_seconds: float
    cost_usd: float | None = None
    tokens: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Spend:
    """What was spent over many runs, of those in which it is known; None when it is known of none."""

    total: float | None = None
    p50: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskStats:
    """One task over many runs.

    Attributes:
        succeeded: runs in which it succeeded; ``failed``, in which it failed, tolerated or not; ``skipped``,
            in which it did not run.
        flaky: runs in which it succeeded after a failed attempt.
        p50: median of its durations in seconds; None when it never succeeded.
        cost_usd: what it has cost.
    """

    succeeded: int
    failed: int
    skipped: int
    flaky: int
    p50: float | None
    p95: float | None
    cost_usd: Spend

    @property
    def failure_rate(self) -> float | None:
        """How many of the runs in which it ended by itself it failed."""
        ended = self.succeeded + self.failed
        return self.failed / ended if ended else None

    @property
    def flaky_rate(self) -> float | None:
        """In how many of the runs in which it succeeded that took more than one attempt."""
        return self.flaky / self.succeeded if self.succeeded else None


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowStats:
    """All runs of one workflow.

    Attributes:
        statuses: status -> how many runs have it.
        p50: median duration of the runs that succeeded.
        most_parallel: the most attempts at the same time, in any run.
        mean_parallel: how many ran on average while a run went on.
        critical_path: the chain of tasks that takes longest, going by medians.
        critical_seconds: how long that is.
        cost_usd: what the runs have cost; ``tokens`` likewise.
    """

    workflow: str
    runs: int
    statuses: Mapping[str, int]
    p50: float | None
    p95: float | None
    most_parallel: int
    mean_parallel: float | None
    critical_path: tuple[TaskId, ...]
    critical_seconds: float
    cost_usd: Spend
    tokens: Spend
    tasks: Mapping[TaskId, TaskStats] = field(default_factory=dict)

    @property
    def failure_rate(self) -> float | None:
        """How many of the runs that succeeded or failed failed."""
        ended = self.statuses.get("success", 0) + self.statuses.get("failed", 0)
        return self.statuses.get("failed", 0) / ended if ended else None


def figures_of(events: Sequence[RecordedEvent], state: RunState, *, status: str = "") -> RunFigures:
    """Return what counts of one run.

    Args:
        events: all of them.
        state: after the last.
        status: the run's status when the state cannot know it (``interrupted``).
    """
    tally = _Tally(frozenset(task.id for task in state.tasks.values() if task.hook))
    for recorded in events:
        tally.take(recorded)
    word = status or ("pending" if state.status is None else state.status.value)
    return RunFigures(
        run_id=state.run_id,
        status=word,
        duration_seconds=state.duration_seconds,
        tasks=tuple(state.tasks[t] for t in order_of(state, events) if not state.tasks[t].hook),
        flaky=frozenset(tally.flaky),
        most_parallel=tally.most,
        busy_seconds=tally.busy,
        cost_usd=state.account.cost_usd,
        tokens=state.account.tokens,
    )


class _Tally:
    """Counts along one run's events."""

    def __init__(self, hooks: frozenset[TaskId]) -> None:
        self.flaky: set[TaskId] = set()
        self.most = 0
        self.busy = 0.0
        self._hooks = hooks
        self._failed: set[TaskId] = set()
        self._open: dict[TaskId, float] = {}

    def take(self, recorded: RecordedEvent) -> None:
        event = recorded.event
        if isinstance(event, ev.RunResumed):
            self._failed.difference_update(event.tasks)
            self.flaky.difference_update(event.tasks)
        task = getattr(event, "task", None)
        if task is None or task in self._hooks:
            return
        if isinstance(event, ev.AttemptStarted):
            self._open[task] = recorded.at
            self.most = max(self.most, len(self._open))
        elif isinstance(event, _ATTEMPT_ENDS):
            started_at = self._open.pop(task, recorded.at)
            ended_at = ended_between(started_at, getattr(event, "ended_at", None), recorded.at)
            self.busy += max(0.0, ended_at - started_at)
            if isinstance(event, ev.AttemptFailed):
                self._failed.add(task)
        elif isinstance(event, ev.TaskSucceeded) and task in self._failed:
            self.flaky.add(task)


def percentile(values: Iterable[float], share: float) -> float | None:
    """Return the value below which ``share`` (0 to 1) of ``values`` lies, between two of them where need be; None of nothing."""
    ordered = sorted(values)
    if not ordered:
        return None
    place = share * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (place - below)


def stats_of(workflow: str, runs: Sequence[RunFigures]) -> WorkflowStats:
    """Return the statistics of a workflow.

    Args:
        runs: newest first; the newest one's tasks and dependencies are the workflow's.
    """
    newest = runs[0].tasks if runs else ()
    tasks = _task_stats(runs)
    path, seconds = _critical_path(newest, {task: stats.p50 or 0.0 for task, stats in tasks.items()})
    lasting = [run.duration_seconds for run in runs if run.duration_seconds is not None]
    good = [
        run.duration_seconds
        for run in runs
        if run.status == RunStatus.SUCCESS and run.duration_seconds is not None
    ]
    busy = sum(run.busy_seconds for run in runs if run.duration_seconds is not None)
    return WorkflowStats(
        workflow=workflow,
        runs=len(runs),
        statuses=dict(Counter(run.status for run in runs).most_common()),
        p50=percentile(good, 0.5),
        p95=percentile(good, 0.95),
        most_parallel=max((run.most_parallel for run in runs), default=0),
        mean_parallel=busy / sum(lasting) if sum(lasting) > 0 else None,
        critical_path=path,
        critical_seconds=seconds,
        cost_usd=_spend_of(run.cost_usd for run in runs),
        tokens=_spend_of(run.tokens for run in runs),
        tasks=tasks,
    )


def _spend_of(amounts: Iterable[float | None]) -> Spend:
    known = [amount for amount in amounts if amount is not None]
    return Spend(total=sum(known) if known else None, p50=percentile(known, 0.5))


def _spend_report(spend: Spend) -> dict[str, Any]:
    return {"total": spend.total, "p50": spend.p50}


def _task_stats(runs: Sequence[RunFigures]) -> dict[TaskId, TaskStats]:
    """Return task -> its statistics: those of the newest run first, then those that only older ones had."""
    seen: dict[TaskId, list[tuple[TaskState, bool]]] = {}
    for run in runs:
        for task in run.tasks:
            seen.setdefault(task.id, []).append((task, task.id in run.flaky))
    return {task: _stats_of_task(found) for task, found in seen.items()}


def _stats_of_task(found: Sequence[tuple[TaskState, bool]]) -> TaskStats:
    tasks = [task for task, _ in found]
    good = [task for task in tasks if task.status is TaskStatus.SUCCESS]
    durations = [task.duration_seconds for task in good if task.duration_seconds is not None]
    failed = sum(
        task.status is TaskStatus.FAILED or task.reason is SkipReason.TOLERATED_FAILURE for task in tasks
    )
    skipped = sum(
        task.status is TaskStatus.SKIPPED and task.reason is not SkipReason.TOLERATED_FAILURE
        for task in tasks
    )
    return TaskStats(
        succeeded=len(good),
        failed=failed,
        skipped=skipped,
        flaky=sum(is_flaky for _, is_flaky in found),
        p50=percentile(durations, 0.5),
        p95=percentile(durations, 0.95),
        cost_usd=_spend_of(task.cost_usd for task in tasks),
    )


def _critical_path(
    tasks: Sequence[TaskState], seconds: Mapping[TaskId, float]
) -> tuple[tuple[TaskId, ...], float]:
    """Return the chain of dependencies with the greatest sum, and the sum. Iterative: chains may be thousands of tasks long."""
    total: dict[TaskId, float] = {}
    before: dict[TaskId, TaskId] = {}
    for task in _dependencies_first(tasks):
        longest = max(task.dependencies, key=total.__getitem__, default=None)
        if longest is not None:
            before[task.id] = longest
        total[task.id] = seconds.get(task.id, 0.0) + (0.0 if longest is None else total[longest])
    if not total or max(total.values()) == 0:
        return (), 0.0
    end = max(total, key=total.__getitem__)
    path = [end]
    while path[-1] in before:
        path.append(before[path[-1]])
    return tuple(reversed(path)), total[end]


def _dependencies_first(tasks: Sequence[TaskState]) -> list[TaskState]:
    dependents: dict[TaskId, list[TaskState]] = {}
    for task in tasks:
        for dependency in task.dependencies:
            dependents.setdefault(dependency, []).append(task)
    waiting = {task.id: len(task.dependencies) for task in tasks}
    ordered = [task for task in tasks if not task.dependencies]
    for task in ordered:  # grows while it is walked
        for dependent in dependents.get(task.id, ()):
            waiting[dependent.id] -= 1
            if not waiting[dependent.id]:
                ordered.append(dependent)
    return ordered


def stats_report(stats: WorkflowStats) -> dict[str, Any]:
    """Return statistics as ``stats --json`` gives them; durations in seconds."""
    return {
        "workflow": stats.workflow,
        "runs": stats.runs,
        "statuses": dict(stats.statuses),
        "failure_rate": stats.failure_rate,
        "duration": {"p50": stats.p50, "p95": stats.p95},
        "parallelism": {"max": stats.most_parallel, "mean": stats.mean_parallel},
        "critical_path": {"tasks": list(stats.critical_path), "duration": stats.critical_seconds},
        "cost_usd": _spend_report(stats.cost_usd),
        "tokens": _spend_report(stats.tokens),
        "tasks": {task: _task_report(found) for task, found in stats.tasks.items()},
    }


def _task_report(task: TaskStats) -> dict[str, Any]:
    return {
        "succeeded": task.succeeded,
        "failed": task.failed,
        "skipped": task.skipped,
        "flaky": task.flaky,
        "failure_rate": task.failure_rate,
        "flaky_rate": task.flaky_rate,
        "duration": {"p50": task.p50, "p95": task.p95},
        "cost_usd": _spend_report(task.cost_usd),
    }

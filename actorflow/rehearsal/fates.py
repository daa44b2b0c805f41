"""Which tasks of a plan will run, which will not, and of which that cannot be known before it runs.

Takes a plan and what is known of its inputs, and assumes that no task fails: a task that only a failure
starts is told as such. Conditions are asked where inputs already decide them (``strict && review.output.x``
is false when ``strict`` is); the rules of the scheduler itself are asked for every mixture of tasks that ran
and tasks that were skipped. Pure.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from actorflow.errors import ExpressionError
from actorflow.expressions import Expression
from actorflow.ids import TaskId
from actorflow.monitor.words import skip_text
from actorflow.scheduling.start_rules import blocked_by_rule
from actorflow.state import SkipReason, TaskState, TaskStatus
from actorflow.state.counting import Standing
from actorflow.workflow.environment import STATUS_FUNCTIONS
from actorflow.workflow.plan import Plan, PlannedTask

__all__ = ["Fate", "Will", "fates_of"]

Will: TypeAlias = Literal["runs", "maybe", "skipped", "on_failure"]
"""``on_failure``: it runs only if a task before it fails."""


@dataclass(frozen=True, slots=True)
class Fate:
    """What can be said of one task before it runs.

    Attributes:
        why: what it depends on, or why it is skipped; "" for one that runs.
    """

    will: Will
    why: str = ""


_RAN: Final = TaskState(id=TaskId("_"), agents=("_",), status=TaskStatus.SUCCESS)
_SKIPPED: Final = TaskState(
    id=TaskId("_"), agents=("_",), status=TaskStatus.SKIPPED, reason=SkipReason.CONDITION_FALSE
)
_AS_STATE: Final = {Standing.OK: _RAN, Standing.SKIPPED: _SKIPPED}


def fates_of(plan: Plan, *, unknown: Collection[str]) -> dict[TaskId, Fate]:
    """Return task -> its fate, hooks apart, each task after those it depends on.

    Args:
        unknown: names of inputs and variables whose values in the plan are not those of a run.
    """
    known = {name: value for name, value in plan.values.items() if name not in unknown}
    fates: dict[TaskId, Fate] = {}
    for task in _in_order(plan):
        fates[task.id] = _fate(task, fates, known, unknown)
    return fates


def _in_order(plan: Plan) -> Iterator[PlannedTask]:
    """Yield the tasks, each after its dependencies, else as they are declared."""
    done: set[TaskId] = set()
    for task in plan.tasks.values():
        stack = [task] if task.hook is None else []
        while stack:
            waits = [plan.tasks[name] for name in stack[-1].dependencies if name not in done]
            if waits:
                stack.extend(reversed(waits))
                continue
            ready = stack.pop()
            if ready.id not in done:
                done.add(ready.id)
                yield ready


def _fate(
    task: PlannedTask, fates: Mapping[TaskId, Fate], known: Mapping[str, object], unknown: Collection[str]
) -> Fate:
    blocked = {_blocked(task, mixture) for mixture in _mixtures(task, fates)}
    if None not in blocked:
        if task.rule.handles_failure:
            return Fate("on_failure", "only if a task before it fails")
        return Fate("skipped", skip_text(next(iter(blocked))))
    value = True if task.condition is None else _decided(task.condition, known)
    if value is False:
        return Fate("skipped", f"its condition is false: {_source(task)}")
    if value is None:
        return Fate("maybe", f"if {_source(task)}{_known_when(task, unknown)}")
    if len(blocked) > 1:
        return Fate("maybe", _hangs_on(task, fates))
    return Fate("runs")


def _mixtures(task: PlannedTask, fates: Mapping[TaskId, Fate]) -> set[frozenset[Standing]]:
    """Return every set of standings that the dependencies can have about which the condition does not decide itself."""
    mixtures = {frozenset[Standing]()}
    for name in task.dependencies:
        if name in task.rule.overruled:
            continue
        fate = fates[name]
        ways = {Standing.OK} if fate.will == "runs" else {Standing.SKIPPED}
        if fate.will == "maybe":
            ways = {Standing.OK, Standing.SKIPPED}
        mixtures = {mixture | {way} for mixture in mixtures for way in ways}
    return mixtures


def _blocked(task: PlannedTask, mixture: Iterable[Standing]) -> SkipReason | None:
    if not task.dependencies:
        return None
    states = [_AS_STATE[standing] for standing in mixture]
    if not states:  # the condition decides about all of them
        return None
    return blocked_by_rule(task.rule, states)


def _decided(condition: Expression, known: Mapping[str, object]) -> bool | None:
    """Return what a condition says already; None when that hangs on what is not known."""
    if any(r.optional and not _is_known(r.root, known) for r in condition.references):
        return None  # what is missing now would count as missing for good
    if STATUS_FUNCTIONS & set(condition.functions):
        return None
    try:
        value = condition.evaluate({**known, "inputs": known, "vars": known})
    except ExpressionError:
        return None
    return value if isinstance(value, bool) else None


def _is_known(root: str, known: Mapping[str, object]) -> bool:
    return root in known or root in ("inputs", "vars")


def _source(task: PlannedTask) -> str:
    return "" if task.condition is None else " ".join(task.condition.source.split())


def _known_when(task: PlannedTask, unknown: Collection[str]) -> str:
    assert task.condition is not None  # noqa: S101 (narrows the type)
    missing = sorted({r.root for r in task.condition.references} & set(unknown))
    if missing:
        return f" (needs {', '.join(missing)})"
    reads = sorted(task.condition_reads) or list(task.dependencies)
    return f" (known when {' and '.join(reads)} {'is' if len(reads) == 1 else 'are'} done)" if reads else ""


def _hangs_on(task: PlannedTask, fates: Mapping[TaskId, Fate]) -> str:
    doubtful = [name for name in task.dependencies if fates[name].will == "maybe"]
    return f"hangs on whether {' and '.join(doubtful)} {'runs' if len(doubtful) == 1 else 'run'}"

"""Which branches of a workflow its tests have taken: every decision that is written in the file, each way.

A branch is: a task (of a hook too) that ran; a condition that was true, and that was false; a ``run_if`` that let
its task start, and that kept it from starting; a retry that was needed; a failure that was tolerated; a
fallback agent that was asked. Takes a workflow and played runs; pure.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from actorflow.ids import TaskId
from actorflow.rehearsal.played import Played
from actorflow.scheduling.start_rules import blocked_by_rule
from actorflow.state import SkipReason, TaskState, TaskStatus
from actorflow.state import events as ev
from actorflow.workflow.model import HookPhase, OnTaskFailure, TaskSpec, Workflow
from actorflow.workflow.plan import PlannedTask
from actorflow.workflow.report import Path

__all__ = ["Branch", "branches_of", "branches_taken"]


@dataclass(frozen=True, slots=True)
class Branch:
    """One way that a run can go.

    Attributes:
        what: in words that follow "never": ``fix ran``.
    """

    task: TaskId
    what: str


def branches_of(workflow: Workflow) -> dict[Branch, Path]:
    """Return every branch of a workflow -> where the decision stands in its file, in the order of the file."""
    found: dict[Branch, Path] = {}
    for index, spec in enumerate(workflow.tasks):
        found |= {branch: ("tasks", index, *key) for branch, key in _branches(spec)}
    for phase in HookPhase:
        hooks = [spec for spec in workflow.hooks if spec.hook is phase]
        for index, spec in enumerate(hooks):
            found |= {branch: ("hooks", phase.value, index, *key) for branch, key in _branches(spec)}
    return found


def branches_taken(runs: Iterable[Played]) -> set[Branch]:
    """Return the branches that played runs have taken."""
    return {branch for run in runs for branch in _taken(run)}


def _branches(spec: TaskSpec) -> Iterator[tuple[Branch, Path]]:
    yield _ran(spec.id), ()
    if isinstance(spec.condition, str):
        yield _condition(spec.id, value=True), ("condition",)
        yield _condition(spec.id, value=False), ("condition",)
    if spec.run_if is not None:
        yield _rule(spec.id, is_met=True), ("run_if",)
        yield _rule(spec.id, is_met=False), ("run_if",)
    if spec.effective_retry.max_attempts > 1:
        yield _retried(spec.id), ("retry",) if spec.retry is not None else ("on_failure",)
    if spec.on_failure is OnTaskFailure.SKIP:
        yield _tolerated(spec.id), ("on_failure",)
    for agent in spec.agents[1:]:
        yield _asked(spec.id, agent), ("agent",)


def _ran(task: TaskId) -> Branch:
    return Branch(task, f"{task} ran")


def _condition(task: TaskId, *, value: bool) -> Branch:
    return Branch(task, f"the condition of {task} was {str(value).lower()}")


def _rule(task: TaskId, *, is_met: bool) -> Branch:
    what = "let it start" if is_met else "kept it from starting"
    return Branch(task, f"run_if of {task} {what}")


def _retried(task: TaskId) -> Branch:
    return Branch(task, f"{task} was tried again")


def _tolerated(task: TaskId) -> Branch:
    return Branch(task, f"a failure of {task} was tolerated")


def _asked(task: TaskId, agent: str) -> Branch:
    return Branch(task, f"{task} was given to {agent}")


def _taken(run: Played) -> Iterator[Branch]:
    for recorded in run.events:
        event = recorded.event
        if isinstance(event, ev.AttemptStarted):
            yield _asked(event.task, event.agent)
    for task in run.state.tasks.values():
        planned = run.plan.tasks[task.id]
        if task.attempts:
            yield _ran(task.id)
            yield _condition(task.id, value=True)
        if task.attempts > 1:
            yield _retried(task.id)
        if task.reason is SkipReason.TOLERATED_FAILURE:
            yield _tolerated(task.id)
        is_blocked = _is_blocked(run, task, planned)
        if planned.spec.run_if is not None and (is_blocked or task.attempts or _is_false(task)):
            yield _rule(task.id, is_met=not is_blocked)
        if _is_false(task) and not is_blocked:
            yield _condition(task.id, value=False)


def _is_false(task: TaskState) -> bool:
    return task.reason is SkipReason.CONDITION_FALSE


def _is_blocked(run: Played, task: TaskState, planned: PlannedTask) -> bool:
    """Whether its rule kept a task from starting: nothing after that has changed how its dependencies ended."""
    if task.status is not TaskStatus.SKIPPED or task.attempts:
        return False
    dependencies = [run.state.tasks[name] for name in task.dependencies]
    return blocked_by_rule(planned.rule, dependencies) is not None

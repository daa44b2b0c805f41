"""The picture of a workflow or of a run, before it is drawn: boxes, arrows, what is written on them, and which lie on the critical path.

Takes a ``Workflow``, or a ``RunState`` (with the workflow, when it could be read, for the kinds of its
arrows), and gives a ``Picture`` that ``dot_text`` and ``mermaid_text`` write down. Texts come from files and
agents and are passed on as they are: the writers clean and escape them. Pure: the present time is an
argument.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from actorflow.ids import TaskId
from actorflow.monitor.graph_critical import critical_path, longest_chain
from actorflow.monitor.limits import limit_of
from actorflow.monitor.open_ends import OpenEnd
from actorflow.monitor.order import order_of
from actorflow.monitor.times import duration_text
from actorflow.monitor.words import attempt_text, failure_text, first_line, mode_mark, phase_of, skip_text
from actorflow.state.run_state import RunState, TaskState
from actorflow.state.status import SkipReason, SubState, TaskStatus
from actorflow.workflow.environment import ENVIRONMENT
from actorflow.workflow.model import TaskSpec, Workflow
from actorflow.workflow.start_rule import start_rule

__all__ = ["Edge", "EdgeKind", "Node", "Picture", "picture_of_run", "picture_of_workflow", "shortened"]

_MOST_TEXT = 44  # a box that is wider than its neighbours spreads the whole picture


class EdgeKind(StrEnum):
    """What an arrow says of the task it leads to."""

    PLAIN = "plain"
    """It starts once the one before it is done."""
    CONDITION = "condition"
    """It starts only if its condition holds."""
    RECOVERY = "recovery"
    """It may start although the one before it failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A box: a task, or a group of tasks.

    Attributes:
        name: the task's id, unique in the picture; of a group, what it is called.
        phase: the state or sub-state, "" in the picture of a workflow.
        lines: written below the name.
        tip: more about it, for whoever points at it.
        hook: the phase of its hook, "" for tasks.
        count: how many tasks it stands for.
    """

    name: str
    phase: str = ""
    lines: tuple[str, ...] = ()
    tip: str = ""
    hook: str = ""
    count: int = 1
    is_critical: bool = False


@dataclass(frozen=True, slots=True)
class Edge:
    """An arrow, by the places of its ends among the picture's nodes."""

    source: int
    target: int
    kind: EdgeKind = EdgeKind.PLAIN
    is_critical: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """Boxes and arrows.

    Attributes:
        title: what it is a picture of.
        is_run: whether the boxes have states.
        critical: what the marked path means, "" when there is none.
    """

    title: str
    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...] = ()
    is_run: bool = False
    critical: str = ""


@dataclass(frozen=True, slots=True)
class _Drawn:
    """What both kinds of pictures have before their parts are put together."""

    order: tuple[TaskId, ...]
    dependencies: Mapping[TaskId, Sequence[TaskId]]
    path: tuple[TaskId, ...]
    specs: Mapping[TaskId, TaskSpec] = field(default_factory=dict)

    def edges(self) -> tuple[Edge, ...]:
        place = {task: i for i, task in enumerate(self.order)}
        on_path = set(zip(self.path, self.path[1:], strict=False))
        found = []
        for task in self.order:
            kinds = _kinds(self.specs.get(task))
            for dependency in dict.fromkeys(self.dependencies.get(task, ())):
                kind = kinds.get(dependency, EdgeKind.PLAIN)
                found.append(
                    Edge(place[dependency], place[task], kind, is_critical=(dependency, task) in on_path)
                )
        return tuple(found)


def picture_of_workflow(workflow: Workflow) -> Picture:
    """Return the picture of a workflow that is not running; its longest chain of tasks is marked."""
    specs = {spec.id: spec for spec in (*workflow.tasks, *workflow.hooks)}
    dependencies = {task: spec.dependencies for task, spec in specs.items()}
    path = longest_chain({spec.id: spec.dependencies for spec in workflow.tasks})
    on_path = frozenset(path)
    drawn = _Drawn(tuple(specs), dependencies, path, specs)
    return Picture(
        title=workflow.name,
        nodes=tuple(_planned_node(spec, spec.id in on_path) for spec in specs.values()),
        edges=drawn.edges(),
        critical="longest chain" if path else "",
    )


def picture_of_run(
    state: RunState,
    *,
    now: float,
    status: str,
    workflow: Workflow | None = None,
    order: Sequence[TaskId] = (),
    limits: Mapping[TaskId, int] | None = None,
    ends: Mapping[TaskId, OpenEnd] | None = None,
) -> Picture:
    """Return the picture of a run as it stands.

    Args:
        now: Unix seconds; what still runs has run until then.
        status: the run's status in words; only who looks at its driver knows that it is ``interrupted`` or ``silent``.
        workflow: as it was when the run began; without it all arrows are plain.
        order: all tasks, as the workflow declares them; worked out from the graph when it is not given.
        limits: task -> its greatest number of attempts; see ``attempt_limits``.
        ends: of a run that nobody drives, what its open attempts have come to.
    """
    placed = tuple(order) or order_of(state)
    specs = {} if workflow is None else {spec.id: spec for spec in (*workflow.tasks, *workflow.hooks)}
    path = critical_path(state, now)
    on_path = frozenset(path)
    drawn = _Drawn(placed, {task.id: task.dependencies for task in state.tasks.values()}, path, specs)
    nodes = tuple(
        _run_node(
            state.tasks[task],
            now,
            limit_of(state.tasks[task], limits or {}),
            (ends or {}).get(task),
            is_critical=task in on_path,
        )
        for task in placed
    )
    return Picture(
        title=_run_title(state, now, status),
        nodes=nodes,
        edges=drawn.edges(),
        is_run=True,
        critical="critical path" if path else "",
    )


def shortened(text: str, most: int = _MOST_TEXT) -> str:
    """Return the first line of ``text`` in at most ``most`` characters."""
    line = first_line(text)
    return line if len(line) <= most else line[: most - 1] + "…"


def _kinds(spec: TaskSpec | None) -> dict[TaskId, EdgeKind]:
    """Return dependency -> the kind of its arrow, for those that are not plain."""
    if spec is None or (spec.condition in (None, True) and spec.run_if is None):
        return {}
    condition = ENVIRONMENT.compile(spec.condition) if isinstance(spec.condition, str) else None
    rule = start_rule(spec.run_if, condition, spec.dependencies)
    others = EdgeKind.PLAIN if spec.condition in (None, True) else EdgeKind.CONDITION
    kinds = {}
    for dependency in spec.dependencies:
        survives = rule.handles_failure and (rule.run_if is not None or dependency in rule.overruled)
        kinds[dependency] = EdgeKind.RECOVERY if survives else others
    return kinds


def _planned_node(spec: TaskSpec, is_critical: bool) -> Node:
    condition = str(spec.condition).lower() if isinstance(spec.condition, bool) else spec.condition
    facts = (
        spec.agents[0],
        f"if {shortened(condition)}" if condition is not None and spec.condition is not True else "",
        f"run_if {spec.run_if.value}" if spec.run_if is not None else "",
        f"up to {spec.effective_retry.max_attempts} attempts"
        if spec.effective_retry.max_attempts > 1
        else "",
    )
    tip = "\n".join(part for part in (spec.description, f"if {condition}" if condition else "") if part)
    return Node(
        name=spec.id,
        lines=tuple(fact for fact in facts if fact),
        tip=tip,
        hook=spec.hook.value if spec.hook else "",
        is_critical=is_critical,
    )


def _run_node(
    task: TaskState, now: float, limit: int | None, end: OpenEnd | None, *, is_critical: bool
) -> Node:
    why = _why(task)
    again = f"attempt {attempt_text(task.attempts, limit)}" if task.attempts > 1 else ""
    facts = (task.agent or task.agents[0], _standing(task, now, end), again, _cost(task), shortened(why))
    return Node(
        name=task.id,
        phase=phase_of(task) if end is None else end.phase,
        lines=tuple(fact for fact in facts if fact),
        tip=why,
        hook=task.hook,
        is_critical=is_critical,
    )


def _standing(task: TaskState, now: float, end: OpenEnd | None) -> str:
    """Return the state in words, with how long it took or has taken."""
    if end is not None and task.started_at is not None:
        word = "for" if end.phase == "running" else "after"
        return f"{end.words} {word} {duration_text(max(0.0, end.until - task.started_at))}"
    words = phase_of(task).replace("_", " ")
    if task.started_at is None:
        return words
    if task.status.is_terminal:
        return f"{words} in {duration_text(task.duration_seconds or 0.0)}"
    if task.waiting in (SubState.RETRY_WAIT, SubState.PARKED) and task.due_at is not None:
        return f"{words}, {duration_text(task.due_at - now)} left"
    return f"{words} for {duration_text(now - task.started_at)}"


def _why(task: TaskState) -> str:
    if task.status is TaskStatus.SKIPPED and task.reason is not SkipReason.TOLERATED_FAILURE:
        return skip_text(task.reason)
    if task.status in (TaskStatus.SUCCESS, TaskStatus.CANCELLED):
        return ""
    return failure_text(task.error)


def _cost(task: TaskState) -> str:
    cost = "" if task.cost_usd is None else f"${task.cost_usd:,.2f}"
    tokens = "" if task.tokens is None else f"{task.tokens:,} tokens"
    return ", ".join(part for part in (cost, tokens) if part)


def _run_title(state: RunState, now: float, status: str) -> str:
    start, end = state.started_at, state.ended_at
    word = "for" if end is None else "in"
    took = "" if start is None else f" {word} {duration_text((now if end is None else end) - start)}"
    known = [task.cost_usd for task in state.tasks.values() if task.cost_usd is not None]
    cost = f", ${sum(known):,.2f}" if known else ""
    return f"{state.workflow}\n{state.run_id}\n{status}{took}{cost}{mode_mark(state.mode)}"

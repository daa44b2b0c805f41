"""Plans for tests, made by hand, and random ones for properties.

``plan(task("a"), task("b", "a"))`` gives what the compiler would give for two tasks in a row; conditions are plain functions of the snapshot. The
strategies give plans that a validator would accept: no cycles, no pool that is too small, hooks without dependencies.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, cast

from hypothesis import strategies as st

from actorflow.errors import ExpressionError
from actorflow.ids import TaskId
from actorflow.values import FrozenDict
from actorflow.workflow.model import (
    Backoff,
    Budget,
    HookPhase,
    OnTaskFailure,
    RetryPolicy,
    RunIf,
    Settings,
    TaskSpec,
    Workflow,
)
from actorflow.workflow.plan import Plan, PlannedTask, StartRule, ValueTemplate

ACCEPTING_FAILURE = frozenset(
    (RunIf.ALL_FAILED, RunIf.ALL_DONE, RunIf.ONE_SUCCESS, RunIf.ONE_FAILED, RunIf.ALWAYS)
)
ONCE = RetryPolicy(max_attempts=1)


class Condition:
    """Stands for a compiled expression: calls ``fn`` with the snapshot."""

    def __init__(self, fn: Callable[[Mapping[str, Any]], Any], label: str = "condition") -> None:
        self.fn = fn
        self.label = label

    def evaluate(self, snapshot: Mapping[str, Any]) -> Any:
        return self.fn(snapshot)

    def __repr__(self) -> str:
        return self.label


class Constant:
    """Stands for a template without holes."""

    task_references: frozenset[TaskId] = frozenset()

    def render(self, snapshot: Mapping[str, object]) -> None:
        return None


@dataclass(frozen=True)
class Draft:
    """One task on its way into a plan."""

    id: str
    dependencies: tuple[str, ...] = ()
    condition: Condition | None = None
    reads: frozenset[str] = frozenset()
    rule: StartRule = field(default_factory=StartRule)
    retry: RetryPolicy = ONCE
    on_failure: OnTaskFailure = OnTaskFailure.FAIL
    priority: int = 0
    resources: FrozenDict = field(default_factory=FrozenDict)
    hook: HookPhase | None = None
    agents: tuple[str, ...] = ("echo",)
    session: str | None = None


BACKENDS = {"claude": "claude", "coder": "claude", "codex": "codex"}
"""Agents that cost money, besides ``echo``, which costs nothing."""


def task(
    name: str,
    *dependencies: str,
    when: Callable[[Mapping[str, Any]], Any] | None = None,
    reads: Iterable[str] = (),
    decides: Iterable[str] | None = None,
    run_if: RunIf | str | None = None,
    retry: RetryPolicy = ONCE,
    tolerate: bool = False,
    priority: int = 0,
    resources: Mapping[str, int] | None = None,
    hook: HookPhase | None = None,
    agents: tuple[str, ...] = ("echo",),
    session: str | None = None,
) -> Draft:
    """Describe a task.

    Args:
        when: the condition.
        decides: the dependencies that the condition itself decides about; None when it leaves all to the default rule.
    """
    rule = StartRule()
    if run_if is not None:
        rule = StartRule(run_if=RunIf(run_if), handles_failure=RunIf(run_if) in ACCEPTING_FAILURE)
    elif decides is not None:
        overruled = frozenset(TaskId(name) for name in decides)
        rule = StartRule(overruled=overruled, needs_success=False, handles_failure=True)
    return Draft(
        name,
        dependencies,
        None if when is None else Condition(when),
        frozenset(reads) | frozenset(decides or ()),
        rule,
        retry,
        OnTaskFailure.SKIP if tolerate else OnTaskFailure.FAIL,
        priority,
        FrozenDict(resources or {}),
        hook,
        agents,
        session,
    )


def plan(
    *drafts: Draft,
    max_parallel: int = 3,
    on_failure: str = "stop",
    pools: Mapping[str, int] | None = None,
    budget: Budget | None = None,
) -> Plan:
    """Make a plan; tasks first, then hooks by phase, as the compiler orders them."""
    phases = list(HookPhase)
    ordered = [d for d in drafts if d.hook is None]
    ordered += sorted(
        (d for d in drafts if d.hook is not None), key=lambda d: phases.index(cast("HookPhase", d.hook))
    )
    dependents: dict[str, list[TaskId]] = {draft.id: [] for draft in ordered}
    for draft in ordered:
        for name in draft.dependencies:
            dependents[name].append(TaskId(draft.id))
    lengths: dict[str, int] = {}
    for draft in reversed(ordered):  # a dependency is declared before those that wait for it
        lengths[draft.id] = 1 + max((lengths[name] for name in dependents[draft.id]), default=0)
    tasks = {
        TaskId(draft.id): _planned(draft, index, tuple(dependents[draft.id]), lengths[draft.id])
        for index, draft in enumerate(ordered)
    }
    hooks = {
        phase: tuple(TaskId(draft.id) for draft in ordered if draft.hook is phase)
        for phase in phases
        if any(draft.hook is phase for draft in ordered)
    }
    settings = Settings(
        max_parallel=max_parallel,
        on_failure=cast("Any", on_failure),
        resources=FrozenDict(pools or {}),
        budget=budget or Budget(),
    )
    workflow = Workflow(
        name="w",
        settings=settings,
        tasks=tuple(planned.spec for planned in tasks.values() if planned.hook is None),
        hooks=tuple(planned.spec for planned in tasks.values() if planned.hook is not None),
    )
    return Plan(
        workflow=workflow,
        tasks=tasks,
        inputs=FrozenDict(),
        values=FrozenDict(),
        max_parallel=max_parallel,
        hooks=hooks,
        backends=BACKENDS,
    )


def _planned(draft: Draft, index: int, dependents: tuple[TaskId, ...], path_length: int) -> PlannedTask:
    constant = cast("ValueTemplate", Constant())
    dependencies = tuple(TaskId(name) for name in draft.dependencies)
    spec = TaskSpec(
        id=TaskId(draft.id),
        agents=draft.agents,
        session=None if draft.session is None else TaskId(draft.session),
        hook=draft.hook,
        dependencies=dependencies,
        on_failure=draft.on_failure,
        priority=draft.priority,
        resources=draft.resources,
        run_if=draft.rule.run_if,
    )
    return PlannedTask(
        id=TaskId(draft.id),
        index=index,
        spec=spec,
        hook=draft.hook,
        dependencies=dependencies,
        dependents=dependents,
        rule=draft.rule,
        condition=cast("Any", draft.condition),
        condition_reads=frozenset(TaskId(name) for name in draft.reads),
        retry=draft.retry,
        path_length=path_length,
        parameters=constant,
        description=constant,
        env=constant,
    )


# --- random plans --------------------------------------------------------------------------------------------------

POOLS = {"claude": 2, "gpu": 1}
_AGENTS = st.sampled_from(
    (
        ("echo",),
        ("echo",),
        ("claude",),
        ("claude", "coder"),
        ("coder", "codex"),
        ("codex", "echo", "claude"),
    )
)
_BUDGETS = st.sampled_from(
    (None, None, None, Budget(usd=2.0), Budget(tokens=30), Budget(agents=4), Budget(usd=5.0, agents=9))
)


def _broken(_snapshot: Mapping[str, Any]) -> Any:
    raise ExpressionError("no such key", hint="add a dependency")


def _reads_status(name: str, status: str) -> Condition:
    return Condition(lambda snapshot: snapshot[name]["status"] == status, f"{name}.status == {status!r}")


_PLAIN_CONDITIONS = st.sampled_from(
    [
        *[Condition(lambda _: True, "true")] * 4,
        Condition(lambda _: False, "false"),
        Condition(lambda _: False, "false"),
        Condition(lambda snapshot: snapshot["run"]["id"] != "", "run.id != ''"),
        Condition(lambda _: 1, "1"),
        Condition(_broken, "broken"),
    ]
)
_RETRIES = st.one_of(
    st.just(ONCE),
    st.builds(
        RetryPolicy,
        max_attempts=st.integers(1, 3),
        delay_seconds=st.sampled_from((0.0, 1.0, 5.0)),
        backoff=st.sampled_from(Backoff),
        max_delay_seconds=st.just(8.0),
    ),
)


@st.composite
def _drafts(draw: st.DrawFn, index: int) -> Draft:
    earlier = [f"t{i}" for i in range(index)]
    chosen = draw(st.lists(st.sampled_from(earlier), max_size=3, unique=True)) if earlier else []
    draft = Draft(
        f"t{index}",
        tuple(chosen),
        retry=draw(_RETRIES),
        on_failure=draw(st.sampled_from((OnTaskFailure.FAIL, OnTaskFailure.SKIP))),
        priority=draw(st.integers(-1, 1)),
        resources=FrozenDict(
            draw(st.sampled_from(({}, {}, {"claude": 1}, {"claude": 2}, {"gpu": 1}, {"claude": 1, "gpu": 1})))
        ),
        agents=draw(_AGENTS),
        session=chosen[0] if chosen and draw(st.integers(0, 2)) == 0 else None,
    )
    match draw(st.integers(0, 5)):
        case 0:
            return replace(draft, condition=draw(_PLAIN_CONDITIONS))
        case 1:
            rule = draw(st.sampled_from(RunIf))
            return replace(draft, rule=StartRule(run_if=rule, handles_failure=rule in ACCEPTING_FAILURE))
        case 2 if chosen:
            name, status = chosen[0], draw(st.sampled_from(("failed", "success", "skipped")))
            rule = StartRule(overruled=frozenset((TaskId(name),)), needs_success=False, handles_failure=True)
            return replace(draft, condition=_reads_status(name, status), reads=frozenset((name,)), rule=rule)
        case 3 if chosen:
            call = draw(st.sampled_from(("success()", "failure()", "always()")))
            rule = StartRule(
                overruled=frozenset(TaskId(name) for name in chosen),
                needs_success=False,
                handles_failure=call != "success()",
            )
            return replace(draft, condition=Condition(lambda snapshot: snapshot[call], call), rule=rule)
    return draft


@st.composite
def plans(draw: st.DrawFn, max_tasks: int = 25) -> Plan:
    """Draw a plan of 1 to ``max_tasks`` tasks, with hooks, pools, rules, conditions and retries."""
    drafts = [draw(_drafts(index)) for index in range(draw(st.integers(1, max_tasks)))]
    for phase in HookPhase:
        for number in range(draw(st.sampled_from((0, 0, 0, 1, 2)))):
            tolerated = OnTaskFailure.SKIP if draw(st.integers(0, 3)) == 0 else OnTaskFailure.FAIL
            drafts.append(
                Draft(
                    f"{phase.value}_{number}",
                    hook=phase,
                    retry=draw(_RETRIES),
                    on_failure=tolerated,
                    agents=draw(_AGENTS),
                )
            )
    return plan(
        *drafts,
        max_parallel=draw(st.integers(1, 5)),
        on_failure=draw(st.sampled_from(("stop", "continue", "continue"))),
        pools=POOLS,
        budget=draw(_BUDGETS),
    )

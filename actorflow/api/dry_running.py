"""``dry_run``: what a run would do, as far as that can be known without making one.

Reads the workflow, asks for nothing, writes nothing. Inputs that are missing are part of the answer and no
mistake; inputs that are wrong are one.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from actorflow.agents.registry import AgentRegistry
from actorflow.api.checking import load_file, registry_of
from actorflow.engine.secrets import find_secrets
from actorflow.errors import ExpressionError
from actorflow.ids import TaskId
from actorflow.rehearsal.fates import Fate, fates_of
from actorflow.rehearsal.waves import waves_of
from actorflow.settings import Settings
from actorflow.values import Frozen, FrozenDict, JSONValue
from actorflow.workflow import Workflow, read_inputs
from actorflow.workflow.compile import compile_plan
from actorflow.workflow.model import InputSpec, InputType
from actorflow.workflow.plan import Plan
from actorflow.workflow.templates import has_holes

__all__ = ["AgentFact", "DryRun", "InputFact", "dry_run"]


@dataclass(frozen=True, slots=True)
class InputFact:
    """One input: its value, and where that comes from."""

    spec: InputSpec
    value: Frozen
    is_given: bool

    @property
    def is_missing(self) -> bool:
        """Whether a run would not begin for want of it."""
        return self.spec.required and not self.is_given


@dataclass(frozen=True, slots=True)
class AgentFact:
    """One agent: who needs it, and why it cannot run here ("" when it can)."""

    name: str
    tasks: tuple[TaskId, ...]
    unavailable: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DryRun:
    """What a run would do.

    Attributes:
        fates: task -> what can be said of it.
        waves: what starts together, if each task took as long as any other.
        secrets: what is to be said of secrets that cannot be had.
        problem: why no plan can be made of these inputs, or "".
    """

    plan: Plan
    inputs: tuple[InputFact, ...]
    agents: tuple[AgentFact, ...]
    fates: Mapping[TaskId, Fate]
    waves: tuple[tuple[TaskId, ...], ...]
    secrets: tuple[str, ...] = ()
    problem: str = ""

    @property
    def least_calls(self) -> int:
        """How often agents are called if all goes well and every doubt is answered with no; hooks apart."""
        return sum(fate.will == "runs" for fate in self.fates.values())

    @property
    def most_calls(self) -> int:
        """How often at most, each attempt counted; hooks apart."""
        tasks = (self.plan.tasks[task] for task, fate in self.fates.items() if fate.will != "skipped")
        return sum(task.retry.max_attempts for task in tasks)


def dry_run(
    file: Path,
    *,
    settings: Settings,
    assignments: Sequence[str] = (),
    given: Mapping[str, JSONValue] | None = None,
    max_parallel: int | None = None,
) -> DryRun:
    """Say what a run would do; see ``run`` for the arguments.

    Raises:
        SpecErrors: the file is not a valid workflow.
        InputError: inputs are unknown or of the wrong type.
    """
    registry = registry_of(settings)
    loaded = load_file(file, registry=registry)
    workflow = loaded.workflow
    inputs = _inputs(workflow, assignments, given or {})
    values = FrozenDict({fact.spec.name: _stand_in(fact) for fact in inputs})
    unknown = {fact.spec.name for fact in inputs if fact.is_missing}
    problem = ""
    try:
        plan = compile_plan(workflow, values, catalog=registry.catalog(), max_parallel=max_parallel)
    except ExpressionError as error:  # a variable that cannot be worked out
        problem = "" if unknown else error.message
        constant = {name: text for name, text in workflow.variables.items() if not _reads(text)}
        bare = replace(workflow, variables=FrozenDict(constant))
        plan = compile_plan(bare, values, catalog=registry.catalog(), max_parallel=max_parallel)
    if unknown or problem:
        unknown |= {name for name, text in workflow.variables.items() if _reads(text)}
    fates = fates_of(plan, unknown=unknown)
    idle = {task for task, fate in fates.items() if fate.will in ("skipped", "on_failure")}
    root = settings.project_root
    _, missing = find_secrets(
        workflow, environment=os.environ, project_root=root, literals=loaded.secret_literals
    )
    return DryRun(
        plan=plan,
        inputs=inputs,
        agents=_agents(plan, registry),
        fates=fates,
        waves=tuple(waves_of(plan, left_out=idle)),
        secrets=tuple(missing),
        problem=problem,
    )


def _inputs(
    workflow: Workflow, assignments: Sequence[str], given: Mapping[str, JSONValue]
) -> tuple[InputFact, ...]:
    optional = replace(workflow, inputs=tuple(replace(spec, required=False) for spec in workflow.inputs))
    values = read_inputs(optional, assignments, given)
    named = {*given, *(assignment.partition("=")[0].strip() for assignment in assignments)}
    return tuple(InputFact(spec, values[spec.name], spec.name in named) for spec in workflow.inputs)


_STAND_INS: dict[InputType, Frozen] = {
    InputType.STRING: "",
    InputType.INTEGER: 0,
    InputType.NUMBER: 0,
    InputType.BOOLEAN: False,
    InputType.LIST: (),
    InputType.OBJECT: FrozenDict(),
}


def _stand_in(fact: InputFact) -> Frozen:
    """Return a value of the right type for an input that is missing; nothing is concluded from it."""
    return _STAND_INS[fact.spec.type] if fact.is_missing else fact.value


def _reads(value: Frozen) -> bool:
    """Whether a variable has holes, and so hangs on inputs."""
    if isinstance(value, str):
        return has_holes(value)
    if isinstance(value, FrozenDict):
        return any(map(_reads, value.values()))
    return isinstance(value, tuple) and any(map(_reads, value))


def _agents(plan: Plan, registry: AgentRegistry) -> tuple[AgentFact, ...]:
    catalog = registry.catalog()
    users: dict[str, list[TaskId]] = {}
    for task in plan.tasks.values():
        for name in task.spec.agents:
            users.setdefault(name, []).append(task.id)
    return tuple(AgentFact(name, tuple(tasks), catalog[name].unavailable) for name, tasks in users.items())

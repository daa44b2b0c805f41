"""A valid workflow and its inputs become a plan.

Takes a ``Workflow`` (every reference resolves, every expression compiles) and the values of its inputs; gives
the ``Plan`` that a run is driven by: variables rendered, templates and conditions compiled, start rules,
dependents, path lengths and hand-offs worked out. Pure and deterministic, linear in the size of the workflow;
templates with holes are compiled when they are first needed, so that a large plan is ready at once. Must not check what
``checks`` has checked; what cannot happen in a valid workflow is an ``InternalError``.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import msgspec

from actorflow import expressions as ex
from actorflow.errors import InternalError
from actorflow.ids import TaskId
from actorflow.values import Frozen, FrozenDict
from actorflow.workflow.catalog import Catalog
from actorflow.workflow.graph import dependents_of, path_lengths
from actorflow.workflow.model import HookPhase, TaskSpec, Workflow
from actorflow.workflow.plan import Plan, PlannedTask, ShellCommand, ValueTemplate
from actorflow.workflow.shell_text import compile_shell
from actorflow.workflow.start_rule import start_rule
from actorflow.workflow.templates import (
    ConstantTemplate,
    LazyTemplate,
    TemplateCompiler,
    has_holes,
    is_constant,
)

__all__ = ["compile_plan", "environment_of", "shell_parameter", "takes_environment"]

_NOTHING = ConstantTemplate(FrozenDict())


def compile_plan(
    workflow: Workflow, inputs: FrozenDict, *, catalog: Catalog, max_parallel: int | None = None
) -> Plan:
    """Compile ``workflow`` for a run with ``inputs``.

    Args:
        inputs: the values of all inputs, by name, as ``read_inputs`` gives them.
        catalog: the agents; says which parameters are shell text and who is handed outputs.
        max_parallel: overrides the workflow's.

    Raises:
        InterpolationError: a variable cannot be worked out from these inputs.
    """
    specs = (*workflow.tasks, *workflow.hooks)
    planner = _Planner(workflow.tasks, catalog, specs)
    variables = planner.compiler.value(workflow.variables, "context.variables")
    values = FrozenDict({**inputs, **variables.render({**inputs, "inputs": inputs})})  # type: ignore[dict-item]  # a mapping
    return Plan(
        workflow=workflow,
        tasks={spec.id: planner.planned(index, spec) for index, spec in enumerate(specs)},
        inputs=inputs,
        values=values,
        max_parallel=max_parallel or workflow.settings.max_parallel,
        hooks={
            phase: tuple(spec.id for spec in workflow.hooks if spec.hook is phase)
            for phase in HookPhase
            if any(spec.hook is phase for spec in workflow.hooks)
        },
        backends=_backends(specs, catalog),
    )


def _backends(specs: Sequence[TaskSpec], catalog: Catalog) -> dict[str, str]:
    names = dict.fromkeys(name for spec in specs for name in spec.agents)
    known = {name: traits.paid_backend for name in names if (traits := catalog.get(name))}
    return {name: backend for name, backend in known.items() if backend}


def shell_parameter(spec: TaskSpec, catalog: Catalog) -> str:
    """Return the name of the parameter that is shell text for one of the task's agents, or ""."""
    for agent in spec.agents:
        traits = catalog.get(agent)
        for name in traits.shell_text if traits else ():
            if isinstance(spec.parameters.get(name), str):
                return name
    return ""


def takes_environment(spec: TaskSpec, catalog: Catalog) -> bool:
    """Whether the task's ``parameters.env`` sets variables of the agent's process (a shell agent's does)."""
    env = spec.parameters.get("env")
    return isinstance(env, FrozenDict) and any(
        traits.shell_text for agent in spec.agents if (traits := catalog.get(agent))
    )


def environment_of(spec: TaskSpec, catalog: Catalog) -> FrozenDict:
    """Return the texts of all variables that the task sets; those of ``parameters.env`` win."""
    return spec.env | spec.parameters["env"] if takes_environment(spec, catalog) else spec.env


class _Planner:
    """Compiles the tasks of one workflow over one cache of templates."""

    def __init__(self, tasks: Sequence[TaskSpec], catalog: Catalog, specs: Sequence[TaskSpec]) -> None:
        self.compiler = TemplateCompiler(frozenset(spec.id for spec in specs))
        self._catalog = catalog
        dependencies = {spec.id: spec.dependencies for spec in tasks}
        self._dependents = dependents_of(dependencies)
        self._path_lengths = path_lengths(dependencies)

    def planned(self, index: int, spec: TaskSpec) -> PlannedTask:
        condition = self._condition(spec)
        env_texts = environment_of(spec, self._catalog)
        shell = self._shell(spec, env_texts)
        handoff, is_explicit = self._handoff(spec)
        return PlannedTask(
            id=spec.id,
            index=index,
            spec=spec,
            hook=spec.hook,
            dependencies=spec.dependencies,
            dependents=tuple(self._dependents.get(spec.id, ())),
            rule=start_rule(spec.run_if, condition, spec.dependencies),
            condition=condition,
            condition_reads=self.compiler.reads(condition) if condition else frozenset(),
            retry=spec.effective_retry,
            path_length=self._path_lengths.get(spec.id, 1),
            parameters=self._parameters(spec, shell),
            description=self._template(spec.description, "description"),
            env=LazyTemplate(partial(self.compiler.environment, env_texts)) if env_texts else _NOTHING,
            shell=shell,
            verify=self._command(spec.verify, env_texts) if spec.verify else None,
            handoff_from=handoff,
            handoff_is_explicit=is_explicit,
        )

    def _condition(self, spec: TaskSpec) -> ex.Expression | None:
        match spec.condition:
            case None | True:
                return None
            case False:
                return self.compiler.expression("false")
            case str(source):
                return self.compiler.expression(source)

    def _parameters(self, spec: TaskSpec, shell: ShellCommand | None) -> ValueTemplate:
        parameters = spec.parameters
        if takes_environment(spec, self._catalog):
            parameters = FrozenDict({key: value for key, value in parameters.items() if key != "env"})
        if shell is None:
            return self._template(parameters, "parameters")
        fixed = {shell_parameter(spec, self._catalog): shell.text}
        return LazyTemplate(
            partial(self.compiler.mapping, parameters, "parameters", fixed=fixed, reads=shell.task_references)
        )

    def _template(self, value: Frozen, path: str) -> ValueTemplate:
        if is_constant(value):
            return ConstantTemplate(value)
        return LazyTemplate(partial(self.compiler.value, value, path))

    def _shell(self, spec: TaskSpec, env_texts: FrozenDict) -> ShellCommand | None:
        name = shell_parameter(spec, self._catalog)
        return self._command(spec.parameters[name], env_texts) if name else None

    def _command(self, text: str, env_texts: FrozenDict) -> ShellCommand:
        if not has_holes(text):
            return ShellCommand(text)
        command, problems = compile_shell(self.compiler.text(text), taken=env_texts)
        if problems:
            raise InternalError(
                f"a shell command was compiled that validation should have refused ({problems[0].code})"
            )
        reads = [self.compiler.reads(expression) for _, expression in command.variables]
        return msgspec.structs.replace(command, task_references=frozenset().union(*reads))

    def _handoff(self, spec: TaskSpec) -> tuple[tuple[TaskId, ...], bool]:
        """Return whose outputs may be handed over, and whether the author named them."""
        if not any(
            "handoff" in traits.supports for agent in spec.agents if (traits := self._catalog.get(agent))
        ):
            return (), False
        match spec.handoff:
            case "none":
                return (), False
            case "direct":
                return spec.dependencies, False
            case explicit:
                return explicit, True

"""The plan: a workflow with its inputs, compiled and ready to be scheduled.

Everything that scheduling and the engine ask of a workflow is worked out once, here: who waits for whom,
which rule starts a task, how long the path behind it is, compiled conditions and templates. Frozen; a run is
driven by exactly one plan.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import msgspec

from actorflow.ids import TaskId
from actorflow.values import Frozen, FrozenDict
from actorflow.workflow.model import HookPhase, RetryPolicy, RunIf, TaskSpec, Workflow

if TYPE_CHECKING:  # the rules of scheduling are asked over plans by commands that evaluate nothing
    from actorflow.expressions import Expression

__all__ = ["Plan", "PlannedTask", "ShellCommand", "StartRule", "ValueTemplate"]


class ValueTemplate(Protocol):
    """A JSON value whose strings may have holes, compiled."""

    @property
    def task_references(self) -> frozenset[TaskId]:
        """The tasks whose records the holes read."""
        ...

    def render(self, snapshot: Mapping[str, object]) -> Frozen:
        """Fill the holes from ``snapshot``; raises ExpressionError."""
        ...


class ShellCommand(msgspec.Struct, frozen=True):
    """A shell command text whose holes have become variables.

    Attributes:
        text: for ``sh -c``; never contains a value.
        variables: variable name (``AF_1``) -> the expression whose text becomes its value.
        task_references: the tasks whose records these expressions read.
    """

    text: str
    variables: tuple[tuple[str, Expression], ...] = ()
    task_references: frozenset[TaskId] = frozenset()


class StartRule(msgspec.Struct, frozen=True):
    """Which states of its dependencies let a task start; the condition comes after it.

    Attributes:
        run_if: an explicit trigger rule; then it alone counts.
        overruled: dependencies that the condition itself decides about (it reads their ``.status``,
            ``.reason`` or ``.error``); all of them when the condition calls ``success()``, ``failure()`` or
            ``always()``.
        needs_success: whether at least one dependency must have succeeded (the default rule's second half).
        handles_failure: whether the task still starts after the workflow was stopped by a failure.
    """

    run_if: RunIf | None = None
    overruled: frozenset[TaskId] = frozenset()
    needs_success: bool = True
    handles_failure: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedTask:
    """One task of a plan, compiled.

    Attributes:
        index: order of declaration over tasks, then hooks; unique in the plan.
        path_length: the number of tasks on the longest path that starts here, itself counted.
        condition: None when there is none.
        condition_reads: tasks whose records the condition reads.
        parameters: for shell text the command is fixed: its holes are variables already, and ``shell`` has
            their expressions; ``task_references`` covers both.
        env: renders to text only, secrets revealed: for the agent's process, never to be written. The ``env``
            of a shell agent's parameters is part of it, and no longer of ``parameters``.
        verify: the command that decides success, with its own variables.
        handoff_from: tasks whose outputs may be handed to the agent.
        handoff_is_explicit: whether they are handed over even when the parameters reference them already.
    """

    id: TaskId
    index: int
    spec: TaskSpec
    hook: HookPhase | None
    dependencies: tuple[TaskId, ...]
    dependents: tuple[TaskId, ...]
    rule: StartRule
    condition: Expression | None
    condition_reads: frozenset[TaskId]
    retry: RetryPolicy
    path_length: int
    parameters: ValueTemplate
    description: ValueTemplate
    env: ValueTemplate
    shell: ShellCommand | None = None
    verify: ShellCommand | None = None
    handoff_from: tuple[TaskId, ...] = ()
    handoff_is_explicit: bool = False

    @property
    def reads(self) -> frozenset[TaskId]:
        """The tasks whose records any template of the task reads: what its snapshot must have."""
        verify = self.verify.task_references if self.verify else frozenset()
        return self.parameters.task_references.union(
            self.description.task_references, self.env.task_references, verify
        )

    @property
    def handoff(self) -> tuple[TaskId, ...]:
        """The tasks whose outputs are handed to the agent besides what it references."""
        if self.handoff_is_explicit or not self.handoff_from:
            return self.handoff_from
        referenced = self.parameters.task_references
        return tuple(task for task in self.handoff_from if task not in referenced)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """A workflow with its inputs, compiled.

    Attributes:
        tasks: id -> task, in order of declaration; hooks' tasks are in it too and have ``hook`` set.
        inputs: the values of all inputs, by name.
        values: what expressions see by bare name: inputs and rendered variables.
        max_parallel: the workflow's, or what the command line said.
        backends: agent -> the service that its attempts call; agents that cost nothing are not in it.
    """

    workflow: Workflow
    tasks: Mapping[TaskId, PlannedTask]
    inputs: FrozenDict
    values: FrozenDict
    max_parallel: int
    hooks: Mapping[HookPhase, tuple[TaskId, ...]] = field(default_factory=dict)
    backends: Mapping[str, str] = field(default_factory=dict)

"""What the workflow of a run says of one task, without compiling the others.

A run keeps the text of its workflow, which was valid when the run began, so that nothing is checked again
here. Takes that text; gives a task's ``TaskSpec``, start rule and compiled condition. Compiling a plan of ten
thousand tasks takes a second, this a fraction of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from actorflow.expressions import Expression
from actorflow.ids import TaskId
from actorflow.state.events import RunAccepted
from actorflow.workflow import ReadLimits
from actorflow.workflow.decode import decode_workflow
from actorflow.workflow.document import read_document
from actorflow.workflow.model import HookPhase, Settings, TaskSpec
from actorflow.workflow.plan import StartRule
from actorflow.workflow.report import Report
from actorflow.workflow.start_rule import start_rule
from actorflow.workflow.templates import TemplateCompiler

__all__ = ["PinnedTask", "PinnedWorkflow"]


@dataclass(frozen=True, slots=True)
class PinnedTask:
    """What decides whether a task starts.

    Attributes:
        condition: None when there is none.
        reads: the tasks whose records the condition reads.
    """

    spec: TaskSpec
    rule: StartRule
    condition: Expression | None
    reads: frozenset[TaskId]


class PinnedWorkflow:
    """The workflow of one run, read but not compiled."""

    def __init__(self, accepted: RunAccepted) -> None:
        self._accepted = accepted
        self._ids = frozenset(entry.id for entry in accepted.tasks)

    @cached_property
    def settings(self) -> Settings:
        """The settings of the whole run."""
        kept = {key: self._value[key] for key in ("name", "settings") if key in self._value}
        draft = decode_workflow({**kept, "tasks": []}, Report())
        return Settings() if draft is None else draft.workflow.settings

    def task(self, task: TaskId) -> PinnedTask | None:
        """Return what the workflow says of a task; None when it cannot be read any more."""
        raw = self._raw.get(task)
        draft = None if raw is None else decode_workflow({"name": "one task", **raw}, Report())
        specs = () if draft is None else (*draft.workflow.tasks, *draft.workflow.hooks)
        if not specs:
            return None
        spec = specs[0]
        compiler = TemplateCompiler(self._ids)
        source = "false" if spec.condition is False else spec.condition
        condition = compiler.expression(source) if isinstance(source, str) else None
        rule = start_rule(spec.run_if, condition, spec.dependencies)
        return PinnedTask(spec, rule, condition, compiler.reads(condition) if condition else frozenset())

    @cached_property
    def _value(self) -> dict[str, Any]:
        document = read_document(self._accepted.text.encode(), file=self._accepted.file, limits=ReadLimits())
        return document.value if isinstance(document.value, dict) else {}

    @cached_property
    def _raw(self) -> dict[str, dict[str, Any]]:
        """Task -> a document that holds only this task."""
        return dict(self._documents())

    def _documents(self) -> Iterator[tuple[str, dict[str, Any]]]:
        for task in _tasks_in(self._value.get("tasks")):
            yield task["id"], {"tasks": [task]}
        hooks = self._value.get("hooks")
        if not isinstance(hooks, dict):
            return
        for phase in HookPhase:
            for task in _tasks_in(hooks.get(phase.value)):
                yield task["id"], {"tasks": [], "hooks": {phase.value: [task]}}


def _tasks_in(value: object) -> Iterator[dict[str, Any]]:
    for task in value if isinstance(value, list) else ():
        if isinstance(task, dict) and isinstance(task.get("id"), str):
            yield task

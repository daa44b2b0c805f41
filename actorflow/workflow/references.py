"""What a name in an expression means in a workflow, and whether it may be used where it stands.

Takes the references of a compiled expression and the place they stand in; gives findings, the inputs that are
implied by bare names, and the pairs of tasks of which one must come before the other (checked afterwards, all
at once). Suggestions come only from names in scope. Must not evaluate anything.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from actorflow import expressions as ex
from actorflow.ids import TaskId
from actorflow.values import FrozenDict
from actorflow.workflow.findings import Finding, Path
from actorflow.workflow.model import HookPhase, InputSpec, TaskSpec, Workflow
from actorflow.workflow.output_fields import output_mistake
from actorflow.workflow.suggest import Suggester, edit_distance

__all__ = ["TASK_FIELDS", "Names", "PlaceKind", "ReferenceCheck", "Spot", "Wait"]

TASK_FIELDS = ("output", "status", "reason", "error", "attempts", "duration")
"""What an expression sees of a task."""

_RUN_FIELDS = ("id", "name", "started_at")
_RUN_FIELDS_AT_THE_END = (*_RUN_FIELDS, "status", "failed_tasks", "duration")
_STATUSES = frozenset("pending running success failed skipped cancelled".split())
_NOT_HERE = frozenset("item env fn".split())
_HYPHENATED = re.compile(r"[A-Za-z_][A-Za-z0-9_]*(?:-[A-Za-z0-9_]+)+")
_COMPARED_AFTER = re.compile(r"""\s*==\s*(['"])(\w*)\1""")
_COMPARED_BEFORE = re.compile(r"""(['"])(\w*)\1\s*==\s*$""")

PlaceKind: TypeAlias = Literal["variable", "text", "condition", "env", "shell"]
"""Where an expression stands: in a variable, in parameters or a description, in a condition, in an ``env:``
value, in shell text."""


@dataclass(frozen=True, slots=True)
class Spot:
    """One expression in the file.

    Attributes:
        base: offset of the expression in the text at ``path``.
        spec: the task it belongs to; None for a variable.
        is_hole: whether it is a hole of a template (and not a condition).
    """

    path: Path
    kind: PlaceKind
    spec: TaskSpec | None
    expression: ex.Expression
    base: int = 0
    is_hole: bool = True


@dataclass(frozen=True, slots=True)
class Wait:
    """A task reads another one, and so must come after it; ``finding`` says so if it does not."""

    reader: TaskId
    read: TaskId
    finding: Finding


@dataclass(frozen=True, slots=True)
class Names:
    """All names of a workflow."""

    tasks: Mapping[str, TaskSpec]
    hooks: Mapping[str, TaskSpec]
    inputs: Mapping[str, InputSpec]
    variables: FrozenDict
    secrets: frozenset[str]
    inputs_closed: bool

    @classmethod
    def of(cls, workflow: Workflow) -> Names:
        """Collect the names of ``workflow``."""
        return cls(
            tasks={spec.id: spec for spec in workflow.tasks},
            hooks={spec.id: spec for spec in workflow.hooks},
            inputs={spec.name: spec for spec in workflow.inputs if spec.declared},
            variables=workflow.variables,
            secrets=frozenset(secret.name for secret in workflow.secrets),
            inputs_closed=workflow.inputs_closed,
        )

    def in_scope(self, spot: Spot) -> list[str]:
        """Return the names that may stand at ``spot``, nearest first."""
        if spot.kind == "variable":
            return list(self.inputs)
        return [*self.readable_tasks(spot.spec), *self.inputs, *self.variables]

    def readable_tasks(self, spec: TaskSpec | None) -> list[TaskId]:
        """Return the tasks that a task may read: those it waits for, directly or not; for an end hook, all."""
        if spec is None or spec.hook is HookPhase.ON_START:
            return []
        if spec.hook is not None:
            return [task.id for task in self.tasks.values()]
        found: dict[TaskId, None] = {}
        waiting = list(reversed(spec.dependencies))
        while waiting and len(found) < 200:  # enough for a suggestion
            task = waiting.pop()
            if task in self.tasks and task not in found:
                found[task] = None
                waiting.extend(reversed(self.tasks[task].dependencies))
        return list(found)


@dataclass(slots=True)
class ReferenceCheck:
    """Checks references one expression at a time and keeps what it finds."""

    names: Names
    text_outputs: frozenset[str]
    findings: list[Finding] = field(default_factory=list)
    implicit: dict[str, InputSpec] = field(default_factory=dict)
    waits: list[Wait] = field(default_factory=list)
    output_reads: list[tuple[Spot, ex.Reference, TaskId]] = field(default_factory=list)
    suggester: Suggester = field(default_factory=Suggester)
    broken: frozenset[str] = frozenset()
    comparisons: int = 50_000

    def check(self, spot: Spot) -> None:
        """Check all references of one expression."""
        hyphenated = set(self._hyphenated(spot))
        for reference in spot.expression.references:
            if not any(start <= reference.start < end for start, end in hyphenated):
                self._reference(spot, reference)

    # -- names ------------------------------------------------------------------------------------------------------

    def _reference(self, spot: Spot, reference: ex.Reference) -> None:
        root = reference.root
        if root in self.broken:
            return
        if root == "tasks":
            self._through_tasks(spot, reference)
        elif root in self.names.tasks or root in self.names.hooks:
            self._task(spot, reference, root, reference.path)
        elif root in self.names.inputs:
            return
        elif root in self.names.variables:
            if spot.kind == "variable":
                self._add(spot, reference, "E204", f"'{root}' is a variable", "variables may use inputs only")
        elif root in ("inputs", "vars", "run", "secrets"):
            self._special(spot, reference)
        elif root in _NOT_HERE:
            self._add(spot, reference, "E204", f"'{root}' is reserved and has no value here")
        elif not (reference.type_name or self._implied(spot, reference)):
            self._unknown(spot, reference)

    def _through_tasks(self, spot: Spot, reference: ex.Reference) -> None:
        if not reference.path or not isinstance(reference.path[0], str):
            self._add(
                spot,
                reference,
                "E209",
                "which task is read must be seen in the text",
                "name it: tasks['build'].output",
            )
            return
        name = reference.path[0]
        if name in self.broken:
            return
        if name in self.names.tasks or name in self.names.hooks:
            self._task(spot, reference, name, reference.path[1:])
        else:
            readable = self.names.readable_tasks(spot.spec)
            self._add(
                spot,
                reference,
                "E203",
                f"unknown task '{name}'",
                self._did_you_mean(name, readable, readable),
            )

    def _special(self, spot: Spot, reference: ex.Reference) -> None:
        root = reference.root
        if root == "secrets" and spot.kind != "env":
            self._add(
                spot,
                reference,
                "E901",
                "a secret may only be used in env:",
                "give it to the task by env: and read it there",
            )
            return
        if spot.kind == "variable" and root != "inputs":
            self._add(spot, reference, "E204", f"'{root}' has no value yet", "variables may use inputs only")
            return
        known: Collection[str] = {
            "inputs": self.names.inputs.keys() | self.implicit.keys(),
            "vars": self.names.variables.keys(),
            "secrets": self.names.secrets,
            "run": _RUN_FIELDS
            if spot.spec is None or spot.spec.hook in (None, HookPhase.ON_START)
            else _RUN_FIELDS_AT_THE_END,
        }[root]
        if not reference.path and not reference.computed:
            return
        if reference.computed and not reference.path:
            if root == "secrets":
                self._add(
                    spot,
                    reference,
                    "E209",
                    "which secret is read must be seen in the text",
                    "write secrets.NAME",
                )
        elif reference.path[0] not in known and not reference.optional:
            name = str(reference.path[0])
            noun = {"run": "field of run", "secrets": "secret", "inputs": "input", "vars": "variable"}[root]
            self._add(spot, reference, "E205", f"unknown {noun} '{name}'", self._did_you_mean(name, known))

    def _unknown(self, spot: Spot, reference: ex.Reference) -> None:
        name = reference.root
        looks_like_task = bool(reference.path) and reference.path[0] in TASK_FIELDS
        readable = self.names.readable_tasks(spot.spec)
        hint = self._did_you_mean(name, self.names.in_scope(spot), readable if looks_like_task else ())
        if spot.kind == "shell" and not reference.path:
            hint = f"{hint}; for the shell's own variable write ${name} or $${{{name}}}".lstrip("; ")
        elif not hint and spot.kind == "condition" and not reference.path:
            hint = "declare it under inputs: (a boolean, to use it as a condition)"
        elif not hint and not looks_like_task:
            hint = "declare it under inputs:" if self.names.inputs_closed or not spot.is_hole else ""
        self._add(spot, reference, "E203", f"unknown {'task' if looks_like_task else 'name'} '{name}'", hint)

    def _implied(self, spot: Spot, reference: ex.Reference) -> bool:
        """Take a hole that is one bare name for an input, if the workflow does not declare its inputs."""
        name = reference.root
        is_bare = spot.is_hole and not reference.path and spot.expression.source.strip() == name
        if self.names.inputs_closed or spot.kind != "text" or not is_bare:
            return False
        if name not in self.implicit:
            if self._is_near_miss(name):
                return False
            self.implicit[name] = InputSpec(name=name, declared=False)
        return True

    def _is_near_miss(self, name: str) -> bool:
        limit = 1 if len(name) <= 4 else 2
        letters = frozenset(name)
        for known in (*self.names.tasks, *self.names.variables, *self.names.hooks):
            # Ten thousand names beside ten thousand others: the cheap test decides nearly always, the dear one is rationed.
            if abs(len(known) - len(name)) <= limit and len(letters.symmetric_difference(known)) <= 2 * limit:
                self.comparisons -= 1
                if self.comparisons < 0:
                    return False
                if edit_distance(name, known, limit) <= limit:
                    return True
        return False

    # -- tasks ------------------------------------------------------------------------------------------------------

    def _task(self, spot: Spot, reference: ex.Reference, task: str, path: tuple[str | int, ...]) -> None:
        if self._may_be_read(spot, reference, TaskId(task)):
            self._field(spot, reference, task, path)

    def _may_be_read(self, spot: Spot, reference: ex.Reference, task: TaskId) -> bool:
        spec = spot.spec
        if spec is None:
            self._add(
                spot,
                reference,
                "E204",
                "a variable cannot read a task",
                "variables are worked out before the run begins",
            )
        elif task == spec.id:
            self._add(spot, reference, "E204", f"task '{task}' cannot read itself")
        elif task in self.names.hooks:
            self._add(spot, reference, "E204", f"'{task}' is a task of a hook and cannot be read")
        elif spec.hook is HookPhase.ON_START:
            self._add(spot, reference, "E204", f"an on_start hook runs before task '{task}'")
        else:
            if spec.hook is None and task not in spec.dependencies:
                self.waits.append(Wait(spec.id, task, self._not_awaited(spot, reference, spec, task)))
            return True
        return False

    def _not_awaited(self, spot: Spot, reference: ex.Reference, spec: TaskSpec, task: TaskId) -> Finding:
        return _finding(
            spot,
            reference,
            "E708",
            f"task '{spec.id}' does not wait for '{task}'",
            f"add '{task}' to the dependencies of '{spec.id}'",
        )

    def _field(self, spot: Spot, reference: ex.Reference, task: str, path: tuple[str | int, ...]) -> None:
        if not path:
            return
        if path[0] not in TASK_FIELDS:
            name = str(path[0])
            hint = (
                self._did_you_mean(name, TASK_FIELDS) or f"for a key of its output write {task}.output.{name}"
            )
            self._add(
                spot,
                reference,
                "E205",
                f"a task has no field '{name}'",
                f"{hint} (fields: {', '.join(TASK_FIELDS)})",
            )
        elif path[0] == "output":
            self._output(spot, reference, task, path[1:])
        elif path[0] == "status":
            self._status(spot, reference, self.names.tasks[task])

    def _output(self, spot: Spot, reference: ex.Reference, task: str, path: tuple[str | int, ...]) -> None:
        mistake = output_mistake(self.names.tasks[task], path, is_text=task in self.text_outputs)
        if mistake is not None and not reference.optional:
            message, key, known = mistake
            hint = (
                self._did_you_mean(key, known)
                if known
                else "for JSON output give output_schema: (shell: output: json)"
            )
            self._add(spot, reference, "E902", message, hint)
        else:
            self.output_reads.append((spot, reference, TaskId(task)))

    def _status(self, spot: Spot, reference: ex.Reference, producer: TaskSpec) -> None:
        source = spot.expression.source
        compared = _COMPARED_AFTER.match(source, reference.end) or _COMPARED_BEFORE.search(
            source[: reference.start]
        )
        if compared is None:
            return
        status = compared[2]
        if status not in _STATUSES:
            hint = self._did_you_mean(status.lower(), _STATUSES) or f"one of {', '.join(sorted(_STATUSES))}"
            self._add(spot, reference, "W951", f"no task ever has the status '{status}'", hint)
        elif status == "failed" and producer.on_failure == "skip":
            self._add(
                spot,
                reference,
                "W951",
                f"'{producer.id}' never ends as failed: its on_failure is skip",
                f"write {producer.id}.error != null",
            )

    # -- words ------------------------------------------------------------------------------------------------------

    def _hyphenated(self, spot: Spot) -> Iterator[tuple[int, int]]:
        """Find ids with a hyphen written as names, report them, and yield their spans."""
        source = spot.expression.source
        if "-" not in source:
            return
        starts = {reference.start for reference in spot.expression.references}
        for match in _HYPHENATED.finditer(source):
            name = match[0]
            while "-" in name and name not in self.names.tasks:
                name = name.rpartition("-")[0]
            if "-" in name and match.start() in starts:
                end = match.start() + len(name)
                yield match.start(), end
                message = f"'{name}' is read as a subtraction"
                hint = f"write tasks['{name}']{_rest_of_path(source, end)}"
                offset = spot.base + match.start()
                self.findings.append(
                    Finding(
                        path=spot.path,
                        code="E203",
                        message=message,
                        hint=hint,
                        offset=offset,
                        length=len(name),
                    )
                )

    def _did_you_mean(self, name: str, candidates: Iterable[str], listed: Iterable[str] = ()) -> str:
        hint = self.suggester.hint(name, candidates)
        shown = list(listed)[:8]
        return f"{hint} (tasks this one waits for: {', '.join(shown)})".strip() if shown else hint

    def _add(self, spot: Spot, reference: ex.Reference, code: str, message: str, hint: str = "") -> None:
        self.findings.append(_finding(spot, reference, code, message, hint))


def _finding(spot: Spot, reference: ex.Reference, code: str, message: str, hint: str) -> Finding:
    return Finding(
        path=spot.path,
        code=code,
        message=message,
        hint=hint,
        offset=spot.base + reference.start,
        length=max(1, reference.end - reference.start),
        severity="warning" if code.startswith("W") else "error",
    )


def _rest_of_path(source: str, at: int) -> str:
    match = re.match(r"(\??\.[A-Za-z_]\w*)*", source[at:])
    return match[0] if match and match[0] else ".output"

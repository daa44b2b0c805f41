"""All static checks of the expressions, templates and shell commands of a workflow, at once.

Takes a decoded workflow (which may have other mistakes) and the agents; gives every finding, with the path of
keys and the offset in the text, and the inputs that its holes imply. Nothing is evaluated. What it finds
without error is what ``compile_plan`` may compile. Must not know lines and columns.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from actorflow import expressions as ex
from actorflow.ids import TaskId
from actorflow.values import Frozen, FrozenDict
from actorflow.workflow.catalog import Catalog
from actorflow.workflow.compile import environment_of, shell_parameter, takes_environment
from actorflow.workflow.environment import ENVIRONMENT, STATUS_FUNCTIONS
from actorflow.workflow.findings import Finding, Path
from actorflow.workflow.graph import not_ancestors
from actorflow.workflow.model import InputSpec, InputType, TaskSpec, Workflow
from actorflow.workflow.output_fields import gives_text
from actorflow.workflow.plan import StartRule
from actorflow.workflow.references import Names, PlaceKind, ReferenceCheck, Spot
from actorflow.workflow.shell_text import compile_shell
from actorflow.workflow.skips import Skips
from actorflow.workflow.start_rule import STATUS_FIELDS, start_rule
from actorflow.workflow.templates import TemplateCompiler, has_holes

__all__ = ["ExpressionCheck", "check_expressions"]


_CHECKED_HERE = frozenset({"E203", "E204", "E205", "E209", "W252"})
"""What the language would say of names; here more is known about them."""

_SCHEMA_TYPES = {InputType.LIST: "array"}


@dataclass(frozen=True, slots=True)
class ExpressionCheck:
    """What the checks gave.

    Attributes:
        findings: errors and warnings, in the order in which they were found.
        implicit_inputs: inputs that holes with one bare name imply, in order of appearance; to be added to
            the workflow's.
    """

    findings: tuple[Finding, ...]
    implicit_inputs: tuple[InputSpec, ...]


def check_expressions(
    workflow: Workflow, catalog: Catalog, *, paths: Sequence[Path] = (), broken: Collection[str] = ()
) -> ExpressionCheck:
    """Check every text of ``workflow`` that may have holes, and every condition.

    Args:
        workflow: decoded; its names may clash and its graph may have cycles.
        catalog: says which parameters are shell text.
        paths: where each of ``workflow.tasks``, then of ``workflow.hooks``, stands in the file; without it,
            by position.
        broken: names that are defined but could not be decoded; nothing is said about them.
    """
    return _Checker(workflow, catalog, paths or _paths_by_position(workflow), broken).run()


def _paths_by_position(workflow: Workflow) -> list[Path]:
    paths: list[Path] = [("tasks", i) for i in range(len(workflow.tasks))]
    counts: dict[str, int] = {}
    for spec in workflow.hooks:
        phase = str(spec.hook)
        paths.append(("hooks", phase, counts.get(phase, 0)))
        counts[phase] = counts.get(phase, 0) + 1
    return paths


class _Checker:
    """One pass over a workflow."""

    def __init__(
        self, workflow: Workflow, catalog: Catalog, paths: Sequence[Path], broken: Collection[str]
    ) -> None:
        self.workflow = workflow
        self.catalog = catalog
        self.paths = paths
        text_outputs = frozenset(spec.id for spec in workflow.tasks if gives_text(spec, catalog))
        self.references = ReferenceCheck(Names.of(workflow), text_outputs, broken=frozenset(broken))
        self.compiler = TemplateCompiler()
        self.rules: dict[TaskId, StartRule] = {}
        self.conditions: dict[TaskId, ex.Expression] = {}
        self.diagnostics: dict[tuple[str, bool], list[ex.Diagnostic]] = {}

    @property
    def findings(self) -> list[Finding]:
        return self.references.findings

    def run(self) -> ExpressionCheck:
        for path, text in _texts(self.workflow.variables, ("context", "variables")):
            self._template(path, "variable", None, text)
        specs = (*self.workflow.tasks, *self.workflow.hooks)
        for path, spec in zip(self.paths, specs, strict=True):
            self._task(path, spec)
        self._missing_outputs(self._order())
        return ExpressionCheck(tuple(self.findings), tuple(self.references.implicit.values()))

    # -- tasks ------------------------------------------------------------------------------------------------------

    def _task(self, path: Path, spec: TaskSpec) -> None:
        self._template((*path, "description"), "text", spec, spec.description)
        self._parameters(path, spec)
        for name, text in spec.env.items():
            self._environment_value((*path, "env", name), spec, text)
        if spec.verify:
            self._shell((*path, "verify"), spec, spec.verify)
        condition = self._condition((*path, "condition"), spec)
        self.rules[spec.id] = start_rule(spec.run_if, condition, spec.dependencies)

    def _parameters(self, path: Path, spec: TaskSpec) -> None:
        command = shell_parameter(spec, self.catalog)
        sets_environment = takes_environment(spec, self.catalog)
        for key, value in spec.parameters.items():
            here = (*path, "parameters", key)
            if key == command and isinstance(value, str):
                self._shell(here, spec, value)
            elif key == "env" and sets_environment:
                for name, text in value.items():
                    self._environment_value((*here, name), spec, text)
            else:
                for where, text in _texts(value, here):
                    self._template(where, "text", spec, text)

    def _environment_value(self, path: Path, spec: TaskSpec, text: Frozen) -> None:
        if isinstance(text, str):
            self._template(path, "env", spec, text)

    def _shell(self, path: Path, spec: TaskSpec, text: str) -> None:
        template = self._template(path, "shell", spec, text)
        if template is None:
            return
        _, problems = compile_shell(template, taken=environment_of(spec, self.catalog))
        for problem in problems:
            self.findings.append(
                Finding(
                    path=path,
                    code=problem.code,
                    message=problem.message,
                    hint=problem.hint,
                    offset=problem.start,
                    length=problem.end - problem.start,
                )
            )

    # -- expressions ------------------------------------------------------------------------------------------------

    def _template(self, path: Path, kind: PlaceKind, spec: TaskSpec | None, text: str) -> ex.Template | None:
        """Check a text; None when it has no holes or does not compile."""
        if not has_holes(text):
            return None
        try:
            template = self.compiler.text(text)
        except ex.ExpressionFailure as failure:
            hint = failure.hint
            if kind == "shell":
                hint = f"{hint}; for the shell's own ${{…}} write $${{…}}".lstrip("; ")
            self.findings.append(_failed(path, failure, hint=hint))
            return None
        for hole in template.holes:
            spot = Spot(path, kind, spec, hole.expression, base=hole.offset)
            self._expression(spot)
        return template

    def _expression(self, spot: Spot, *, is_known_wrong: bool = False) -> None:
        self.references.check(spot)
        asked = STATUS_FUNCTIONS.intersection(spot.expression.functions)
        if asked and spot.kind == "variable":
            message = f"{min(asked)}() has no meaning in a variable"
            self.findings.append(Finding(path=spot.path, code="E204", message=message, offset=spot.base))
        if not is_known_wrong:
            self._diagnostics(spot)

    def _diagnostics(self, spot: Spot) -> None:
        """Add what the language itself can see: types that never fit, and conditions that are no conditions."""
        if spot.is_hole and _is_path(spot.expression):
            return
        for found in self._language_checks(spot):
            if found.code == "W251" and spot.is_hole:
                continue  # a constant hole is odd, not wrong
            self.findings.append(
                Finding(
                    path=spot.path,
                    code=found.code,
                    message=found.message,
                    hint=found.hint,
                    severity=found.severity,
                    offset=spot.base + found.start,
                    length=max(1, found.end - found.start),
                )
            )

    def _language_checks(self, spot: Spot) -> Sequence[ex.Diagnostic]:
        """Return what can be seen from the types of inputs; which names there are is checked elsewhere."""
        source = spot.expression.source
        key = (source, spot.is_hole)
        if key not in self.diagnostics:
            scope = ex.Scope(names={r.root: self._facts(r.root) for r in spot.expression.references})
            check = ENVIRONMENT.check if spot.is_hole else ENVIRONMENT.check_condition
            self.diagnostics[key] = [
                found for found in check(source, scope) if found.code not in _CHECKED_HERE
            ]
        return self.diagnostics[key]

    def _facts(self, name: str) -> ex.NameInfo | None:
        spec = self.references.names.inputs.get(name)
        if spec is None or name in self.references.names.tasks:
            return None
        return ex.NameInfo(kind="input", schema={"type": _SCHEMA_TYPES.get(spec.type, spec.type.value)})

    # -- conditions -------------------------------------------------------------------------------------------------

    def _condition(self, path: Path, spec: TaskSpec) -> ex.Expression | None:
        if not isinstance(spec.condition, str):
            if spec.condition is not None:
                message = "the condition is always the same"
                self.findings.append(Finding(path=path, code="W251", message=message, severity="warning"))
            return None
        try:
            condition = self.compiler.expression(spec.condition)
        except ex.ExpressionFailure as failure:
            self.findings.append(_failed(path, failure))
            return None
        known = self._boolean_name(path, condition)
        self._expression(Spot(path, "condition", spec, condition, is_hole=False), is_known_wrong=known)
        self.conditions[spec.id] = condition
        return condition

    def _boolean_name(self, path: Path, condition: ex.Expression) -> bool:
        """Add an error for a condition that is one name of something that is no boolean, and say whether it is."""
        name = condition.source.strip().removeprefix("inputs.").removeprefix("vars.")
        names = self.references.names
        if name in names.inputs and names.inputs[name].type is not InputType.BOOLEAN:
            kind = names.inputs[name].type
            hint = f"declare it as boolean: inputs: {{{name}: {{type: boolean}}}}"
            if kind is InputType.STRING:
                hint += f", or compare it: {name} == '…'"
            message = f"a condition is true or false, and the input '{name}' is of type {kind}"
        elif name in names.variables and not _may_be_boolean(names.variables[name]):
            message, hint = (
                f"a condition is true or false, and the variable '{name}' is neither",
                f"compare it: {name} == …",
            )
        else:
            return False
        self.findings.append(
            Finding(path=path, code="E208", message=message, hint=hint, length=len(condition.source))
        )
        return True

    # -- the graph --------------------------------------------------------------------------------------------------

    def _order(self) -> frozenset[tuple[TaskId, TaskId]]:
        """Add an error for each read of a task that does not come before its reader, and return these pairs (reader, read)."""
        waits = self.references.waits
        dependencies = {spec.id: spec.dependencies for spec in self.workflow.tasks}
        missing = not_ancestors(dependencies, [(wait.reader, wait.read) for wait in waits])
        self.findings.extend(wait.finding for wait in waits if (wait.reader, wait.read) in missing)
        return missing

    def _missing_outputs(self, unordered: frozenset[tuple[TaskId, TaskId]]) -> None:
        """Add a warning for each output that is read although it may not be there."""
        tasks = self.workflow.tasks
        reads = [read for read in self.references.output_reads if not read[1].optional]
        if not reads:
            return
        skips = Skips(tasks, {spec.id: self.rules[spec.id] for spec in tasks})
        for spot, reference, producer in reads:
            if spot.spec is None or (spot.spec.id, producer) in unordered or self._is_guarded(spot, producer):
                continue
            why = "it may not have run" if spot.spec.hook else skips.may_be_missing(spot.spec.id, producer)
            if why:
                self.findings.append(
                    Finding(
                        path=spot.path,
                        code="W252",
                        message=f"the output of '{producer}' may be missing here: {why}",
                        hint=f"write {_optional(reference)}, or check {producer}.status in the condition",
                        severity="warning",
                        offset=spot.base + reference.start,
                        length=max(1, reference.end - reference.start),
                    )
                )

    def _is_guarded(self, spot: Spot, producer: TaskId) -> bool:
        """Whether the expression itself, or the condition of its task, looks at how the producer ended."""
        condition = self.conditions.get(spot.spec.id) if spot.spec else None
        for expression in (spot.expression, condition):
            for reference in expression.references if expression is not None else ():
                path = reference.path[1:] if reference.root == "tasks" else reference.path
                root = reference.path[0] if reference.root == "tasks" and reference.path else reference.root
                if root == producer and path and path[0] in STATUS_FIELDS:
                    return True
        return False


def _texts(value: Frozen, path: Path) -> Iterator[tuple[Path, str]]:
    """Yield every string inside ``value`` that may have holes, with its path."""
    waiting: list[tuple[Path, Frozen]] = [(path, value)]
    while waiting:
        here, item = waiting.pop()
        if isinstance(item, str):
            if has_holes(item):
                yield here, item
        elif isinstance(item, FrozenDict):
            waiting.extend(((*here, key), inner) for key, inner in reversed(item.items()))
        elif isinstance(item, tuple):
            waiting.extend(((*here, i), item[i]) for i in range(len(item) - 1, -1, -1))


def _failed(path: Path, failure: ex.ExpressionFailure, *, hint: str | None = None) -> Finding:
    return Finding(
        path=path,
        code=failure.code,
        message=failure.message,
        hint=failure.hint if hint is None else hint,
        offset=failure.start,
        length=max(1, failure.end - failure.start),
    )


def _is_path(expression: ex.Expression) -> bool:
    """Whether an expression is nothing but names joined by dots, about which the language itself has nothing to say."""
    return not expression.functions and expression.source.replace(".", "").replace("_", "").isalnum()


def _may_be_boolean(value: Frozen) -> bool:
    return isinstance(value, bool) or (isinstance(value, str) and has_holes(value))


def _optional(reference: ex.Reference) -> str:
    keys = "".join(f"?.{key}" for key in reference.path)
    return f"{reference.root}{keys} ?? …"

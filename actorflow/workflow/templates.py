"""JSON values whose strings have holes, compiled once and rendered for each attempt.

Takes a frozen value; gives a ``ValueTemplate`` of the same shape: strings go through the expression
environment, everything else passes as it is, mapping keys are never touched. A string that is one hole keeps
its value's type. Each distinct text is compiled once per ``TemplateCompiler``. A value that fails to render
raises ``InterpolationError`` with its path (``parameters.task``) and never tells a value.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from actorflow import expressions as ex
from actorflow.errors import ExpressionError
from actorflow.ids import TaskId
from actorflow.values import Frozen, FrozenDict, NotJSON, freeze
from actorflow.workflow.environment import ENVIRONMENT
from actorflow.workflow.plan import ValueTemplate

__all__ = [
    "ConstantTemplate",
    "InterpolationError",
    "TemplateCompiler",
    "has_holes",
    "interpolation_error",
    "is_constant",
    "task_references",
    "text_of",
]

_NO_TASKS: frozenset[TaskId] = frozenset()


class InterpolationError(ExpressionError):
    """A hole could not be filled; the task fails before its agent is called, and no retry helps.

    Attributes:
        kind: ``"interpolation"``, the error kind of the task.
        path: the value concerned (``parameters.task``).
        code: the code of the expression's failure, or "".
    """

    kind = "interpolation"

    def __init__(self, path: str, message: str, *, hint: str = "", code: str = "") -> None:
        super().__init__(f"{path}: {message}" if path else message, hint=hint)
        self.path = path
        self.code = code


def has_holes(text: str) -> bool:
    """Whether ``text`` is more than plain text to the template language (holes, or literals such as ``$${``)."""
    return "${" in text or "$<" in text


def is_constant(value: Frozen) -> bool:
    """Whether no string inside ``value`` has holes."""
    if isinstance(value, str):
        return not has_holes(value)
    if isinstance(value, FrozenDict):
        return all(is_constant(item) for item in value.values())
    return not isinstance(value, tuple) or all(is_constant(item) for item in value)


def task_references(references: Iterable[ex.Reference], tasks: Container[str]) -> frozenset[TaskId]:
    """Return the tasks that ``references`` read, by bare name or through ``tasks['…']``."""
    found: set[TaskId] = set()
    for reference in references:
        name: object = reference.root
        if name == "tasks" and reference.path:
            name = reference.path[0]
        if isinstance(name, str) and name in tasks:
            found.add(TaskId(name))
    return frozenset(found)


def text_of(value: object) -> str:
    """Return a value as text for the world outside: strings as they are, everything else as compact JSON.

    Raises:
        InterpolationError: null, bytes, or a value without a JSON form.
    """
    match value:
        case str():
            return value
        case None:
            raise InterpolationError("", "null has no text", hint="write ?? '' for an empty text")
        case bool() | int() | float() | list() | tuple() | dict():
            try:
                return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
            except (TypeError, ValueError, RecursionError):
                raise InterpolationError(
                    "", "the value has no JSON form", hint="string(…) makes text of it"
                ) from None
        case ex.Timestamp() | ex.Duration():
            return str(value)
    raise InterpolationError("", f"a value of this kind has no text ({type(value).__name__.lower()})")


_Fill: TypeAlias = Callable[[Mapping[str, object]], Any]


@dataclass(frozen=True, slots=True)
class ConstantTemplate:
    """A value without holes."""

    value: Frozen = None
    task_references: frozenset[TaskId] = _NO_TASKS

    def render(self, snapshot: Mapping[str, object]) -> Frozen:  # noqa: ARG002  # the protocol's parameter
        """Return the value."""
        return self.value


@dataclass(frozen=True, slots=True)
class _FilledTemplate:
    """A value with holes: the function that fills them."""

    fill: _Fill
    task_references: frozenset[TaskId]

    def render(self, snapshot: Mapping[str, object]) -> Frozen:
        """Fill the holes from ``snapshot``."""
        return self.fill(snapshot)  # type: ignore[no-any-return]  # every fill freezes what it gives


class LazyTemplate:
    """A template that is compiled when it is first asked for anything.

    Args:
        make: compiles it; called once.
    """

    __slots__ = ("_made", "_make")

    def __init__(self, make: Callable[[], ValueTemplate]) -> None:
        self._make = make
        self._made: ValueTemplate | None = None

    @property
    def task_references(self) -> frozenset[TaskId]:
        """The tasks whose records the holes read."""
        return self._template().task_references

    def render(self, snapshot: Mapping[str, object]) -> Frozen:
        """Fill the holes from ``snapshot``; raises ExpressionError."""
        return self._template().render(snapshot)

    def _template(self) -> ValueTemplate:
        made = self._made
        if made is None:
            made = self._made = self._make()
        return made


class TemplateCompiler:
    """Compiles the templates and expressions of one workflow, each distinct text once.

    Args:
        tasks: ids whose records the holes may read.
    """

    def __init__(self, tasks: Container[str] = _NO_TASKS) -> None:
        self._tasks = tasks
        self._templates: dict[str, ex.Template] = {}
        self._expressions: dict[str, ex.Expression] = {}
        self._reads: dict[str, frozenset[TaskId]] = {}

    def text(self, source: str) -> ex.Template:
        """Return the compiled template of one string. Raises ExpressionError."""
        template = self._templates.get(source)
        if template is None:
            template = self._templates[source] = ENVIRONMENT.template(source)
        return template

    def expression(self, source: str) -> ex.Expression:
        """Return the compiled expression. Raises ExpressionError."""
        expression = self._expressions.get(source)
        if expression is None:
            expression = self._expressions[source] = ENVIRONMENT.compile(source)
        return expression

    def reads(self, expression: ex.Expression | ex.Template) -> frozenset[TaskId]:
        """Return the tasks that an expression or template reads."""
        return task_references(expression.references, self._tasks)

    def value(self, value: Frozen, path: str = "") -> ValueTemplate:
        """Compile a JSON value.

        Args:
            value: frozen; its strings may have holes.
            path: what to call it in error messages (``parameters``).
        """
        reads: set[TaskId] = set()
        fill = self._fill(value, path, reads)
        return ConstantTemplate(value) if fill is None else _FilledTemplate(fill, frozenset(reads))

    def mapping(
        self, values: FrozenDict, path: str, *, fixed: Mapping[str, Frozen], reads: frozenset[TaskId]
    ) -> ValueTemplate:
        """Compile a mapping in which the keys of ``fixed`` get these values, holes or not; they read the tasks ``reads``."""
        found = set(reads)
        others = FrozenDict({key: value for key, value in values.items() if key not in fixed})
        fill = self._fill_mapping(others, path, found)
        whole = values | dict(fixed)
        if fill is None:
            return ConstantTemplate(whole, frozenset(found))
        return _FilledTemplate(lambda snapshot: whole | fill(snapshot), frozenset(found))

    def environment(self, values: FrozenDict, path: str = "env") -> ValueTemplate:
        """Compile the values of environment variables: each renders to text, and secrets are revealed.

        The result is for one agent's process only; nothing of it may be written down.
        """
        reads: set[TaskId] = set()
        fills = {name: self._environment_fill(text, f"{path}.{name}", reads) for name, text in values.items()}
        if not any(has_holes(text) for text in values.values() if isinstance(text, str)):
            return ConstantTemplate(FrozenDict({name: fill({}) for name, fill in fills.items()}))

        def fill_all(snapshot: Mapping[str, object]) -> FrozenDict:
            return FrozenDict({name: fill(snapshot) for name, fill in fills.items()})

        return _FilledTemplate(fill_all, frozenset(reads))

    def _fill(self, value: Frozen, path: str, reads: set[TaskId]) -> _Fill | None:
        """Return the function that fills ``value``; None when it has no holes."""
        if isinstance(value, str):
            return self._fill_text(value, path, reads) if has_holes(value) else None
        if isinstance(value, FrozenDict):
            return self._fill_mapping(value, path, reads)
        if isinstance(value, tuple):
            return self._fill_list(value, path, reads)
        return None

    def _fill_text(self, source: str, path: str, reads: set[TaskId]) -> _Fill:
        template = self.text(source)
        read = self._reads.get(source)
        if read is None:
            read = self._reads[source] = self.reads(template)
        reads |= read
        render = template.render

        def fill(snapshot: Mapping[str, object]) -> Frozen:
            try:
                value = render(snapshot)
                return value if type(value) is str else freeze(value)
            except NotJSON:
                raise InterpolationError(
                    path, "the value has no JSON form (NaN, bytes, a time)", hint="string(…) makes text of it"
                ) from None
            except ExpressionError as failure:
                raise interpolation_error(path, failure) from failure

        return fill

    def _fill_mapping(self, value: FrozenDict, path: str, reads: set[TaskId]) -> _Fill | None:
        fills = {key: self._fill(item, f"{path}.{key}", reads) for key, item in value.items()}
        active = [(key, fill) for key, fill in fills.items() if fill is not None]
        if not active:
            return None

        def fill_mapping(snapshot: Mapping[str, object]) -> FrozenDict:
            filled = dict(value)
            for key, fill in active:
                filled[key] = fill(snapshot)
            return FrozenDict(filled)

        return fill_mapping

    def _fill_list(self, value: tuple[Frozen, ...], path: str, reads: set[TaskId]) -> _Fill | None:
        fills = [self._fill(item, f"{path}[{i}]", reads) for i, item in enumerate(value)]
        active = [(i, fill) for i, fill in enumerate(fills) if fill is not None]
        if not active:
            return None

        def fill_list(snapshot: Mapping[str, object]) -> tuple[Frozen, ...]:
            filled = list(value)
            for i, fill in active:
                filled[i] = fill(snapshot)
            return tuple(filled)

        return fill_list

    def _environment_fill(
        self, value: Frozen, path: str, reads: set[TaskId]
    ) -> Callable[[Mapping[str, object]], str]:
        if not (isinstance(value, str) and has_holes(value)):
            constant = text_of(value)
            return lambda _snapshot: constant
        template = self.text(value)
        reads |= self.reads(template)

        def fill(snapshot: Mapping[str, object]) -> str:
            try:
                return text_of(_revealed(template.render(snapshot)))
            except ExpressionError as failure:
                raise interpolation_error(path, failure) from failure

        return fill


def interpolation_error(path: str, failure: ExpressionError) -> InterpolationError:
    """Return ``failure`` as the failure of the value at ``path``."""
    return InterpolationError(path, failure.message, hint=failure.hint, code=getattr(failure, "code", ""))


def _revealed(value: object) -> object:
    return value.reveal() if isinstance(value, ex.Secret) else value

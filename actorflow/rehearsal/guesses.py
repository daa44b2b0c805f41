"""What the output of a task without an ``output_schema`` must look like, going by what the workflow reads of it.

Takes a valid workflow, gives task -> a value that has every key which some expression reads, of a type that
the expression can use: ``x.output.kind == 'bug'`` makes ``{"kind": "bug"}``, so that the first branch is the
one that a rehearsal takes. A guess and no more: stubs say it better. Must not evaluate anything.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from actorflow import expressions as ex
from actorflow.errors import ExpressionError
from actorflow.expressions.forms import LOOPS
from actorflow.expressions.syntax import (
    Arithmetic,
    Call,
    Comparison,
    Conditional,
    Constant,
    Fallback,
    Index,
    Items,
    Logical,
    Name,
    Node,
    Not,
    Select,
    children,
)
from actorflow.ids import TaskId
from actorflow.values import Frozen, freeze
from actorflow.workflow.environment import ENVIRONMENT
from actorflow.workflow.model import TaskSpec, Workflow
from actorflow.workflow.templates import has_holes

__all__ = ["guessed_outputs"]

_UNKNOWN: Final = object()
"""Nothing is known about a value but that it is read."""

_TEXT = "text"
_OF_LISTS = frozenset(LOOPS) | frozenset(
    "first last distinct flatten sort slice sum min max join chunk zip reverse".split()
)
_OF_MAPS = frozenset("keys values entries merge pick omit".split())


def guessed_outputs(workflow: Workflow) -> dict[TaskId, Frozen]:
    """Return task -> a guess at its output, for tasks of whose output an expression reads more than a text."""
    specs = (*workflow.tasks, *workflow.hooks)
    seen = _Seen({spec.id for spec in specs if spec.output_schema is None})
    for spec in specs:
        for expression, wanted in _expressions(spec):
            seen.look(expression.tree, wanted)
    return {task: freeze(_plain(tree)) for task, tree in seen.trees.items() if tree is not _UNKNOWN}


def _expressions(spec: TaskSpec) -> Iterator[tuple[ex.Expression, object]]:
    """Yield the expressions of a task with the value that is wanted of each."""
    if isinstance(spec.condition, str):
        yield ENVIRONMENT.compile(spec.condition), True
    for text in _texts((spec.parameters, spec.env, spec.description, spec.verify)):
        try:
            template = ENVIRONMENT.template(text)
        except ExpressionError:  # not every text with a hole is a template
            continue
        for segment in template.segments:
            if not isinstance(segment, str):
                yield segment.expression, _UNKNOWN


def _texts(value: Any) -> Iterator[str]:
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, str):
            if has_holes(item):
                yield item
        elif isinstance(item, Mapping):
            waiting.extend(reversed(list(item.values())))
        elif isinstance(item, tuple):
            waiting.extend(reversed(item))


class _Seen:
    """What has been read so far: task -> a tree of mappings and lists with values, or ``_UNKNOWN``, at its leaves."""

    def __init__(self, tasks: set[TaskId]) -> None:
        self._tasks = tasks
        self.trees: dict[TaskId, Any] = {}

    def look(self, node: Node, wanted: object) -> None:
        """Take note of what is read below ``node``, of which ``wanted`` is the value that is hoped for."""
        match node:
            case Name() | Select() | Index():
                self._read(node, wanted)
            case Not(operand=operand):
                self.look(operand, wanted=wanted is not True)
            case Logical(operands=operands):
                self._all(operands, True)
            case Conditional(test=test, yes=yes, no=no):
                self.look(test, True)
                self._all((yes, no), wanted)
            case Fallback(left=left, right=right):
                self._all((left, right), wanted)
            case Comparison(left=left, right=right):
                self.look(left, _other_side(node.operator, right))
                self.look(right, _other_side(_MIRRORED.get(node.operator, node.operator), left))
            case Arithmetic(operator=operator, left=left, right=right):
                self._all((left, right), _UNKNOWN if operator == "+" else 1)
            case Call():
                self._call(node)
            case _:
                self._all(children(node), _UNKNOWN)

    def _all(self, nodes: Iterable[Node], wanted: object) -> None:
        for node in nodes:
            self.look(node, wanted)

    def _call(self, node: Call) -> None:
        of_list, of_map = node.function in _OF_LISTS, node.function in _OF_MAPS
        parts = children(node)
        self._all(parts[:1], [_TEXT] if of_list else {"key": _TEXT} if of_map else _UNKNOWN)
        self._all(parts[1:], _UNKNOWN)

    def _read(self, node: Node, wanted: object) -> None:
        path: list[str | int] = []
        while isinstance(node, Select | Index):
            key = node.key if isinstance(node, Select) else _constant(node.key)
            if isinstance(node, Index) and not isinstance(key, str | int):
                self.look(node.key, _UNKNOWN)
                path, wanted = [], _UNKNOWN  # only what comes before a computed key is known
            elif isinstance(key, str | int):
                path.append(key)
            node = node.target
        if not isinstance(node, Name):
            self.look(node, _UNKNOWN)
            return
        steps = [*([] if node.name == "tasks" else [node.name]), *reversed(path)]
        if len(steps) >= 2 and steps[0] in self._tasks and steps[1] == "output":
            task = TaskId(str(steps[0]))
            self.trees[task] = _grown(self.trees.get(task, _UNKNOWN), steps[2:], wanted)


_MIRRORED = {"<": ">", ">": "<", "<=": ">=", ">=": "<="}


def _constant(node: Node) -> object:
    return node.value if isinstance(node, Constant) else _UNKNOWN


def _other_side(operator: str, other: Node) -> object:
    """Return a value that makes ``value operator other`` true, as far as that can be told."""
    value = _constant(other)
    if operator == "in" and isinstance(other, Items) and other.items:
        return _constant(other.items[0])
    if operator in ("in", "not in"):
        return _UNKNOWN
    if operator in ("==", "<=", ">="):
        return value if value is not _UNKNOWN or operator == "==" else 1
    if isinstance(value, bool):
        return not value
    if isinstance(value, int | float):
        return value - 1 if operator == "<" else value + 1
    return _UNKNOWN if operator == "!=" else 1


def _grown(tree: Any, steps: list[str | int], wanted: object) -> Any:
    """Return ``tree`` with the value at ``steps``; what is there already stays."""
    if not steps:
        return wanted if tree is _UNKNOWN else tree
    step, *rest = steps
    if isinstance(step, int):
        known = list(tree) if isinstance(tree, list) else []
        known += [_UNKNOWN] * (min(max(step, 0), 100) + 1 - len(known))
        known[min(max(step, 0), 100)] = _grown(known[min(max(step, 0), 100)], rest, wanted)
        return known
    inner = tree if isinstance(tree, dict) else {}
    return {**inner, step: _grown(inner.get(step, _UNKNOWN), rest, wanted)}


def _plain(tree: Any) -> Any:
    if isinstance(tree, dict):
        return {key: _plain(inner) for key, inner in tree.items()}
    if isinstance(tree, list):
        return [_plain(inner) for inner in tree]
    return _TEXT if tree is _UNKNOWN or isinstance(tree, bytes) else tree

"""Closures that do several nodes at once, for the few shapes that most conditions and filters have.

``task.status == 'success'`` is a short path compared with a literal, ``x.n > 50`` a field of a macro variable compared with an
int. Each of these saves one or two Python calls, which is most of what they cost; anything unusual (a missing key, another
type) goes the ordinary way, through ``left`` and ``operations``, and so means the same. Must not decide anything by itself.
"""

from __future__ import annotations

import operator as python
from collections.abc import Callable
from typing import Any, Final

from actorflow.expressions import operations
from actorflow.expressions.access import dotted
from actorflow.expressions.context import Closure, Context, located
from actorflow.expressions.limits import NAMES, Frame
from actorflow.expressions.syntax import Comparison, Constant, Node

__all__ = ["fused_comparison"]

_get = dict.__getitem__
_HOLDS: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "==": python.eq,
    "!=": python.ne,
    "<": python.lt,
    "<=": python.le,
    ">": python.gt,
    ">=": python.ge,
}


def fused_comparison(context: Context, node: Comparison, left: Closure) -> Closure | None:
    """Return one closure for a path of one or two keys compared with a string or an int, or None.

    Args:
        context: the compilation.
        node: the comparison; its right side is a literal.
        left: the closure of its left side.
    """
    value, path = literal(node.right), dotted(node.left)
    cls = type(value)
    if (
        path is None
        or not 1 <= len(path[1]) <= 2
        or not (cls is int or (cls is str and node.operator in {"==", "!="}))
    ):
        return None
    keys = [key.key for key in path[1]]
    slow = located(node, _slow(node))
    place = context.variables.get(path[0].name)
    if place is not None:
        return _of_variable(node, place, keys[0], left, slow) if len(keys) == 1 else None
    if len(keys) == 1:
        return _of_name(node, path[0].name, keys[0], left, slow)
    return _of_record(node, (path[0].name, *keys), left, slow)


def _slow(node: Comparison) -> Callable[[Frame, Any, Any], bool]:
    symbol = node.operator
    if symbol == "==":
        return operations.equal
    if symbol == "!=":
        return lambda frame, a, b: not operations.equal(frame, a, b)
    return lambda frame, a, b: operations.compare(frame, a, b, symbol)


def literal(node: Node) -> Any:
    """Return the value of a literal; None, which is compared in no closure here, for any other node."""
    return node.value if isinstance(node, Constant) else None


def _of_variable(node: Comparison, place: int, key: str, left: Closure, slow: Callable[..., Any]) -> Closure:
    value, holds = literal(node.right), _HOLDS[node.operator]
    cls = type(value)
    if node.operator == ">":  # written out, because a filter by a number is the commonest loop

        def above(frame: Frame) -> Any:
            try:
                a = _get(frame[place], key)
            except (KeyError, TypeError):
                a = left(frame)
            return a > value if type(a) is cls else slow(frame, a, value)

        return above

    def run(frame: Frame) -> Any:
        try:
            a = _get(frame[place], key)
        except (KeyError, TypeError):
            a = left(frame)
        return holds(a, value) if type(a) is cls else slow(frame, a, value)

    return run


def _of_name(node: Comparison, name: str, key: str, left: Closure, slow: Callable[..., Any]) -> Closure:
    value, holds = literal(node.right), _HOLDS[node.operator]
    cls = type(value)
    if node.operator == "==":

        def same(frame: Frame) -> Any:
            try:
                a = _get(frame[NAMES][name], key)
            except (KeyError, TypeError):
                a = left(frame)
            return a == value if type(a) is cls else slow(frame, a, value)

        return same

    def run(frame: Frame) -> Any:
        try:
            a = _get(frame[NAMES][name], key)
        except (KeyError, TypeError):
            a = left(frame)
        return holds(a, value) if type(a) is cls else slow(frame, a, value)

    return run


def _of_record(node: Comparison, path: tuple[str, ...], left: Closure, slow: Callable[..., Any]) -> Closure:
    name, first, second = path
    value, holds = literal(node.right), _HOLDS[node.operator]
    cls = type(value)
    if node.operator == "==":

        def same(frame: Frame) -> Any:
            try:
                a = _get(_get(frame[NAMES][name], first), second)
            except (KeyError, TypeError):
                a = left(frame)
            return a == value if type(a) is cls else slow(frame, a, value)

        return same

    def run(frame: Frame) -> Any:
        try:
            a = _get(_get(frame[NAMES][name], first), second)
        except (KeyError, TypeError):
            a = left(frame)
        return holds(a, value) if type(a) is cls else slow(frame, a, value)

    return run

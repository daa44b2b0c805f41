"""Compiles operators: arithmetic, comparison, ``&&`` and ``||``, ``!``, ``?:``.

Each closure handles the common types itself and hands everything else to ``operations``. ``&&`` and ``||`` are commutative as in
CEL: an evaluation error on one side is forgotten when the other side decides, and each side is evaluated once. Must not let
anything absorb a limit error.
"""

from __future__ import annotations

import operator as python
from collections.abc import Callable, Iterable
from typing import Any, Final

from actorflow.expressions import operations
from actorflow.expressions.context import Closure, Context, located
from actorflow.expressions.failures import EvaluationError
from actorflow.expressions.fused import fused_comparison
from actorflow.expressions.kinds import Value, kind
from actorflow.expressions.limits import Frame
from actorflow.expressions.literals import INT_MAX, INT_MIN
from actorflow.expressions.syntax import (
    Arithmetic,
    Comparison,
    Conditional,
    Constant,
    Logical,
    Negative,
    Node,
    Not,
)

__all__ = [
    "compile_arithmetic",
    "compile_comparison",
    "compile_conditional",
    "compile_logical",
    "compile_negative",
    "compile_not",
    "not_bool",
    "tested",
    "truth",
]

SHORT: Final = 256
"""Two strings up to this length are compared without counting."""

JOINED: Final = 64
"""Two strings are joined without counting if the result is no longer than this; a list of as many as the steps allow has to fit."""

_HOW: Final = {
    "string": "write x != '' or x == 'true'",
    "int": "write x != 0",
    "double": "write x != 0.0",
    "list": "write size(x) > 0",
    "map": "write size(x) > 0 or has(x.key)",
    "null": "write x != null, or x ?? false",
    "secret": "a secret decides nothing",
}


def not_bool(node: Node, value: Value) -> EvaluationError:
    """Return the error for a value that should have been true or false."""
    name = kind(value)
    return EvaluationError(
        "E306", f"a bool is needed here, not {name}", node.start, node.end, hint=_HOW.get(name, "")
    )


def compile_arithmetic(context: Context, node: Arithmetic) -> Closure:
    """``left op right``."""
    left, right = context.compile(node.left), context.compile(node.right)
    if node.operator == "+":
        return _plus(node, left, right)
    if node.operator == "-":
        return _minus(node, left, right)
    slow = located(
        node, {"*": operations.multiply, "/": operations.divide, "%": operations.modulo}[node.operator]
    )
    return lambda frame: slow(frame, left(frame), right(frame))


def _plus(node: Arithmetic, left: Closure, right: Closure) -> Closure:
    slow = located(node, operations.add)
    if type(node.left) is Constant and type(node.left.value) is str and len(node.left.value) < JOINED:
        text = node.left.value
        room = JOINED - len(text)

        def prefix(frame: Frame) -> Any:
            b = right(frame)
            if type(b) is str and len(b) <= room:
                return text + b
            return slow(frame, text, b)

        return prefix

    def run(frame: Frame) -> Any:
        a, b = left(frame), right(frame)
        if type(a) is int and type(b) is int:
            if INT_MIN <= (total := a + b) <= INT_MAX:
                return total
        elif type(a) is str and type(b) is str and len(a) + len(b) <= JOINED:
            return a + b
        return slow(frame, a, b)

    return run


def _minus(node: Node, left: Closure, right: Closure) -> Closure:
    slow = located(node, operations.subtract)

    def run(frame: Frame) -> Any:
        a, b = left(frame), right(frame)
        if type(a) is int and type(b) is int and INT_MIN <= (total := a - b) <= INT_MAX:
            return total
        return slow(frame, a, b)

    return run


_ORDER: Final[dict[str, Callable[[Any, Any], bool]]] = {
    "<": python.lt,
    "<=": python.le,
    ">": python.gt,
    ">=": python.ge,
}


def compile_comparison(context: Context, node: Comparison) -> Closure:
    """``left op right``; with a literal on the right its type is known before."""
    left = context.compile(node.left)
    if type(node.right) is Constant and node.operator not in {"in", "not in"}:
        context.count(node.right, 1)
        return fused_comparison(context, node, left) or _with_constant(node, left, node.right.value)
    right = context.compile(node.right)
    if node.operator in {"in", "not in"}:
        return _membership(node, left, right)
    if node.operator in {"==", "!="}:
        return _equality(node, left, right)
    return _ordering(node, left, right)


def _membership(node: Comparison, left: Closure, right: Closure) -> Closure:
    find = located(node, operations.contains)
    if node.operator == "in":
        return lambda frame: find(frame, left(frame), right(frame))
    return lambda frame: not find(frame, left(frame), right(frame))


def _equality(node: Comparison, left: Closure, right: Closure) -> Closure:
    slow = located(node, operations.equal)
    wanted = node.operator == "=="

    def run(frame: Frame) -> Any:
        a, b = left(frame), right(frame)
        if type(a) is str and type(b) is str and (len(a) <= SHORT or len(a) != len(b)):
            return (a == b) is wanted
        return slow(frame, a, b) is wanted

    return run


def _ordering(node: Comparison, left: Closure, right: Closure) -> Closure:
    slow = located(node, operations.compare)
    symbol = node.operator
    holds = _ORDER[symbol]

    def run(frame: Frame) -> Any:
        a, b = left(frame), right(frame)
        if type(a) is int and type(b) is int:
            return holds(a, b)
        return slow(frame, a, b, symbol)

    return run


def _with_constant(node: Comparison, left: Closure, value: Any) -> Closure:
    cls = type(value)
    if cls is str or cls is int:
        if node.operator in {"==", "!="}:
            return _is_constant(node, left, value, cls)
        if cls is int and node.operator in {"<", ">"}:
            return _order_constant(node, left, value)
    if node.operator in {"==", "!="}:
        return _equality(node, left, lambda _: value)
    return _ordering(node, left, lambda _: value)


def _is_constant(node: Comparison, left: Closure, value: Any, cls: type) -> Closure:
    slow = located(node, operations.equal)
    if node.operator == "!=":

        def differs(frame: Frame) -> Any:
            a = left(frame)
            return a != value if type(a) is cls else not slow(frame, a, value)

        return differs

    def same(frame: Frame) -> Any:
        a = left(frame)
        return a == value if type(a) is cls else slow(frame, a, value)

    return same


def _order_constant(node: Comparison, left: Closure, value: int) -> Closure:
    slow = located(node, operations.compare)
    if node.operator == ">":

        def above(frame: Frame) -> Any:
            a = left(frame)
            return a > value if type(a) is int else slow(frame, a, value, ">")

        return above

    def below(frame: Frame) -> Any:
        a = left(frame)
        return a < value if type(a) is int else slow(frame, a, value, "<")

    return below


def compile_not(context: Context, node: Not) -> Closure:
    """``!operand``."""
    operand = context.compile(node.operand)

    def run(frame: Frame) -> Any:
        value = operand(frame)
        if value is True or value is False:
            return not value
        raise not_bool(node.operand, truth(frame, value))

    return run


def truth(frame: Frame, value: Value) -> Value:
    """Return ``value`` unless the snapshot should not have held it."""
    if kind(value).startswith("a Python"):
        operations.operand(frame, value)
    return value


def tested(node: Node, body: Closure) -> Callable[[Frame], bool]:
    """Return ``body``, the closure of ``node``, as a test: anything but true and false is an error."""

    def run(frame: Frame) -> bool:
        value = body(frame)
        if value is True or value is False:
            return value
        raise not_bool(node, truth(frame, value))

    return run


def compile_negative(context: Context, node: Negative) -> Closure:
    """``-operand``."""
    operand = context.compile(node.operand)
    slow = located(node, operations.negate)
    return lambda frame: slow(frame, operand(frame))


def compile_conditional(context: Context, node: Conditional) -> Closure:
    """``test ? yes : no``; only the side that is taken is evaluated."""
    test, yes, no = context.compile(node.test), context.compile(node.yes), context.compile(node.no)

    def run(frame: Frame) -> Any:
        value = test(frame)
        if value is True:
            return yes(frame)
        if value is False:
            return no(frame)
        raise not_bool(node.test, truth(frame, value))

    return run


def compile_logical(context: Context, node: Logical) -> Closure:
    """``a && b && …`` and ``a || b || …``."""
    operands = tuple(context.compile(operand) for operand in node.operands)
    build = {2: _two, 3: _three}.get(len(operands), _many)
    return build(node, operands, node.operator == "||")


# Two and three operands are written out; a loop would cost half as much again. `rest` is what has not been evaluated yet.


def _two(node: Logical, operands: tuple[Closure, ...], decisive: bool) -> Closure:
    first, second = operands
    neutral, after_first = not decisive, operands[1:]

    def run(frame: Frame) -> Any:
        rest = after_first
        try:
            value = first(frame)
            if value is neutral:
                rest = ()
                value = second(frame)
                if value is neutral:
                    return neutral
            if value is decisive:
                return decisive
            problem = not_bool(node.operands[-1 - len(rest)], truth(frame, value))
        except EvaluationError as failure:
            problem = failure
        return _settle(frame, rest, decisive, problem)

    return run


def _three(node: Logical, operands: tuple[Closure, ...], decisive: bool) -> Closure:
    first, second, third = operands
    neutral, after_first, after_second = not decisive, operands[1:], operands[2:]

    def run(frame: Frame) -> Any:
        rest = after_first
        try:
            value = first(frame)
            if value is neutral:
                rest = after_second
                value = second(frame)
                if value is neutral:
                    rest = ()
                    value = third(frame)
                    if value is neutral:
                        return neutral
            if value is decisive:
                return decisive
            problem = not_bool(node.operands[-1 - len(rest)], truth(frame, value))
        except EvaluationError as failure:
            problem = failure
        return _settle(frame, rest, decisive, problem)

    return run


def _many(node: Logical, operands: tuple[Closure, ...], decisive: bool) -> Closure:
    neutral = not decisive

    def run(frame: Frame) -> Any:
        rest = iter(operands)
        try:
            for operand in rest:
                value = operand(frame)
                if value is not neutral:
                    if value is decisive:
                        return decisive
                    problem = not_bool(node.operands[-1 - python.length_hint(rest)], truth(frame, value))
                    break
            else:
                return neutral
        except EvaluationError as failure:
            problem = failure
        return _settle(frame, rest, decisive, problem)

    return run


def _settle(frame: Frame, rest: Iterable[Closure], decisive: bool, problem: EvaluationError) -> bool:
    """Let the operands that are left decide, each evaluated once; if none does, raise the first problem."""
    for operand in rest:
        try:
            decided = operand(frame) is decisive
        except EvaluationError:
            continue  # the first problem is the one that is reported
        if decided:
            return decisive
    raise problem

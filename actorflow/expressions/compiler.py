"""From the syntax tree to one closure.

Takes a tree and the environment's functions and limits and gives a ``Program``: the closure and what an evaluation has to
prepare for it. Compiling checks calls (in strict mode), depth and size; everything else is left to evaluation and to the
static checks. Must not keep anything between two compilations.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from actorflow.expressions import access, operators
from actorflow.expressions.calls import compile_call
from actorflow.expressions.context import Closure, Context
from actorflow.expressions.functions.registry import Function
from actorflow.expressions.limits import FIRST_VARIABLE, Limits
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
    Negative,
    Node,
    Not,
    Pairs,
    Select,
    Slice,
)

__all__ = ["Program", "compile_tree"]

_TABLE: Final[dict[type, Callable[[Context, Any], Closure]]] = {
    Arithmetic: operators.compile_arithmetic,
    Call: compile_call,
    Comparison: operators.compile_comparison,
    Conditional: operators.compile_conditional,
    Constant: access.compile_constant,
    Fallback: access.compile_fallback,
    Index: access.compile_index,
    Items: access.compile_items,
    Logical: operators.compile_logical,
    Name: access.compile_name,
    Negative: operators.compile_negative,
    Not: operators.compile_not,
    Pairs: access.compile_pairs,
    Select: access.compile_select,
    Slice: access.compile_slice,
}


@dataclass(frozen=True, slots=True)
class Program:
    """A compiled tree.

    Attributes:
        run: frame -> value.
        variables: how many macro variables a frame needs room for.
        nodes: how many parts the tree has; they are the first steps of every evaluation.
        given: whether a list or map it gives is one of the snapshot (or a selection of its elements), not a new one.
    """

    run: Closure
    variables: int
    nodes: int
    given: bool


def compile_tree(
    tree: Node,
    functions: Mapping[str, Function],
    context_functions: frozenset[str],
    limits: Limits,
    *,
    strict: bool,
) -> Program:
    """Compile ``tree``.

    Raises:
        StaticError: a call cannot work (strict mode only).
        LimitError: the tree is too deep or has too many nodes.
    """
    context = Context(functions, context_functions, limits, strict=strict, table=_TABLE)
    run = context.compile(tree)
    return Program(run, context.size - FIRST_VARIABLE, context.nodes, _given(tree))


def _given(node: Node) -> bool:
    while True:
        match node:
            case Name() | Constant():
                return True
            case Select(target=target) | Index(target=target) | Slice(target=target):
                node = target
            case Conditional(yes=left, no=right) | Fallback(left=left, right=right):
                return _given(left) and _given(right)
            case Call(function="filter", receiver=receiver) if receiver is not None:
                node = receiver
            case _:
                return False

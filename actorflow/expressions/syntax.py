"""The closed syntax tree: everything an expression can be, and nothing else.

The parser makes these nodes, and only they are compiled; ``Node`` names them all, so that a ``match`` over it can be checked
for completeness. Every node knows its span in the source. ``msgspec`` structs, because making one costs a tenth of what
a frozen dataclass costs, and parsing makes many. Must not hold anything but text, numbers and nodes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, Literal, TypeAlias

import msgspec

__all__ = [
    "Arithmetic",
    "Call",
    "Comparison",
    "Conditional",
    "Constant",
    "Fallback",
    "Index",
    "Items",
    "Logical",
    "Name",
    "Negative",
    "Node",
    "Not",
    "Pairs",
    "Scalar",
    "Select",
    "Slice",
    "children",
]

Scalar: TypeAlias = "bool | int | float | str | bytes | None"
"""What a literal can be."""


class Constant(msgspec.Struct, frozen=True, gc=False):
    """A literal."""

    value: Scalar
    start: int
    end: int


class Name(msgspec.Struct, frozen=True, gc=False):
    """A name of the snapshot, of a macro variable or of a type."""

    name: str
    start: int
    end: int


class Select(msgspec.Struct, frozen=True):
    """``target.key`` or ``target?.key``; ``key_start`` is where the key stands."""

    target: Node
    key: str
    optional: bool
    start: int
    end: int
    key_start: int


class Index(msgspec.Struct, frozen=True):
    """``target[key]`` or ``target?.[key]``."""

    target: Node
    key: Node
    optional: bool
    start: int
    end: int


class Slice(msgspec.Struct, frozen=True):
    """``target[low:high]``; an absent bound is None."""

    target: Node
    low: Node | None
    high: Node | None
    start: int
    end: int


class Call(msgspec.Struct, frozen=True):
    """``f(a)``, ``fn:f(a)`` or ``receiver.f(a)``; the receiver is not among the arguments."""

    function: str
    receiver: Node | None
    arguments: tuple[Node, ...]
    prefixed: bool
    start: int
    end: int
    name_start: int


class Items(msgspec.Struct, frozen=True):
    """A list literal."""

    items: tuple[Node, ...]
    start: int
    end: int


class Pairs(msgspec.Struct, frozen=True):
    """A map literal."""

    pairs: tuple[tuple[Node, Node], ...]
    start: int
    end: int


class Not(msgspec.Struct, frozen=True):
    """``!operand``."""

    operand: Node
    start: int
    end: int


class Negative(msgspec.Struct, frozen=True):
    """``-operand``."""

    operand: Node
    start: int
    end: int


class Arithmetic(msgspec.Struct, frozen=True):
    """``left op right``."""

    operator: Literal["+", "-", "*", "/", "%"]
    left: Node
    right: Node
    start: int
    end: int


class Comparison(msgspec.Struct, frozen=True):
    """``left op right``."""

    operator: Literal["==", "!=", "<", "<=", ">", ">=", "in", "not in"]
    left: Node
    right: Node
    start: int
    end: int


class Logical(msgspec.Struct, frozen=True):
    """``a && b && c`` or ``a || b || c``: a chain of one operator is one node, however long."""

    operator: Literal["&&", "||"]
    operands: tuple[Node, ...]
    start: int
    end: int


class Conditional(msgspec.Struct, frozen=True):
    """``test ? yes : no``."""

    test: Node
    yes: Node
    no: Node
    start: int
    end: int


class Fallback(msgspec.Struct, frozen=True):
    """``left ?? right``."""

    left: Node
    right: Node
    start: int
    end: int


Node: TypeAlias = (
    Constant
    | Name
    | Select
    | Index
    | Slice
    | Call
    | Items
    | Pairs
    | Not
    | Negative
    | Arithmetic
    | Comparison
    | Logical
    | Conditional
    | Fallback
)
"""Any node."""


def _none(_: Any) -> tuple[Node, ...]:
    return ()


def _operand(node: Any) -> tuple[Node, ...]:
    return (node.operand,)


def _sides(node: Any) -> tuple[Node, ...]:
    return (node.left, node.right)


_CHILDREN: Final[dict[type, Callable[[Any], tuple[Node, ...]]]] = {
    Constant: _none,
    Name: _none,
    Select: lambda node: (node.target,),
    Index: lambda node: (node.target, node.key),
    Slice: lambda node: tuple(part for part in (node.target, node.low, node.high) if part is not None),
    Call: lambda node: node.arguments if node.receiver is None else (node.receiver, *node.arguments),
    Items: lambda node: node.items,
    Pairs: lambda node: tuple(part for pair in node.pairs for part in pair),
    Not: _operand,
    Negative: _operand,
    Arithmetic: _sides,
    Comparison: _sides,
    Logical: lambda node: node.operands,
    Conditional: lambda node: (node.test, node.yes, node.no),
    Fallback: _sides,
}


def children(node: Node) -> tuple[Node, ...]:
    """Return the nodes directly below ``node``, in the order of the source."""
    return _CHILDREN[type(node)](node)

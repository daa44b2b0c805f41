"""The closed syntax tree: everything an expression can be, and nothing else.

The parser makes these nodes, and only they are compiled; ``Node`` names them all, so that a ``match`` over it can be checked
for completeness. Every node knows its span in the source. ``msgspec`` structs, because making one costs a tenth of what
a frozen dataclass costs, and parsing makes many. Must not hold anything but text, numbers and nodes.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

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


def children(node: Node) -> tuple[Node, ...]:
    """Return the nodes directly below ``node``, in the order of the source."""
    match node:
        case Constant() | Name():
            return ()
        case Select(target=target):
            return (target,)
        case Index(target=target, key=key):
            return (target, key)
        case Slice(target=target, low=low, high=high):
            return (target, *(bound for bound in (low, high) if bound is not None))
        case Call(receiver=None, arguments=arguments):
            return arguments
        case Call(receiver=receiver, arguments=arguments) if receiver is not None:
            return (receiver, *arguments)
        case Items(items=items):
            return items
        case Pairs(pairs=pairs):
            return tuple(node for pair in pairs for node in pair)
        case Not(operand=operand) | Negative(operand=operand):
            return (operand,)
        case Logical(operands=operands):
            return operands
        case Conditional(test=test, yes=yes, no=no):
            return (test, yes, no)
    return (node.left, node.right)  # type: ignore[union-attr]  # what is left has two sides

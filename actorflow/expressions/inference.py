"""The kind of value a part of an expression will have, as far as it can be told without a snapshot.

Takes nodes and gives the words of ``kinds.kind`` (``"int"``, ``"string"`` …) or "" for what is open. Literals, operators and
comparisons tell their kind; names do if the scope has a JSON Schema for them. Must be right whenever it says anything: a check
that cries wolf is worse than none.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from actorflow.expressions.kinds import kind
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

__all__ = ["NUMBERS", "SCHEMA_KINDS", "infer", "mismatch"]

NUMBERS: Final = frozenset({"int", "double", "number"})
_ORDERED: Final = frozenset({"string", "bytes", "bool", "timestamp", "duration"})
SCHEMA_KINDS: Final = {
    "string": "string",
    "integer": "int",
    "number": "number",
    "boolean": "bool",
    "array": "list",
    "object": "map",
    "null": "null",
}
"""JSON Schema's types as kinds; ``number`` is an int or a double."""

_RESULTS: Final = {
    "size": "int", "len": "int", "int": "int", "double": "double", "string": "string", "bool": "bool", "bytes": "bytes",
    "upper": "string", "uppercase": "string", "lower": "string", "lowercase": "string", "trim": "string", "join": "string",
    "matches": "bool", "starts_with": "bool", "startsWith": "bool", "ends_with": "bool", "endsWith": "bool", "contains": "bool",
    "split": "list", "lines": "list", "keys": "list", "values": "list", "has": "bool", "all": "bool", "exists": "bool",
    "exists_one": "bool", "existsOne": "bool", "timestamp": "timestamp", "duration": "duration", "json.stringify": "string",
}  # fmt: skip


_OF_OPERATOR: Final[dict[type, str]] = {
    Comparison: "bool",
    Logical: "bool",
    Not: "bool",
    Items: "list",
    Pairs: "map",
}


def infer(node: Node, path_kind: Callable[[Node], str]) -> str:
    """Return the kind of ``node``, or "".

    Args:
        node: what to look at.
        path_kind: gives the kind of a name or a selection, as the scope knows it.
    """
    if isinstance(node, Name | Select | Index):
        return path_kind(node)
    if isinstance(node, Constant):
        return kind(node.value)
    if isinstance(node, Call):
        return _RESULTS.get(node.function, "")
    return _OF_OPERATOR.get(type(node), "") or _composed(node, path_kind)


def _composed(node: Node, path_kind: Callable[[Node], str]) -> str:
    match node:
        case Negative(operand=operand):
            return _only(infer(operand, path_kind), NUMBERS)
        case Slice(target=target):
            return _only(infer(target, path_kind), frozenset({"list", "string", "bytes"}))
        case Arithmetic(operator=operator, left=left, right=right):
            return _arithmetic(operator, infer(left, path_kind), infer(right, path_kind))
        case Conditional(yes=left, no=right):
            return _same(infer(left, path_kind), infer(right, path_kind))
        case Fallback(left=left, right=right):
            first = infer(left, path_kind)
            return _same("" if first == "null" else first, infer(right, path_kind))
    return ""


def _only(found: str, allowed: frozenset[str]) -> str:
    return found if found in allowed else ""


def _same(left: str, right: str) -> str:
    return left if left == right else ""


def _arithmetic(operator: str, left: str, right: str) -> str:
    if left in NUMBERS and right in NUMBERS:
        return left if left == right else "number"
    return (
        left if operator == "+" and left == right and left in {"string", "bytes", "list", "duration"} else ""
    )


def mismatch(operator: str, left: str, right: str) -> bool:
    """Whether ``left operator right`` can never work for values of these kinds; "" is a kind that is not known."""
    if operator in {"==", "!="}:
        return False
    if operator in {"in", "not in"}:
        return right not in {"", "list", "map", "secret"}
    if operator in {"<", "<=", ">", ">="}:
        return _no_order(left) or _no_order(right) or _never(left, right)
    return _no_arithmetic(operator, left, right)


def _no_order(known: str) -> bool:
    return bool(known) and known not in NUMBERS and known not in _ORDERED


def _never(left: str, right: str) -> bool:
    return bool(left and right) and left != right and not (left in NUMBERS and right in NUMBERS)


def _no_arithmetic(operator: str, left: str, right: str) -> bool:
    adding = {"string", "bytes", "list", "timestamp", "duration"} if operator == "+" else set()
    if operator == "-":
        adding = {"timestamp", "duration"}
    if any(known and known not in NUMBERS and known not in adding for known in (left, right)):
        return True
    times = {"timestamp", "duration"}
    return _never(left, right) and not (left in times and right in times)

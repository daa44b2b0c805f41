"""The text of a syntax tree: ``parse(write(tree))`` gives the same tree, but for its spans.

Takes a node and gives text with as few brackets as the grammar needs; ``&&``, ``||`` and ``!`` are written as signs. Explanations show parts of
an expression with it, and tests compare the parser with it. Must not lose anything but comments and layout.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

from actorflow.expressions.literals import quote
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

__all__ = ["write"]

# How tightly each construct binds; a part that binds less tightly than its place needs is put in brackets.
_CONDITIONAL, _OR, _AND, _RELATION, _FALLBACK, _SUM, _PRODUCT, _UNARY, _MEMBER = range(9)

_NAME: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def write(node: Node) -> str:
    """Return the text of ``node``."""
    return _WRITERS[type(node)](node)[0]


def _at(node: Node, binding: int) -> str:
    """Return the text of ``node`` for a place that needs it to bind at least so tightly."""
    text, own = _WRITERS[type(node)](node)
    return text if own >= binding else f"({text})"


def _constant(node: Constant) -> tuple[str, int]:
    value = node.value
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value], _MEMBER
    if isinstance(value, str):
        return quote(value), _MEMBER
    if isinstance(value, bytes):
        return "b'" + "".join(f"\\x{octet:02x}" for octet in value) + "'", _MEMBER
    text = repr(value)
    return text, _UNARY if text.startswith("-") else _MEMBER


def _name(node: Name) -> tuple[str, int]:
    return node.name, _MEMBER


def _select(node: Select) -> tuple[str, int]:
    dot = "?." if node.optional else "."
    if _NAME.fullmatch(node.key):
        return f"{_at(node.target, _MEMBER)}{dot}{node.key}", _MEMBER
    return f"{_at(node.target, _MEMBER)}{dot}`{node.key}`", _MEMBER


def _index(node: Index) -> tuple[str, int]:
    return f"{_at(node.target, _MEMBER)}{'?.' if node.optional else ''}[{write(node.key)}]", _MEMBER


def _slice(node: Slice) -> tuple[str, int]:
    low, high = (write(part) if part is not None else "" for part in (node.low, node.high))
    return f"{_at(node.target, _MEMBER)}[{low}:{high}]", _MEMBER


def _call(node: Call) -> tuple[str, int]:
    receiver = f"{_at(node.receiver, _MEMBER)}." if node.receiver is not None else ""
    arguments = ", ".join(write(argument) for argument in node.arguments)
    return f"{receiver}{'fn:' if node.prefixed else ''}{node.function}({arguments})", _MEMBER


def _items(node: Items) -> tuple[str, int]:
    return "[" + ", ".join(write(item) for item in node.items) + "]", _MEMBER


def _pairs(node: Pairs) -> tuple[str, int]:
    return "{" + ", ".join(f"{write(key)}: {write(value)}" for key, value in node.pairs) + "}", _MEMBER


def _not(node: Not) -> tuple[str, int]:
    return f"!{_at(node.operand, _UNARY)}", _UNARY


def _negative(node: Negative) -> tuple[str, int]:
    # Without the blank, the minus sign would become part of a number after it.
    return f"- {_at(node.operand, _UNARY)}", _UNARY


def _arithmetic(node: Arithmetic) -> tuple[str, int]:
    own = _SUM if node.operator in "+-" else _PRODUCT
    return f"{_at(node.left, own)} {node.operator} {_at(node.right, own + 1)}", own


def _comparison(node: Comparison) -> tuple[str, int]:
    return f"{_at(node.left, _RELATION)} {node.operator} {_at(node.right, _FALLBACK)}", _RELATION


def _logical(node: Logical) -> tuple[str, int]:
    own = _OR if node.operator == "||" else _AND
    return f" {node.operator} ".join(_at(operand, own + 1) for operand in node.operands), own


def _conditional(node: Conditional) -> tuple[str, int]:
    return f"{_at(node.test, _OR)} ? {_at(node.yes, _OR)} : {_at(node.no, _CONDITIONAL)}", _CONDITIONAL


def _fallback(node: Fallback) -> tuple[str, int]:
    return f"{_at(node.left, _SUM)} ?? {_at(node.right, _FALLBACK)}", _FALLBACK


_WRITERS: Final[dict[type, Callable[[Any], tuple[str, int]]]] = {
    Arithmetic: _arithmetic,
    Call: _call,
    Comparison: _comparison,
    Conditional: _conditional,
    Constant: _constant,
    Fallback: _fallback,
    Index: _index,
    Items: _items,
    Logical: _logical,
    Name: _name,
    Negative: _negative,
    Not: _not,
    Pairs: _pairs,
    Select: _select,
    Slice: _slice,
}

"""Lark's reductions as nodes: one method per rule of the grammar, called while Lark parses.

Every token is kept, so the children of a rule stand at fixed places and the spans come from the outermost of them. The
methods take Lark tokens (text with ``start_pos`` and ``end_pos``) and nodes, and give nodes; the methods named after
parts of lists give Python lists. Must not be called by anything but the parser.
"""

from __future__ import annotations

from math import inf
from typing import Any, TypeAlias

from actorflow.expressions.failures import ParseError
from actorflow.expressions.literals import INT_MAX, bytes_value, string_value
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

__all__ = ["RESERVED", "Builder"]

RESERVED = frozenset({"true", "false", "null", "in", "and", "or", "not", "fn"})
"""Words that are no names; as a key after a dot they are fine."""

Children: TypeAlias = "list[Any]"
"""What Lark hands to a rule: tokens, nodes and lists of nodes."""


class Builder:
    """Makes the nodes; Lark finds the methods by the names of the rules."""

    def start(self, c: Children) -> Node:
        """Refuse the one integer that only a minus sign makes fit."""
        return _checked(c[0])

    def conditional(self, c: Children) -> Node:
        """``test ? yes : no``."""
        return Conditional(_checked(c[0]), _checked(c[2]), _checked(c[4]), c[0].start, c[4].end)

    def disjunction(self, c: Children) -> Node:
        """``a || b``, joined to a chain."""
        return _chain("||", c)

    def conjunction(self, c: Children) -> Node:
        """``a && b``, joined to a chain."""
        return _chain("&&", c)

    def comparison(self, c: Children) -> Node:
        """``a == b`` and its like."""
        return Comparison(str(c[1]), _checked(c[0]), _checked(c[2]), c[0].start, c[2].end)  # type: ignore[arg-type]  # the grammar knows the operators

    def exclusion(self, c: Children) -> Node:
        """``a not in b``."""
        return Comparison("not in", _checked(c[0]), _checked(c[3]), c[0].start, c[3].end)

    def fallback(self, c: Children) -> Node:
        """``a ?? b``."""
        return Fallback(_checked(c[0]), _checked(c[2]), c[0].start, c[2].end)

    def arithmetic(self, c: Children) -> Node:
        """``a + b`` and its like."""
        return Arithmetic(str(c[1]), _checked(c[0]), _checked(c[2]), c[0].start, c[2].end)  # type: ignore[arg-type]  # the grammar knows the operators

    def negation(self, c: Children) -> Node:
        """``!a``."""
        return Not(_checked(c[1]), c[0].start_pos, c[1].end)

    def negative(self, c: Children) -> Node:
        """``-a``; a minus sign directly before a number belongs to the number."""
        operand, start = c[1], c[0].start_pos
        if (
            type(operand) is Constant
            and type(operand.value) in {int, float}
            and c[0].end_pos == operand.start
        ):
            value: Any = operand.value
            if value > 0 or (value == 0 and type(value) is float and str(value) == "0.0"):
                return Constant(-value, start, operand.end)
        return Negative(_checked(operand), start, operand.end)

    def select(self, c: Children) -> Node:
        """``a.key`` and ``a?.key``."""
        key = c[2]
        text = key[1:-1] if key[0] == "`" else str(key)
        return Select(_checked(c[0]), text, c[1] == "?.", c[0].start, key.end_pos, key.start_pos)

    def method(self, c: Children) -> Node:
        """``a.f(b)``."""
        return Call(str(c[2]), _checked(c[0]), tuple(c[4]), False, c[0].start, c[5].end_pos, c[2].start_pos)

    def index(self, c: Children) -> Node:
        """``a[b]``."""
        return Index(_checked(c[0]), _checked(c[2]), False, c[0].start, c[3].end_pos)

    def optional_index(self, c: Children) -> Node:
        """``a?.[b]``."""
        return Index(_checked(c[0]), _checked(c[3]), True, c[0].start, c[4].end_pos)

    def slice_all(self, c: Children) -> Node:
        """``a[:]``."""
        return Slice(_checked(c[0]), None, None, c[0].start, c[3].end_pos)

    def slice_from(self, c: Children) -> Node:
        """``a[b:]``."""
        return Slice(_checked(c[0]), _checked(c[2]), None, c[0].start, c[4].end_pos)

    def slice_to(self, c: Children) -> Node:
        """``a[:b]``."""
        return Slice(_checked(c[0]), None, _checked(c[3]), c[0].start, c[4].end_pos)

    def slice(self, c: Children) -> Node:
        """``a[b:c]``."""
        return Slice(_checked(c[0]), _checked(c[2]), _checked(c[4]), c[0].start, c[5].end_pos)

    def group(self, c: Children) -> Node:
        """``(a)``; the span stays that of ``a``."""
        return _checked(c[1])

    def name(self, c: Children) -> Node:
        """A bare name."""
        token = c[0]
        if token in RESERVED:
            raise _reserved(token)
        return Name(str(token), token.start_pos, token.end_pos)

    def call(self, c: Children) -> Node:
        """``f(a)``."""
        if c[0] in RESERVED:
            raise _reserved(c[0])
        return Call(str(c[0]), None, tuple(c[2]), False, c[0].start_pos, c[3].end_pos, c[0].start_pos)

    def fn_call(self, c: Children) -> Node:
        """``fn:f(a)``."""
        name, start = c[1]
        return Call(name, None, tuple(c[3]), True, c[0].start_pos, c[4].end_pos, start)

    def function_name(self, c: Children) -> tuple[str, int]:
        """The dotted name after ``fn:``, with its place."""
        if len(c) == 1:
            return str(c[0]), c[0].start_pos
        return f"{c[0][0]}.{c[2]}", c[0][1]

    def list(self, c: Children) -> Node:
        """``[a, b]``."""
        return Items(tuple(c[1]), c[0].start_pos, c[2].end_pos)

    def map(self, c: Children) -> Node:
        """``{a: b}``."""
        return Pairs(tuple(c[1]), c[0].start_pos, c[2].end_pos)

    def int(self, c: Children) -> Node:
        """A decimal integer."""
        return _integer(c[0], 10, 19)

    def hex(self, c: Children) -> Node:
        """A hexadecimal integer."""
        return _integer(c[0], 16, 18)

    def float(self, c: Children) -> Node:
        """A double."""
        value = float(c[0])
        if value == inf:
            raise ParseError("E104", "the number does not fit in a double", c[0].start_pos, c[0].end_pos)
        return Constant(value, c[0].start_pos, c[0].end_pos)

    def string(self, c: Children) -> Node:
        """A string in any quotes."""
        return Constant(string_value(c[0], c[0].start_pos), c[0].start_pos, c[0].end_pos)

    def bytes(self, c: Children) -> Node:
        """Bytes in any quotes."""
        return Constant(bytes_value(c[0], c[0].start_pos), c[0].start_pos, c[0].end_pos)

    def true(self, c: Children) -> Node:
        """``true``."""
        return Constant(True, c[0].start_pos, c[0].end_pos)

    def false(self, c: Children) -> Node:
        """``false``."""
        return Constant(False, c[0].start_pos, c[0].end_pos)

    def null(self, c: Children) -> Node:
        """``null``."""
        return Constant(None, c[0].start_pos, c[0].end_pos)

    def no_items(self, c: Children) -> Children:
        """Nothing between brackets."""
        return c[0] if c else []

    def trailing(self, c: Children) -> Children:
        """A comma after the last element."""
        return c[0]  # type: ignore[no-any-return]  # the list that the rules below make

    def first_item(self, c: Children) -> Children:
        """The first element."""
        return [_checked(c[0])]

    def next_item(self, c: Children) -> Children:
        """One more element."""
        c[0].append(_checked(c[2]))
        return c[0]  # type: ignore[no-any-return]  # a list of nodes

    def first_pair(self, c: Children) -> Children:
        """The first key and value."""
        return [(_checked(c[0]), _checked(c[2]))]

    def next_pair(self, c: Children) -> Children:
        """One more key and value."""
        c[0].append((_checked(c[2]), _checked(c[4])))
        return c[0]  # type: ignore[no-any-return]  # a list of pairs of nodes


def _checked(node: Node) -> Node:
    """Refuse 2**63, which only ``-`` directly before it makes an integer of 64 bits."""
    if type(node) is Constant and type(node.value) is int and node.value > INT_MAX:
        raise _too_large(node.start, node.end)
    return node


def _reserved(word: Any) -> ParseError:
    hint = "functions are called as fn:name(x)" if word == "fn" else ""
    return ParseError("E105", f"'{word}' is a reserved word", word.start_pos, word.end_pos, hint=hint)


def _too_large(start: int, end: int) -> ParseError:
    return ParseError("E104", "the integer does not fit in 64 bits", start, end, hint="write a double: 1e19")


def _integer(token: Any, base: int, digits: int) -> Node:
    significant = token.lstrip("0xX")  # thousands of leading zeros are more than int() reads
    if len(significant) > digits:
        raise _too_large(token.start_pos, token.end_pos)
    value = int(significant or "0", base)
    if value > INT_MAX + 1:
        raise _too_large(token.start_pos, token.end_pos)
    return Constant(value, token.start_pos, token.end_pos)


def _chain(operator: Any, c: Children) -> Node:
    left, right = _checked(c[0]), _checked(c[2])
    if type(left) is Logical and left.operator == operator:
        # Brackets on the left make no difference: (a && b) && c absorbs errors as a && b && c does.
        return Logical(operator, (*left.operands, right), left.start, right.end)
    return Logical(operator, (left, right), left.start, right.end)

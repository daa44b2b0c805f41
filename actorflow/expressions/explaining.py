"""Why an expression gives what it gives: every part of it with its own value.

Takes an environment, the text and a snapshot and gives the parts in the order in which they are evaluated, each with its value as short
JSON or with what is wrong with it. Bodies of macros depend on their variables and are left out. For people at a terminal; an explanation
costs an evaluation for every part. Must not show a secret.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from actorflow.expressions.environment import Environment
from actorflow.expressions.failures import ExpressionFailure
from actorflow.expressions.forms import canonical, macro_form
from actorflow.expressions.kinds import Secret
from actorflow.expressions.limits import Frame
from actorflow.expressions.parsing import parse
from actorflow.expressions.printing import write
from actorflow.expressions.results import compact, number_text
from actorflow.expressions.syntax import Call, Constant, Node, Select, children

__all__ = ["Part", "explain", "shown"]

_MOST_PARTS: Final = 200
_WIDTH: Final = 100


@dataclass(frozen=True, slots=True)
class Part:
    """One part of an expression.

    Attributes:
        source: the part, written again without needless brackets.
        value: its value in short, or "".
        failure: what is wrong with it, or "".
        depth: how deep it lies; the whole expression is 0.
    """

    source: str
    value: str
    failure: str
    depth: int


def explain(environment: Environment, source: str, snapshot: Mapping[str, Any]) -> tuple[Part, ...]:
    """Return the parts of an expression, innermost first; at most 200.

    Raises:
        ParseError, StaticError, LimitError: it does not compile.
    """
    environment.compile(source)
    tree = parse(source, environment.limits)
    parts = [_part(environment, node, depth, snapshot) for node, depth in _outermost_first(tree)]
    return tuple(reversed(parts))


def _outermost_first(tree: Node) -> Iterator[tuple[Node, int]]:
    waiting: list[tuple[Node, int]] = [(tree, 0)]
    given = 0
    while waiting and given < _MOST_PARTS:
        node, depth = waiting.pop()
        yield node, depth
        given += 1
        waiting.extend((child, depth + 1) for child in _evaluated(node) if not isinstance(child, Constant))


def _evaluated(node: Node) -> tuple[Node, ...]:
    """Return the parts of ``node`` that have a value of their own."""
    if isinstance(node, Select):
        return () if _is_path(node) else (node.target,)
    if isinstance(node, Call) and canonical(node.function):
        macro = macro_form(node)
        if macro.source is not None:
            return (macro.source,)
        return () if macro.variables or macro.name == "has" else macro.bodies
    if isinstance(node, Call) and node.receiver is not None and _is_path(node.receiver):
        return (*(() if f"{write(node.receiver)}." in _NAMESPACES else (node.receiver,)), *node.arguments)
    return children(node)


_NAMESPACES: Final = frozenset({"json.", "base64.", "hash.", "math.", "strings.", "lists."})


def _is_path(node: Node) -> bool:
    while isinstance(node, Select):
        node = node.target
    return not children(node)


def _part(environment: Environment, node: Node, depth: int, snapshot: Mapping[str, Any]) -> Part:
    text = write(node)
    try:
        value = environment.compile(text).evaluate(snapshot)
    except ExpressionFailure as failure:
        return Part(text, "", f"{failure.code}: {failure.message}", depth)
    return Part(text, shown(environment, value), "", depth)


def shown(environment: Environment, value: object, *, width: int = _WIDTH) -> str:
    """Return ``value`` as JSON, cut to ``width``; what JSON cannot say as it is written."""
    if isinstance(value, Secret):
        return "***"
    frame: Frame = [{}, environment.limits.steps, environment.limits.allocation, False, environment.limits]
    try:
        text = compact(frame, value)
    except ExpressionFailure:
        text = _unusual(value)
    if frame[3]:
        return "***"
    return text if len(text) <= width else f"{text[:width]}…"


def _unusual(value: object) -> str:
    """Return what JSON cannot say: NaN and infinities, bytes, types; only the size of what is too large."""
    if isinstance(value, float):
        return number_text(value)
    return f"<{len(value)} elements>" if isinstance(value, list | tuple | dict) else str(value)

"""Which names of the snapshot an expression reads, and what it calls.

Takes the syntax tree and gives every use of a name that is no macro variable, with the constant selections that follow it. A
host checks dependencies with it, and an explanation shows the values. Must not look at any snapshot.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from actorflow.expressions.access import TYPES
from actorflow.expressions.calls import qualified_name
from actorflow.expressions.failures import StaticError
from actorflow.expressions.forms import MACROS, Macro, canonical, macro_form
from actorflow.expressions.syntax import (
    Call,
    Comparison,
    Constant,
    Fallback,
    Index,
    Name,
    Node,
    Select,
    children,
)

__all__ = ["Reference", "Visit", "called", "find_references", "inner_scopes"]


@dataclass(frozen=True, slots=True)
class Reference:
    """One use of a name of the snapshot.

    Attributes:
        root: the name.
        path: the constant keys and places selected from it, up to the first that is computed.
        start: offset of the name in the expression.
        end: offset after the last constant selection.
        optional: whether the expression allows for its absence (``?.``, ``??``, ``has``, ``try``, ``coalesce``, ``in``).
        computed: whether a computed key ends the path (``tasks[x]``).
        type_name: whether the name is also that of a type, so that it need not be in the snapshot (``type(x) == int``).
        key_starts: for each part of ``path`` its offset in the expression.
    """

    root: str
    path: tuple[str | int, ...]
    start: int
    end: int
    optional: bool = False
    computed: bool = False
    type_name: bool = False
    key_starts: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Visit:
    """A node to look at: with the macro variables in scope, and whether its absence is allowed for."""

    node: Node
    bound: frozenset[str]
    optional: bool


def find_references(tree: Node, functions: frozenset[str] = frozenset()) -> tuple[Reference, ...]:
    """Return the references of ``tree`` in the order of the source.

    Args:
        tree: the expression.
        functions: names of functions, so that ``json`` in ``json.parse(x)`` is not taken for a name.
    """
    found: list[Reference] = []
    waiting = [Visit(tree, frozenset(), optional=False)]
    while waiting:
        visit = waiting.pop()
        if isinstance(visit.node, Name | Select | Index):
            waiting.extend(_path(visit, found))
        else:
            waiting.extend(inner_scopes(visit, functions))
    return tuple(sorted(found, key=lambda reference: (reference.start, reference.end)))


def called(tree: Node, functions: frozenset[str] = frozenset()) -> tuple[str, ...]:
    """Return the names of everything that ``tree`` calls, sorted: functions, macros and context functions."""
    names: set[str] = set()
    waiting = [Visit(tree, frozenset(), optional=False)]
    while waiting:
        visit = waiting.pop()
        if type(visit.node) is Call:
            whole = qualified_name(visit.node, visit.bound)
            names.add(whole if whole in functions or whole in MACROS else visit.node.function)
        waiting.extend(inner_scopes(visit, functions))
    return tuple(sorted(names))


def inner_scopes(visit: Visit, functions: frozenset[str]) -> Iterator[Visit]:
    """Yield what is directly below a node, each with its own scope."""
    node, bound, optional = visit.node, visit.bound, visit.optional
    match node:
        case Fallback(left=left, right=right):
            yield Visit(left, bound, optional=True)
            yield Visit(right, bound, optional)
        case Comparison(operator="in" | "not in", left=left, right=right):
            yield Visit(left, bound, optional)
            yield Visit(right, bound, optional=True)
        case Call():
            yield from _call(visit, node, functions)
        case _:
            for child in children(node):
                yield Visit(child, bound, optional)


def _call(visit: Visit, node: Call, functions: frozenset[str]) -> Iterator[Visit]:
    whole = qualified_name(node, visit.bound)
    if whole in MACROS or whole in functions:
        node = Call(whole, None, node.arguments, node.prefixed, node.start, node.end, node.name_start)
    if canonical(node.function):
        try:
            macro = macro_form(node)
        except StaticError:
            pass  # not in the macro's form: an ordinary call, as far as names go
        else:
            yield from _macro(visit, macro)
            return
    for child in children(node):
        yield Visit(child, visit.bound, visit.optional)


def _macro(visit: Visit, macro: Macro) -> Iterator[Visit]:
    bound, optional = visit.bound, visit.optional
    if macro.source is not None:
        yield Visit(macro.source, bound, optional)
    inner = bound | frozenset(macro.variables)
    for place, body in enumerate(macro.bodies):
        absent = macro.name in {"has", "coalesce"} or (macro.name == "try" and place == 0)
        outside = macro.name == "let" and place == 0
        yield Visit(body, bound if outside else inner, optional or absent)


def _path(visit: Visit, found: list[Reference]) -> Iterator[Visit]:
    """Add the reference that a chain of selections is, and yield what else stands in it."""
    node, links = visit.node, []
    while isinstance(node, Select | Index):
        links.append(node)
        node = node.target
    links.reverse()
    optional = visit.optional or any(link.optional for link in links)
    for link in links:
        if isinstance(link, Index) and type(link.key) is not Constant:
            yield Visit(link.key, visit.bound, optional=False)
    if not isinstance(node, Name):
        yield Visit(node, visit.bound, optional)
    elif node.name not in visit.bound:
        found.append(_reference(node, links, optional=optional))


def _reference(root: Name, links: list[Select | Index], *, optional: bool) -> Reference:
    path: list[str | int] = []
    starts: list[int] = []
    end, computed = root.end, False
    for link in links:
        key, start = _constant_key(link)
        if type(key) is not str and type(key) is not int:
            computed = True
            break
        path.append(key)
        starts.append(start)
        end = link.end
    type_name = root.name in TYPES or ".".join([root.name, *map(str, path)]) in TYPES
    return Reference(root.name, tuple(path), root.start, end, optional, computed, type_name, tuple(starts))


def _constant_key(link: Select | Index) -> tuple[object, int]:
    if isinstance(link, Select):
        return link.key, link.key_start
    return (link.key.value if isinstance(link.key, Constant) else None), link.key.start

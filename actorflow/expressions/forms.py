"""Which calls are macros, and in which form they are written.

A macro looks like a call but binds names, or evaluates an argument not, once or many times. ``macro_form`` takes such a call
apart: what it goes over, the names of its variables, and the bodies that see them. The compiler, the references and the static checks
all read macros through it. Must not compile anything.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from actorflow.expressions.failures import StaticError
from actorflow.expressions.syntax import Call, Constant, Index, Name, Node, Pairs, Select

__all__ = ["FORMS", "LOOPS", "MACROS", "Macro", "canonical", "macro_form"]

LOOPS: Final[dict[str, str]] = {
    "all": "list.all(x, condition) or map.all(k, v, condition)",
    "exists": "list.exists(x, condition) or map.exists(k, v, condition)",
    "exists_one": "list.exists_one(x, condition) or map.exists_one(k, v, condition)",
    "filter": "list.filter(x, condition) or map.filter(k, v, condition)",
    "map": "list.map(x, value) or list.map(x, condition, value)",
    "sortBy": "list.sortBy(x, key)",
    "transformList": "list.transformList(i, x, value) or list.transformList(i, x, condition, value)",
    "transformMap": "map.transformMap(k, v, value) or map.transformMap(k, v, condition, value)",
    "transformMapEntry": "map.transformMapEntry(k, v, {key: value}) or map.transformMapEntry(k, v, condition, {key: value})",
}
"""The macros that go over a list or map -> how they are written."""

FORMS: Final[dict[str, str]] = {
    **LOOPS,
    "has": "has(x.key)",
    "try": "try(expression, default)",
    "coalesce": "coalesce(a, b, …)",
    "let": "let(name, value, body)",
    "case": "case(condition, value, …, default)",
}
"""Every macro -> how it is written."""

_ALIASES: Final = {"existsOne": "exists_one", "sort_by": "sortBy", "cel.bind": "let"}

MACROS: Final = frozenset({*FORMS, *_ALIASES})
"""Every spelling of every macro."""

# Macro -> number of arguments (without what it goes over) -> how many of them name variables.
_VARIABLES: Final[dict[str, dict[int, int]]] = {
    "all": {2: 1, 3: 2},
    "exists": {2: 1, 3: 2},
    "exists_one": {2: 1, 3: 2},
    "filter": {2: 1, 3: 2},
    "map": {2: 1, 3: 1},
    "sortBy": {2: 1},
    "transformList": {3: 2, 4: 2},
    "transformMap": {3: 2, 4: 2},
    "transformMapEntry": {3: 2, 4: 2},
    "has": {1: 0},
    "try": {2: 0},
    "let": {3: 1},
}


@dataclass(frozen=True, slots=True)
class Macro:
    """A call of a macro, taken apart.

    Attributes:
        name: the macro's own name.
        node: the call.
        source: what it goes over; None for the macros that go over nothing.
        variables: the names it binds.
        bodies: its other arguments, in order. All see the variables, except that the first of ``let`` is their value. The entry of
            ``transformMapEntry`` is two of them, key and value.
    """

    name: str
    node: Call
    source: Node | None
    variables: tuple[str, ...]
    bodies: tuple[Node, ...]

    @property
    def over(self) -> Node:
        """What a loop goes over."""
        if self.source is None:
            raise _wrong_form(self.node, self.name)
        return self.source


def canonical(name: str) -> str:
    """Return the macro's own name for one of its spellings; "" if it is no macro."""
    name = _ALIASES.get(name, name)
    return name if name in FORMS else ""


def macro_form(node: Call) -> Macro:
    """Take a call of a macro apart.

    Raises:
        StaticError: it is written in another form than the macro's own.
    """
    name = canonical(node.function)
    source, arguments = _split(name, node)
    count = _variable_count(name, len(arguments))
    names = tuple(argument.name for argument in arguments[: count or 0] if isinstance(argument, Name))
    if count is None or len(set(names)) != count or (name in LOOPS and source is None):
        raise _wrong_form(node, name)
    bodies = arguments[count:]
    if name == "transformMapEntry":
        bodies = (*bodies[:-1], *_entry(node, bodies[-1]))
    elif name == "has" and not _is_field(bodies[0]):
        raise _wrong_form(node, name)
    return Macro(name, node, source, names, bodies)


def _split(name: str, node: Call) -> tuple[Node | None, tuple[Node, ...]]:
    """Return what a loop goes over, and the other arguments; ``map(list, x, …)`` is ``list.map(x, …)``."""
    if name in LOOPS and node.receiver is None and node.arguments:
        return node.arguments[0], node.arguments[1:]
    if name not in LOOPS and node.receiver is not None:
        return None, (node.receiver, *node.arguments)
    return node.receiver, node.arguments


def _variable_count(name: str, arguments: int) -> int | None:
    """Return how many of the arguments name variables, None if a macro does not take so many arguments."""
    if name == "case":
        return 0 if arguments >= 3 and arguments % 2 == 1 else None
    if name == "coalesce":
        return 0 if arguments else None
    return _VARIABLES[name].get(arguments)


def _entry(node: Call, entry: Node) -> tuple[Node, Node]:
    if not isinstance(entry, Pairs) or len(entry.pairs) != 1:
        raise _wrong_form(node, "transformMapEntry")
    return entry.pairs[0]


def _is_field(node: Node) -> bool:
    return isinstance(node, Select) or (isinstance(node, Index) and isinstance(node.key, Constant))


def _wrong_form(node: Call, name: str) -> StaticError:
    return StaticError(
        "E202", f"{name}() is not written like this", node.name_start, node.end, hint=f"write {FORMS[name]}"
    )

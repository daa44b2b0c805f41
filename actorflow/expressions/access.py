"""Compiles what reads values: literals, names, fields, indexes, slices, ``??``.

A path such as ``task.output.kind`` becomes one closure. ``dict.__getitem__`` does the look-ups: it accepts dicts only and never
runs code of a subclass, so the common case needs no type check; whatever it refuses is done again, step by step, by
``operations.select``, which says what is wrong. Must not reach a value by any way but a map's keys and a list's places.
"""

from __future__ import annotations

from typing import Any, Final

from actorflow.expressions.context import Closure, Context, located
from actorflow.expressions.failures import EvaluationError
from actorflow.expressions.kinds import MAPS, MISSING, KeyedMap, Secret, Type, Value, kind, lookup
from actorflow.expressions.limits import NAMES, Frame, allocate
from actorflow.expressions.operations import LONG, cut, index, key_of, operand, select, shown
from actorflow.expressions.syntax import (
    Constant,
    Fallback,
    Index,
    Items,
    Name,
    Node,
    Pairs,
    Select,
    Slice,
)

__all__ = [
    "ABSENT",
    "TYPES",
    "compile_constant",
    "compile_fallback",
    "compile_index",
    "compile_items",
    "compile_name",
    "compile_pairs",
    "compile_select",
    "compile_slice",
    "dotted",
]

_get = dict.__getitem__

ABSENT: Final = frozenset({"E301", "E302", "E304"})
"""The codes that ``??``, ``?.`` and ``coalesce`` take for absence."""

TYPES: Final[dict[str, Type]] = {
    name: Type(name)
    for name in (
        "bool", "bytes", "double", "int", "list", "map", "null_type", "string", "type",
        "google.protobuf.Duration", "google.protobuf.Timestamp",
    )
}  # fmt: skip
"""The types that have names in expressions; a name of the snapshot wins."""


def compile_constant(_: Context, node: Constant) -> Closure:
    """A literal."""
    value = node.value
    return lambda _: value


def compile_name(context: Context, node: Name) -> Closure:
    """A macro variable, or a name of the snapshot."""
    place = context.variables.get(node.name)
    if place is not None:
        return lambda frame: frame[place]
    name = node.name

    def run(frame: Frame) -> Any:
        try:
            return frame[NAMES][name]
        except KeyError:
            return _unbound(frame, node, ())

    return run


def _unbound(frame: Frame, root: Name, keys: tuple[Select, ...]) -> Value:
    """Read a path whose first name the snapshot does not have: a dotted name, a type, or an error."""
    names = frame[NAMES]
    parts = [root.name, *(select.key for select in keys)]
    for count in range(len(parts), 0, -1):
        name = ".".join(parts[:count])
        found = names[name] if count > 1 and name in names else TYPES.get(name)
        if found is not None:
            return _walk(frame, found, keys[count - 1 :])
    raise EvaluationError(
        "E301", f"unknown name '{shown(root.name)}'", root.start, root.end, near=(root.name, names)
    )


def _walk(frame: Frame, value: Value, keys: tuple[Select, ...]) -> Value:
    for node in keys:
        try:
            value = select(frame, value, node.key)
        except EvaluationError as failure:
            failure.start, failure.end = node.key_start, node.end
            raise
    return value


def dotted(node: Node) -> tuple[Name, tuple[Select, ...]] | None:
    """Return the root and the selections of a path of plain dots, or None for any other node."""
    keys: list[Select] = []
    while type(node) is Select and not node.optional:
        keys.append(node)
        node = node.target
    return (node, tuple(reversed(keys))) if type(node) is Name else None


def compile_select(context: Context, node: Select) -> Closure:
    """``target.key``; a whole path of them is one closure."""
    path = dotted(node)
    if path is not None:
        root, keys = path
        context.count(node, len(keys))
        place = context.variables.get(root.name)
        if place is not None:
            return _variable_path(place, keys)
        return _snapshot_path(root, keys)
    target, key = context.compile(node.target), node.key
    if node.optional or _in_chain(node.target):
        return _optional(node, target, key)

    def run(frame: Frame) -> Any:
        value = target(frame)
        try:
            return _get(value, key)
        except (KeyError, TypeError):
            return _walk(frame, value, (node,))

    return run


def _snapshot_path(root: Name, keys: tuple[Select, ...]) -> Closure:
    def again(frame: Frame) -> Any:
        names = frame[NAMES]
        return _walk(frame, names[root.name], keys) if root.name in names else _unbound(frame, root, keys)

    build = {1: _one_key, 2: _two_keys}.get(len(keys), _more_keys)
    return build(root.name, tuple(key.key for key in keys), again)


def _one_key(name: str, keys: tuple[str, ...], again: Closure) -> Closure:
    (key,) = keys

    def run(frame: Frame) -> Any:
        try:
            return _get(frame[NAMES][name], key)
        except (KeyError, TypeError):
            return again(frame)

    return run


def _two_keys(name: str, keys: tuple[str, ...], again: Closure) -> Closure:
    first, second = keys

    def run(frame: Frame) -> Any:
        try:
            return _get(_get(frame[NAMES][name], first), second)
        except (KeyError, TypeError):
            return again(frame)

    return run


def _more_keys(name: str, keys: tuple[str, ...], again: Closure) -> Closure:
    def run(frame: Frame) -> Any:
        try:
            value = frame[NAMES][name]
            for key in keys:
                value = _get(value, key)
        except (KeyError, TypeError):
            return again(frame)
        return value

    return run


def _variable_path(place: int, keys: tuple[Select, ...]) -> Closure:
    first = keys[0].key

    def one(frame: Frame) -> Any:
        try:
            return _get(frame[place], first)
        except (KeyError, TypeError):
            return _walk(frame, frame[place], keys)

    if len(keys) == 1:
        return one
    names = tuple(key.key for key in keys)

    def more(frame: Frame) -> Any:
        try:
            value = frame[place]
            for key in names:
                value = _get(value, key)
        except (KeyError, TypeError):
            return _walk(frame, frame[place], keys)
        return value

    return more


def _in_chain(node: Node) -> bool:
    """Whether a ``?.`` stands earlier in the same chain: null then goes through to its end, as in JavaScript."""
    while isinstance(node, Select | Index):
        if node.optional:
            return True
        node = node.target
    return False


def _optional(node: Select, target: Closure, key: str) -> Closure:
    optional = node.optional

    def run(frame: Frame) -> Any:
        value = target(frame)
        if value is None:
            return None
        if optional and type(value) in MAPS:
            return dict.get(value, key)
        return _walk(frame, value, (node,))

    return run


def compile_index(context: Context, node: Index) -> Closure:
    """``target[key]``."""
    target, key = context.compile(node.target), context.compile(node.key)
    read = located(node, index)
    if node.optional or _in_chain(node.target):
        return _optional_index(node, target, key)

    def run(frame: Frame) -> Any:
        value, place = target(frame), key(frame)
        if type(place) is str and type(value) in MAPS and len(place) <= LONG:
            try:
                return _get(value, place)
            except KeyError:
                return read(frame, value, place)
        return read(frame, value, place)

    return run


def _optional_index(node: Index, target: Closure, key: Closure) -> Closure:
    read = located(node, index)
    optional = node.optional

    def run(frame: Frame) -> Any:
        value = target(frame)
        if value is None:
            return None
        try:
            return read(frame, value, key(frame))
        except EvaluationError as failure:
            if (
                optional
                and failure.code in ABSENT
                and failure.end == node.end
                and failure.start == node.start
            ):
                return None
            raise

    return run


def compile_slice(context: Context, node: Slice) -> Closure:
    """``target[low:high]``."""
    target = context.compile(node.target)
    low = _nothing if node.low is None else context.compile(node.low)
    high = _nothing if node.high is None else context.compile(node.high)
    read = located(node, cut)
    return lambda frame: read(frame, target(frame), low(frame), high(frame))


def _nothing(_: Frame) -> None:
    return None


def compile_fallback(context: Context, node: Fallback) -> Closure:
    """``left ?? right``: the right side stands in for null and for what is not there."""
    left, right = context.compile(node.left), context.compile(node.right)

    def run(frame: Frame) -> Any:
        try:
            value = left(frame)
        except EvaluationError as failure:
            if failure.code not in ABSENT:
                raise
            return right(frame)
        return right(frame) if value is None else value

    return run


def compile_items(context: Context, node: Items) -> Closure:
    """A list literal."""
    items = tuple(context.compile(item) for item in node.items)
    size = len(items)
    make = located(node, allocate)

    def run(frame: Frame) -> Any:
        make(frame, size)
        return [item(frame) for item in items]

    return run


def compile_pairs(context: Context, node: Pairs) -> Closure:
    """A map literal."""
    pairs = tuple((context.compile(key), context.compile(value), key) for key, value in node.pairs)
    size = 2 * len(pairs)
    make = located(node, allocate)

    def run(frame: Frame) -> Any:
        make(frame, size)
        made: dict[Any, Any] = {}
        keyed = False
        for key, value, place in pairs:
            name = key(frame)
            if type(name) is not str:
                keyed = True
            add_pair(frame, made, name, value(frame), place)
        return finish_map(made) if keyed else made

    return run


def add_pair(frame: Frame, made: dict[Any, Any], key: Value, value: Value, place: Node) -> None:
    """Put one pair into a map that is being made; booleans as ``(key,)``, which no other key can be, until it is finished."""
    key = key_of(frame, key) if type(key) in {str, Secret} else key
    if type(key) is bool:
        key = (key,)
    elif type(key) is not str and type(key) is not int:
        raise EvaluationError(
            "E312", f"a key is a string, an int or a bool, not {kind(key)}", place.start, place.end
        )
    if key in made:
        raise EvaluationError("E312", "the key is given twice", place.start, place.end)
    made[key] = value


def finish_map(made: dict[Any, Any]) -> dict[Any, Any]:
    """Return a map made by ``add_pair``, ready for use."""
    return KeyedMap.of((key[0] if type(key) is tuple else key, value) for key, value in made.items())


def present(frame: Frame, target: Value, key: Value) -> bool:
    """Whether the map ``target`` has ``key``; what has no keys is an error."""
    if type(target) in MAPS:
        return lookup(target, key) is not MISSING
    if target is None:
        raise EvaluationError("E302", "null has no fields", hint="?. and ?? let a value be absent")
    if type(target) is Secret:
        raise EvaluationError("E303", "a secret has no fields")
    raise EvaluationError("E303", f"{kind(operand(frame, target))} has no fields")

"""Standard functions of maps.

Maps keep the order of their keys. New maps are paid for by their size; values are shared, never copied. Keys are strings, ints and bools, and
true is another key than 1. Must not change a map it was given.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from actorflow.expressions.failures import EvaluationError
from actorflow.expressions.functions.arguments import a_list, a_map
from actorflow.expressions.functions.registry import Registry
from actorflow.expressions.kinds import LISTS, MAPS, MISSING, KeyedMap, Value, items_of, keys_of, lookup
from actorflow.expressions.limits import Frame, allocate, spend
from actorflow.expressions.operations import key_of, operand

__all__ = ["maps"]

maps: Final = Registry("Maps")


@maps("keys")
def keys(frame: Frame, mapping: Value) -> list[Value]:
    """The keys, in their order.

    keys({'a': 1, 'b': 2}) -> ['a', 'b']
    """
    mapping = a_map(frame, mapping)
    allocate(frame, len(mapping))
    return keys_of(mapping)


@maps("values")
def values(frame: Frame, mapping: Value) -> list[Value]:
    """The values, in the order of their keys.

    {'a': 1, 'b': 2}.values() -> [1, 2]
    """
    mapping = a_map(frame, mapping)
    allocate(frame, len(mapping))
    return list(dict.values(mapping))


@maps("entries")
def entries(frame: Frame, mapping: Value) -> list[Value]:
    """The keys with their values, as maps with `key` and `value`.

    entries({'a': 1}) -> [{'key': 'a', 'value': 1}]
    """
    mapping = a_map(frame, mapping)
    allocate(frame, 6 * len(mapping))
    return [{"key": key, "value": value} for key, value in items_of(mapping)]


@maps("from_entries")
def from_entries(frame: Frame, items: Value) -> dict[Any, Any]:
    """The map of such a list; the opposite of `entries`. `[key, value]` pairs are taken too; the last of equal keys wins.

    from_entries([{'key': 'a', 'value': 1}]) -> {'a': 1}
    from_entries([['a', 1], ['b', 2]]) -> {'a': 1, 'b': 2}
    """
    items = a_list(frame, items)
    allocate(frame, 2 * len(items))
    spend(frame, len(items))
    return _built(_entry(frame, item) for item in items)


def _entry(frame: Frame, item: Value) -> tuple[Value, Value]:
    item = operand(frame, item)
    if type(item) in LISTS and len(item) == 2:
        key, value = item
    elif type(item) in MAPS and "key" in item and "value" in item:
        key, value = item["key"], item["value"]
    else:
        raise EvaluationError("E310", "an entry is {'key': …, 'value': …} or [key, value]")
    key = key_of(frame, key)
    if type(key) not in {str, int, bool}:
        raise EvaluationError("E312", "a key is a string, an int or a bool")
    return key, value


def _built(pairs: Iterable[tuple[Value, Value]]) -> dict[Any, Any]:
    """Return a map of pairs with good keys; of equal keys the last wins."""
    known = list(pairs)
    return dict(known) if all(type(key) is str for key, _ in known) else KeyedMap.of(known)


@maps("merge")
def merge(frame: Frame, first_map: Value, *more: Value) -> dict[Any, Any]:
    """One map of all; where keys are equal, the later map wins. Values are not merged.

    merge({'a': 1, 'b': 1}, {'b': 2}) -> {'a': 1, 'b': 2}
    """
    every = [a_map(frame, mapping) for mapping in (first_map, *more)]
    count = sum(map(len, every))
    allocate(frame, 2 * count)
    spend(frame, count)
    return _built(pair for mapping in every for pair in items_of(mapping))


@maps("pick")
def pick(frame: Frame, mapping: Value, wanted: Value) -> dict[Any, Any]:
    """The map with those keys only, in the order of the list; keys that are not there are left out.

    pick({'a': 1, 'b': 2}, ['b', 'c']) -> {'b': 2}
    """
    mapping, names = a_map(frame, mapping), a_list(frame, wanted)
    allocate(frame, 2 * len(names))
    spend(frame, len(names))
    known = [key_of(frame, name) for name in names]
    return _built((name, lookup(mapping, name)) for name in known if lookup(mapping, name) is not MISSING)


@maps("omit")
def omit(frame: Frame, mapping: Value, unwanted: Value) -> dict[Any, Any]:
    """The map without those keys.

    omit({'a': 1, 'b': 2}, ['b']) -> {'a': 1}
    """
    mapping, names = a_map(frame, mapping), a_list(frame, unwanted)
    allocate(frame, 2 * len(mapping))
    spend(frame, len(mapping) + len(names))
    known = [key_of(frame, name) for name in names]
    out = {(type(name) is bool, name) for name in known if type(name) in {str, int, bool}}
    return _built((key, value) for key, value in items_of(mapping) if (type(key) is bool, key) not in out)


@maps("get")
def get(frame: Frame, container: Value, path: Value, default: Value = None) -> Value:
    """What a map has under a key, a list at a place, or a value at a path of them; the default if it is not there.

    get({'a': 1}, 'b', 0) -> 0
    get({'a': {'b': [1, 2]}}, ['a', 'b', 1]) -> 2
    get([1], 3) -> null
    """
    steps = operand(frame, path)
    value = container
    for step in steps if type(steps) in LISTS else (steps,):
        spend(frame, 1)
        value = _step(operand(frame, value), key_of(frame, step))
        if value is MISSING:
            return default
    return value


def _step(value: Value, step: Value) -> Value:
    if type(value) in MAPS:
        return lookup(value, step)
    if type(value) in LISTS and type(step) is int:
        return value[step] if 0 <= step < len(value) else MISSING
    return MISSING

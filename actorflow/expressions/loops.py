"""Compiles the macros that go over a list or the keys of a map.

With one variable: ``all exists exists_one map filter sortBy``; with two (index or key, and value): ``all exists exists_one filter
transformList transformMap transformMapEntry``. A loop is charged before it starts: elements times the nodes of its body. ``all`` and
``exists`` absorb evaluation errors as ``&&`` and ``||`` do; the others do not. Must not absorb limit errors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cmp_to_key
from typing import Any, Final, TypeAlias

from actorflow.expressions import operations
from actorflow.expressions.access import add_pair, finish_map
from actorflow.expressions.context import Closure, Context, located
from actorflow.expressions.failures import EvaluationError
from actorflow.expressions.forms import Macro
from actorflow.expressions.kinds import LISTS, MAPS, KeyedMap, Value, items_of, keys_of, kind
from actorflow.expressions.limits import Frame, allocate, spend
from actorflow.expressions.operators import not_bool, tested, truth

__all__ = ["COMPILE_LOOP", "sort_values"]

_Turns: TypeAlias = Callable[[Frame], Iterator[None]]
"""Sets the variables in the frame, turn by turn."""


def _elements(frame: Frame, source: Value, turn: int) -> Any:
    """Return what a macro with one variable goes over, charged for ``turn`` steps each."""
    if type(source) not in LISTS:
        source = operations.operand(frame, source)
        if type(source) in MAPS:
            spend(frame, len(source))
            source = keys_of(source)
        elif type(source) not in LISTS:
            raise EvaluationError("E305", f"a macro goes over a list or a map, not {kind(source)}")
    spend(frame, len(source) * turn + 1)
    return source


def _entries(frame: Frame, source: Value, turn: int) -> Any:
    """Return the (index or key, value) pairs a macro with two variables goes over, charged."""
    source = operations.operand(frame, source)
    if type(source) not in LISTS and type(source) not in MAPS:
        raise EvaluationError("E305", f"a macro goes over a list or a map, not {kind(source)}")
    spend(frame, len(source) * (turn + 1) + 1)
    return items_of(source) if type(source) in MAPS else enumerate(source)


def _turns(context: Context, macro: Macro) -> tuple[_Turns, tuple[Closure, ...], int]:
    """Return what sets the variables, the closures of the bodies, and the place of the first variable."""
    source = context.compile(macro.over)
    places, bodies, turn = context.body(macro.variables, *macro.bodies)
    if len(places) == 1:
        over, place = located(macro.over, _elements), places[0]

        def one(frame: Frame) -> Iterator[None]:
            for item in over(frame, source(frame), turn):
                frame[place] = item
                yield

        return one, bodies, place
    pairs, (first, second) = located(macro.over, _entries), places

    def two(frame: Frame) -> Iterator[None]:
        for key, value in pairs(frame, source(frame), turn):
            frame[first], frame[second] = key, value
            yield

    return two, bodies, first


def _quantifier(*, decisive: bool) -> Callable[[Context, Macro], Closure]:
    def build(context: Context, macro: Macro) -> Closure:
        turns, (body,), _ = _turns(context, macro)
        test = macro.bodies[0]

        def run(frame: Frame) -> Any:
            problem: EvaluationError | None = None
            for _ in turns(frame):
                try:
                    value = body(frame)
                except EvaluationError as failure:
                    problem = problem or failure
                    continue
                if value is decisive:
                    return decisive
                if value is not True and value is not False:
                    problem = problem or not_bool(test, value)
            if problem is not None:
                raise problem
            return not decisive

        return run

    return build


def _exists_one(context: Context, macro: Macro) -> Closure:
    turns, (body,), _ = _turns(context, macro)
    test = tested(macro.bodies[0], body)
    return lambda frame: sum(test(frame) for _ in turns(frame)) == 1


def _filter(context: Context, macro: Macro) -> Closure:
    if len(macro.variables) == 2:
        return _filter_entries(context, macro)
    # Written out instead of using _turns: filtering is what conditions do most, and a generator would cost a third more.
    source = context.compile(macro.over)
    (place,), (body,), turn = context.body(macro.variables, *macro.bodies)
    over, made, test = located(macro.over, _elements), located(macro.node, allocate), macro.bodies[0]

    def run(frame: Frame) -> Any:
        kept = []
        for item in over(frame, source(frame), turn):
            frame[place] = item
            value = body(frame)
            if value is True:
                kept.append(item)
            elif value is not False:
                raise not_bool(test, truth(frame, value))
        made(frame, len(kept))
        return kept

    return run


def _filter_entries(context: Context, macro: Macro) -> Closure:
    source = context.compile(macro.over)
    (first, second), (body,), turn = context.body(macro.variables, *macro.bodies)
    pairs, made = located(macro.over, _entries), located(macro.node, allocate)
    test = tested(macro.bodies[0], body)

    def run(frame: Frame) -> Any:
        over = operations.operand(frame, source(frame))
        kept: list[tuple[Value, Value]] = []
        for key, value in pairs(frame, over, turn):
            frame[first], frame[second] = key, value
            if test(frame):
                kept.append((key, value))
        made(frame, 2 * len(kept))
        return _map_of(kept) if type(over) in MAPS else [value for _, value in kept]

    return run


def _map_of(pairs: list[tuple[Value, Value]]) -> dict[Any, Any]:
    """Return a map of pairs whose keys are known to be good and different."""
    return dict(pairs) if all(type(key) is str for key, _ in pairs) else KeyedMap.of(pairs)


def _always(_: Frame) -> bool:
    return True


def _test(macro: Macro, bodies: tuple[Closure, ...], results: int) -> Callable[[Frame], bool]:
    """Return the condition that stands before the results, if there is one."""
    return tested(macro.bodies[0], bodies[0]) if len(bodies) > results else _always


def _transform_list(context: Context, macro: Macro) -> Closure:
    turns, bodies, _ = _turns(context, macro)
    made, value = located(macro.node, allocate), bodies[-1]
    test = _test(macro, bodies, 1)

    def run(frame: Frame) -> Any:
        results = [value(frame) for _ in turns(frame) if test(frame)]
        made(frame, len(results))
        return results

    return run


def _map(context: Context, macro: Macro) -> Closure:
    if len(macro.bodies) == 2:
        return _transform_list(context, macro)
    source = context.compile(macro.over)
    (place,), (body,), turn = context.body(macro.variables, *macro.bodies)
    over, made = located(macro.over, _elements), located(macro.node, allocate)

    def run(frame: Frame) -> Any:
        results = []
        for item in over(frame, source(frame), turn):
            frame[place] = item
            results.append(body(frame))
        made(frame, len(results))
        return results

    return run


def _transform_map(context: Context, macro: Macro) -> Closure:
    turns, bodies, first = _turns(context, macro)
    made, value = located(macro.node, allocate), bodies[-1]
    test = _test(macro, bodies, 1)

    def run(frame: Frame) -> Any:
        kept = [(frame[first], value(frame)) for _ in turns(frame) if test(frame)]
        made(frame, 2 * len(kept))
        return _map_of(kept)

    return run


def _transform_entry(context: Context, macro: Macro) -> Closure:
    turns, bodies, _ = _turns(context, macro)
    made, (key, value) = located(macro.node, allocate), bodies[-2:]
    test, key_node = _test(macro, bodies, 2), macro.bodies[-2]

    def run(frame: Frame) -> Any:
        result: dict[Any, Any] = {}
        for _ in turns(frame):
            if test(frame):
                add_pair(frame, result, key(frame), value(frame), key_node)
        made(frame, 2 * len(result))
        return result if all(type(name) is str for name in result) else finish_map(result)

    return run


def _sort_by(context: Context, macro: Macro) -> Closure:
    source = context.compile(macro.over)
    (place,), (body,), turn = context.body(macro.variables, *macro.bodies)
    over, order = located(macro.over, _elements), located(macro.bodies[0], sort_values)

    def run(frame: Frame) -> Any:
        keyed = []
        for item in over(frame, source(frame), turn):
            frame[place] = item
            keyed.append((body(frame), item))
        return [item for _, item in order(frame, keyed, lambda pair: pair[0])]

    return run


def sort_values(frame: Frame, values: list[Any], key: Callable[[Any], Value]) -> list[Any]:
    """Return ``values`` sorted (stably) by a key that must be of one ordered kind, charged for the comparisons."""
    allocate(frame, len(values))
    spend(frame, len(values) * max(1, len(values).bit_length()))
    keys = [key(value) for value in values]
    kinds = {type(k) for k in keys}
    if kinds == {int} or (kinds == {str} and max(map(len, keys)) <= operations.LONG):
        return sorted(values, key=key)

    def order(a: Any, b: Any) -> int:
        if operations.compare(frame, key(a), key(b), "<"):
            return -1
        return int(operations.compare(frame, key(a), key(b), ">"))

    if len(values) == 1:
        order(values[0], values[0])  # a single element that has no order is an error like two of them
    return sorted(values, key=cmp_to_key(order))


COMPILE_LOOP: Final[dict[str, Callable[[Context, Macro], Closure]]] = {
    "all": _quantifier(decisive=False),
    "exists": _quantifier(decisive=True),
    "exists_one": _exists_one,
    "filter": _filter,
    "map": _map,
    "sortBy": _sort_by,
    "transformList": _transform_list,
    "transformMap": _transform_map,
    "transformMapEntry": _transform_entry,
}
"""The loops by name."""

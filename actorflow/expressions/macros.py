"""Compiles macros: forms that bind names or evaluate an argument not, once or many times.

Over lists and the keys of maps: ``all exists exists_one map filter sortBy``; with two variables (index or key, and value):
``all exists exists_one filter transformList transformMap transformMapEntry``; without a list: ``has try coalesce let case``. A loop is
charged before it starts: elements times the nodes of its body. Must not absorb limit errors.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import cmp_to_key
from typing import Any, Final, TypeAlias

from actorflow.expressions import operations
from actorflow.expressions.access import ABSENT, add_pair, dotted, finish_map, present
from actorflow.expressions.context import Closure, Context, located
from actorflow.expressions.failures import EvaluationError, StaticError
from actorflow.expressions.kinds import LISTS, MAPS, KeyedMap, Value, items_of, keys_of, kind
from actorflow.expressions.limits import Frame, allocate, spend
from actorflow.expressions.operators import not_bool, truth
from actorflow.expressions.syntax import Call, Constant, Index, Name, Node, Pairs, Select

__all__ = [
    "FORMS",
    "LOOPS",
    "MACROS",
    "canonical",
    "compile_macro",
    "macro_form",
    "macro_variables",
    "sort_values",
]

FORMS: Final[dict[str, str]] = {
    "all": "list.all(x, condition) or map.all(k, v, condition)",
    "exists": "list.exists(x, condition) or map.exists(k, v, condition)",
    "exists_one": "list.exists_one(x, condition) or map.exists_one(k, v, condition)",
    "filter": "list.filter(x, condition) or map.filter(k, v, condition)",
    "map": "list.map(x, value) or list.map(x, condition, value)",
    "sortBy": "list.sortBy(x, key)",
    "transformList": "list.transformList(i, x, value) or list.transformList(i, x, condition, value)",
    "transformMap": "map.transformMap(k, v, value) or map.transformMap(k, v, condition, value)",
    "transformMapEntry": "map.transformMapEntry(k, v, {key: value}) or map.transformMapEntry(k, v, condition, {key: value})",
    "has": "has(x.key)",
    "try": "try(expression, default)",
    "coalesce": "coalesce(a, b, …)",
    "let": "let(name, value, body)",
    "case": "case(condition, value, …, default)",
}
"""Macro -> how it is written."""

_ALIASES: Final = {"existsOne": "exists_one", "sort_by": "sortBy", "cel.bind": "let"}

LOOPS: Final = frozenset(
    {
        "all",
        "exists",
        "exists_one",
        "filter",
        "map",
        "sortBy",
        "transformList",
        "transformMap",
        "transformMapEntry",
    }
)
"""The macros that go over a list or map."""

_TWO_VARIABLES: Final = frozenset({"transformList", "transformMap", "transformMapEntry"})
_SIZES: Final = {
    "all": {2, 3}, "exists": {2, 3}, "exists_one": {2, 3}, "filter": {2, 3}, "map": {2, 3}, "sortBy": {2},
    "transformList": {3, 4}, "transformMap": {3, 4}, "transformMapEntry": {3, 4},
}  # fmt: skip


def canonical(name: str) -> str:
    """Return the macro's own name for one of its spellings; "" if it is no macro."""
    name = _ALIASES.get(name, name)
    return name if name in FORMS else ""


def macro_form(node: Call) -> tuple[Node | None, tuple[Node, ...]]:
    """Return what a macro goes over and its arguments; refuse another form than the macro's own."""
    name = canonical(node.function)
    receiver, arguments = node.receiver, node.arguments
    if name in LOOPS and receiver is None and arguments:
        receiver, arguments = arguments[0], arguments[1:]
    elif name not in LOOPS and receiver is not None:
        receiver, arguments = None, (receiver, *arguments)
    names = macro_variables(name, arguments)
    fits = _fits(name, receiver, arguments)
    if not fits or any(type(variable) is not Name for variable in names) or len({v.name for v in names if type(v) is Name}) != len(names):  # fmt: skip
        raise StaticError(
            "E202",
            f"{name}() is not written like this",
            node.name_start,
            node.end,
            hint=f"write {FORMS[name]}",
        )
    return receiver, arguments


def macro_variables(name: str, arguments: tuple[Node, ...]) -> tuple[Node, ...]:
    """Return the arguments that name variables."""
    if name in _TWO_VARIABLES or (name in {"all", "exists", "exists_one", "filter"} and len(arguments) == 3):
        return arguments[:2]
    if name in LOOPS or name == "let":
        return arguments[:1]
    return ()


def _fits(name: str, receiver: Node | None, arguments: tuple[Node, ...]) -> bool:
    count = len(arguments)
    if name in LOOPS:
        return receiver is not None and count in _SIZES[name] and _entry_fits(name, arguments)
    if name == "has":
        return count == 1 and _is_field(arguments[0])
    if name == "case":
        return count >= 3 and count % 2 == 1
    if name == "coalesce":
        return count >= 1
    return count == {"try": 2, "let": 3}[name]


def _entry_fits(name: str, arguments: tuple[Node, ...]) -> bool:
    last = arguments[-1]
    return name != "transformMapEntry" or (type(last) is Pairs and len(last.pairs) == 1)


def _is_field(node: Node) -> bool:
    return type(node) is Select or (type(node) is Index and type(node.key) is Constant)


_Loop: TypeAlias = Callable[[Context, Call, Node, tuple[Node, ...]], Closure]
_Form: TypeAlias = Callable[[Context, Call, tuple[Node, ...]], Closure]


def compile_macro(context: Context, node: Call) -> Closure:
    """Compile a call of a macro, in its own form."""
    receiver, arguments = macro_form(node)
    name = canonical(node.function)
    if receiver is not None:
        return _LOOPS[name](context, node, receiver, arguments)
    return _FORMS[name](context, node, arguments)


def _elements(frame: Frame, source: Value, turn: int) -> Iterable[Value]:
    """Return what a macro with one variable goes over, charged for ``turn`` steps each."""
    if type(source) not in LISTS:
        source = operations.operand(frame, source)
        if type(source) in MAPS:
            spend(frame, len(source))
            source = keys_of(source)
        elif type(source) not in LISTS:
            raise EvaluationError("E305", f"a macro goes over a list or a map, not {kind(source)}")
    spend(frame, len(source) * turn + 1)
    return source  # type: ignore[no-any-return]  # a list or a tuple


def _entries(frame: Frame, source: Value, turn: int) -> Iterable[tuple[Value, Value]]:
    """Return the (index or key, value) pairs a macro with two variables goes over, charged."""
    source = operations.operand(frame, source)
    if type(source) not in LISTS and type(source) not in MAPS:
        raise EvaluationError("E305", f"a macro goes over a list or a map, not {kind(source)}")
    spend(frame, len(source) * (turn + 1) + 1)
    return items_of(source) if type(source) in MAPS else enumerate(source)


def _name(node: Node) -> str:
    assert type(node) is Name  # macro_form has seen to it
    return node.name


def _turns(
    context: Context, node: Call, receiver: Node, arguments: tuple[Node, ...], variables: int
) -> tuple[Callable[[Frame], Iterable[None]], tuple[Closure, ...]]:
    """Return a generator that sets the variables, turn by turn, and the closures of the bodies."""
    source = context.compile(receiver)
    places, bodies, turn = context.body(
        tuple(_name(n) for n in arguments[:variables]), *arguments[variables:]
    )
    if variables == 1:
        over, place = located(receiver, _elements), places[0]

        def one(frame: Frame) -> Iterable[None]:
            for frame[place] in over(frame, source(frame), turn):
                yield

        return one, bodies
    pairs, (first, second) = located(receiver, _entries), places

    def two(frame: Frame) -> Iterable[None]:
        for frame[first], frame[second] in pairs(frame, source(frame), turn):
            yield

    return two, bodies


def _quantifier(decisive: bool) -> _Loop:
    def build(context: Context, node: Call, receiver: Node, arguments: tuple[Node, ...]) -> Closure:
        turns, (body,) = _turns(context, node, receiver, arguments, len(arguments) - 1)
        place = arguments[-1]

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
                    problem = problem or not_bool(place, value)
            if problem is not None:
                raise problem
            return not decisive

        return run

    return build


def _exists_one(context: Context, node: Call, receiver: Node, arguments: tuple[Node, ...]) -> Closure:
    turns, (body,) = _turns(context, node, receiver, arguments, len(arguments) - 1)
    test = _tested(arguments[-1], body)
    return lambda frame: sum(test(frame) for _ in turns(frame)) == 1


def _tested(node: Node, body: Closure) -> Callable[[Frame], bool]:
    """Return ``body`` as a test: anything but true and false is an error."""

    def run(frame: Frame) -> bool:
        value = body(frame)
        if value is True or value is False:
            return value
        raise not_bool(node, truth(frame, value))

    return run


def _filter(context: Context, node: Call, receiver: Node, arguments: tuple[Node, ...]) -> Closure:
    if len(arguments) == 3:
        return _filter_entries(context, node, receiver, arguments)
    source = context.compile(receiver)
    (place,), (body,), turn = context.body((_name(arguments[0]),), arguments[1])
    over = located(receiver, _elements)
    made = located(node, allocate)
    test = arguments[1]

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


def _filter_entries(context: Context, node: Call, receiver: Node, arguments: tuple[Node, ...]) -> Closure:
    source = context.compile(receiver)
    (first, second), (body,), turn = context.body((_name(arguments[0]), _name(arguments[1])), arguments[2])
    pairs = located(receiver, _entries)
    made = located(node, allocate)
    test = _tested(arguments[2], body)

    def run(frame: Frame) -> Any:
        over = operations.operand(frame, source(frame))
        kept: list[tuple[Value, Value]] = []
        for frame[first], frame[second] in pairs(frame, over, turn):
            if test(frame):
                kept.append((frame[first], frame[second]))
        made(frame, 2 * len(kept))
        return _map_of(kept) if type(over) in MAPS else [value for _, value in kept]

    return run


def _map_of(pairs: list[tuple[Value, Value]]) -> dict[Any, Any]:
    """Return a map of pairs whose keys are known to be good and different."""
    return dict(pairs) if all(type(key) is str for key, _ in pairs) else KeyedMap.of(pairs)


def _map(context: Context, node: Call, receiver: Node, arguments: tuple[Node, ...]) -> Closure:
    return _transform_list(context, node, receiver, arguments, variables=1)


def _transform_list(
    context: Context, node: Call, receiver: Node, arguments: tuple[Node, ...], *, variables: int = 2
) -> Closure:
    turns, bodies = _turns(context, node, receiver, arguments, variables)
    made = located(node, allocate)
    value = bodies[-1]
    if len(bodies) == 1:

        def run(frame: Frame) -> Any:
            results = [value(frame) for _ in turns(frame)]
            made(frame, len(results))
            return results

        return run
    test = _tested(arguments[variables], bodies[0])

    def run_some(frame: Frame) -> Any:
        results = [value(frame) for _ in turns(frame) if test(frame)]
        made(frame, len(results))
        return results

    return run_some


def _always(_: Frame) -> bool:
    return True


def _transform_map(context: Context, node: Call, receiver: Node, arguments: tuple[Node, ...]) -> Closure:
    source = context.compile(receiver)
    (first, second), bodies, turn = context.body((_name(arguments[0]), _name(arguments[1])), *arguments[2:])
    test = _tested(arguments[2], bodies[0]) if len(bodies) == 2 else _always
    value, pairs = bodies[-1], located(receiver, _entries)
    made = located(node, allocate)

    def run(frame: Frame) -> Any:
        kept: list[tuple[Value, Value]] = []
        for frame[first], frame[second] in pairs(frame, source(frame), turn):
            if test(frame):
                kept.append((frame[first], value(frame)))
        made(frame, 2 * len(kept))
        return _map_of(kept)

    return run


def _transform_entry(context: Context, node: Call, receiver: Node, arguments: tuple[Node, ...]) -> Closure:
    entry = arguments[-1]
    assert type(entry) is Pairs  # macro_form has seen to it
    ((key_node, value_node),) = entry.pairs
    turns, bodies = _turns(context, node, receiver, (*arguments[:-1], key_node, value_node), 2)
    test = _tested(arguments[2], bodies[0]) if len(bodies) == 3 else _always
    key, value = bodies[-2:]
    made = located(node, allocate)

    def run(frame: Frame) -> Any:
        result: dict[Any, Any] = {}
        for _ in turns(frame):
            if test(frame):
                add_pair(frame, result, key(frame), value(frame), key_node)
        made(frame, 2 * len(result))
        return result if all(type(name) is str for name in result) else finish_map(result)

    return run


def _sort_by(context: Context, node: Call, receiver: Node, arguments: tuple[Node, ...]) -> Closure:
    source = context.compile(receiver)
    (place,), (body,), turn = context.body((_name(arguments[0]),), arguments[1])
    over = located(receiver, _elements)
    order = located(arguments[1], sort_values)

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
    if len({type(k) for k in keys}) == 1 and (type(keys[0]) is int or (type(keys[0]) is str and max(map(len, keys)) <= operations.LONG)):  # fmt: skip
        return sorted(values, key=key)

    def less(a: Any, b: Any) -> int:
        if operations.compare(frame, key(a), key(b), "<"):
            return -1
        return int(operations.compare(frame, key(a), key(b), ">"))

    if len(values) == 1:
        less(values[0], values[0])  # a single element that has no order is an error like two of them
    return sorted(values, key=cmp_to_key(less))


def _has(context: Context, node: Call, arguments: tuple[Node, ...]) -> Closure:
    field = arguments[0]
    if type(field) is Select:
        target, key = context.compile(field.target), (lambda value: lambda _: value)(field.key)
        if (
            dotted(field) is not None
            and type(field.target) is Name
            and field.target.name not in context.variables
        ):
            return _has_path(field, field.target, target)
    else:
        assert type(field) is Index  # macro_form has seen to it
        target, key = context.compile(field.target), context.compile(field.key)
    test = located(field, present)
    forgiving = isinstance(field, Select | Index) and field.optional

    def run(frame: Frame) -> Any:
        value = target(frame)
        return False if forgiving and value is None else test(frame, value, key(frame))

    return run


def _has_path(field: Select, root: Name, target: Closure) -> Closure:
    """``has(a.b)``, where the snapshot may hold the dotted name itself."""
    test = located(field, present)
    whole, key, name = f"{root.name}.{field.key}", field.key, root.name

    def run(frame: Frame) -> Any:
        names = frame[0]
        if name not in names and whole in names:
            return True
        value = target(frame)
        return False if field.optional and value is None else test(frame, value, key)

    return run


def _try(context: Context, node: Call, arguments: tuple[Node, ...]) -> Closure:
    attempt, default = (context.compile(argument) for argument in arguments)

    def run(frame: Frame) -> Any:
        try:
            return attempt(frame)
        except EvaluationError:
            return default(frame)  # this is what try() is for

    return run


def _coalesce(context: Context, node: Call, arguments: tuple[Node, ...]) -> Closure:
    options = tuple(context.compile(argument) for argument in arguments)

    def run(frame: Frame) -> Any:
        for option in options:
            try:
                value = option(frame)
            except EvaluationError as failure:
                if failure.code not in ABSENT:
                    raise
                continue
            if value is not None:
                return value
        return None

    return run


def _let(context: Context, node: Call, arguments: tuple[Node, ...]) -> Closure:
    value = context.compile(arguments[1])
    (place,), (body,), turn = context.body((_name(arguments[0]),), arguments[2])
    context.cost += turn  # evaluated once, so it belongs to what is around it

    def run(frame: Frame) -> Any:
        frame[place] = value(frame)
        return body(frame)

    return run


def _case(context: Context, node: Call, arguments: tuple[Node, ...]) -> Closure:
    closures = [context.compile(argument) for argument in arguments]
    tests = tuple(_tested(arguments[i], closures[i]) for i in range(0, len(closures) - 1, 2))
    choices = tuple(zip(tests, closures[1::2], strict=True))
    default = closures[-1]

    def run(frame: Frame) -> Any:
        for test, value in choices:
            if test(frame):
                return value(frame)
        return default(frame)

    return run


_LOOPS: Final[dict[str, _Loop]] = {
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
_FORMS: Final[dict[str, _Form]] = {
    "has": _has,
    "try": _try,
    "coalesce": _coalesce,
    "let": _let,
    "case": _case,
}

MACROS: Final = frozenset({*FORMS, *_ALIASES})
"""Every spelling of every macro."""

"""Standard functions of lists; some take texts and maps as well.

What compares elements does it as the language does (1 equals 1.0, true does not equal 1) and pays for it. New lists are paid for by
their length, and by the length of what was read. Must not change a list it was given.
"""

from __future__ import annotations

from typing import Any, Final

from actorflow.expressions.failures import EvaluationError
from actorflow.expressions.functions.arguments import a_count, a_list, a_text, an_int, wrong
from actorflow.expressions.functions.registry import Registry
from actorflow.expressions.kinds import (
    LISTS,
    MAPS,
    MISSING,
    Duration,
    Value,
    lookup,
)
from actorflow.expressions.limits import Frame, allocate, allocate_text, char_size, spend
from actorflow.expressions.loops import sort_values
from actorflow.expressions.operations import LONG, add, compare, cut, equal, in_range, key_of, operand

__all__ = ["lists"]

lists: Final = Registry("Lists")


@lists("size", "len", "length")
def size(frame: Frame, value: Value) -> int:
    """The number of characters, bytes, elements or keys.

    size('four') -> 4
    [1, 2].size() -> 2
    len({'a': 1}) -> 1
    size(3) -> E310
    """
    if type(value) not in LISTS:
        value = operand(frame, value)
    if type(value) in LISTS or type(value) in MAPS or type(value) in {str, bytes}:
        return len(value)
    raise wrong("a string, bytes, a list or a map", value)


@lists("first")
def first(frame: Frame, items: Value) -> Value:
    """The first element; an error for an empty list (`list?.[0]` gives null).

    first([3, 1]) -> 3
    first([]) -> E304
    """
    return _end(a_list(frame, items), 0)


@lists("last")
def last(frame: Frame, items: Value) -> Value:
    """The last element; an error for an empty list.

    [3, 1].last() -> 1
    """
    return _end(a_list(frame, items), -1)


def _end(items: Any, place: int) -> Value:
    if not items:
        raise EvaluationError("E304", "the list is empty")
    return items[place]


@lists("contains")
def contains(frame: Frame, container: Value, part: Value) -> bool:
    """Whether a text contains another one, a list an element, or a map a key.

    'workflow'.contains('flow') -> true
    contains([1, 2], 2.0) -> true
    contains({'a': 1}, 'b') -> false
    """
    container = operand(frame, container)
    if type(container) is str:
        part = a_text(frame, part)
        spend(frame, len(container) >> 6)
        return part in container
    if type(container) in MAPS:
        return lookup(container, key_of(frame, part)) is not MISSING
    return _position(frame, a_list(frame, container), part) >= 0


def _position(frame: Frame, items: Any, wanted: Value) -> int:
    spend(frame, len(items))
    for place, item in enumerate(items):
        if equal(frame, item, wanted):
            return place
    return -1


@lists("index_of", "indexOf")
def index_of(frame: Frame, container: Value, part: Value, start: Value = 0) -> int:
    """The place of a part in a text, or of an element in a list; -1 if it is not there.

    index_of('workflow', 'flow') -> 4
    ['a', 'b'].index_of('c') -> -1
    'abcabc'.index_of('a', 1) -> 3
    """
    container, begin = operand(frame, container), a_count(frame, start)
    if type(container) is str:
        spend(frame, len(container) >> 6)
        return container.find(a_text(frame, part), begin)
    found = _position(frame, a_list(frame, container)[begin:], part)
    return found + begin if found >= 0 else -1


@lists("last_index_of", "lastIndexOf")
def last_index_of(frame: Frame, container: Value, part: Value) -> int:
    """The last place of a part in a text, or of an element in a list; -1 if it is not there.

    'abcabc'.last_index_of('a') -> 3
    """
    container = operand(frame, container)
    if type(container) is str:
        spend(frame, len(container) >> 6)
        return container.rfind(a_text(frame, part))
    items = a_list(frame, container)
    allocate(frame, len(items))
    found = _position(frame, items[::-1], part)
    return len(items) - 1 - found if found >= 0 else -1


@lists("distinct")
def distinct(frame: Frame, items: Value) -> list[Value]:
    """The list without elements that equal an earlier one.

    distinct([1, 2, 1.0, 'a', 'a']) -> [1, 2, 'a']
    [true, 1].distinct() -> [true, 1]
    """
    items = a_list(frame, items)
    allocate(frame, len(items))
    spend(frame, len(items))
    seen: set[Any] = set()
    others: list[Value] = []
    result: list[Value] = []
    for item in items:
        if type(item) in {str, int, bool}:
            if type(item) is str and len(item) > LONG:
                spend(frame, len(item) >> 6)
            mark = (type(item) is bool, item)
            if mark in seen:
                continue
            seen.add(mark)
        elif _among(frame, others, seen, item):
            continue
        else:
            others.append(item)
        result.append(item)
    return result


def _among(frame: Frame, others: list[Value], seen: set[Any], item: Value) -> bool:
    if type(item) is float:
        return (False, item) in seen or any(
            type(other) is float and other == item for other in _paid(frame, others)
        )
    return any(equal(frame, other, item) for other in _paid(frame, others))


def _paid(frame: Frame, items: list[Value]) -> list[Value]:
    spend(frame, len(items))
    return items


@lists("flatten")
def flatten(frame: Frame, items: Value, depth: Value = 1) -> list[Value]:
    """The list with its inner lists replaced by their elements, `depth` levels deep.

    flatten([1, [2, [3]]]) -> [1, 2, [3]]
    [1, [2, [3]]].flatten(2) -> [1, 2, 3]
    """
    result: list[Value] = list(a_list(frame, items))
    levels = a_count(frame, depth)
    allocate(frame, len(result))
    for _ in range(min(levels, 256)):
        if not any(type(item) in LISTS for item in result):
            break
        spend(frame, len(result))
        allocate(frame, sum(len(item) if type(item) in LISTS else 1 for item in result))
        result = [part for item in result for part in (item if type(item) in LISTS else (item,))]
    return result


@lists("reverse")
def reverse(frame: Frame, items: Value) -> Value:
    """The list, or the text, from its end to its start.

    reverse([1, 2, 3]) -> [3, 2, 1]
    'abc'.reverse() -> 'cba'
    """
    items = operand(frame, items)
    if type(items) is str:
        allocate_text(frame, len(items), char_size(items))
        return items[::-1]
    items = a_list(frame, items)
    allocate(frame, len(items))
    return list(reversed(items))


@lists("sort")
def sort(frame: Frame, items: Value) -> list[Value]:
    """The list in rising order; the elements are of one ordered kind. For anything else there is `sortBy`.

    sort([3, 1, 2]) -> [1, 2, 3]
    ['b', 'a'].sort() -> ['a', 'b']
    sort([1, 'a']) -> E305
    """
    return sort_values(frame, list(a_list(frame, items)), lambda item: item)


@lists("slice")
def slice_list(frame: Frame, items: Value, start: Value, end: Value = None) -> Value:
    """The elements (or characters) from `start` up to, not including, `end`; bounds beyond the end are clamped.

    slice([1, 2, 3], 1) -> [2, 3]
    'abc'.slice(0, 2) -> 'ab'
    """
    return cut(frame, items, start, end)


@lists("sum")
def total(frame: Frame, items: Value) -> Value:
    """The sum of numbers or of durations; 0 for an empty list.

    sum([1, 2, 3.5]) -> 6.5
    [].sum() -> 0
    sum(['a']) -> E310
    """
    items = a_list(frame, items)
    spend(frame, len(items))
    result: Value = None
    for item in items:
        if type(item) is int and type(result) is int:
            result = in_range(result + item)
            continue
        known = operand(frame, item)
        if type(known) not in {int, float, Duration}:
            raise wrong(
                "a number or a duration", known, "join() puts texts together" if type(known) is str else ""
            )
        result = known if result is None else add(frame, result, known)
    return 0 if result is None else result


def _extreme(frame: Frame, values: tuple[Value, ...], symbol: str) -> Value:
    items = a_list(frame, values[0]) if len(values) == 1 else values
    if not items:
        raise EvaluationError("E304", "the list is empty")
    spend(frame, len(items))
    best = operand(frame, items[0])
    compare(frame, best, best, symbol)
    for item in items[1:]:
        if compare(frame, item, best, symbol):
            best = operand(frame, item)
    return best


@lists("min", "math.least")
def least(frame: Frame, values: Value, *more: Value) -> Value:
    """The least of the elements of a list, or of the arguments.

    min([3, 1.5]) -> 1.5
    min(3, 1) -> 1
    min([]) -> E304
    """
    return _extreme(frame, (values, *more), "<")


@lists("max", "math.greatest")
def greatest(frame: Frame, values: Value, *more: Value) -> Value:
    """The greatest of the elements of a list, or of the arguments.

    ['a', 'c', 'b'].max() -> 'c'
    max(3, 1) -> 3
    """
    return _extreme(frame, (values, *more), ">")


@lists("range", "lists.range")
def numbers(frame: Frame, start: Value, end: Value = None, step: Value = 1) -> list[int]:
    """The ints from `start` up to, not including, `end`; with one argument from 0.

    range(3) -> [0, 1, 2]
    range(5, 0, -2) -> [5, 3, 1]
    """
    low, high = (0, an_int(frame, start)) if end is None else (an_int(frame, start), an_int(frame, end))
    stride = an_int(frame, step)
    if stride == 0:
        raise EvaluationError("E310", "the step is 0")
    wanted = range(low, high, stride)
    # len() does not take more than 2**63-1; the true length never needs more than this.
    length = max(0, (high - low + stride - (1 if stride > 0 else -1)) // stride)
    allocate(frame, length)
    return list(wanted)


@lists("zip")
def zip_lists(frame: Frame, first_list: Value, *more: Value) -> list[Value]:
    """Lists of the first elements, of the second elements and so on, as long as the shortest list.

    zip([1, 2, 3], ['a', 'b']) -> [[1, 'a'], [2, 'b']]
    """
    columns = [a_list(frame, items) for items in (first_list, *more)]
    allocate(frame, min(map(len, columns)) * (len(columns) + 2))
    return [list(row) for row in zip(*columns, strict=False)]


@lists("chunk")
def chunk(frame: Frame, items: Value, length: Value) -> list[Value]:
    """The list cut into lists of that length; the last one may be shorter.

    chunk([1, 2, 3], 2) -> [[1, 2], [3]]
    """
    items, width = a_list(frame, items), an_int(frame, length)
    if width < 1:
        raise EvaluationError("E310", "the length is less than 1")
    allocate(frame, len(items) + 3 * (len(items) // width + 1))
    return [list(items[place : place + width]) for place in range(0, len(items), width)]

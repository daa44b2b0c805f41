"""What the operators do, in full: the slow and complete half of the evaluator.

The compiled closures handle the common types in place and call these functions for everything else: mixed numbers,
times, secrets, long strings, deep comparisons, errors. They take the frame and the operands; errors carry no span,
the caller adds it. Values are walked with a stack of our own and every element costs a step, so neither depth nor shared
structure can hurt. Must not use Python's ``==`` or ``<`` on containers.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, Final

from actorflow.expressions.failures import EvaluationError
from actorflow.expressions.kinds import (
    LISTS,
    MAPS,
    MISSING,
    Duration,
    Secret,
    Timestamp,
    Type,
    Value,
    adopt,
    items_of,
    kind,
    lookup,
)
from actorflow.expressions.limits import TAINT, Frame, allocate, allocate_text, char_size, spend
from actorflow.expressions.literals import INT_MAX, INT_MIN

__all__ = [
    "add",
    "compare",
    "contains",
    "divide",
    "equal",
    "in_range",
    "key_of",
    "modulo",
    "multiply",
    "negate",
    "operand",
    "subtract",
]

_NUMBERS: Final = frozenset({int, float})
_PLAIN: Final = frozenset({str, bool, int, float, bytes, type(None)})
_TIMES: Final = frozenset({Timestamp, Duration})
LONG: Final = 1024
"""Beyond this length, comparing two strings costs steps."""


def operand(frame: Frame, value: Value) -> Value:
    """Return ``value`` ready to be computed with: a secret is revealed (and taints the evaluation), a datetime is adopted."""
    if type(value) is Secret:
        frame[TAINT] = True
        return operand(frame, value.reveal())
    try:
        adopted = adopt(value)
    except OverflowError:
        raise EvaluationError("E315", "the snapshot holds a time outside the years 1 to 9999") from None
    if adopted is MISSING:
        raise EvaluationError("E315", f"the snapshot holds {kind(value)}, which is no value of the language")
    return adopted


def key_of(frame: Frame, value: Value) -> Value:
    """Return ``value`` ready to be looked up; a long string is compared with the key that it finds, so it is paid for."""
    key = operand(frame, value)
    if type(key) is str and len(key) > LONG:
        spend(frame, len(key) >> 6)
    return key


def in_range(number: int) -> int:
    """Return ``number`` if it fits in 64 bits."""
    if INT_MIN <= number <= INT_MAX:
        return number
    raise EvaluationError(
        "E307", "integer overflow", hint="integers have 64 bits; double(x) goes further, inexactly"
    )


def _double(number: float) -> float:
    try:
        return float(number)
    except OverflowError:
        raise EvaluationError("E307", "the snapshot holds an integer that does not fit in 64 bits") from None


def _no_operator(operator: str, left: Value, right: Value, hint: str = "") -> EvaluationError:
    return EvaluationError(
        "E305", f"'{operator}' does not work for {kind(left)} and {kind(right)}", hint=hint
    )


def _time(cls: Callable[[int, int], Value], total: int) -> Value:
    try:
        return cls(0, total)
    except OverflowError:
        raise EvaluationError("E307", "the result lies outside the range of times") from None


def add(frame: Frame, left: Value, right: Value) -> Value:
    """``left + right``: numbers, strings, bytes, lists, times."""
    left, right = operand(frame, left), operand(frame, right)
    a, b = type(left), type(right)
    if a in _NUMBERS and b in _NUMBERS:
        return in_range(left + right) if a is int and b is int else _double(left) + _double(right)
    if (a is str and b is str) or (a is bytes and b is bytes):
        allocate_text(frame, len(left) + len(right), max(char_size(left), char_size(right)))
        return left + right
    if a in LISTS and b in LISTS:
        allocate(frame, len(left) + len(right))
        return [*left, *right]
    if a in _TIMES and b in _TIMES and not (a is Timestamp and b is Timestamp):
        return _time(Timestamp if Timestamp in {a, b} else Duration, left.total + right.total)
    raise _no_operator("+", left, right, "string(x) makes a text of a value" if str in {a, b} else "")


def subtract(frame: Frame, left: Value, right: Value) -> Value:
    """``left - right``: numbers and times."""
    left, right = operand(frame, left), operand(frame, right)
    a, b = type(left), type(right)
    if a in _NUMBERS and b in _NUMBERS:
        return in_range(left - right) if a is int and b is int else _double(left) - _double(right)
    if a in _TIMES and b in _TIMES and not (a is Duration and b is Timestamp):
        return _time(Duration if a is b else Timestamp, left.total - right.total)
    raise _no_operator("-", left, right)


def multiply(frame: Frame, left: Value, right: Value) -> Value:
    """``left * right`` for numbers."""
    left, right = operand(frame, left), operand(frame, right)
    if type(left) in _NUMBERS and type(right) in _NUMBERS:
        if type(left) is int and type(right) is int:
            return in_range(_small(left) * _small(right))
        return _double(left) * _double(right)
    hint = "repeat(text, n) repeats a text" if str in {type(left), type(right)} else ""
    raise _no_operator("*", left, right, hint)


def _small(number: int) -> int:
    """Refuse an integer of the host that has more than 64 bits: a product of such could be arbitrarily expensive."""
    return in_range(number)


def divide(frame: Frame, left: Value, right: Value) -> Value:
    """``left / right`` for numbers; integers are cut towards zero."""
    left, right = operand(frame, left), operand(frame, right)
    if type(left) not in _NUMBERS or type(right) not in _NUMBERS:
        raise _no_operator("/", left, right)
    if type(left) is int and type(right) is int:
        if right == 0:
            raise EvaluationError("E308", "division by zero")
        quotient = abs(_small(left)) // abs(_small(right))
        return in_range(quotient if (left < 0) == (right < 0) else -quotient)
    return _divide_doubles(_double(left), _double(right))


def _divide_doubles(left: float, right: float) -> float:
    if right != 0:
        return left / right
    if left == 0 or left != left:  # noqa: PLR0124  # NaN is the one value that differs from itself
        return float("nan")
    negative = (left < 0) != str(right).startswith("-")
    return float("-inf") if negative else float("inf")


def modulo(frame: Frame, left: Value, right: Value) -> Value:
    """``left % right`` for integers; the sign is that of ``left``."""
    left, right = operand(frame, left), operand(frame, right)
    if type(left) is not int or type(right) is not int:
        hint = "format('{0}', x) puts a value into a text" if type(left) is str else ""
        raise _no_operator("%", left, right, hint)
    if right == 0:
        raise EvaluationError("E308", "modulus by zero")
    in_range(left // right)  # CEL refuses the one remainder whose quotient overflows
    rest = abs(_small(left)) % abs(_small(right))
    return rest if left >= 0 else -rest


def negate(frame: Frame, value: Value) -> Value:
    """``-value`` for numbers; CEL has no minus for durations."""
    value = operand(frame, value)
    if type(value) is int:
        return in_range(-value)
    if type(value) is float:
        return -value
    raise EvaluationError("E305", f"'-' does not work for {kind(value)}")


def equal(frame: Frame, left: Value, right: Value) -> bool:
    """``left == right``: total and deep; numbers are one kind, everything else only equals its own kind."""
    if type(left) in _PLAIN and type(right) in _PLAIN:
        return _equal_plain(frame, left, right)
    pairs: list[tuple[Value, Value]] = [(left, right)]
    while pairs:
        left, right = pairs.pop()
        a, b = type(left), type(right)
        if a in _PLAIN and b in _PLAIN:
            if not _equal_plain(frame, left, right):
                return False
        elif a in LISTS and b in LISTS:
            if len(left) != len(right):
                return False
            spend(frame, len(left) + 1)
            pairs.extend(zip(reversed(left), reversed(right), strict=True))
        elif a in MAPS and b in MAPS:
            if len(left) != len(right) or not _pair_up(frame, left, right, pairs):
                return False
        elif not _equal_opaque(frame, left, right, pairs):
            return False
    return True


def _equal_plain(frame: Frame, left: Value, right: Value) -> bool:
    a, b = type(left), type(right)
    if a is b:
        if (a is str or a is bytes) and len(left) > LONG and len(left) == len(right):
            spend(frame, len(left) >> 6)
        return bool(left == right)
    return a in _NUMBERS and b in _NUMBERS and _as_double(left) == _as_double(right)


def _as_double(number: float) -> float:
    """Return the double that stands for ``number`` beside another double; CEL compares mixed numbers as doubles."""
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf


def _pair_up(frame: Frame, left: Value, right: Value, pairs: list[tuple[Value, Value]]) -> bool:
    spend(frame, 2 * len(left) + 1)
    for key, value in items_of(left):
        other = lookup(right, key)
        if other is MISSING:
            return False
        pairs.append((value, other))
    return True


def _equal_opaque(frame: Frame, left: Value, right: Value, pairs: list[tuple[Value, Value]]) -> bool:
    """Compare what is neither plain nor a pair of containers; what has to be looked into first goes back on ``pairs``."""
    known_left, known_right = operand(frame, left), operand(frame, right)
    if known_left is not left or known_right is not right:
        pairs.append((known_left, known_right))
        return True
    return type(left) is type(right) and type(left) in {Timestamp, Duration, Type} and bool(left == right)


def compare(frame: Frame, left: Value, right: Value, operator: str) -> bool:
    """``left < right`` and its three like, within one kind."""
    left, right = operand(frame, left), operand(frame, right)
    a, b = type(left), type(right)
    if a in _TIMES and a is b:
        left, right = left.total, right.total
    elif not ((a is b and a in {str, bytes, bool}) or (a in _NUMBERS and b in _NUMBERS)):
        raise _no_operator(operator, left, right)
    if a is not b:
        left, right = _as_double(left), _as_double(right)
    if (a is str or a is bytes) and min(len(left), len(right)) > LONG:
        spend(frame, min(len(left), len(right)) >> 6)
    if operator == "<":
        return bool(left < right)
    if operator == "<=":
        return bool(left <= right)
    if operator == ">":
        return bool(left > right)
    return bool(left >= right)


def contains(frame: Frame, needle: Value, haystack: Value) -> bool:
    """``needle in haystack``: an element of a list or a key of a map."""
    haystack = operand(frame, haystack)
    if type(haystack) in MAPS:
        key = key_of(frame, needle)
        spend(frame, 1)
        return lookup(haystack, key) is not MISSING
    if type(haystack) in LISTS:
        spend(frame, len(haystack))
        return any(equal(frame, needle, item) for item in haystack)
    hint = "contains(text, part) looks into a text" if type(haystack) is str else ""
    raise EvaluationError("E305", f"'in' needs a list or a map on its right, not {kind(haystack)}", hint=hint)


def select(frame: Frame, target: Value, key: str) -> Value:
    """Return the field ``key`` of ``target``, or raise what is wrong."""
    if type(target) in MAPS:
        found = dict.get(target, key, MISSING)
        if found is not MISSING:
            return found
        raise _no_key(frame, f"there is no key '{shown(key)}' in the map", key, target)
    if target is None:
        raise EvaluationError(
            "E302", f"null has no field '{shown(key)}'", hint="?. and ?? let a value be absent"
        )
    if type(target) is Secret:
        raise EvaluationError("E303", "a secret has no fields")
    known = operand(frame, target)
    hint = (
        f"write first() or [0] for an element, or .map(x, x.{shown(key)}) for all"
        if type(known) in LISTS
        else ""
    )
    raise EvaluationError("E303", f"{kind(known)} has no field '{shown(key)}'", hint=hint)


def index(frame: Frame, target: Value, key: Value) -> Value:
    """Return ``target[key]``, or raise what is wrong."""
    cls = type(target)
    if cls in LISTS:
        return _element(frame, target, key)
    if cls in MAPS:
        key = key_of(frame, key)
        found = lookup(target, key)
        if found is not MISSING:
            return found
        if type(key) is str:
            raise _no_key(frame, "there is no such key in the map", key, target)
        raise EvaluationError("E302", f"there is no such {kind(key)} key in the map")
    if target is None:
        raise EvaluationError("E302", "null has no elements", hint="?. and ?? let a value be absent")
    if cls is Secret:
        raise EvaluationError("E303", "a secret has no elements")
    known = operand(frame, target)
    hint = "substring(text, start, end) cuts a text, or text[start:end]" if type(known) is str else ""
    raise EvaluationError("E303", f"{kind(known)} has no elements", hint=hint)


def _no_key(frame: Frame, message: str, key: str, target: Value) -> EvaluationError:
    # Once a secret has been looked into, a key may be (a part of) one, so none is proposed.
    return EvaluationError("E302", message, near=None if frame[TAINT] else (key, target))


def _element(frame: Frame, items: Any, key: Value) -> Value:
    key = operand(frame, key)
    if type(key) is float and key.is_integer():
        key = int(key)
    if type(key) is not int:
        raise EvaluationError("E305", f"the index of a list is an int, not {kind(key)}")
    if 0 <= key < len(items):
        return items[key]
    if key < 0:
        raise EvaluationError(
            "E304",
            "a negative index",
            hint="last(list) is the last element; places are counted from the start, from 0",
        )
    size = "" if frame[TAINT] else f", which has {len(items)} elements"
    raise EvaluationError("E304", f"the index is outside the list{size}", hint="list?.[n] gives null instead")


def cut(frame: Frame, target: Value, low: Value, high: Value) -> Value:
    """Return ``target[low:high]`` for lists, strings and bytes; bounds beyond the end are clamped, negative ones are errors."""
    target = operand(frame, target)
    if type(target) not in LISTS and type(target) not in {str, bytes}:
        raise EvaluationError("E303", f"{kind(target)} cannot be sliced")
    start = 0 if low is None else _bound(frame, low)
    stop = len(target) if high is None else min(_bound(frame, high), len(target))
    size = max(0, stop - start)
    if type(target) in LISTS:
        allocate(frame, size)
        return list(target[start:stop])
    allocate_text(frame, size, char_size(target))
    return target[start:stop]


def _bound(frame: Frame, bound: Value) -> int:
    bound = operand(frame, bound)
    if type(bound) is not int:
        raise EvaluationError("E305", f"the bounds of a slice are ints, not {kind(bound)}")
    if bound < 0:
        raise EvaluationError("E304", "a negative bound of a slice", hint="count from the start: size(x) - 1")
    return int(bound)


def shown(name: str) -> str:
    """Return a name of the source for a message: names are not values, but they may be long."""
    return name if len(name) <= 60 else f"{name[:60]}…"

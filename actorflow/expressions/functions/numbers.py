"""Standard functions of numbers.

Ints stay ints where the result is one; what does not fit in 64 bits is an error, never a wrong number. Must not give NaN where
the argument was none.
"""

from __future__ import annotations

import math
from typing import Final

from actorflow.expressions.failures import EvaluationError
from actorflow.expressions.functions.arguments import a_number, an_int
from actorflow.expressions.functions.registry import Registry
from actorflow.expressions.kinds import Value
from actorflow.expressions.limits import Frame
from actorflow.expressions.operations import in_range

__all__ = ["numbers"]

numbers: Final = Registry("Numbers")


@numbers("abs", "math.abs")
def absolute(frame: Frame, number: Value) -> float:
    """The number without its sign.

    abs(-3) -> 3
    (-2.5).abs() -> 2.5
    """
    value = a_number(frame, number)
    return in_range(abs(value)) if type(value) is int else abs(value)


def _whole(value: float) -> int:
    if not math.isfinite(value):
        raise EvaluationError("E307", "NaN and infinities are no ints")
    return in_range(int(value))


@numbers("ceil", "math.ceil")
def ceil(frame: Frame, number: Value) -> int:
    """The next int that is not less.

    ceil(2.1) -> 3
    ceil(-2.1) -> -2
    """
    value = a_number(frame, number)
    return value if type(value) is int else _whole(math.ceil(value) if math.isfinite(value) else value)


@numbers("floor", "math.floor")
def floor(frame: Frame, number: Value) -> int:
    """The next int that is not greater.

    floor(2.9) -> 2
    floor(-2.1) -> -3
    """
    value = a_number(frame, number)
    return value if type(value) is int else _whole(math.floor(value) if math.isfinite(value) else value)


@numbers("trunc", "math.trunc")
def trunc(frame: Frame, number: Value) -> int:
    """The number without what stands behind its point.

    trunc(-2.9) -> -2
    """
    return _whole(a_number(frame, number))


@numbers("round", "math.round")
def round_number(frame: Frame, number: Value, digits: Value = 0) -> float:
    """The nearest int, halves away from zero; with digits (up to 15), the nearest double with so many behind its point.

    round(2.5) -> 3
    round(-2.5) -> -3
    round(3.14159, 2) -> 3.14
    """
    value, places = a_number(frame, number), an_int(frame, digits)
    if not 0 <= places <= 15:
        raise EvaluationError("E310", "0 to 15 digits are possible")
    if type(value) is int or not math.isfinite(value):
        return value if type(value) is int or places else _whole(value)
    if places:
        return round(value, places)
    half = math.floor(abs(value) + 0.5) if abs(value) < 2**52 else int(abs(value))
    return _whole(half if value >= 0 else -half)


@numbers("sign", "math.sign")
def sign(frame: Frame, number: Value) -> int:
    """-1, 0 or 1.

    sign(-2.5) -> -1
    """
    value = a_number(frame, number)
    return (value > 0) - (value < 0)


@numbers("sqrt", "math.sqrt")
def sqrt(frame: Frame, number: Value) -> float:
    """The square root, a double.

    sqrt(9) -> 3.0
    sqrt(-1) -> E310
    """
    value = a_number(frame, number)
    if value < 0:
        raise EvaluationError("E310", "a negative number has no square root")
    return math.sqrt(in_range(value) if type(value) is int else value)


@numbers("pow", "math.pow")
def power(frame: Frame, base: Value, exponent: Value) -> float:
    """The base to the power of the exponent; an int where both are ints and the exponent is not negative.

    pow(2, 10) -> 1024
    pow(2, -1) -> 0.5
    pow(10, 400) -> E307
    """
    low, high = a_number(frame, base), a_number(frame, exponent)
    if type(low) is int and type(high) is int and high >= 0:
        return _int_power(in_range(low), high)
    try:
        result = math.pow(low, high)
    except OverflowError:
        raise EvaluationError("E307", "the power is too large") from None
    except ValueError:
        raise EvaluationError("E310", "there is no such power") from None
    return result


def _int_power(base: int, exponent: int) -> int:
    if abs(base) <= 1:
        return base if exponent % 2 else base * base if exponent else 1
    if exponent > 63:
        raise EvaluationError("E307", "integer overflow", hint="pow(double(x), y) goes further, inexactly")
    return in_range(base**exponent)

"""Standard functions that convert, and that name types.

The rules are CEL's: a text is read exactly (no blanks, no underscores, ASCII digits only), and a number that does not fit is an error. Must
not guess.
"""

from __future__ import annotations

import math
import re
from typing import Final

from actorflow.expressions.access import TYPES
from actorflow.expressions.failures import EvaluationError
from actorflow.expressions.functions.arguments import made, wrong
from actorflow.expressions.functions.registry import Registry
from actorflow.expressions.kinds import LISTS, MAPS, Secret, Timestamp, Type, Value, kind
from actorflow.expressions.limits import Frame, allocate_text, char_size
from actorflow.expressions.literals import INT_MAX, INT_MIN
from actorflow.expressions.operations import in_range, operand
from actorflow.expressions.results import text_of

__all__ = ["conversions", "utf8"]

conversions: Final = Registry("Types and conversions")

_INT: Final = re.compile(r"[+-]?[0-9]{1,40}")
_DOUBLE: Final = re.compile(r"[+-]?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?")
_SPECIAL: Final = {"nan": math.nan, "inf": math.inf, "infinity": math.inf}
_TRUE: Final = frozenset({"true", "True", "TRUE", "t", "T", "1"})
_FALSE: Final = frozenset({"false", "False", "FALSE", "f", "F", "0"})


def _unreadable(target: str) -> EvaluationError:
    return EvaluationError("E309", f"the string is no {target}")


@conversions("int")
def to_int(frame: Frame, value: Value) -> int:
    """An int from a double (cut towards zero), a string of digits, or a timestamp (seconds since 1970).

    int('-42') -> -42
    int(3.9) -> 3
    int(timestamp('1970-01-01T00:01:00Z')) -> 60
    int('0x10') -> E309
    int(1e30) -> E307
    """
    value = operand(frame, value)
    if type(value) is int:
        return in_range(value)
    if type(value) is float:
        if not float(INT_MIN) < value < float(INT_MAX):
            raise EvaluationError("E307", "the double does not fit in an int")
        return int(value)
    if type(value) is str:
        if not _INT.fullmatch(value):
            raise _unreadable("int")
        return in_range(int(value))
    if type(value) is Timestamp:
        return value.seconds
    raise wrong("a number, a string or a timestamp", value)


@conversions("double", "float")
def to_double(frame: Frame, value: Value) -> float:
    """A double from an int or a string.

    double('2.5e3') -> 2500.0
    float(2) -> 2.0
    double('1_0') -> E309
    """
    value = operand(frame, value)
    if type(value) is float:
        return value
    if type(value) is int:
        return float(in_range(value))
    if type(value) is not str:
        raise wrong("a number or a string", value)
    sign = -1.0 if value.startswith("-") else 1.0
    special = _SPECIAL.get(value.lstrip("+-").lower()) if len(value) <= 9 and value.isascii() else None
    if special is not None and len(value.lstrip("+-")) >= len(value) - 1:
        return sign * special
    if len(value) > 1100 or not _DOUBLE.fullmatch(value):
        raise _unreadable("double")
    number = float(value)
    if math.isinf(number):
        raise EvaluationError("E307", "the number does not fit in a double")
    return number


@conversions("string")
def to_string(frame: Frame, value: Value) -> str:
    """A text from a number, a bool, bytes in UTF-8, a timestamp or a duration. For lists and maps there is `json.stringify`.

    string(1.5) -> '1.5'
    string(true) -> 'true'
    string(b'abc') -> 'abc'
    string(duration('90s')) -> '90s'
    string([1]) -> E310
    """
    if type(value) is str:
        return value
    value = operand(frame, value)
    if type(value) in LISTS or type(value) in MAPS or value is None or type(value) is Type:
        hint = "json.stringify(x) writes any value" if value is not None else "write x ?? ''"
        raise wrong("a simple value", value, hint)
    return made(frame, text_of(frame, value))


@conversions("bool")
def to_bool(frame: Frame, value: Value) -> bool:
    """A bool from one of the strings 'true', 'True', 'TRUE', 't', 'T', '1' and their opposites.

    bool('true') -> true
    bool('0') -> false
    bool('yes') -> E309
    """
    value = operand(frame, value)
    if type(value) is bool:
        return value
    if type(value) is not str:
        raise wrong("a bool or a string", value, "compare it: x != 0")
    if value in _TRUE:
        return True
    if value in _FALSE:
        return False
    raise _unreadable("bool")


@conversions("bytes")
def to_bytes(frame: Frame, value: Value) -> bytes:
    r"""The bytes of a text in UTF-8.

    bytes('ÿ') -> b'\xc3\xbf'
    bytes(5) -> E310
    """
    value = operand(frame, value)
    if type(value) is bytes:
        return value
    if type(value) is not str:
        raise wrong("a string or bytes", value)
    allocate_text(frame, len(value), char_size(value))
    return utf8(value)


def utf8(text: str) -> bytes:
    """Return ``text`` in UTF-8; half a surrogate pair, which JSON can smuggle in, is an error."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        raise EvaluationError(
            "E309", "the text has half a surrogate pair in it, which is no character"
        ) from None


@conversions("dyn")
def dyn(_: Frame, value: Value) -> Value:
    """The value itself; CEL needs this to leave its type open.

    dyn(1) == 1.0 -> true
    """
    return value


_TYPES: Final = {
    "null": TYPES["null_type"],
    "timestamp": TYPES["google.protobuf.Timestamp"],
    "duration": TYPES["google.protobuf.Duration"],
    "secret": Type("secret"),
}


@conversions("type")
def type_of(frame: Frame, value: Value) -> Type:
    """The type of a value, which equals the names int, double, string, bytes, bool, list, map, null_type and type.

    type(1) == int -> true
    type('a') == type('b') -> true
    """
    name = kind(value if type(value) is Secret else operand(frame, value))
    return _TYPES.get(name) or TYPES[name]

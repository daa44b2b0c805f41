"""How standard functions take their arguments: the right type, or an error that says which was needed.

Each taker returns the argument as it is in the common case; a secret is revealed, which taints the evaluation. Must not
convert one kind into another.
"""

from __future__ import annotations

from typing import Any

from actorflow.expressions.failures import EvaluationError
from actorflow.expressions.kinds import LISTS, MAPS, Duration, Timestamp, Value, kind
from actorflow.expressions.limits import Frame, allocate_text, char_size
from actorflow.expressions.operations import operand

__all__ = ["a_count", "a_list", "a_map", "a_number", "a_text", "a_time", "an_int", "made", "wrong"]


def wrong(needed: str, value: Value, hint: str = "") -> EvaluationError:
    """Return the error for an argument that is not ``needed``."""
    return EvaluationError("E310", f"{needed} is needed, not {kind(value)}", hint=hint)


def a_text(frame: Frame, value: Value) -> str:
    """Take a string."""
    if type(value) is str:
        return value
    value = operand(frame, value)
    if type(value) is str:
        return value
    raise wrong("a string", value, "string(x) makes a text of a value")


def a_list(frame: Frame, value: Value) -> Any:
    """Take a list."""
    if type(value) in LISTS:
        return value
    value = operand(frame, value)
    if type(value) in LISTS:
        return value
    raise wrong("a list", value)


def a_map(frame: Frame, value: Value) -> dict[Any, Any]:
    """Take a map."""
    value = operand(frame, value)
    if type(value) in MAPS:
        return value  # type: ignore[no-any-return]  # MAPS are dicts
    raise wrong("a map", value)


def an_int(frame: Frame, value: Value) -> int:
    """Take an int."""
    if type(value) is int:
        return value
    value = operand(frame, value)
    if type(value) is int:
        return value
    raise wrong("an int", value)


def a_count(frame: Frame, value: Value) -> int:
    """Take an int that is not negative."""
    number = an_int(frame, value)
    if number < 0:
        raise EvaluationError("E310", "a negative number is not possible here")
    return number


def a_number(frame: Frame, value: Value) -> int | float:
    """Take an int or a double."""
    value = operand(frame, value)
    if type(value) is int or type(value) is float:
        return value
    raise wrong("a number", value)


def a_time(frame: Frame, value: Value) -> Timestamp | Duration:
    """Take a timestamp or a duration."""
    value = operand(frame, value)
    if type(value) is Timestamp or type(value) is Duration:
        return value
    raise wrong("a timestamp or a duration", value)


def made(frame: Frame, text: str) -> str:
    """Pay for a string that was just made; only for those that cannot be much longer than what they were made of."""
    allocate_text(frame, len(text), char_size(text))
    return text

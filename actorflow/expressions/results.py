"""What leaves the evaluator, and how a value is written as text.

``finish`` makes sure that a result is a value throughout, is not larger than allowed (counted as often as it would be printed)
nor deeper than Python can walk, and has Python's own keys. ``text_of`` is what a template puts into its text. Both pay for
every element they look at. Must not let shared structure be walked for free.
"""

from __future__ import annotations

import json
import math
from typing import Any, Final

from actorflow.expressions.failures import EvaluationError, LimitError
from actorflow.expressions.kinds import (
    LISTS,
    MAPS,
    Duration,
    KeyedMap,
    Secret,
    Timestamp,
    Type,
    Value,
    items_of,
    kind,
)
from actorflow.expressions.limits import LIMITS, Frame, allocate_text, spend
from actorflow.expressions.operations import in_range, operand

__all__ = ["DEPTH", "compact", "finish", "is_deeper", "number_text", "text_of"]

_LEAVES: Final = frozenset({str, int, float, bool, type(None), bytes, Timestamp, Duration, Type, Secret})
DEPTH: Final = 256
"""How deep a value may be nested that comes out of the evaluator, or into it as JSON text."""


def finish(frame: Frame, value: Value, *, given: bool) -> Value:
    """Return the result ``value`` checked; ``given`` says that its containers are the snapshot's own."""
    cls = type(value)
    if cls in _LEAVES:
        return value
    if cls in LISTS or cls in MAPS:
        return value if given and cls is not KeyedMap else _measured(frame, value)
    return operand(frame, value)


def _measured(frame: Frame, value: Value) -> Value:
    allowed = frame[LIMITS].result
    seen = 0
    keyed = False
    level: list[Any] = [value]
    for _ in range(DEPTH):
        below: list[Any] = []
        for container in level:
            seen += len(container)
            if seen > allowed:
                raise LimitError(
                    "E408", "the result has too many elements", hint=f"at most {allowed:,} are allowed"
                )
            keyed = keyed or type(container) is KeyedMap
            below.extend(_containers(frame, container))
        if not below:
            return _plain(value) if keyed else value
        level = below
    raise LimitError("E403", "the result is nested too deeply", hint=f"at most {DEPTH} deep is allowed")


def is_deeper(value: Value, most: int) -> bool:
    """Say whether lists and maps of plain JSON are nested more than ``most`` deep."""
    level: list[Any] = [value]
    for _ in range(most + 1):
        level = [container for container in level if type(container) in LISTS or type(container) in MAPS]
        if not level:
            return False
        level = [
            inner
            for container in level
            for inner in (container if type(container) in LISTS else container.values())
        ]
    return True


def _containers(frame: Frame, container: Any) -> list[Any]:
    values = container if type(container) in LISTS else dict.values(container)
    inner = [value for value in values if type(value) not in _LEAVES]
    for value in inner:
        if type(value) not in LISTS and type(value) not in MAPS:
            operand(frame, value)  # raises for what is no value
    return [value for value in inner if type(value) in LISTS or type(value) in MAPS]


def _plain(value: Value) -> Value:
    """Return ``value`` with Python's own booleans as keys; its size and depth are known to be small."""
    if type(value) in LISTS:
        return [_plain(item) for item in value]
    if type(value) not in MAPS:
        return value
    made = {key: _plain(item) for key, item in items_of(value)}
    if len(made) != len(value):
        raise EvaluationError(
            "E312", "the result has both a number and a boolean as keys that Python cannot tell apart"
        )
    return made


def number_text(number: float) -> str:
    """Return a number as it is written in a text."""
    if type(number) is int:
        return str(in_range(number))
    if math.isfinite(number):
        return repr(number)
    return "NaN" if math.isnan(number) else "Infinity" if number > 0 else "-Infinity"


def text_of(frame: Frame, value: Value) -> str:
    """Return ``value`` as a template puts it into its text."""
    cls = type(value)
    if cls is str:
        return value  # type: ignore[no-any-return]  # checked exactly
    if cls is bool:
        return "true" if value else "false"
    if cls is int or cls is float:
        return number_text(value)
    if value is None:
        raise EvaluationError("E313", "null in a text", hint="write ?? '' for an empty text")
    if cls in LISTS or cls in MAPS:
        return compact(frame, value)
    value = operand(frame, value)
    if type(value) is bytes:
        try:
            return value.decode()
        except UnicodeDecodeError:
            raise EvaluationError(
                "E309", "the bytes are not text in UTF-8", hint="base64.encode(x) writes any bytes"
            ) from None
    return str(value) if type(value) in _LEAVES else text_of(frame, value)


def compact(frame: Frame, value: Value) -> str:
    """Return ``value`` as compact JSON. Every element costs a step, and the text is paid for while it grows."""
    parts: list[str] = []
    # What is still to be written, last first; closing brackets and separators stand in it as 1-tuples of text.
    waiting: list[Any] = [value]
    size = 0
    while waiting:
        item = waiting.pop()
        if type(item) is _Mark:
            text = item.text
        elif type(item) in LISTS:
            spend(frame, len(item) + 1)
            text = "["
            waiting.append(_CLOSE_LIST)
            _push(waiting, [[part] for part in item])
        elif type(item) in MAPS:
            spend(frame, 2 * len(item) + 1)
            text = "{"
            waiting.append(_CLOSE_MAP)
            _push(waiting, [[_Mark(_key(key) + ":"), inner] for key, inner in items_of(item)])
        else:
            text = _leaf(frame, item)
        parts.append(text)
        size += len(text)
        if size > frame[LIMITS].string:
            allocate_text(frame, size)
    allocate_text(frame, size)
    return "".join(parts)


class _Mark:
    """Text that is to be written as it is."""

    __slots__ = ("text",)

    def __init__(self, text: str) -> None:
        self.text = text


_CLOSE_LIST: Final = _Mark("]")
_CLOSE_MAP: Final = _Mark("}")
_COMMA: Final = _Mark(",")


def _push(waiting: list[Any], groups: list[list[Any]]) -> None:
    for place in range(len(groups) - 1, -1, -1):
        waiting.extend(reversed(groups[place]))
        if place:
            waiting.append(_COMMA)


def _key(key: Value) -> str:
    return _quoted(key if type(key) is str else str(key).lower() if type(key) is bool else str(key))


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


def _leaf(frame: Frame, value: Value) -> str:
    cls = type(value)
    if cls is str:
        return _quoted(value)
    if value is None:
        return "null"
    if cls is bool:
        return "true" if value else "false"
    if cls is int:
        return number_text(value)
    if cls is float:
        if not math.isfinite(value):
            raise EvaluationError("E309", "JSON has no NaN and no infinities")
        return repr(value)
    value = operand(frame, value)
    if type(value) in {Timestamp, Duration}:
        return _quoted(str(value))
    if type(value) in LISTS or type(value) in MAPS or cls is Secret:
        return compact(frame, value)
    raise EvaluationError(
        "E309",
        f"{kind(value)} has no JSON form",
        hint="base64.encode(x) writes bytes" if type(value) is bytes else "",
    )

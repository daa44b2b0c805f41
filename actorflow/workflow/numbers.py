"""Which numbers a workflow can keep: 64-bit integers and finite doubles, in YAML 1.2's core schema and in JSON.

Takes the text of a scalar and gives its value. ``yes``, ``on``, ``1_000``, ``1:30`` and dates are text, as
YAML 1.2 says. Numbers outside the range are refused rather than rounded: an id with twenty digits that
silently changes is worse than an error.
"""

from __future__ import annotations

import math
import re

from actorflow.workflow.events import Unreadable

__all__ = ["core_scalar", "json_literal"]

_WORDS: dict[str, bool | None] = {
    "": None,
    "~": None,
    "null": None,
    "Null": None,
    "NULL": None,
    "true": True,
    "True": True,
    "TRUE": True,
    "false": False,
    "False": False,
    "FALSE": False,
}
_FIRST = frozenset("0123456789+-.~nNtTfF")
_INTEGER = re.compile(r"[-+]?[0-9]+")
_OTHER_BASE = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_LONGEST = 400  # characters; int() refuses 4,300 digits and a double says nothing with more than 350


def core_scalar(text: str) -> str | int | float | bool | None:
    """Return the value of a plain YAML scalar.

    Raises:
        Unreadable: a number that cannot be kept.
    """
    if not text:
        return None
    if text[0] not in _FIRST:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return _integer(text, 10)
    if _FLOAT.fullmatch(text):
        return _double(text)
    if _OTHER_BASE.fullmatch(text):
        return _integer(text[2:], 8 if text[1] == "o" else 16)
    if _NOT_FINITE.fullmatch(text):
        raise Unreadable(f"{text} is not a number that a workflow can keep", f'for text, quote it: "{text}"')
    return text


def json_literal(text: str) -> int | float | bool | None:
    """Return the value of a JSON number or word, which must be well-formed.

    Raises:
        Unreadable: a number that cannot be kept.
    """
    if text in _WORDS:
        return _WORDS[text]
    return _integer(text, 10) if _INTEGER.fullmatch(text) else _double(text)


def _integer(digits: str, base: int) -> int:
    if len(digits) <= _LONGEST:
        value = int(digits, base)
        if -(2**63) <= value < 2**63:
            return value
    raise Unreadable("this whole number does not fit in 64 bits", "quote it to keep it as text")


def _double(text: str) -> float:
    if len(text) <= _LONGEST:
        value = float(text)
        if math.isfinite(value):
            return value
    raise Unreadable("this number is too large", "quote it to keep it as text")

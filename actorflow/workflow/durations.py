"""How long: ``600``, ``1.5``, ``"90s"``, ``"5m"``, ``"1h30m"``, ``"500ms"``, ``"2d"``.

A number is seconds. Text is one or more numbers with units, largest first, each unit once. Takes a scalar and
gives seconds; knows no clock.
"""

from __future__ import annotations

import re

__all__ = ["DURATION_PATTERN", "LONGEST_SECONDS", "duration_seconds"]

DURATION_PATTERN = r"^[0-9]+(\.[0-9]+)?$|^([0-9]+(\.[0-9]+)?(ms|d|h|m|s))+$"
"""What duration text looks like, as a regular expression for JSON Schema (it is a little wider than
``duration_seconds``)."""

LONGEST_SECONDS = 3650 * 86400.0
"""Ten years; anything longer is a mistake."""

_UNITS = {"d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|[dhms])")
_NUMBER = re.compile(r"[0-9]+(?:\.[0-9]+)?")


def duration_seconds(value: object) -> float | None:
    """Return the seconds that ``value`` says; None when it is no duration. May be 0 or more than ``LONGEST_SECONDS``."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float):
        return float(value)
    if not isinstance(value, str) or len(value) > 100:
        return None
    text = value.strip()
    if _NUMBER.fullmatch(text):
        return float(text)
    return _parts(text)


def _parts(text: str) -> float | None:
    total, at, largest = 0.0, 0, float("inf")
    while at < len(text):
        part = _PART.match(text, at)
        if part is None or _UNITS[part[2]] >= largest:
            return None
        largest = _UNITS[part[2]]
        total += float(part[1]) * largest
        at = part.end()
    return total if text else None

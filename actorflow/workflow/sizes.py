"""How much: ``64MiB``, ``"1.5 GiB"``, ``"500MB"``, or a number of bytes.

Takes a scalar and gives bytes. Units are those of IEC (KiB is 1,024 bytes) and SI (kB is 1,000), in any case.
"""

from __future__ import annotations

import re

__all__ = ["LARGEST_BYTES", "SIZE_PATTERN", "size_bytes", "size_text"]

SIZE_PATTERN = r"^[0-9]+(\.[0-9]+)? ?([kKmMgGtT][iI]?)?[bB]?$"
"""What size text looks like, as a regular expression for JSON Schema."""

LARGEST_BYTES = 1024**5
"""A pebibyte; anything larger is a mistake."""

_PREFIXES = "kmgt"
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?)\s?(?:([kmgt])(i?))?b?", re.IGNORECASE)


def size_bytes(value: object) -> int | None:
    """Return the bytes that ``value`` says, rounded down; None when it is no size."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value if value >= 0 else None
    found = _SIZE.fullmatch(value.strip()) if isinstance(value, str) and len(value) <= 40 else None
    if found is None:
        return None
    number, prefix, is_binary = found.groups()
    power = _PREFIXES.index(prefix.lower()) + 1 if prefix else 0
    return int(float(number) * (1024 if is_binary else 1000) ** power)


def size_text(size: int) -> str:
    """Return how people write a size: in the largest unit of which it is a multiple."""
    for power, unit in ((4, "TiB"), (3, "GiB"), (2, "MiB"), (1, "KiB")):
        if size and size % 1024**power == 0:
            return f"{size // 1024**power} {unit}"
    return f"{size:,} bytes"

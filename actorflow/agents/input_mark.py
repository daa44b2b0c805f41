"""The mark beside an attempt's output that its program has not been given all yet that it is to read.

Set by ``program_input`` while there is a rest, and looked for by whoever comes after a driver that was killed,
which is why it needs no trio.
"""

from __future__ import annotations

from pathlib import Path

__all__ = ["INPUT_PART", "is_input_cut"]

INPUT_PART = "stdin.part"


def is_input_cut(folder: Path) -> bool:
    """Tell whether the driver of an attempt died before it had given the program all that it was to read."""
    return (folder / INPUT_PART).exists()

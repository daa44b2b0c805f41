"""Whether we have bytes of a program in our hands: taken out of its pipe, and not yet in its file.

Where the kernel moves them (``splice``) there are never any. Where they are read and written, whoever comes after
us if we are killed in between must know that something is missing. ``InHand`` says so in one byte of a file that
is mapped into memory: saying it costs nothing, and it stays said whatever becomes of us (not of the machine).
"""

from __future__ import annotations

import mmap
import os
from pathlib import Path

__all__ = ["InHand", "had_in_hand"]

_SUFFIX = ".in-hand"


class InHand:
    """What is said of one stream's file."""

    def __init__(self, file: Path) -> None:
        """Say that there is nothing.

        Raises:
            OSError: there is no room for that.
        """
        self._path = file.with_name(file.name + _SUFFIX)
        flags = os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW
        with open(os.open(self._path, flags, 0o600), "r+b") as stream:
            stream.write(b"\0")
            stream.flush()
            self._map = mmap.mmap(stream.fileno(), 1)

    def say(self, *, is_any: bool) -> None:
        """Say whether there are bytes in our hands."""
        self._map[0] = is_any

    def close(self) -> None:
        """Say no more; nothing will be read."""
        self._map.close()
        self._path.unlink(missing_ok=True)


def had_in_hand(file: Path) -> bool:
    """Tell whether who wrote ``file`` died with bytes of it in hand."""
    try:
        return b"\1" in file.with_name(file.name + _SUFFIX).read_bytes()
    except OSError:
        return False

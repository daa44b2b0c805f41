"""Writing to stdout and stderr, as they are: their encoding is respected, and every line is there at once.

``say`` takes text that is safe to show already. Must not be used for bytes.
"""

from __future__ import annotations

import sys

__all__ = ["say"]


def say(text: str = "", *, to_stderr: bool = False, end: str = "\n") -> None:
    """Write text, data on stdout by default, talk on stderr."""
    stream = sys.stderr if to_stderr else sys.stdout
    stream.write(text + end)
    stream.flush()

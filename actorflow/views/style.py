"""Symbols and colours of states, and how text is painted without any library.

``Look`` says what the stream that is written to can show; it is worked out once, at the rim, and passed down.
A state is never told by colour alone: its symbol or its word is always there, so nothing is lost with
NO_COLOR or in a pipe.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, tzinfo
from typing import Final, TextIO

import msgspec

__all__ = ["COLOURS", "Look", "look_of", "paint", "symbol"]

_UNICODE: Final = {
    "pending": "·",
    "running": "●",
    "retry_wait": "↻",
    "parked": "‖",
    "waiting": "…",
    "success": "✓",
    "failed": "✗",
    "skipped": "○",
    "cancelled": "■",
    "paused": "‖",
    "interrupted": "!",
    "lost": "!",
    "silent": "!",
}
_ASCII: Final = {
    "pending": ".",
    "running": "*",
    "retry_wait": "~",
    "parked": "|",
    "waiting": ":",
    "success": "+",
    "failed": "x",
    "skipped": "-",
    "cancelled": "#",
    "paused": "|",
    "interrupted": "!",
    "lost": "!",
    "silent": "!",
}
COLOURS: Final = {
    "running": "cyan",
    "retry_wait": "yellow",
    "parked": "yellow",
    "waiting": "yellow",
    "success": "green",
    "failed": "red",
    "skipped": "bright_black",
    "cancelled": "magenta",
    "paused": "yellow",
    "interrupted": "red",
    "lost": "red",
    "silent": "red",
    "pending": "bright_black",
}
"""State -> colour, by names that rich and ANSI share."""

_ANSI: Final = {"red": 31, "green": 32, "yellow": 33, "magenta": 35, "cyan": 36, "bright_black": 90}


class Look(msgspec.Struct, frozen=True, kw_only=True):
    """What can be shown.

    Attributes:
        is_live: the stream is a terminal that can redraw.
        has_colour: colours may be used.
        has_symbols: characters beyond ASCII can be written.
        zone: in which people read times.
    """

    is_live: bool = False
    has_colour: bool = False
    has_symbols: bool = True
    zone: tzinfo = UTC


def look_of(stream: TextIO, environment: Mapping[str, str], *, zone: tzinfo = UTC) -> Look:
    """Work out what ``stream`` can show.

    Args:
        stream: where it will be written.
        environment: ``NO_COLOR`` (any text but "") takes colours away; ``TERM=dumb`` or no ``TERM`` takes
            redrawing away too.
    """
    is_terminal = stream.isatty() and environment.get("TERM", "") not in ("", "dumb")
    encoding = (getattr(stream, "encoding", None) or "ascii").lower().replace("-", "").replace("_", "")
    return Look(
        is_live=is_terminal,
        has_colour=is_terminal and not environment.get("NO_COLOR"),
        has_symbols=encoding.startswith("utf"),
        zone=zone,
    )


def symbol(phase: str, look: Look) -> str:
    """Return the symbol of a state or sub-state."""
    return (_UNICODE if look.has_symbols else _ASCII).get(phase, "?")


def paint(text: str, colour: str, look: Look) -> str:
    """Return ``text`` in ``colour`` (a name of ``COLOURS``' values, or "" for none) if colours may be used."""
    if not look.has_colour or not colour:
        return text
    return f"\x1b[{_ANSI[colour]}m{text}\x1b[0m"

r"""Makes text from agents safe to print: nothing in it may drive the terminal or disguise what it says.

Takes any text and gives text without control characters (C0, DEL, C1, and so no escape sequence of any kind),
without bidirectional controls and invisible tags, without line and paragraph separators, and without lone
surrogates, which cannot be encoded. Each is shown as its code (``\x1b``, ``\u202e``). Everything else, emoji
and all scripts included, passes unchanged. Invariant: the result of ``escape`` is one line.
"""

from __future__ import annotations

import re
from collections.abc import Callable

__all__ = ["cut", "escape", "escape_lines", "escape_with", "is_safe"]

_UNSAFE = (
    "\x00-\x1f\x7f-\x9f"  # C0, DEL, C1: ESC, CSI, OSC and their eight-bit forms are all in here
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u206f"  # bidirectional and deprecated format controls
    "\u2028\u2029"  # separators that some terminals and editors take for a line break
    "\u00ad\u180e\u2060-\u2064\ufeff\ufff9-\ufffb"  # invisible: they hide differences between two texts
    "\ud800-\udfff"  # lone surrogates: no encoding can write them
    "\U000e0000-\U000e0fff"  # tags and variation selectors supplement: invisible text
)
_ONE_LINE = re.compile(f"[{_UNSAFE}]")
_KEEP_LINES = re.compile(f"(?![\n\t])[{_UNSAFE}]")
_LINE_BREAK = re.compile("\r\n?")


def escape(text: str) -> str:
    r"""Return ``text`` as one printable line; line breaks and tabs are shown as ``\n`` and ``\t``."""
    return _ONE_LINE.sub(_shown, text)


def escape_lines(text: str) -> str:
    """Return ``text`` printable with its line breaks and tabs kept; a carriage return becomes a line break."""
    return _KEEP_LINES.sub(_shown, _LINE_BREAK.sub("\n", text))


def escape_with(shown: Callable[[str], str], text: str) -> str:
    """Return ``text`` on one line with every unsafe character replaced by what ``shown`` gives for it."""
    if text.isascii() and text.isprintable():  # many times as fast as looking for each, and the usual case
        return text
    return _ONE_LINE.sub(lambda match: shown(match.group()), text)


def is_safe(text: str) -> bool:
    """Say whether ``escape`` would change nothing."""
    return _ONE_LINE.search(text) is None


def cut(text: str, width: int) -> str:
    """Return ``text`` in at most ``width`` characters, with an ellipsis where something is missing."""
    if len(text) <= width:
        return text
    return text[: width - 1] + "…" if width > 0 else ""


_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}


def _shown(match: re.Match[str]) -> str:
    character = match.group()
    if character in _SHORT:
        return _SHORT[character]
    code = ord(character)
    if code < 0x100:
        return f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"

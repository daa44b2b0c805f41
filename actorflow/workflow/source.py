r"""The text of a workflow file: from an offset to line, column and excerpt.

Lines end at ``\n``, ``\r\n`` or a lone ``\r``, as editors count them. Columns are characters from 1. Excerpts
never carry the value of a secret that stands in the file, nor anything a terminal would obey. Only made when
there is something to show, so that a correct file never pays for it; a line of 30 MB is never copied.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from actorflow.workflow.secret_text import SecretBlocks

__all__ = ["Source"]

_WIDTH = 120
_TERMINAL_ORDERS = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_INK = re.compile(r"[^ \t\n]")


class Source:
    """A file's text.

    Args:
        file: its name, as the user gave it.
        text: decoded; without a byte order mark.
    """

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.text = text
        self._lines = text
        if "\r" in text:  # same length, one kind of line end
            self._lines = text.replace("\r\n", " \n").replace("\r", "\n")
        self._secrets: SecretBlocks | None = None

    def places(self, offsets: Iterable[int]) -> dict[int, tuple[int, int]]:
        """Return offset -> (line, column), both from 1. One walk over the text for all of them."""
        found: dict[int, tuple[int, int]] = {}
        line, begin, at = 1, 0, 0
        for offset in sorted(set(offsets)):
            line += self._lines.count("\n", at, offset)
            begin = max(begin, self._lines.rfind("\n", at, offset) + 1)
            at = offset
            found[offset] = (line, offset - begin + 1)
        return found

    def excerpt(self, start: int, end: int, column: int) -> str:
        """Return the line that ``start`` is on and carets under ``start:end``, as two lines; "" for a blank line."""
        begin = start - column + 1
        stop = self._lines.find("\n", start)
        stop = len(self._lines) if stop < 0 else stop
        ink = _INK.search(self._lines, begin, stop)
        if ink is None:
            return ""
        left = min(ink.start(), start)
        if start - left > _WIDTH * 2 // 3:
            left = start - _WIDTH // 2
        shown = self._window(begin, left, min(stop, left + _WIDTH))
        marked = shown[start - left : max(start, min(end, stop)) - left].rstrip()
        carets = "^" * max(1, _columns(marked))
        return f"{shown.rstrip()}\n{' ' * _columns(shown[: start - left])}{carets}"

    def _window(self, begin: int, left: int, right: int) -> str:
        if self._secrets is None:
            self._secrets = SecretBlocks(self._lines)
        return "".join(map(_visible, self._secrets.window(begin, left, right)))


def _visible(character: str) -> str:
    if character == "\t":
        return " "
    return "\N{REPLACEMENT CHARACTER}" if unicodedata.category(character) in _TERMINAL_ORDERS else character


def _columns(text: str) -> int:
    """How wide ``text`` is in a terminal."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text
    )

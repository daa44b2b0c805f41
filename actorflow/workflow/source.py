r"""The text of a workflow file: from an offset to line, column and excerpt.

Lines end at ``\n``, ``\r\n`` or a lone ``\r``, as editors count them. Columns are characters from 1. Excerpts never carry the value
of a secret that stands in the file, nor anything a terminal would obey. Holds the decoded text; is only made when there is
something to show, so that a correct file never pays for it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

from actorflow.workflow.secret_text import hide_secrets

__all__ = ["Source"]

_WIDTH = 120
_TERMINAL_ORDERS = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_NOTE = re.compile(r"\S")


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
        self._shown: str | None = None

    def places(self, offsets: Iterable[int]) -> dict[int, tuple[int, int]]:
        """Return offset -> (line, column), both from 1. One walk over the text for all of them."""
        found: dict[int, tuple[int, int]] = {}
        line, at = 1, 0
        for offset in sorted({min(max(offset, 0), len(self.text)) for offset in offsets}):
            line += self._lines.count("\n", at, offset)
            at = offset
            found[offset] = (line, offset - (self._lines.rfind("\n", 0, offset) + 1) + 1)
        return found

    def excerpt(self, start: int, end: int) -> str:
        """Return the line that ``start`` is on and carets under ``start:end``, as two lines; "" for a blank line."""
        begin = self._lines.rfind("\n", 0, start) + 1
        stop = self._lines.find("\n", start)
        stop = len(self._lines) if stop < 0 else stop
        line = self._safe_lines[begin:stop]
        first = _NOTE.search(line)
        if first is None:
            return ""
        left = min(first.start(), start - begin)
        if start - begin - left > _WIDTH * 2 // 3:
            left = start - begin - _WIDTH // 2
        shown = line[left : left + _WIDTH].rstrip()
        column = start - begin - left
        marked = line[start - begin : min(end - begin, left + _WIDTH)].rstrip()
        carets = "^" * max(1, _columns(marked))
        return f"{_visible(shown)}\n{' ' * _columns(line[left : left + column])}{carets}"

    @property
    def _safe_lines(self) -> str:
        if self._shown is None:
            self._shown = hide_secrets(self._lines)
        return self._shown


def _visible(text: str) -> str:
    return "".join(_visible_character(c) for c in text)


def _visible_character(character: str) -> str:
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

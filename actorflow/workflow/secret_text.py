r"""Hides the values of a ``secrets:`` block in excerpts of a workflow file.

Works on the raw text, because excerpts are also shown of files that cannot be parsed. What is hidden keeps
its length, so that columns stay true; references (``env:NAME``, ``file:PATH``) stay readable. It may hide too
much; it must never hide too little for a block that is written in the usual way. Lines must end with ``\n``.
"""

from __future__ import annotations

import re
from bisect import bisect_right

__all__ = ["SecretBlocks"]

_BLOCK = re.compile(r"""^([ \t]*(?:-[ \t]+)?)(["']?)secrets\2[ \t]*:[ \t]*(?:#[^\n]*)?$""", re.MULTILINE)
_INLINE = re.compile(r"""(["']?)\bsecrets\1[ \t]*:\s*\{""")
_END_OF_BRACES = re.compile(r"""(?:"(?:[^"\\]|\\.)*+"|'(?:[^']|'')*+'|[^}"']++)*+""")
_ENTRY = re.compile(r"""^([ \t]*(?:"[^"\n]*"|'[^'\n]*'|[^\s:#"'][^:\n]*)[ \t]*:[ \t]+)?(.*)$""")
_KEY_ALONE = re.compile(r"""[ \t]*["']?[\w-]+["']?[ \t]*:[ \t]*(?:#.*)?""")
_REFERENCE = re.compile(r"""["']?(?:env|file):[^\s"']*["']?[ \t]*(?:#.*)?""")
_INLINE_VALUE = re.compile(r"""(:\s*)("(?:[^"\\]|\\.)*"?|'(?:[^']|'')*'?|[^\s,{}"'][^,}\n]*)""")
_LARGE = 100_000


class SecretBlocks:
    """Where the values of secrets stand in one text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._spans: list[tuple[int, int, bool]] = []
        self._inline: dict[int, str] = {}  # start of a mapping in braces -> what is shown of it
        if "secrets" in text:
            self._find()
        self._starts = [start for start, _, _ in self._spans]

    def window(self, line: int, start: int, end: int) -> str:
        """Return ``text[start:end]``, a part of the line that begins at ``line``, with secrets replaced by ``*``."""
        shown = self._text[start:end]
        index = bisect_right(self._starts, end) - 1
        while index >= 0 and self._spans[index][1] > start:
            first, last, is_inline = self._spans[index]
            hidden, at = self._hidden_inline(first, last) if is_inline else (self._hidden_line(line), line)
            left, right = max(start, first, at), min(end, last, at + len(hidden))
            if left < right:
                shown = shown[: left - start] + hidden[left - at : right - at] + shown[right - start :]
            index -= 1
        return shown

    def _find(self) -> None:
        at = 0
        for head in _BLOCK.finditer(self._text):
            if head.start() >= at:
                at = self._end_of_block(head.end(), len(head[1]))
                self._spans.append((head.end(), at, False))
        at = 0
        for head in _INLINE.finditer(self._text):
            if head.start() >= at:
                closing = _END_OF_BRACES.match(self._text, head.end())
                at = closing.end() if closing else len(self._text)
                self._spans.append((head.end(), at, True))
        self._spans.sort()

    def _end_of_block(self, start: int, indent: int) -> int:
        """Return where the first line starts that is indented no deeper than the key."""
        following = re.compile(rf"\n[ \t]{{0,{indent}}}(?![ \t\n])").search(self._text, start)
        return following.start() + 1 if following else len(self._text)

    def _hidden_line(self, line: int) -> str:
        end = self._text.find("\n", line)
        text = self._text[line : end if end >= 0 else len(self._text)]
        match = _ENTRY.match(text)
        if match is None:
            return text
        head, value = match[1] or "", match[2]
        if not head and _KEY_ALONE.fullmatch(value):
            return text  # its value is on the lines that follow, where everything is hidden
        return head + (value if _REFERENCE.fullmatch(value.strip()) else _stars(value))

    def _hidden_inline(self, start: int, end: int) -> tuple[str, int]:
        if start not in self._inline:
            inside = self._text[start:end]
            is_large = len(inside) > _LARGE
            self._inline[start] = "*" * len(inside) if is_large else _INLINE_VALUE.sub(_hide_value, inside)
        return self._inline[start], start


def _hide_value(match: re.Match[str]) -> str:
    value = match[2]
    return match[1] + (value if _REFERENCE.fullmatch(value.strip()) else _stars(value))


def _stars(value: str) -> str:
    return re.sub(r"\S", "*", value)

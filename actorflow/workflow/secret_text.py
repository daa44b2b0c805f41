"""Hides the values of a ``secrets:`` block in the raw text of a workflow file.

Works on text alone, line by line, because excerpts are also shown of files that cannot be parsed. Same length in and out, so that columns
stay true. References (``env:NAME``, ``file:PATH``) stay readable. It may hide too much; it must never hide too little for
a block that is written in the usual way.
"""

from __future__ import annotations

import re

__all__ = ["hide_secrets"]

_BLOCK = re.compile(r"""^([ \t]*(?:-[ \t]+)?)(["']?)secrets\2[ \t]*:[ \t]*(?:#[^\n]*)?$""", re.MULTILINE)
_INLINE = re.compile(r"""(["']?)\bsecrets\1[ \t]*:\s*\{""")
_ENTRY = re.compile(r"""^([ \t]*(?:"[^"\n]*"|'[^'\n]*'|[^\s:#"'][^:\n]*)[ \t]*:[ \t]+)?(.*)$""")
_REFERENCE = re.compile(r"""["']?(?:env|file):[^\s"']*["']?[ \t]*(?:#.*)?""")
_INLINE_VALUE = re.compile(r"""(:\s*)("(?:[^"\\]|\\.)*"?|'(?:[^']|'')*'?|[^\s,{}"'][^,}\n]*)""")


def hide_secrets(text: str) -> str:
    r"""Return ``text`` with each character of a literal secret replaced by ``*``. Lines must end with ``\n``."""
    if "secrets" not in text:
        return text
    return _hide_inline(_hide_blocks(text))


def _hide_blocks(text: str) -> str:
    pieces: list[str] = []
    at = 0
    for head in _BLOCK.finditer(text):
        if head.start() < at:
            continue
        pieces.append(text[at : head.end()])
        at = _end_of_block(text, head.end(), len(head[1]))
        pieces.append("\n".join(_hide_line(line) for line in text[head.end() : at].split("\n")))
    return "".join([*pieces, text[at:]])


def _end_of_block(text: str, start: int, indent: int) -> int:
    at = start
    while at < len(text):
        following = text.find("\n", at + 1)
        line = text[at + 1 : following if following >= 0 else len(text)]
        if line.strip() and len(line) - len(line.lstrip(" \t")) <= indent:
            return at
        if following < 0:
            return len(text)
        at = following
    return at


def _hide_line(line: str) -> str:
    match = _ENTRY.match(line)
    if match is None:
        return line
    head, value = match[1] or "", match[2]
    if not head and re.fullmatch(r"""[ \t]*["']?[\w-]+["']?[ \t]*:[ \t]*(?:#.*)?""", value):
        return line  # a key alone: its value follows on the next lines, where everything is hidden
    return head + (value if _REFERENCE.fullmatch(value.strip()) else _stars(value))


def _hide_inline(text: str) -> str:
    pieces: list[str] = []
    at = 0
    for head in _INLINE.finditer(text):
        if head.start() < at:
            continue
        pieces.append(text[at : head.end()])
        at = _end_of_braces(text, head.end())
        pieces.append(_INLINE_VALUE.sub(_hide_value, text[head.end() : at]))
    return "".join([*pieces, text[at:]])


def _end_of_braces(text: str, start: int) -> int:
    found = re.compile(r"""(?:"(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^}"'])*""").match(text, start)
    return found.end() if found else len(text)


def _hide_value(match: re.Match[str]) -> str:
    value = match[2]
    return match[1] + (value if _REFERENCE.fullmatch(value.strip()) else _stars(value))


def _stars(value: str) -> str:
    return re.sub(r"\S", "*", value)

"""From an offset inside a scalar's content to an offset in the file.

An expression error knows where it is in the text that YAML or JSON gave us; quotes, escapes, indentation and
folding lie between that and the column a person sees. ``source_offsets`` retraces how the content came out of
the raw text, and its answer is used only when the retraced content is exactly the real one; otherwise the
caller points to the scalar's start.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["source_offsets"]

_YAML_ESCAPES = {
    "0": "\0", "a": "\a", "b": "\b", "t": "\t", "\t": "\t", "n": "\n", "v": "\v", "f": "\f", "r": "\r", "e": "\x1b",
    " ": " ", '"': '"', "/": "/", "\\": "\\", "N": "\x85", "_": "\xa0", "L": "\u2028", "P": "\u2029",
}  # fmt: skip
_CODE_LENGTHS = {"x": 2, "u": 4, "U": 8}
_BLOCK_HEADER = re.compile(r"[|>][-+0-9]*[ \t]*(?:#[^\n]*)?\0?(?:\n|\Z)")
_CRLF = "\0\n"  # as long as it was, and no file has a NUL
_BREAK = re.compile(r"[ \t\0]*\n[ \t\n\0]*")
_ESCAPED_BREAK = re.compile(r"\0?\n[ \t]*")

_LONGEST = 200_000  # characters; retracing takes a hundred bytes for each
_Pairs = Iterator[tuple[str, int]]


def source_offsets(raw: str, style: str, content: str) -> list[int] | None:
    """Return, for each character of ``content`` and for its end, where it stands in ``raw``; None when that cannot be said.

    Args:
        raw: the scalar as the file has it, quotes and block header included.
        style: "" or the first character of ``raw`` for quoted and block scalars.
        content: what the reader made of it.
    """
    if len(raw) > _LONGEST or not content:
        return None
    raw = raw.replace("\r\n", _CRLF).replace("\r", "\n")
    pairs = list(_retrace(raw, style))[: len(content)]
    if "".join(character for character, _ in pairs) != content:
        return None
    return [*(offset for _, offset in pairs), pairs[-1][1] + 1]


def _retrace(raw: str, style: str) -> _Pairs:
    """Yield the characters of the content with the offset that each comes from."""
    if style == '"':
        return _double_quoted(raw)
    if style == "'":
        return _flow_lines(raw, 1, len(raw) - 1, quote="'")
    if style == "|":
        return _literal_block(raw)
    if style == ">":
        return _folded_block(raw)
    return _flow_lines(raw, 0, len(raw))


def _flow_lines(raw: str, start: int, end: int, quote: str = "") -> _Pairs:
    at = start
    while at < end:
        folded = _BREAK.match(raw, at, end)
        if folded is not None:
            yield from _folded(folded[0], at)
            at = folded.end()
        elif quote and raw[at] == quote:
            yield quote, at
            at += 2
        else:
            yield raw[at], at
            at += 1


def _folded(space: str, at: int) -> _Pairs:
    """One line end becomes a space, more of them become all but one."""
    breaks = space.count("\n")
    if breaks == 1:
        yield " ", at
    else:
        yield from [("\n", at)] * (breaks - 1)


def _double_quoted(raw: str) -> _Pairs:
    at, end = 1, len(raw) - 1
    while at < end:
        folded = _BREAK.match(raw, at, end)
        if folded is not None:
            yield from _folded(folded[0], at)
            at = folded.end()
        elif raw[at] == "\\":
            text, length = _escape(raw, at)
            yield from ((character, at) for character in text)
            at += length
        else:
            yield raw[at], at
            at += 1


def _escape(raw: str, at: int) -> tuple[str, int]:
    """Return what the escape at ``at`` stands for and its length."""
    kind = raw[at + 1]
    if kind in _CODE_LENGTHS:
        digits = _CODE_LENGTHS[kind]
        code = int(raw[at + 2 : at + 2 + digits], 16)
        # JSON writes large characters as two halves.
        if 0xD800 <= code < 0xDC00 and raw[at + 6 : at + 8] == "\\u":
            code = 0x10000 + ((code - 0xD800) << 10) + int(raw[at + 8 : at + 12], 16) - 0xDC00
            return chr(code), 12
        return chr(code), 2 + digits
    following = _ESCAPED_BREAK.match(raw, at + 1)
    # An escaped line end is nothing at all, and neither is the indentation after it.
    if following is not None:
        return "", following.end() - at
    return _YAML_ESCAPES.get(kind, kind), 2


def _block_lines(raw: str) -> list[tuple[str, int]]:
    """Return the lines of a block scalar without their indentation, each with its offset."""
    header = _BLOCK_HEADER.match(raw)
    start = header.end() if header else 0
    lines: list[tuple[str, int]] = []
    for line in raw[start:].split("\n"):
        lines.append((line.rstrip("\0"), start))
        start += len(line) + 1
    said = re.search(r"[1-9]", header[0].split("#")[0]) if header else None
    filled = [len(line) - len(line.lstrip(" ")) for line, _ in lines if line.strip(" ")]
    indent = filled[0] if filled else 0
    if said is not None:
        # The indicator counts from the parent's indentation, which the raw text does not show: the smallest one it can be.
        indent = min(filled, default=0)
    return [(line[indent:], at + min(indent, len(line))) for line, at in lines]


def _literal_block(raw: str) -> _Pairs:
    for line, at in _block_lines(raw):
        yield from zip(line, range(at, at + len(line)), strict=True)
        yield "\n", at + len(line)


def _folded_block(raw: str) -> _Pairs:
    lines = _block_lines(raw)
    breaks: list[tuple[str, int]] = []
    was_plain, is_first = False, True
    for line, at in lines:
        if not line:
            breaks.append(("\n", at))
            continue
        is_plain = line[0] not in " \t"
        if not is_first:
            if was_plain and is_plain:
                yield from breaks or [(" ", at - 1)]
            else:
                yield "\n", at - 1
                yield from breaks
        else:
            yield from breaks
        yield from zip(line, range(at, at + len(line)), strict=True)
        breaks, was_plain, is_first = [], is_plain, False
    yield "\n", len(raw)
    yield from breaks

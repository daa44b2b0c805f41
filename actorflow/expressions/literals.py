"""The text of literals and what it stands for.

Takes the text of one token and its place and gives the value. The rules are CEL's, less what CEL has for unsigned
integers: escapes, raw strings, strings and bytes in four kinds of quotes. Must not accept what CEL refuses.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from actorflow.expressions.failures import ParseError

__all__ = ["INT_MAX", "INT_MIN", "bytes_value", "quote", "string_value"]

INT_MAX: Final = 2**63 - 1
INT_MIN: Final = -(2**63)

_SIMPLE = {
    "a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v",
    "\\": "\\", "'": "'", '"': '"', "`": "`", "?": "?",
}  # fmt: skip
_ESCAPE = re.compile(
    r"\\(?:[xX]([0-9A-Fa-f]{2})|([0-3][0-7]{2})|u([0-9A-Fa-f]{4})|U([0-9A-Fa-f]{8})|(.?))", re.DOTALL
)


def _split(token: str) -> tuple[str, bool, int]:
    """Return the text between the quotes, whether it is raw, and its offset in the token."""
    prefix = len(token) - len(token.lstrip("rRbB"))
    raw = "r" in token[:prefix].lower()
    width = 3 if len(token) >= prefix + 6 and token[prefix] * 3 == token[prefix : prefix + 3] else 1
    return token[prefix + width : -width], raw, prefix + width


def _unescape(text: str, place: int, write: Callable[[re.Match[str], int], str]) -> str:
    return _ESCAPE.sub(lambda match: write(match, place + match.start()), text) if "\\" in text else text


def _bad_escape(match: re.Match[str], place: int) -> ParseError:
    return ParseError(
        "E103",
        f"the escape {match[0][:2]!r} is not known",
        place,
        place + len(match[0]),
        hint="write \\\\ for a backslash, or r'…' for a string without escapes",
    )


def _character(match: re.Match[str], place: int) -> str:
    two, octal, four, eight, simple = match.groups()
    if simple is not None:
        if simple not in _SIMPLE:
            raise _bad_escape(match, place)
        return _SIMPLE[simple]
    number = int(octal, 8) if octal else int(two or four or eight, 16)
    if number > 0x10FFFF or 0xD800 <= number <= 0xDFFF:
        raise ParseError("E103", "the escape stands for no character", place, place + len(match[0]))
    return chr(number)


def string_value(token: str, place: int) -> str:
    """Return the value of a string literal that starts at ``place``."""
    text, raw, offset = _split(token)
    _refuse_surrogates(text, place + offset)
    return text if raw else _unescape(text, place + offset, _character)


def bytes_value(token: str, place: int) -> bytes:
    """Return the value of a bytes literal that starts at ``place``: characters in UTF-8, escapes as single bytes."""
    text, raw, offset = _split(token)
    _refuse_surrogates(text, place + offset)
    if raw:
        return text.encode()
    parts: list[bytes] = []
    last = 0
    for match in _ESCAPE.finditer(text):
        parts += (text[last : match.start()].encode(), _byte(match, place + offset + match.start()))
        last = match.end()
    return b"".join([*parts, text[last:].encode()])


def _byte(match: re.Match[str], place: int) -> bytes:
    two, octal, four, eight, simple = match.groups()
    if four or eight or (simple is not None and simple not in _SIMPLE):
        raise _bad_escape(match, place)
    if simple is not None:
        return _SIMPLE[simple].encode()
    return bytes([int(octal, 8) if octal else int(two, 16)])


def _refuse_surrogates(text: str, place: int) -> None:
    for offset, character in enumerate(text if not text.isascii() else ""):
        if "\ud800" <= character <= "\udfff":
            raise ParseError(
                "E103", "half of a surrogate pair is no character", place + offset, place + offset + 1
            )


_WRITTEN = {"\\": "\\\\", "'": "\\'", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def quote(text: str) -> str:
    """Return ``text`` as a string literal of the language."""
    return "'" + "".join(_WRITTEN.get(c) or (c if c.isprintable() else _escaped(c)) for c in text) + "'"


def _escaped(character: str) -> str:
    number = ord(character)
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"

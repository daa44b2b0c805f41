"""Takes secrets out of what is about to be written: each appearance, in whatever encoding, becomes ``***``.

A secret is found raw and also escaped (JSON, nested JSON, shell, C, percent, quoted-printable, HTML, in any
mix), as hexadecimal digits, and inside base64 text at all three offsets, wrapped or not. A secret of several
lines is looked for line by line. Shorter ones than six characters are not looked for: hiding every ``1``
would say more than it hides. Linear in the text (RE2); free when there are no secrets. Must never log one.
"""

from __future__ import annotations

import base64
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO, Protocol, cast

from actorflow.values import Frozen, FrozenDict

__all__ = ["MASK", "MINIMUM_LENGTH", "Masker"]

MASK = "***"

MINIMUM_LENGTH = 6
"""Characters; shorter secrets are not masked."""

_PIECE_LENGTH = 64
"""A longer secret is looked for in pieces of this many characters, which keeps the pattern small."""

_BLOCK_BYTES = 1024 * 1024
_OVERLAP_BYTES = 64 * 1024
"""More than one piece can take, however it is encoded."""

_MAX_PATTERN_MEMORY = 512 * 1024 * 1024

_SHORT_ESCAPES = {
    "\n": "n",
    "\t": "t",
    "\r": "r",
    "\b": "b",
    "\f": "f",
    "\v": "v",
    "\a": "a",
    "\0": "0",
    "\x1b": "e",
}
_HTML_NAMES = {"&": "amp", "<": "lt", ">": "gt", '"': "quot", "'": "apos"}
_SOFT_BREAK = rb"(?:=\r?\n)?"
"""What quoted-printable puts anywhere to keep its lines short, also between the bytes of one character."""
_QUOTE_IN_QUOTES = (rb"'\\*\"\\*'\\*\"\\*'", rb"'\\+''")
"""A single quote in text that a shell finds in single quotes; the double ones may be escaped once more."""
_LINE_BREAK = rb"(?:[\r\n]|\\+[rn])*"


class _Match(Protocol):
    def start(self) -> int: ...

    def end(self) -> int: ...


class _Pattern(Protocol):
    def search(self, text: bytes) -> _Match | None: ...

    def sub(self, repl: bytes, text: bytes) -> bytes: ...

    def finditer(self, text: bytes) -> Iterator[_Match]: ...


class Masker:
    """Masks a set of secrets. Immutable; may be used from several threads.

    Attributes:
        too_short: how many of the secrets are too short to be masked.
    """

    __slots__ = ("_pattern", "too_short")

    def __init__(self, secrets: Iterable[str]) -> None:
        given = {secret for secret in secrets if secret}
        pieces = sorted({piece for secret in given for piece in _pieces(secret)})
        self.too_short = sum(not any(True for _ in _pieces(secret)) for secret in given)
        self._pattern = _compile(pieces) if pieces else None

    @property
    def has_secrets(self) -> bool:
        """Whether there is anything that it looks for."""
        return self._pattern is not None

    def bytes(self, data: bytes) -> bytes:
        """Return ``data`` masked; the very object when there is nothing to mask."""
        if self._pattern is None or self._pattern.search(data) is None:
            return data
        return self._pattern.sub(MASK.encode(), data)

    def text(self, text: str) -> str:
        """Return ``text`` masked; the very object when there is nothing to mask."""
        if self._pattern is None:
            return text
        data = text.encode("utf-8", "surrogatepass")
        masked = self.bytes(data)
        return text if masked is data else masked.decode("utf-8", "surrogatepass")

    def value(self, value: Frozen) -> Frozen:
        """Return a JSON value with all its texts and keys masked; the very object when there is nothing to mask."""
        return value if self._pattern is None else _map_text(value, self.text)

    def file(self, path: Path) -> bool:
        """Mask a file in place, whatever its size, in constant memory. Returns whether there was anything to mask.

        The file is replaced in one rename, and only if it changes; nobody may be writing it. A symbolic link
        is an ``OSError``.
        """
        if self._pattern is None:
            return False
        with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb") as source:
            # Most files hold none: then no copy is made, and the disk may be full.
            with open(os.devnull, "wb") as nowhere:
                if not _copy_masked(self._pattern, source, nowhere):
                    return False
            source.seek(0)
            self._replace_masked(self._pattern, source, path)
        return True

    def _replace_masked(self, pattern: _Pattern, source: BinaryIO, path: Path) -> None:
        temporary = path.with_name(f"{path.name}.masking")
        flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
        try:
            with open(os.open(temporary, flags, 0o600), "wb") as target:
                _copy_masked(pattern, source, target)
                os.fchmod(target.fileno(), os.fstat(source.fileno()).st_mode & 0o777)
            temporary.replace(path)
        except OSError:
            with suppress(OSError):  # it would be in the way of what there is no room for
                temporary.unlink()
            raise


def _copy_masked(pattern: _Pattern, source: BinaryIO, target: BinaryIO) -> bool:
    """Copy in blocks; whether there was anything to mask."""
    is_changed = False
    held = b""
    while block := source.read(_BLOCK_BYTES):
        held += block
        # A match that begins before this place is whole in what is held, because no piece takes more than the overlap.
        decided, has_match = _write_masked(pattern, held, max(0, len(held) - _OVERLAP_BYTES), target)
        is_changed = is_changed or has_match
        held = held[decided:]
    _, has_match = _write_masked(pattern, held, len(held), target)
    return is_changed or has_match


def _write_masked(pattern: _Pattern, data: bytes, end: int, target: BinaryIO) -> tuple[int, bool]:
    """Write the part of ``data`` before ``end``, masked; a match that begins in it is taken whole. Returns where the rest begins."""
    done, has_match = 0, False
    for match in pattern.finditer(data):
        if match.start() >= end:
            break
        target.write(data[done : match.start()])
        target.write(MASK.encode())
        done, has_match = match.end(), True
    if done < end:
        target.write(data[done:end])
        done = end
    return done, has_match


def _map_text(value: Frozen, change: Callable[[str], str]) -> Frozen:
    if isinstance(value, str):
        return change(value)
    if isinstance(value, tuple):
        items = tuple(_map_text(item, change) for item in value)
        return value if all(new is old for new, old in zip(items, value, strict=True)) else items
    if isinstance(value, Mapping):
        changed = [(change(key), _map_text(item, change)) for key, item in value.items()]
        is_same = all(
            new is value[key] and name is key for (name, new), key in zip(changed, value, strict=True)
        )
        return value if is_same else FrozenDict(changed)
    return value


def _pieces(secret: str) -> Iterator[str]:
    """Give the parts of a secret that are looked for: its lines, or itself when no line is long enough; long ones in pieces."""
    lines = [line.strip() for line in secret.splitlines()]
    wholes = [line for line in lines if len(line) >= MINIMUM_LENGTH] or [secret]
    for whole in wholes:
        if len(whole) < MINIMUM_LENGTH:
            return
        # The last piece takes what is left, so that none is too short to stand alone.
        starts = range(0, max(1, len(whole) - MINIMUM_LENGTH + 1), _PIECE_LENGTH)
        yield from (whole[start:end] for start, end in zip(starts, [*starts[1:], len(whole)], strict=True))


def _compile(pieces: Iterable[str]) -> _Pattern:
    import re2

    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1  # bytes
    options.longest_match = True
    options.max_mem = _MAX_PATTERN_MEMORY
    options.log_errors = False
    forms = b"|".join(form for piece in pieces for form in _forms(piece))
    return cast("_Pattern", re2.compile(b"(?:" + forms + b")+", options))


def _forms(piece: str) -> Iterator[bytes]:
    """Give patterns of every way in which a piece can be written."""
    yield _SOFT_BREAK.join(_character(character) for character in piece)
    data = piece.encode("utf-8", "surrogatepass")
    yield b"[ :,\r\n]*".join(_digits(byte) for byte in data)
    for offset in range(3):
        yield _base64(data, offset)


def _base64(data: bytes, offset: int) -> bytes:
    """Return the pattern of base64 text in which ``data`` begins ``offset`` bytes after the begin of a group of three.

    The characters at both ends that hold bits of its neighbours too are matched, and so masked, whatever they
    are.
    """
    encoded = base64.b64encode(b"\0" * offset + data).decode().rstrip("=")
    bits = 8 * (offset + len(data))
    inner = encoded[-(-8 * offset // 6) : bits // 6]
    pattern = _LINE_BREAK.join(_base64_character(character) for character in inner)
    edge = b"[A-Za-z0-9+/_-]"
    before = edge + b"?" + _LINE_BREAK if offset else b""
    after = _LINE_BREAK + edge + b"?" if bits % 6 else b""
    return before + pattern + after


def _base64_character(character: str) -> bytes:
    if character == "+":
        return b"(?:-|" + _character("+") + b")"
    if character == "/":
        return b"(?:_|" + _character("/") + b")"
    return character.encode()


def _character(character: str) -> bytes:
    """Return the pattern of one character, raw or escaped in any of the ways that texts are escaped, several times over too."""
    code, data = ord(character), character.encode("utf-8", "surrogatepass")
    units = character.encode("utf-16-be", "surrogatepass")
    octets = [f"{byte:03o}".encode() for byte in data]
    ways = [
        rb"\\*" + re.escape(data),
        _SOFT_BREAK.join(b"[%=](?:25)*" + _digits(byte) for byte in data),
        b"".join(rb"\\+u" + _digits(units[i]) + _digits(units[i + 1]) for i in range(0, len(units), 2)),
        b"".join(rb"\\+x" + _digits(byte) for byte in data),
        rb"\\+(?:[xU]0*(?i:%x)|u\{0*(?i:%x)\})" % (code, code),
        b"".join(rb"\\+" + octet for octet in octets),
        b"&(?:amp;)*#(?:0*%d|[xX]0*(?i:%x));" % (code, code),
    ]
    if character == " ":
        ways.append(rb"\+")
    if character == "'":
        ways += _QUOTE_IN_QUOTES
    if character in _SHORT_ESCAPES:
        ways.append(rb"\\+" + _SHORT_ESCAPES[character].encode())
    if character in _HTML_NAMES:
        ways.append(b"&(?:amp;)*" + _HTML_NAMES[character].encode() + b";")
    return b"(?:" + b"|".join(ways) + b")"


def _digits(byte: int) -> bytes:
    """Return the pattern of two hexadecimal digits in either case."""
    return b"(?i:%02x)" % byte

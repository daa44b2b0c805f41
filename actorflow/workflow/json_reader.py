"""JSON text to values or to events.

``json_value`` is the fast way: the standard library's decoder, which gives nothing away about what is wrong
or where. Whenever it sees anything unusual it says so by returning ``NOT_SURE``, and ``json_events`` reads
the text again, slowly, with positions and with messages made for people.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from json.decoder import scanstring  # type: ignore[attr-defined]  # the stubs forget it
from typing import Any, Final, NoReturn

from actorflow.workflow.events import END, MAPPING, SCALAR, SEQUENCE, Event, Fault, ReadingStopped, ReadLimits
from actorflow.workflow.numbers import json_literal

__all__ = ["NOT_SURE", "json_events", "json_value"]

NOT_SURE: Final = object()
"""The fast way cannot tell; read the events."""

_HALF_ESCAPE = re.compile(rb"\\u[dD][89a-fA-F]")


def json_value(data: bytes, limits: ReadLimits) -> Any:
    """Return the value of ``data`` (UTF-8, no byte order mark), or ``NOT_SURE`` for anything out of the ordinary."""
    possible_nodes = sum(map(data.count, (b",", b":", b"{", b"["))) + 1
    if possible_nodes > limits.max_json_nodes or _HALF_ESCAPE.search(data):
        return NOT_SURE
    try:
        value = json.loads(
            data,
            object_pairs_hook=_without_duplicates,
            parse_int=json_literal,
            parse_float=json_literal,
            parse_constant=json_literal,
        )
    except (ValueError, RecursionError):
        return NOT_SURE
    return value if _is_shallow(value, limits.max_depth) else NOT_SURE


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a key is there twice")
    return value


def _is_shallow(value: Any, depth: int) -> bool:
    level = [value] if type(value) in (dict, list) else []
    for _ in range(depth):
        below: list[Any] = []
        for item in level:
            children = item.values() if type(item) is dict else item
            below.extend(child for child in children if type(child) is dict or type(child) is list)
        if not below:
            return True
        level = below
    return False


_SPACE = re.compile(r"[ \t\r\n]*")
_LITERAL = re.compile(r"(?:-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][-+]?[0-9]+)?|true|false|null)(?![\w.+-])")
_WORD = re.compile(r"[\w.+-]+")
_CONTROLS = frozenset(map(chr, range(32)))
_HALF = re.compile(r"[\ud800-\udfff]")


def json_events(text: str) -> Iterator[Event]:
    """Yield the events of ``text``.

    Raises:
        ReadingStopped: it is not JSON, or an escape gives half a character.
    """
    scanner = _Scanner(text)
    step: Callable[[], Event | None] = scanner.value
    while not scanner.is_done:
        event = step()
        if event is not None:
            yield event
        step = scanner.next_step
    at = scanner.skip()
    if at < len(text):
        scanner.stop(
            at, "text after the end of the JSON value", "a workflow is one JSON object: check the brackets"
        )


class _Scanner:
    """One walk over a JSON text; a stack of open brackets instead of recursion, and the next step as a bound method."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.is_done = False
        self._comma = 0
        self.open: list[
            tuple[str, int]
        ] = []  # closing bracket that is waited for, and where its opening one stands
        self.next_step: Callable[[], Event | None] = self.value

    def skip(self) -> int:
        """Go over white space; return where that ends."""
        found = _SPACE.match(self.text, self.at)
        self.at = found.end() if found else self.at
        return self.at

    def stop(self, at: int, message: str, hint: str = "") -> NoReturn:
        raise ReadingStopped(Fault(at, at + 1, "E506", message, hint))

    def value(self) -> Event:
        """Take a scalar or an opening bracket."""
        at = self.skip()
        character = self.text[at : at + 1]
        if character == "{":
            return self._opened(at, MAPPING, "}", self.first_key)
        if character == "[":
            return self._opened(at, SEQUENCE, "]", self.first_value)
        self.next_step = self.after_value
        self.is_done = not self.open
        return self._string(at) if character == '"' else self._literal(at, character)

    def first_key(self) -> Event:
        """Take the first key of an object, or its end."""
        return self._closed() if self._here("}") else self.key()

    def first_value(self) -> Event:
        """Take the first value of a list, or its end."""
        return self._closed() if self._here("]") else self.value()

    def key(self) -> Event:
        """Take a key and its colon."""
        at = self.skip()
        character = self.text[at : at + 1]
        if character == "}":
            self.stop(
                self._comma, "a comma before the closing bracket", "JSON has no trailing commas: remove it"
            )
        if character != '"':
            self._no_key(at, character)
        event = self._string(at)
        if not self._here(":"):
            self.stop(self.at, "a ':' is missing after this key")
        self.at += 1
        self.next_step = self.value
        return event

    def after_value(self) -> Event | None:
        """Take a comma or a closing bracket."""
        at = self.skip()
        character = self.text[at : at + 1]
        closing, opened = self.open[-1]
        if character == closing:
            return self._closed()
        if character == ",":
            self.at = at + 1
            self._comma = at
            if closing == "]" and self._here("]"):
                self.stop(at, "a comma before the closing bracket", "JSON has no trailing commas: remove it")
            self.next_step = self.key if closing == "}" else self.value
            return None
        if not character:
            self.stop(opened, f"this bracket is never closed: '{closing}' is missing at the end of the file")
        return self.stop(at, f"a ',' or '{closing}' is missing here")

    def _here(self, character: str) -> bool:
        return self.text.startswith(character, self.skip())

    def _opened(self, at: int, kind: int, closing: str, following: Callable[[], Event]) -> Event:
        self.at = at + 1
        self.open.append((closing, at))
        self.next_step = following
        return (kind, at, at + 1, "", "")

    def _closed(self) -> Event:
        self.open.pop()
        self.at += 1
        self.next_step = self.after_value
        self.is_done = not self.open
        return (END, self.at - 1, self.at, "", "")

    def _string(self, at: int) -> Event:
        try:
            content, self.at = scanstring(self.text, at + 1, True)
        except json.JSONDecodeError as error:
            self._broken_string(at, error.pos)
        if _HALF.search(content):
            hint = "write both halves (\\ud83d\\ude00) or the character itself"
            self.stop(at, "a \\u escape that is half a character", hint)
        return (SCALAR, at, self.at, content, '"')

    def _literal(self, at: int, character: str) -> Event:
        found = _LITERAL.match(self.text, at)
        if found is None:
            self._no_value(at, character)
        self.at = found.end()
        return (SCALAR, at, self.at, found[0], "")

    def _broken_string(self, start: int, at: int) -> NoReturn:
        """Say why the string that begins at ``start`` cannot be read at ``at``."""
        if at > start and self.text[at] not in _CONTROLS:
            # Inside an escape: it is to be shown from its beginning.
            at = self.text.rfind("\\", start, at + 1)
        character = self.text[at]
        if at == start:
            self.stop(start, "the closing quote of this text is missing")
        if character == "\\":
            self.stop(at, "an escape that JSON does not know", "write \\\\ for a backslash")
        if character in "\n\r":
            self.stop(
                start, "this text has no closing quote on its line", "write \\n for a line end inside text"
            )
        hint = "write it as an escape: \\t, \\u001b …"
        self.stop(at, f"the control character U+{ord(character):04X} inside text", hint)

    def _no_key(self, at: int, character: str) -> NoReturn:
        if not character:
            self.stop(self.open[-1][1], "this bracket is never closed: '}' is missing at the end of the file")
        if character == "'" or character.isidentifier():
            self.stop(
                at,
                "a key without double quotes",
                'JSON keys are written "key"; YAML files may leave the quotes out',
            )
        self._comment_or(at, character, "a key in double quotes is missing here")

    def _no_value(self, at: int, character: str) -> NoReturn:
        if not character:
            self.stop(max(at - 1, 0), "the file ends where a value is expected")
        word = _WORD.match(self.text, at)
        if character == "'":
            self.stop(at, "text in single quotes", 'JSON has only double quotes: "text"')
        if word and word[0] in ("NaN", "Infinity", "-Infinity", "undefined", "None", "True", "False"):
            self.stop(
                at,
                f"'{word[0]}' is no JSON value",
                "JSON has true, false, null, numbers and text in double quotes",
            )
        if word and (word[0][0].isdigit() or word[0][0] in "-+."):
            self.stop(
                at,
                "this is not a number as JSON writes it",
                "no leading zeros, no '+', a digit on both sides of the point",
            )
        if word:
            self.stop(at, "text without double quotes", 'write "text"')
        self._comment_or(at, character, "a value is missing here")

    def _comment_or(self, at: int, character: str, message: str) -> NoReturn:
        if character == "#" or self.text.startswith(("//", "/*"), at):
            self.stop(at, "a comment", "JSON has no comments; YAML files have them")
        self.stop(at, message)

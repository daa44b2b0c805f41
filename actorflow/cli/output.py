"""What goes to stdout as data: JSON that is valid wherever it is printed and drives no terminal.

Text from agents may hold anything. In JSON every control character, bidirectional control and lone surrogate
is written as an escape, so that the value a reader gets is unchanged and a terminal that shows it obeys
nothing.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable

import msgspec

from actorflow.cli.streams import say
from actorflow.values import JSONValue
from actorflow.views.escape import escape_with

__all__ = ["json_line", "json_text", "print_json", "print_json_lines"]


def json_text(value: JSONValue, *, is_ascii: bool = False) -> str:
    """Return ``value`` as JSON over several lines.

    Args:
        is_ascii: escape everything beyond ASCII too, for streams that cannot write it.
    """
    line = json_line(value, is_ascii=is_ascii)
    try:
        return msgspec.json.format(line.encode(), indent=2).decode()
    except (msgspec.MsgspecError, RecursionError):
        # Half of a surrogate pair, for one, which JSON allows and msgspec does not.
        text = json.dumps(value, ensure_ascii=is_ascii, indent=2, allow_nan=False)
        return "\n".join(escape_with(_json_escape, line) for line in text.split("\n"))


def json_line(value: JSONValue, *, is_ascii: bool = False) -> str:
    """Return ``value`` as JSON on one line; see ``json_text``."""
    return escape_with(_json_escape, _encoded(value) if not is_ascii else _dumped(value, is_ascii=True))


def _encoded(value: JSONValue) -> str:
    try:
        return msgspec.json.encode(value).decode()  # many times as fast as ``json``
    except (ValueError, TypeError, OverflowError, RecursionError):
        # Half of a surrogate pair and a number beyond 64 bits, which JSON allows and msgspec does not.
        return _dumped(value, is_ascii=False)


def _dumped(value: JSONValue, *, is_ascii: bool) -> str:
    return json.dumps(value, ensure_ascii=is_ascii, separators=(",", ":"), allow_nan=False)


def print_json_lines(values: Iterable[JSONValue]) -> None:
    """Print each value on a line of stdout; they are all there at once."""
    is_ascii = not _is_utf()
    say("".join(f"{json_line(value, is_ascii=is_ascii)}\n" for value in values), end="")


def print_json(value: JSONValue) -> None:
    """Print ``value`` on stdout, as one document."""
    say(json_text(value, is_ascii=not _is_utf()))


def _is_utf() -> bool:
    return (getattr(sys.stdout, "encoding", None) or "ascii").lower().startswith("utf")


def _json_escape(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i]:02x}{units[i + 1]:02x}" for i in range(0, len(units), 2))

"""Values as YAML text for people: block style, text in double quotes as JSON has it.

Gives lines that the careful reader of workflow files reads back as the same value; a test holds the two
together.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence

from actorflow.values import JSONValue

__all__ = ["comment_lines", "yaml_lines", "yaml_scalar"]

_MOST_COMMENT = 100


def yaml_lines(key: str, value: JSONValue, indent: int = 0) -> Iterator[str]:
    """Yield the lines of one entry of a mapping."""
    margin = "  " * indent
    if isinstance(value, Mapping) and value:
        yield f"{margin}{_key(key)}:"
        for name, item in value.items():
            yield from yaml_lines(name, item, indent + 1)
    elif isinstance(value, Sequence) and not isinstance(value, str) and value:
        yield f"{margin}{_key(key)}:"
        for item in value:
            yield f"{margin}  - {yaml_scalar(item)}"
    else:
        yield f"{margin}{_key(key)}: {yaml_scalar(value)}"


def yaml_scalar(value: JSONValue) -> str:
    """Return a value on one line: JSON is YAML, but for characters that YAML takes for line ends or refuses."""
    text = json.dumps(value, ensure_ascii=False)
    return text if text.isprintable() else "".join(map(_escaped, text))


def comment_lines(text: str, indent: int = 0) -> Iterator[str]:
    """Yield a comment: the first line of ``text``, cut, with nothing in it that could end the comment."""
    line = next(iter(text.strip().splitlines()), "")
    shown = "".join(c if c.isprintable() else " " for c in line)
    if shown.strip():
        cut = shown if len(shown) <= _MOST_COMMENT else shown[: _MOST_COMMENT - 1] + "…"
        yield f"{'  ' * indent}# {cut}"


def _escaped(character: str) -> str:
    """Return a character as it may stand in double quotes, which are the only place where odd ones are."""
    if character.isprintable():
        return character
    code = ord(character)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def _key(name: str) -> str:
    is_plain = name.replace("_", "a").replace("-", "a").isalnum() and name.isascii() and name[0].isalpha()
    is_word = name.lower() in ("true", "false", "null", "yes", "no", "on", "off", "y", "n")
    return name if is_plain and not is_word else yaml_scalar(name)

"""Front matter that is not YAML, taken apart line by line.

A key that is known begins a field, and so does any other ``word:`` at the beginning of a line unless it
stands in unquoted prose, where it is most likely a part of an example (``user:``, ``Context:``). Each field
is then read as YAML by itself, and when that fails, as text or as a list. Nothing is interpreted, nothing
recurses, and a field is as long as its lines.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any, Final

from actorflow.agents.front_matter_yaml import as_mapping

__all__ = ["UNREADABLE", "Block", "blocks_of", "split_list", "value_of"]

UNREADABLE: Final = object()
"""The value of a field that is neither YAML nor anything that can be taken for text or a list."""

_KEY = re.compile(r"([A-Za-z_][A-Za-z0-9_-]{0,63})[ \t]*:(?:[ \t]+|$)")
_TIGHT_KEY = re.compile(r"([A-Za-z_][A-Za-z0-9_-]{0,63}):")
_BLOCK_SCALAR = re.compile(r"[|>][+-]?[0-9]?[+-]?[ \t]*(?:#.*)?")
_ITEM = re.compile(r"\s*-\s+(.*)")
_COMMENT = re.compile(r"(?:^|\s)#.*$")
_ESCAPES = {"n": "\n", "t": "\t", '"': '"', "\\": "\\", "/": "/", "r": ""}
_ESCAPE = re.compile(r"\\([nt\"\\/r])")


@dataclass(slots=True)
class Block:
    """The lines of one field.

    Attributes:
        line: of its key, from 0.
        column: where its value begins, from 1.
        first: what stands on the line of the key.
        rest: the lines below, as they are.
        quotes: how many double quotes there are in all lines.
    """

    key: str
    line: int
    column: int
    first: str
    rest: list[str] = field(default_factory=list)
    quotes: int = 0

    def take(self, line: str) -> None:
        """Add a line below."""
        self.rest.append(line)
        self.quotes += line.count('"')


def blocks_of(text: str, *, known: Collection[str], prose: Collection[str]) -> list[Block]:
    """Return the fields of ``text``, each key once: the first one counts."""
    blocks: dict[str, Block] = {}
    current: Block | None = None
    for number, line in enumerate(textwrap.dedent(text.expandtabs(2)).split("\n")):
        key, value_at = _key_of(line, known)
        is_new = key in known and key not in blocks
        if key and (is_new or current is None or not _goes_on(current, prose)):
            current = _begin(key, number, line, value_at)
            blocks.setdefault(key, current)
        elif current is not None:
            current.take(line)
    return list(blocks.values())


def value_of(block: Block, *, prose: Collection[str]) -> Any:
    """Return the value of a field: what YAML makes of it alone, else text, a list, or ``UNREADABLE``."""
    below = "\n".join(block.rest)
    value, _ = as_mapping(f"{block.key}: {block.first}\n{below}")
    if value is not None and list(value) == [block.key]:
        return value[block.key]
    if block.key in prose:
        return _prose(block)
    return _short(block)


def split_list(text: str) -> list[str]:
    """Return the entries of ``a, b(c, d), "e"``: commas inside brackets do not separate, quotes around an entry go."""
    entries, depth, start = [], 0, 0
    for at, character in enumerate(text):
        depth += (character in "([{") - (character in ")]}" and depth > 0)
        if character in ",\n" and depth == 0:
            entries.append(text[start:at])
            start = at + 1
    entries.append(text[start:])
    return [shown for entry in entries if (shown := _unquoted(entry.strip()))]


def _begin(key: str, number: int, line: str, value_at: int) -> Block:
    first = line[value_at:].strip()
    return Block(key, number, value_at + 1, first, quotes=first.count('"'))


def _key_of(line: str, known: Collection[str]) -> tuple[str, int]:
    if match := _KEY.match(line):
        return match[1], match.end()
    match = _TIGHT_KEY.match(line)  # "model:opus" is no YAML, but meant as a key if it is one
    return (match[1], match.end()) if match and match[1] in known else ("", 0)


def _goes_on(block: Block, prose: Collection[str]) -> bool:
    """Say whether an unknown word with a colon, at the beginning of a line, still belongs to ``block``."""
    if block.key not in prose or not block.first or _BLOCK_SCALAR.fullmatch(block.first):
        return False
    quote = block.first[0]
    if quote not in "\"'":
        return True
    last = (block.rest[-1] if block.rest else block.first[1:]).rstrip()
    # An apostrophe is no quote, so only double quotes are counted.
    return not last.endswith(quote) or (quote == '"' and block.quotes % 2 == 1)


def _prose(block: Block) -> str:
    if _BLOCK_SCALAR.fullmatch(block.first):
        lines = textwrap.dedent("\n".join(block.rest)).strip("\n")
        return lines if block.first[0] == "|" else re.sub(r"(?<=\S)\n(?=\S)", " ", lines)
    return _unquoted("\n".join([block.first, *(line.strip() for line in block.rest)]).strip())


def _short(block: Block) -> Any:
    lines = [_COMMENT.sub("", line).strip() for line in (block.first, *block.rest)]
    items = [match[1] for line in lines[1:] if (match := _ITEM.fullmatch(line))]
    if not lines[0] and items:
        return [_unquoted(item.strip()) for item in items]
    text = "\n".join(line for line in lines if line)
    if text[:1] == "[" and text[-1:] == "]":
        return split_list(text[1:-1])
    if any(line.startswith((" ", "\t")) and ":" in line for line in block.rest):
        return UNREADABLE  # a mapping, and a broken one: nothing is guessed about it
    return _unquoted(text)


def _unquoted(text: str) -> str:
    if len(text) < 2 or text[0] != text[-1] or text[0] not in "\"'":
        return text
    inner = text[1:-1]
    return inner.replace("''", "'") if text[0] == "'" else _ESCAPE.sub(lambda m: _ESCAPES[m[1]], inner)

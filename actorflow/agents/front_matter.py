"""The front matter of a Markdown file, as people really write it.

Takes the file's text and gives the value of each key with its line, and the body. First it is read as YAML.
Much of what people write is not YAML (colons and quotes inside a description, ``<example>`` blocks without
indentation, tabs): then ``front_matter_lines`` takes it apart by its known keys, as Claude Code does. Must
not know what the keys mean.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from actorflow.agents.front_matter_lines import blocks_of, value_of
from actorflow.agents.front_matter_yaml import as_mapping
from actorflow.workflow.events import Fault

__all__ = ["Field", "FrontMatter", "NotClosed", "read_front_matter", "split_front_matter"]


class NotClosed(ValueError):
    """The front matter begins and never ends."""


@dataclass(frozen=True, slots=True)
class Field:
    """The value of one key, and where it stands in the file (from 1)."""

    value: Any
    line: int
    column: int


@dataclass(frozen=True, slots=True)
class FrontMatter:
    """What stands above the body.

    Attributes:
        complaint: why it is not YAML, with line and column; None when it is, and then ``fields`` are exact.
    """

    fields: Mapping[str, Field]
    complaint: tuple[int, int, str] | None = None


def split_front_matter(text: str) -> tuple[str | None, int, str]:
    r"""Return the front matter without its fences (None if there is none), its first line, and the body.

    Args:
        text: the file's; its lines end with ``\n``.

    Raises:
        NotClosed: there is no second fence.
    """
    lines = text.split("\n")
    start = next((i for i, line in enumerate(lines) if line.strip()), len(lines))
    if start == len(lines) or lines[start].rstrip() != "---":
        return None, 1, text
    for end in range(start + 1, len(lines)):
        if lines[end].rstrip() in ("---", "..."):
            return "\n".join(lines[start + 1 : end]), start + 2, "\n".join(lines[end + 1 :])
    raise NotClosed


def read_front_matter(text: str, line: int, *, known: Collection[str], prose: Collection[str]) -> FrontMatter:
    """Read the keys of a front matter.

    Args:
        line: where ``text`` begins in its file.
        known: keys that begin a field wherever they stand at the beginning of a line.
        prose: those of them whose value is free text.
    """
    blocks = blocks_of(text, known=known, prose=prose)
    values, fault = as_mapping(text)
    if values is None:
        fields = {
            block.key: Field(value_of(block, prose=prose), line + block.line, block.column)
            for block in blocks
        }
        return FrontMatter(fields, _complaint(text, line, fault))
    places = {block.key: (line + block.line, block.column) for block in blocks}
    return FrontMatter({key: Field(value, *places.get(key, (line, 1))) for key, value in values.items()})


def _complaint(text: str, line: int, fault: Fault | None) -> tuple[int, int, str]:
    if fault is None:
        return line, 1, ""
    before = text[: fault.start]
    return line + before.count("\n"), fault.start - before.rfind("\n"), fault.message

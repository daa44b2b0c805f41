"""The command line of a program: placeholders filled, groups without a value left out.

``{name}`` in an argument is replaced by the value of that name; ``{{`` and ``}}`` are braces. Each argument stays one
argument whatever is in it: no shell ever sees them. A group (a list inside the list) is left out when one of its
placeholders has no value, and repeated when a value is a list. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from actorflow.agents.command.definition import Word
from actorflow.agents.parameters import as_text
from actorflow.values import Frozen

__all__ = ["PLACEHOLDERS", "filled", "placeholders_in"]

PLACEHOLDERS: Final[Mapping[str, str]] = {
    "prompt": "the prompt itself; with `prompt: argument`",
    "prompt_file": "a file that holds the prompt; with `prompt: file`",
    "session": "the session to go on with; in `resume`",
    "schema_file": "a file that holds the task's `output_schema`",
    "cwd": "where the task works",
    "folder": "the attempt's own folder, for files that the program writes",
}
"""Name -> what stands for it; the names of options come on top."""

_TOKEN: Final = re.compile(r"\{\{|\}\}|\{([A-Za-z_][A-Za-z0-9_]*)\}")


def placeholders_in(words: Iterable[Word]) -> Iterator[str]:
    """Yield the placeholders of a command line."""
    for word in words:
        for text in (word,) if isinstance(word, str) else word:
            yield from (match[1] for match in _TOKEN.finditer(text) if match[1])


def filled(words: Iterable[Word], values: Mapping[str, Frozen]) -> list[str]:
    """Return the command line.

    Args:
        values: placeholder -> its value; those without one are missing or None.
    """
    argv: list[str] = []
    for word in words:
        if isinstance(word, str):
            argv.append(_filled(word, values))
        else:
            for row in _rows(word, values):
                argv += [_filled(text, row) for text in word]
    return argv


def _rows(group: tuple[str, ...], values: Mapping[str, Frozen]) -> Iterator[Mapping[str, Frozen]]:
    """Yield the values for each time that a group is written."""
    names = list(placeholders_in((group,)))
    if any(values.get(name) is None for name in names):
        return
    lists = [name for name in names if isinstance(values[name], tuple)]
    if not lists:
        yield values
        return
    listed = values[lists[0]]
    for item in listed if isinstance(listed, tuple) else ():
        yield {**values, **dict.fromkeys(lists, item)}


def _filled(text: str, values: Mapping[str, Frozen]) -> str:
    def replacement(match: re.Match[str]) -> str:
        if match[1] is None:
            return match[0][0]
        value = values.get(match[1])
        return "" if value is None else as_text(value)

    return _TOKEN.sub(replacement, text)

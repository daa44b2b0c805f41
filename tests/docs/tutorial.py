"""Follows a tutorial page word for word: writes its files, types its commands, compares what is printed.

A fenced block after ``<!-- file: NAME -->`` is a file. In a ``console`` block, a line that begins with ``$ `` is typed, the lines after it are what is to be seen, and ``…`` stands for anything. ``[exit N]`` is
the exit code when it is not 0. stdout and stderr are seen together, as on a terminal.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_BLOCK = re.compile(r"(?:<!-- file: (?P<name>\S+) -->\n)?```(?P<kind>\w+)\n(?P<body>.*?)```", re.DOTALL)


@dataclass(frozen=True)
class File:
    name: str
    text: str


@dataclass(frozen=True)
class Command:
    line: str
    expected: str
    exit_code: int


def steps(page: Path) -> Iterator[File | Command]:
    for match in _BLOCK.finditer(page.read_text(encoding="utf-8")):
        if match["name"]:
            yield File(match["name"], match["body"])
        elif match["kind"] == "console":
            yield from _commands(match["body"])


def _commands(body: str) -> Iterator[Command]:
    for part in re.split(r"^\$ ", body, flags=re.MULTILINE)[1:]:
        line, _, seen = part.partition("\n")
        code = re.search(r"^\[exit (\d+)\]\n?", seen, flags=re.MULTILINE)
        expected = seen if code is None else seen.replace(code[0], "")
        yield Command(line, expected, int(code[1]) if code else 0)


def matches(expected: str, seen: str) -> bool:
    """Compare; an ellipsis stands for any text, also over lines."""
    pattern = ".*".join(re.escape(piece) for piece in expected.strip().split("…"))
    return re.fullmatch(pattern, seen.strip(), flags=re.DOTALL) is not None

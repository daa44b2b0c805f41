"""Finds the files that define agents: the project's, the user's, and those that ship with actorflow.

Takes folders and gives, for each name, its files in the order in which they count: the first is used, the
others are shadowed. Only the beginning of a file is looked at, for the agent's name; what is wrong with a
file is found when it is read. A folder or file that cannot be read defines nothing. Bounded in depth and
number, so that a link to ``/`` does no harm.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from actorflow.agents.definitions import AgentDefinition, Scope
from actorflow.agents.definitions_reader import MAX_BYTES, read_definition
from actorflow.errors import SpecErrors
from actorflow.resources import data_folder

__all__ = ["SHIPPED_AGENTS", "SHIPPED_COMMANDS", "DefinitionFile", "find_definitions"]

SHIPPED_AGENTS: Final = tuple("planner coder checker frontend backend researcher orchestrator".split())
SHIPPED_COMMANDS: Final = tuple("codex gemini opencode aider".split())
"""Named here so that knowing them costs no look at the disk; a test compares them with the files."""

_ENDINGS: Final = (".md", ".yaml", ".yml")

_HEAD_BYTES: Final = 16 * 1024
_MOST_FILES: Final = 5_000
_DEEPEST: Final = 8
_NAME_LINE = re.compile(r"name[ \t]*:[ \t]+(['\"]?)([A-Za-z0-9_][A-Za-z0-9_.:+@ -]{0,98}?)\1[ \t]*(?:#.*)?")
_DOCUMENTS: Final = frozenset("readme license changelog contributing claude agents index".split())


@dataclass(frozen=True, slots=True)
class DefinitionFile:
    """A file that defines an agent of this name: in Markdown one that Claude Code runs, in YAML another program."""

    name: str
    path: Path
    scope: Scope

    @property
    def is_command(self) -> bool:
        """Whether it describes a program; then ``command.files`` reads it."""
        return self.path.suffix.lower() != ".md"

    def read(self) -> AgentDefinition:
        """Read it; it is one for Claude Code.

        Raises:
            SpecErrors: it cannot be used; says all that is wrong, and where.
        """
        with self.path.open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
        return read_definition(data, source=self.path, scope=self.scope)


def find_definitions(
    project_root: Path | None, user_folder: Path | None
) -> dict[str, tuple[DefinitionFile, ...]]:
    """Return name -> its files, those that count first: the project's, the user's, then what ships.

    Args:
        project_root: its ``.claude/agents`` is looked at.
        user_folder: the user's ``~/.claude``; its ``agents`` is looked at.
    """
    found: dict[str, list[DefinitionFile]] = {}
    project_folder = None if project_root is None else project_root / ".claude"
    folders: list[tuple[Path | None, Scope]] = [(project_folder, "project"), (user_folder, "user")]
    seen: set[tuple[int, int]] = set()
    for folder, scope in folders:
        for path in _files(folder / "agents", seen) if folder is not None else ():
            name = _name_of(path, scope)
            if name:
                found.setdefault(name, []).append(DefinitionFile(name, path, scope))
    shipped = data_folder("templates") / "agents"
    for name in (*SHIPPED_AGENTS, *SHIPPED_COMMANDS):
        path = shipped / f"{name}{'.md' if name in SHIPPED_AGENTS else '.yaml'}"
        found.setdefault(name, []).append(DefinitionFile(name, path, "shipped"))
    return {name: tuple(files) for name, files in found.items()}


def _files(folder: Path, seen: set[tuple[int, int]], depth: int = 0) -> Iterator[Path]:
    """Yield the Markdown and YAML files in and below ``folder`` in the order of their names; links are followed, each folder once."""
    try:
        status = folder.stat()
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError:
        return
    if (status.st_dev, status.st_ino) in seen or depth > _DEEPEST:
        return
    seen.add((status.st_dev, status.st_ino))
    for entry in entries[:_MOST_FILES]:
        path = Path(entry.path)
        if entry.name.lower().endswith(_ENDINGS) and path.is_file():
            yield path
        elif _is_folder(entry) and not entry.name.startswith("."):
            yield from _files(path, seen, depth + 1)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link that leads to itself
        return False


def _name_of(path: Path, scope: Scope) -> str | None:
    """Return the name of the agent that ``path`` defines; None when it is a document that happens to lie there."""
    try:
        with path.open("rb") as stream:
            head = stream.read(_HEAD_BYTES)
    except OSError:
        return None
    text = head.decode("utf-8", "replace")
    if path.suffix.lower() != ".md":
        names = (_NAME_LINE.fullmatch(line.rstrip()) for line in text.removeprefix("\ufeff").splitlines())
        return next((match[2] for match in names if match), path.stem)
    above = _front_matter(text)
    if above is None:
        return None if _is_document(path.stem) else path.stem
    for line in above:
        if match := _NAME_LINE.fullmatch(line):
            return match[2]
    try:  # it is written in some other way, or missing
        return DefinitionFile(path.stem, path, scope).read().name
    except (SpecErrors, OSError):
        return path.stem


def _is_document(stem: str) -> bool:
    """Say whether a file without a front matter is called as documents are: README-agents, QUICK_REFERENCE, index."""
    folded = stem.casefold()
    return stem.isupper() or folded in _DOCUMENTS or folded.startswith("readme")


def _front_matter(head: str) -> list[str] | None:
    lines = head.removeprefix("\ufeff").splitlines()
    start = next((i for i, line in enumerate(lines) if line.strip()), len(lines))
    if start == len(lines) or lines[start].rstrip() != "---":
        return None
    end = next(
        (i for i, line in enumerate(lines[start + 1 :], start + 1) if line.rstrip() in ("---", "...")),
        len(lines),
    )
    return [line.rstrip() for line in lines[start + 1 : end]]

"""Finds the agents that a project and a user define for Claude Code: ``.claude/agents/*.md``.

Takes the two folders and gives names and files; the name is the ``name:`` of the file's front matter, else
the file's own. Only the first kilobytes of a file are read and nothing of it is interpreted beyond that one
line; a file that cannot be read defines nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

__all__ = ["known_agent_files"]

_HEAD_BYTES = 16 * 1024
_NAME_LINE = re.compile(r"name\s*:\s*(['\"]?)([A-Za-z0-9_][A-Za-z0-9_-]{0,63})\1\s*(?:#.*)?")


def known_agent_files(project_root: Path | None, home: Path | None) -> Mapping[str, Path]:
    """Return the agent definitions, name -> file; the project's win over the user's, as in Claude Code."""
    found: dict[str, Path] = {}
    for folder in (project_root, home):
        if folder is not None:
            for file in _definition_files(folder / ".claude" / "agents"):
                name = _agent_name(file)
                if name:
                    found.setdefault(name, file)
    return found


def _definition_files(folder: Path) -> list[Path]:
    try:
        return sorted(folder.glob("**/*.md"))
    except OSError:  # a folder that we may not list defines no agents
        return []


def _agent_name(file: Path) -> str | None:
    try:
        with file.open("rb") as stream:
            head = stream.read(_HEAD_BYTES).decode("utf-8", "replace")
    except OSError:
        return None
    for line in _front_matter(head):
        if match := _NAME_LINE.fullmatch(line):
            return match.group(2)
    return file.stem


def _front_matter(head: str) -> list[str]:
    lines = head.removeprefix("\ufeff").splitlines()
    if not lines or lines[0].rstrip() != "---":
        return []
    end = next((i for i, line in enumerate(lines[1:], 1) if line.rstrip() == "---"), len(lines))
    return [line.rstrip() for line in lines[1:end]]

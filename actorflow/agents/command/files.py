"""Reads the file that describes a program, and the files that it extends.

A description may extend the next one with its own name: the project's ``codex.yaml`` the one that ships. No file is
extended twice on the way, so circles end. Takes the files that were found; opens them.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from actorflow.agents.command.decode import MAX_BYTES, Keys, read_command
from actorflow.agents.command.definition import CommandDefinition
from actorflow.agents.definitions_found import DefinitionFile
from actorflow.errors import SpecErrors

__all__ = ["load_command"]

_DEEPEST: Final = 10
"""How many descriptions may stand over each other."""

Library = Mapping[str, tuple[DefinitionFile, ...]]


def load_command(file: DefinitionFile, library: Library) -> CommandDefinition:
    """Return what a file describes.

    Args:
        library: name -> files, those that count first.

    Raises:
        SpecErrors: it cannot be used; carries all problems.
        OSError: it cannot be read.
    """
    return _read(file, library, (file,))[0]


def _read(
    file: DefinitionFile, library: Library, on_the_way: tuple[DefinitionFile, ...]
) -> tuple[CommandDefinition, Keys]:
    def base(name: str) -> Keys | None:
        others = [other for other in library.get(name, ()) if other.is_command and other not in on_the_way]
        if not others or len(on_the_way) > _DEEPEST:
            return None
        try:
            return _read(others[0], library, (*on_the_way, others[0]))[1]
        except (SpecErrors, OSError):
            return None

    with file.path.open("rb") as stream:
        data = stream.read(MAX_BYTES + 1)
    return read_command(data, source=file.path, scope=file.scope, base=base)

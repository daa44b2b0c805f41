"""Which workflow is meant by FILE: a path, or a name; one of the library is used with a word about it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from actorflow.cli.streams import say
from actorflow.settings import Settings

if TYPE_CHECKING:
    from actorflow.library.finding import Found

__all__ = ["find_workflow", "located"]


def find_workflow(text: str, settings: Settings) -> Path:
    """Return the file of the workflow that ``text`` means; see ``located``."""
    return located(text, settings).path


def located(text: str, settings: Settings) -> Found:
    """Return the workflow that ``text`` means: a path, a name in the project or the user's folder, or a template.

    Raises:
        InputError: there is none.
    """
    from actorflow.library.finding import find_workflow as find

    found = find(text, settings)
    if found.origin == "library":
        note = f"{found.path.stem} is a template; 'actorflow templates new {found.path.stem}' makes it yours"
        say(note, to_stderr=True)
    return found

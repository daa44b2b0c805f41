"""Workflows by name: in the project's ``.claude/workflows/``, in the user's, and at last in the library.

A path that is there wins over a name. Of a folder only YAML and JSON files with a ``tasks:`` key are
workflows; files of stubs and of tests are none, and neither is what Claude Code itself keeps there. A name
that two files of one folder have is told as such, one that none has with the nearest that there is.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from actorflow.errors import InputError
from actorflow.resources import data_folder
from actorflow.settings import Settings

__all__ = ["WORKFLOWS_FOLDER", "Found", "find_workflow", "known_workflows", "workflow_folders"]

WORKFLOWS_FOLDER = Path(".claude") / "workflows"
"""Where a project keeps its workflows."""

Origin: TypeAlias = Literal["path", "project", "user", "library"]

_SUFFIXES = (".yaml", ".yml", ".json")
_BESIDE = (".stubs", ".tests")
_TASKS = re.compile(rb"""(?:^|[{,])[ \t]*["']?tasks["']?[ \t]*:""", re.MULTILINE)
_LOOKED_AT_BYTES = 4 * 1024 * 1024
_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Found:
    """A workflow's file, and how it was found."""

    path: Path
    origin: Origin


def find_workflow(text: str, settings: Settings) -> Found:
    """Return the file that ``text`` means: as it is when there is such a path, else by name.

    Raises:
        InputError: there is neither, or the name means more than one file.
    """
    path = Path(text)
    if path.is_dir():
        raise InputError(f"{text} is a folder", hint="give a workflow file, or the name of a workflow")
    if path.exists():
        return Found(path, "path")
    if path.name == text:
        for origin, folder in workflow_folders(settings):
            files = [file for file in _workflows_in(folder) if text in (file.stem, file.name)]
            if len(files) > 1:
                names = " and ".join(file.name for file in files)
                raise InputError(
                    f"{text!r} means more than one workflow: {folder} has {names}", hint="give the whole name"
                )
            if files:
                return Found(files[0], origin)
    raise InputError(f"no workflow file and no workflow named {text!r}", hint=_hint(path.stem, settings))


def workflow_folders(settings: Settings) -> Iterator[tuple[Origin, Path]]:
    """Yield where workflows are looked for by name, the nearest first."""
    yield "project", settings.project_root / WORKFLOWS_FOLDER
    yield "user", settings.user_folder / "workflows"
    yield "library", data_folder("templates")


def known_workflows(settings: Settings) -> dict[str, Found]:
    """Return name -> the workflow that it means, in the order of the folders; what cannot be read is left out."""
    known: dict[str, Found] = {}
    for origin, folder in workflow_folders(settings):
        for file in _workflows_in(folder):
            known.setdefault(file.stem, Found(file, origin))
    return known


def _workflows_in(folder: Path) -> list[Path]:
    try:
        files = sorted(file for file in folder.iterdir() if file.suffix in _SUFFIXES)
    except OSError:
        return []
    return [file for file in files if not file.stem.endswith(_BESIDE) and _has_tasks(file)]


def _has_tasks(file: Path) -> bool:
    """Whether a file has a key ``tasks``, by the look of it: a workflow with mistakes is one all the same."""
    try:
        with file.open("rb") as stream:
            return _TASKS.search(stream.read(_LOOKED_AT_BYTES)) is not None
    except OSError:
        return False


def _hint(name: str, settings: Settings) -> str:
    known = known_workflows(settings)
    close = difflib.get_close_matches(name, known, n=1)
    if close:
        where = " (a template of the library)" if known[close[0]].origin == "library" else ""
        return f"did you mean {close[0]!r}?{where}"
    mine = [name for name, found in known.items() if found.origin != "library"]
    theirs = [name for name, found in known.items() if found.origin == "library"]
    folder = settings.project_root / WORKFLOWS_FOLDER
    first = (
        f"in {folder} are: {_listed(mine)}" if mine else f"give the path of a file; {folder} has no workflows"
    )
    return f"{first}\ntemplates: {_listed(theirs)}"


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more

"""Which file is meant by FILE: a path, or the name of a workflow in ``.claude/workflows/``.

A path wins over a name. What is not found is told with the names that are there. Must not read the file.
"""

from __future__ import annotations

import difflib
from pathlib import Path

from actorflow.errors import InputError

__all__ = ["WORKFLOWS_FOLDER", "find_workflow", "known_workflows"]

WORKFLOWS_FOLDER = Path(".claude") / "workflows"
"""Where a project keeps its workflows."""

_SUFFIXES = (".yaml", ".yml", ".json")
_SHOWN = 10


def find_workflow(text: str, project_root: Path) -> Path:
    """Return the file that ``text`` means: as it is when there is such a path, else by name.

    Raises:
        InputError: there is neither.
    """
    path = Path(text)
    if path.is_dir():
        raise InputError(f"{text} is a folder", hint="give a workflow file, or the name of a workflow")
    if path.exists():
        return path
    folder = project_root / WORKFLOWS_FOLDER
    if path.name == text:
        for name in (text, *(text + suffix for suffix in _SUFFIXES)):
            if name.endswith(_SUFFIXES) and (folder / name).is_file():
                return folder / name
    raise InputError(f"no workflow file and no workflow named {text!r}", hint=_hint(path.stem, folder))


def known_workflows(folder: Path) -> tuple[str, ...]:
    """Return the names of the workflows in ``folder``; () when it cannot be read."""
    try:
        found = {path.stem for path in folder.iterdir() if path.suffix in _SUFFIXES}
    except OSError:
        return ()
    return tuple(sorted(found))


def _hint(name: str, folder: Path) -> str:
    known = known_workflows(folder)
    if not known:
        return f"give the path of a file; {folder} has no workflows"
    close = difflib.get_close_matches(name, known, n=1)
    if close:
        return f"did you mean {close[0]!r}?"
    more = f" and {len(known) - _SHOWN} more" if len(known) > _SHOWN else ""
    return f"in {folder} are: {', '.join(known[:_SHOWN])}{more}"

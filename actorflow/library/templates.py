"""The templates: workflows that ship with actorflow, each with its tests.

Takes a name, gives a ``Template``. Reads the shipped files and nothing else.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path

from actorflow.errors import InputError
from actorflow.resources import data_folder
from actorflow.workflow import Workflow, load_workflow
from actorflow.workflow.catalog import Catalog

__all__ = ["Template", "template", "templates"]


@dataclass(frozen=True, slots=True)
class Template:
    """One template.

    Attributes:
        tests: the file of its tests.
    """

    name: str
    path: Path
    workflow: Workflow

    @property
    def tests(self) -> Path:
        """The file of its tests."""
        return self.path.with_name(f"{self.name}.tests.yaml")

    @property
    def text(self) -> str:
        """The file's text."""
        return self.path.read_text(encoding="utf-8")


def templates(catalog: Catalog) -> list[Template]:
    """Return all templates, by name.

    Args:
        catalog: the agents that are known here.
    """
    return [_load(path, catalog) for path in _paths()]


def template(name: str, catalog: Catalog) -> Template:
    """Return one template.

    Raises:
        InputError: there is none of that name.
    """
    paths = {path.stem: path for path in _paths()}
    if name in paths:
        return _load(paths[name], catalog)
    close = difflib.get_close_matches(name, paths, n=1)
    hint = f"did you mean {close[0]!r}?" if close else f"there are: {', '.join(paths)}"
    raise InputError(f"there is no template {name!r}", hint=hint)


def _paths() -> list[Path]:
    folder = data_folder("templates")
    return sorted(path for path in folder.glob("*.yaml") if not path.stem.endswith((".tests", ".stubs")))


def _load(path: Path, catalog: Catalog) -> Template:
    workflow = load_workflow(path.read_bytes(), file=str(path), catalog=catalog).workflow
    return Template(path.stem, path, workflow)

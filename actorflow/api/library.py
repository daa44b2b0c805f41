"""The template library for commands and embedders: what there is, one of it, and a copy for a project.

Reads the shipped files; writes a copy of a template and of its tests, and nothing that is there already.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from actorflow.api.checking import registry_of
from actorflow.errors import ConfigurationError, InputError
from actorflow.library.copying import adapted, read_defaults
from actorflow.library.finding import WORKFLOWS_FOLDER
from actorflow.library.templates import Template, template, templates
from actorflow.settings import Settings
from actorflow.values import Frozen
from actorflow.workflow import load_workflow

__all__ = ["Copied", "copy_template", "list_templates", "read_template"]

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_-]{0,63}")


@dataclass(frozen=True, slots=True)
class Copied:
    """The files of a new workflow; ``tests`` is None when no tests were wanted."""

    workflow: Path
    tests: Path | None


def list_templates(*, settings: Settings) -> list[Template]:
    """Return all templates, by name."""
    return templates(registry_of(settings).catalog())


def read_template(name: str, *, settings: Settings) -> Template:
    """Return one template.

    Raises:
        InputError: there is none of that name.
    """
    return template(name, registry_of(settings).catalog())


def copy_template(
    source: Template,
    *,
    settings: Settings,
    name: str = "",
    target: Path | None = None,
    assignments: Sequence[str] = (),
    defaults: Mapping[str, Frozen] | None = None,
    with_tests: bool = True,
    force: bool = False,
) -> Copied:
    """Write a template into a project, under another name and with other defaults if that is wanted.

    Args:
        name: of the new workflow; the target's, else the template's by default.
        target: the new file; ``.claude/workflows/NAME.yaml`` of the project by default.
        assignments: new defaults of inputs, as ``name=text``; they win over ``defaults``.
        with_tests: write the template's tests beside it.
        force: write over what is there.

    Raises:
        InputError: a file is there already, or a default does not fit.
        ConfigurationError: a file cannot be written.
    """
    if name and not _NAME.fullmatch(name):
        raise InputError(
            f"{name!r} cannot be the name of a workflow", hint="letters, digits, '_' and '-', at most 64"
        )
    name = name or (target.stem if target is not None else source.name)
    values = {**(defaults or {}), **read_defaults(source.workflow, assignments)}
    text = adapted(source.text, name=name, defaults=values)
    file = target or settings.project_root / WORKFLOWS_FOLDER / f"{name}.yaml"
    load_workflow(text.encode(), file=str(file), catalog=registry_of(settings).catalog())
    tests = file.with_name(f"{file.stem}.tests.yaml") if with_tests else None
    texts = {file: text} | ({tests: source.tests.read_text(encoding="utf-8")} if tests is not None else {})
    there = [path for path in texts if path.exists()]
    if there and not force:
        raise InputError(f"{' and '.join(map(str, there))}: there already", hint="--force writes over it")
    for path, content in texts.items():
        _write(path, content)
    return Copied(file, tests)


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written: {error.strerror}") from error

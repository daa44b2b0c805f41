"""Reading secrets, at the start of every drive and never before.

Takes the sources that a workflow names and gives name -> text. All that are missing are reported at once. A
secret's text goes to agents' environments and to the masker, and nowhere else: it is not part of any event,
plan or error. What is noted of it, so that a later drive sees that it has changed, is too little to guess it from.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TypeAlias

from actorflow.errors import ConfigurationError
from actorflow.ids import RunId
from actorflow.workflow.model import SecretSource, Workflow

__all__ = ["SecretMarks", "find_secrets", "marks_of", "read_secrets"]

SecretMarks: TypeAlias = frozenset[tuple[str, str]]
"""Each secret's name, with a mark of its text."""

_MARK_ROUNDS = 20_000
_MARK_BYTES = 2


def read_secrets(
    workflow: Workflow, *, environment: Mapping[str, str], project_root: Path, literals: Mapping[str, str]
) -> dict[str, str]:
    """Return the text of every secret, by name.

    Args:
        literals: secrets written into the workflow file itself.

    Raises:
        ConfigurationError: some cannot be had; the message names each with where it was looked for.
    """
    found, missing = find_secrets(
        workflow, environment=environment, project_root=project_root, literals=literals
    )
    if missing:
        raise ConfigurationError(
            "; ".join(missing), hint="set what is missing and run the same command again"
        )
    return found


def find_secrets(
    workflow: Workflow, *, environment: Mapping[str, str], project_root: Path, literals: Mapping[str, str]
) -> tuple[dict[str, str], list[str]]:
    """Return name -> text of the secrets that can be had, and what is to be said of each of the others."""
    found: dict[str, str] = {}
    missing: list[str] = []
    for source in workflow.secrets:
        text = _read(source, environment, project_root, literals)
        if text is None:
            missing.append(_describe(source))
        else:
            found[source.name] = text
    return found, missing


def marks_of(run_id: RunId, secrets: Mapping[str, str]) -> SecretMarks:
    """Return the marks of secrets in a run: another text has another mark, but for one in 65,536.

    So few bits, slowly made, tell nobody which text it is, however simple.
    """
    return frozenset((name, _mark(run_id, name, text)) for name, text in secrets.items())


@cache
def _mark(run_id: RunId, name: str, text: str) -> str:
    salt = f"{run_id}/{name}".encode()
    data = text.encode("utf-8", "surrogateescape")
    return hashlib.pbkdf2_hmac("sha256", data, salt, _MARK_ROUNDS, _MARK_BYTES).hex()


def _read(
    source: SecretSource, environment: Mapping[str, str], project_root: Path, literals: Mapping[str, str]
) -> str | None:
    if source.kind == "env":
        return environment.get(source.locator)
    if source.kind == "literal":
        return literals.get(source.name)
    try:
        return (project_root / source.locator).read_text(encoding="utf-8").removesuffix("\n")
    except (OSError, UnicodeDecodeError):
        return None


def _describe(source: SecretSource) -> str:
    if source.kind == "env":
        return f"secret {source.name}: the environment variable {source.locator} is not set"
    if source.kind == "file":
        return f"secret {source.name}: the file {source.locator} cannot be read"
    return f"secret {source.name}: it was written into the workflow file, which is gone or changed"

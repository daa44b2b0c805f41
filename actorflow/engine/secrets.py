"""Reading secrets, at the start of every drive and never before.

Takes the sources that a workflow names and gives name -> text. All that are missing are reported at once. A
secret's text goes to agents' environments and to the masker, and nowhere else: it is not part of any event,
plan or error.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from actorflow.errors import ConfigurationError
from actorflow.workflow.model import SecretSource, Workflow

__all__ = ["find_secrets", "read_secrets"]


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

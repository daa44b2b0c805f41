"""Reading and checking a workflow file, without running anything.

The only place that reads workflow files, and files beside them, from disk. Gives the workflow and every problem; a file that cannot
be read is a problem like any other.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from actorflow.agents.claude.setup import ClaudeSetup
from actorflow.agents.registry import AgentRegistry
from actorflow.errors import SpecErrors
from actorflow.settings import Settings
from actorflow.workflow import Loaded, Problem, ReadLimits, Workflow, load_workflow, too_large_problem

__all__ = ["Checked", "load_file", "read_bytes", "registry_of", "validate"]


@dataclass(frozen=True, slots=True)
class Checked:
    """A checked workflow file.

    Attributes:
        workflow: None when there are errors.
        problems: errors and warnings, in the order of the file.
    """

    workflow: Workflow | None
    problems: tuple[Problem, ...]


def registry_of(settings: Settings) -> AgentRegistry:
    """Return the agents that a workflow of this project can name."""
    claude = ClaudeSetup(
        named=settings.claude,
        search_path=settings.search_path,
        home=settings.home,
        project_root=settings.project_root,
        user_folder=settings.user_folder,
        permission_mode=settings.permission_mode,
    )
    return AgentRegistry.installed(
        project_root=settings.project_root, user_folder=settings.user_folder, claude=claude
    )


def validate(file: Path, *, settings: Settings) -> Checked:
    """Check a workflow file; never raises for what is in it."""
    try:
        loaded = load_file(file, registry=registry_of(settings))
    except SpecErrors as errors:
        return Checked(None, tuple(p for p in errors.problems if isinstance(p, Problem)))
    return Checked(loaded.workflow, loaded.warnings)


def load_file(file: Path, *, registry: AgentRegistry) -> Loaded:
    """Read and check a workflow file.

    Raises:
        SpecErrors: it cannot be read, or has errors.
    """
    limits = ReadLimits()
    data = read_bytes(file, hint="give the path of a workflow file", limits=limits)
    return load_workflow(data, file=str(file), catalog=registry.catalog(), limits=limits)


def read_bytes(file: Path, *, hint: str, limits: ReadLimits | None = None) -> bytes:
    """Read a file that a person wrote.

    Args:
        hint: what to do when it cannot be read.

    Raises:
        SpecErrors: it cannot be read, or is too large.
    """
    limits = limits or ReadLimits()
    name = str(file)
    try:
        with file.open(
            "rb"
        ) as stream:  # bounded, because a file can grow while it is read, and a device has no size
            data = stream.read(limits.max_bytes + 1)
    except OSError as error:
        reason = error.strerror or str(error)
        raise SpecErrors((_unreadable(name, reason, hint),)) from error
    if len(data) > limits.max_bytes:
        raise SpecErrors((too_large_problem(name, max(len(data), file.stat().st_size), limits),))
    return data


def _unreadable(name: str, reason: str, hint: str) -> Problem:
    return Problem(
        file=name,
        line=1,
        column=1,
        code="E101",
        message=f"the file cannot be read: {reason}",
        hint=hint,
    )

"""What agents there are: where each comes from, whether it can run here, and what its file says.

Takes settings, gives ``KnownAgent``s. Finding out whether an agent can run loads it, as a run would; nothing is
started. A broken file is part of the answer, not an error.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from actorflow.agents.command.definition import CommandDefinition
from actorflow.agents.command.files import load_command
from actorflow.agents.definitions import AgentDefinition
from actorflow.agents.definitions_found import DefinitionFile, find_definitions
from actorflow.agents.entries import Entry, Origin
from actorflow.agents.registry import AgentRegistry
from actorflow.agents.traits import DESCRIPTIONS
from actorflow.api.checking import registry_of
from actorflow.errors import ConfigurationError, RunError, SpecErrors
from actorflow.settings import Settings
from actorflow.workflow.catalog import AgentTraits
from actorflow.workflow.problems import Problem
from actorflow.workflow.suggest import Suggester

__all__ = ["KnownAgent", "agent", "agents"]


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownAgent:
    """An agent that a workflow can name.

    Attributes:
        kind: ``claude`` is run by Claude Code, ``command`` is another program, ``code`` is neither.
        reason: why it cannot run here; "" when it can.
        definition: what its file says; None for agents that are code, and when the file is broken.
        problems: everything that is wrong, or has no effect, in its file.
        file: what defines it.
        shadowed: files that would define it if that one did not.
        overruled: files that want to define a name that is built in.
    """

    name: str
    origin: Origin
    kind: Literal["claude", "command", "code"]
    traits: AgentTraits
    description: str = ""
    reason: str = ""
    definition: AgentDefinition | CommandDefinition | None = None
    problems: tuple[Problem, ...] = ()
    file: Path | None = None
    shadowed: tuple[DefinitionFile, ...] = ()
    overruled: tuple[DefinitionFile, ...] = ()

    @property
    def is_broken(self) -> bool:
        """Whether its file cannot be used."""
        return bool(self.traits.defect)


def agents(*, settings: Settings) -> tuple[KnownAgent, ...]:
    """Return all agents, by name."""
    registry = registry_of(settings)
    files = find_definitions(settings.project_root, settings.user_folder)
    return tuple(_known(entry, registry, files) for entry in registry.entries())


def agent(name: str, *, settings: Settings) -> KnownAgent:
    """Return one agent.

    Raises:
        RunError: there is none of that name; says which one may be meant.
    """
    registry = registry_of(settings)
    try:
        entry = registry.entry(name)
    except ConfigurationError as error:
        near = Suggester().hint(name, [known.name for known in registry.entries()])
        raise RunError(error.message, hint=near or "'actorflow agents list' shows all agents") from error
    return _known(entry, registry, find_definitions(settings.project_root, settings.user_folder))


def _known(entry: Entry, registry: AgentRegistry, files: dict[str, tuple[DefinitionFile, ...]]) -> KnownAgent:
    traits = entry.traits()
    definition, problems = _definition(entry, files)
    first = entry.files[0] if entry.files else None
    is_claude = entry.name == "claude" if first is None else not first.is_command
    return KnownAgent(
        name=entry.name,
        origin=entry.origin,
        kind="claude" if is_claude else "command" if first is not None else "code",
        traits=traits,
        description=DESCRIPTIONS.get(entry.name, "") if definition is None else definition.description,
        reason=_reason(entry),
        definition=definition,
        problems=problems,
        file=None if first is None else first.path,
        shadowed=entry.files[1:],
        overruled=registry.overruled(entry.name),
    )


def _definition(
    entry: Entry, files: dict[str, tuple[DefinitionFile, ...]]
) -> tuple[AgentDefinition | CommandDefinition | None, tuple[Problem, ...]]:
    if not entry.files:
        return None, ()
    file = entry.files[0]
    try:
        definition = load_command(file, files) if file.is_command else file.read()
    except SpecErrors as errors:
        return None, tuple(p for p in errors.problems if isinstance(p, Problem))
    except OSError:  # the traits say so
        return None, ()
    return definition, definition.warnings


def _reason(entry: Entry) -> str:
    try:
        entry.get()
    except ConfigurationError as error:
        return error.message
    return ""

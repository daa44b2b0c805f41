"""One name of the registry: where it comes from, and how its agent is made when it is first needed.

Makes the entries of what comes with actorflow, of files that define agents, and of plug-ins. Making one
imports nothing and reads no file; asking for its traits may read its file or import its plug-in, and asking
for its agent imports the agent. What fails on the way becomes the reason why this one agent cannot be used.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal, TypeAlias, cast

from actorflow.agents.claude.setup import ClaudeSetup
from actorflow.agents.claude.traits import claude_traits
from actorflow.agents.command.files import load_command
from actorflow.agents.command.traits import command_traits
from actorflow.agents.definitions_found import DefinitionFile
from actorflow.agents.interface import Agent
from actorflow.agents.traits import BUILT_IN, HUMAN
from actorflow.errors import ConfigurationError, SpecErrors
from actorflow.workflow.catalog import AgentTraits

if TYPE_CHECKING:  # 15 ms that a workflow of built-in agents does not need
    from importlib.metadata import EntryPoint

__all__ = ["Entry", "Origin", "built_in_entries", "defined_entries", "plugin_entries"]

Origin: TypeAlias = Literal["built-in", "project", "user", "plug-in", "shipped"]


@dataclass(slots=True)
class Entry:
    """One name.

    Attributes:
        load: gives the agent; None when there is none. What it gave is kept, and so is how it failed.
        files: what defines it, the one that counts first; empty for agents that are code.
        describe: gives what the agent takes, reading its file if it has one; None asks the agent itself.
        failure: why it could not be loaded.
    """

    name: str
    origin: Origin
    load: Callable[[], Agent] | None
    known_traits: AgentTraits | None = None
    files: tuple[DefinitionFile, ...] = ()
    describe: Callable[[], AgentTraits] | None = None
    agent: Agent | None = None
    failure: str = ""

    def traits(self) -> AgentTraits:
        """Return what the agent takes, reading its file or importing its plug-in if this is the first time."""
        if self.known_traits is None:
            self.known_traits = (
                self._traits_of_agent() if self.describe is None else self._traits_of_file(self.describe)
            )
        return self.known_traits

    def get(self) -> Agent:
        """Return the agent.

        Raises:
            ConfigurationError: it cannot run here; says why.
        """
        traits = self.traits()
        if reason := traits.defect or traits.unavailable:
            raise ConfigurationError(reason)
        agent = self._loaded()
        if agent is None:
            raise ConfigurationError(self.failure)
        if reason := agent.traits.unavailable:
            raise ConfigurationError(reason)
        return agent

    def _loaded(self) -> Agent | None:
        if self.agent is None and self.load is not None and not self.failure:
            try:
                self.agent = self.load()
            except ConfigurationError as error:
                self.failure = str(error)
            except Exception as error:  # noqa: BLE001 - foreign code may raise anything; it becomes the reason why the agent is unavailable
                self.failure = f"the agent '{self.name}' could not be loaded: {type(error).__name__}: {error}"
        return self.agent

    def _traits_of_agent(self) -> AgentTraits:
        agent = self._loaded()
        if agent is None:
            return AgentTraits(name=self.name, unavailable=self.failure)
        return replace(agent.traits, name=self.name)

    def _traits_of_file(self, describe: Callable[[], AgentTraits]) -> AgentTraits:
        try:
            return replace(describe(), name=self.name)
        except SpecErrors as errors:
            defect = _defect(self.name, errors)
        except OSError as error:
            defect = f"{self.files[0].path}: the file cannot be read: {error.strerror}"
        return AgentTraits(name=self.name, defect=defect)


def built_in_entries(claude: ClaudeSetup) -> dict[str, Entry]:
    """Return the agents whose names are reserved."""
    entries = {
        name: Entry(name, "built-in", _class_loader(place), traits)
        for name, (traits, place) in BUILT_IN.items()
    }
    entries["claude"] = Entry(
        "claude",
        "built-in",
        _claude_loader(None, claude),
        describe=lambda: claude_traits("claude", unavailable=claude.unavailable),
    )
    entries["human"] = Entry("human", "built-in", None, HUMAN)
    return entries


def defined_entries(files: Mapping[str, tuple[DefinitionFile, ...]], claude: ClaudeSetup) -> dict[str, Entry]:
    """Return the agents that files define."""
    return {name: _defined_entry(name, group, files, claude) for name, group in files.items()}


def _defined_entry(
    name: str,
    group: tuple[DefinitionFile, ...],
    files: Mapping[str, tuple[DefinitionFile, ...]],
    claude: ClaudeSetup,
) -> Entry:
    file = group[0]
    if file.is_command:
        load, describe = _command_loaders(file, files)
        return Entry(name, file.scope, load, files=group, describe=describe)

    def describe_claude() -> AgentTraits:
        definition = file.read()
        traits = claude_traits(name, unavailable=claude.unavailable)
        return replace(traits, fingerprint=definition.fingerprint)

    return Entry(name, file.scope, _claude_loader(file, claude), files=group, describe=describe_claude)


def _command_loaders(
    file: DefinitionFile, files: Mapping[str, tuple[DefinitionFile, ...]]
) -> tuple[Callable[[], Agent], Callable[[], AgentTraits]]:
    def load() -> Agent:
        from actorflow.agents.command.agent import CommandAgent

        return CommandAgent(load_command(file, files))

    def describe() -> AgentTraits:
        return command_traits(load_command(file, files))

    return load, describe


def plugin_entries(points: Iterable[EntryPoint]) -> dict[str, Entry]:
    """Return the agents that installed packages bring; none takes a built-in agent's place."""
    by_name: dict[str, dict[str, EntryPoint]] = {}
    for point in points:
        by_name.setdefault(point.name, {})[point.value] = point
    return {name: _plugin_entry(name, list(rivals.values())) for name, rivals in by_name.items()}


def _plugin_entry(name: str, points: list[EntryPoint]) -> Entry:
    if len(points) == 1:
        return Entry(name, "plug-in", _plugin_loader(points[0]))
    rivals = " and ".join(_origin_of(point) for point in points)
    reason = f"the agent '{name}' is brought by {rivals}; uninstall all but one"
    return Entry(name, "plug-in", None, AgentTraits(name=name, unavailable=reason))


def _defect(name: str, errors: SpecErrors) -> str:
    first, *others = [p for p in errors.problems if getattr(p, "severity", "") == "error"]
    head, _, _ = str(first).partition("\n")
    more = f" (and {len(others)} more)" if others else ""
    return f"the agent '{name}' cannot be used: {head}{more}"


def _claude_loader(file: DefinitionFile | None, claude: ClaudeSetup) -> Callable[[], Agent]:
    def load() -> Agent:
        from actorflow.agents.claude.agent import ClaudeAgent

        return ClaudeAgent(claude, None if file is None else file.read())

    return load


def _class_loader(place: str) -> Callable[[], Agent]:
    def load() -> Agent:
        module, _, attribute = place.partition(":")
        return cast("Agent", getattr(importlib.import_module(module), attribute)())

    return load


def _plugin_loader(point: EntryPoint) -> Callable[[], Agent]:
    def load() -> Agent:
        try:
            found = point.load()
            agent = found() if isinstance(found, type) else found
            if not isinstance(agent.traits, AgentTraits) or not callable(agent.run):
                raise TypeError("its traits are not AgentTraits, or run cannot be called")
        except Exception as error:
            raise ImportError(
                f"{_origin_of(point)}, which brings it, failed with {type(error).__name__}: {error}"
            ) from error
        return cast("Agent", agent)

    return load


def _origin_of(point: EntryPoint) -> str:
    distribution = point.dist
    package = (
        f"the package {distribution.name} {distribution.version}" if distribution is not None else "a package"
    )
    return f"{package} ({point.value})"

"""Agents by name: those that come with actorflow, plug-ins, and those that are known but cannot run here.

A plug-in is an entry point of the group ``actorflow.agents``. Names are known without importing anything; a
plug-in is imported when a workflow first names it, and one that fails to import makes its own agents
unavailable and nothing else. The names of built-in agents are reserved: no installed package can put itself
in the place of ``shell``. Must not start agents.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

from actorflow.agents.definitions_found import find_definitions
from actorflow.agents.interface import Agent
from actorflow.agents.traits import BUILT_IN, UNAVAILABLE, claude_code_agent
from actorflow.errors import ConfigurationError
from actorflow.workflow.catalog import AgentTraits, Catalog

if TYPE_CHECKING:  # 15 ms that a workflow of built-in agents does not need
    from importlib.metadata import EntryPoint

__all__ = ["ENTRY_POINT_GROUP", "AgentRegistry"]

ENTRY_POINT_GROUP = "actorflow.agents"


@dataclass(slots=True)
class _Entry:
    """One name. ``load`` gives the agent, or is None when there is none; what it gave is kept, and so is how it failed."""

    name: str
    load: Callable[[], Agent] | None
    known_traits: AgentTraits | None = None
    agent: Agent | None = None
    failure: str = ""

    def traits(self) -> AgentTraits:
        if self.known_traits is None:
            agent = self.get()
            unavailable = AgentTraits(name=self.name, unavailable=self.failure)
            self.known_traits = unavailable if agent is None else replace(agent.traits, name=self.name)
        return self.known_traits

    def get(self) -> Agent | None:
        if self.agent is None and self.load is not None and not self.failure:
            try:
                self.agent = self.load()
            except Exception as error:  # noqa: BLE001 - foreign code may raise anything; it becomes the reason why the agent is unavailable
                self.failure = f"the agent '{self.name}' could not be loaded: {type(error).__name__}: {error}"
        return self.agent


class _LazyCatalog(Mapping[str, AgentTraits]):
    """A catalog that imports a plug-in only when its traits are asked for."""

    __slots__ = ("_entries",)

    def __init__(self, entries: Mapping[str, _Entry]) -> None:
        self._entries = entries

    def __getitem__(self, name: str) -> AgentTraits:
        return self._entries[name].traits()

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)


class AgentRegistry:
    """All agents that a workflow can name. Not shared between threads; ``built_in`` and ``installed`` make one."""

    def __init__(self, entries: Mapping[str, _Entry] | None = None) -> None:
        self._entries = dict(entries or {})

    @classmethod
    def built_in(cls) -> AgentRegistry:
        """Return a registry of what comes with actorflow; no entry point is read, no third party's code is loaded."""
        return cls(_built_in_entries())

    @classmethod
    def installed(
        cls,
        *,
        project_root: Path | None = None,
        user_folder: Path | None = None,
        plugins: Iterable[EntryPoint] | None = None,
    ) -> AgentRegistry:
        """Return the built-in agents, those of installed plug-ins, and the names of agent definitions.

        Args:
            project_root: its ``.claude/agents/*.md`` define agents; None reads none.
            user_folder: the user's ``~/.claude``; likewise, its ``agents``.
            plugins: entry points to use instead of the installed ones.
        """
        points = _installed_plugins() if plugins is None else plugins
        # A plug-in may bring an agent that is only a definition or not available otherwise, but takes nobody's place.
        return cls(
            {**_defined_entries(project_root, user_folder), **_built_in_entries(), **_plugin_entries(points)}
        )

    def register(self, agent: Agent, *, name: str | None = None, replace_existing: bool = False) -> None:
        """Add an agent under ``name`` (default: its own). A name that is known but unavailable may be taken.

        Raises:
            ConfigurationError: an agent of that name is there already, and ``replace_existing`` is false.
        """
        name = name or agent.traits.name
        existing = self._entries.get(name)
        if existing is not None and existing.load is not None and not replace_existing:
            raise ConfigurationError(
                f"there is an agent '{name}' already", hint="pass replace_existing=True to replace it"
            )
        self._entries[name] = _Entry(name, lambda: agent, replace(agent.traits, name=name), agent)

    def catalog(self) -> Catalog:
        """Return what the validator needs: name -> traits. A live view; asking for a plug-in's traits imports it."""
        return _LazyCatalog(self._entries)

    def get(self, name: str) -> Agent:
        """Return the agent, importing it if this is the first time.

        Raises:
            ConfigurationError: there is none of that name, it cannot run here, or its plug-in cannot be
                imported; says what to do.
        """
        entry = self._entries.get(name)
        if entry is None:
            raise ConfigurationError(
                f"there is no agent '{name}'", hint=f"known agents: {', '.join(sorted(self._entries))}"
            )
        agent = entry.get()
        reason = entry.traits().unavailable
        if agent is None or reason:
            raise ConfigurationError(reason or entry.failure)
        return agent


def _built_in_entries() -> dict[str, _Entry]:
    unavailable = {name: _Entry(name, None, traits) for name, traits in UNAVAILABLE.items()}
    return unavailable | {
        name: _Entry(name, _class_loader(place), traits) for name, (traits, place) in BUILT_IN.items()
    }


def _defined_entries(project_root: Path | None, user_folder: Path | None) -> dict[str, _Entry]:
    return {
        name: _Entry(name, None, claude_code_agent(name, defined_in=str(files[0].path)))
        for name, files in find_definitions(project_root, user_folder).items()
    }


def _plugin_entries(points: Iterable[EntryPoint]) -> dict[str, _Entry]:
    by_name: dict[str, dict[str, EntryPoint]] = {}
    for point in points:
        if point.name not in BUILT_IN:
            by_name.setdefault(point.name, {})[point.value] = point
    return {name: _plugin_entry(name, list(rivals.values())) for name, rivals in by_name.items()}


def _plugin_entry(name: str, points: list[EntryPoint]) -> _Entry:
    if len(points) == 1:
        return _Entry(name, _plugin_loader(points[0]))
    rivals = " and ".join(_origin(point) for point in points)
    reason = f"the agent '{name}' is brought by {rivals}; uninstall all but one"
    return _Entry(name, None, AgentTraits(name=name, unavailable=reason))


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
                f"{_origin(point)}, which brings it, failed with {type(error).__name__}: {error}"
            ) from error
        return cast("Agent", agent)

    return load


def _origin(point: EntryPoint) -> str:
    distribution = point.dist
    package = (
        f"the package {distribution.name} {distribution.version}" if distribution is not None else "a package"
    )
    return f"{package} ({point.value})"


def _installed_plugins() -> Iterable[EntryPoint]:
    from importlib.metadata import entry_points

    return entry_points(group=ENTRY_POINT_GROUP)

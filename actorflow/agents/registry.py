"""Agents by name: those that come with actorflow, those that files define, and plug-ins.

For one name the first of these counts: a built-in agent (``shell``, ``python``, ``echo``, ``claude``,
``human``: nothing can take their names), the project's file, the user's file, a plug-in (an entry point of
the group ``actorflow.agents``), what ships with actorflow. Names are known without importing anything and
without reading whole files; one agent that is broken makes no other unusable. Must not start agents.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from actorflow.agents.claude.setup import ClaudeSetup
from actorflow.agents.definitions_found import DefinitionFile, find_definitions
from actorflow.agents.entries import Entry, built_in_entries, defined_entries, plugin_entries
from actorflow.agents.interface import Agent
from actorflow.errors import ConfigurationError
from actorflow.workflow.catalog import AgentTraits, Catalog
from actorflow.workflow.suggest import Suggester

if TYPE_CHECKING:  # 15 ms that a workflow of built-in agents does not need
    from importlib.metadata import EntryPoint

__all__ = ["ENTRY_POINT_GROUP", "AgentRegistry"]

ENTRY_POINT_GROUP = "actorflow.agents"


class _LazyCatalog(Mapping[str, AgentTraits]):
    """A catalog that imports a plug-in, or reads a file, only when its traits are asked for."""

    __slots__ = ("_entries",)

    def __init__(self, entries: Mapping[str, Entry]) -> None:
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

    def __init__(
        self,
        entries: Mapping[str, Entry] | None = None,
        *,
        overruled: Mapping[str, tuple[DefinitionFile, ...]] | None = None,
    ) -> None:
        self._entries = dict(entries or {})
        self._overruled = dict(overruled or {})

    @classmethod
    def built_in(cls) -> AgentRegistry:
        """Return a registry of what comes with actorflow; nothing is looked for, no third party's code is loaded."""
        claude = ClaudeSetup()
        return cls({**defined_entries(find_definitions(None, None), claude), **built_in_entries(claude)})

    @classmethod
    def installed(
        cls,
        *,
        project_root: Path | None = None,
        user_folder: Path | None = None,
        claude: ClaudeSetup | None = None,
        plugins: Iterable[EntryPoint] | None = None,
    ) -> AgentRegistry:
        """Return all agents: built-in ones, those of files, those of installed plug-ins.

        Args:
            project_root: its ``.claude/agents`` define agents; None reads none.
            user_folder: the user's ``~/.claude``; likewise, its ``agents``.
            claude: what runs agents that Claude Code runs; None looks for it in PATH, with the policies of these
                folders.
            plugins: entry points to use instead of the installed ones.
        """
        files = find_definitions(project_root, user_folder)
        claude = claude or ClaudeSetup(project_root=project_root, user_folder=user_folder)
        defined = defined_entries(files, claude)
        own = {name: entry for name, entry in defined.items() if entry.origin != "shipped"}
        brought = plugin_entries(_installed_plugins() if plugins is None else plugins)
        reserved = built_in_entries(claude)
        overruled = {name: group for name, group in files.items() if name in reserved}
        return cls({**defined, **brought, **own, **reserved}, overruled=overruled)

    def register(self, agent: Agent, *, name: str | None = None, replace_existing: bool = False) -> None:
        """Add an agent under ``name`` (default: its own). A name that is known but cannot run, or only ships, may be taken.

        Raises:
            ConfigurationError: an agent of that name is there already, and ``replace_existing`` is false.
        """
        name = name or agent.traits.name
        existing = self._entries.get(name)
        if existing is not None and not replace_existing and not _may_be_taken(existing):
            raise ConfigurationError(
                f"there is an agent '{name}' already", hint="pass replace_existing=True to replace it"
            )
        traits = replace(agent.traits, name=name)
        self._entries[name] = Entry(name, "plug-in", lambda: agent, traits, agent=agent)

    def catalog(self) -> Catalog:
        """Return what the validator needs: name -> traits. A live view; asking for traits may read a file or import a plug-in."""
        return _LazyCatalog(self._entries)

    def get(self, name: str) -> Agent:
        """Return the agent, importing it if this is the first time.

        Raises:
            ConfigurationError: there is none of that name, its file is broken, it cannot run here, or its
                plug-in cannot be imported; says what to do.
        """
        return self.entry(name).get()

    def entry(self, name: str) -> Entry:
        """Return what is known of a name.

        Raises:
            ConfigurationError: nothing is; says which one may be meant.
        """
        entry = self._entries.get(name)
        if entry is not None:
            return entry
        near = Suggester().hint(name, self._entries)
        known = f"known agents: {', '.join(sorted(self._entries))}"
        raise ConfigurationError(f"there is no agent '{name}'", hint=f"{near} ({known})" if near else known)

    def entries(self) -> tuple[Entry, ...]:
        """Return all entries, by name."""
        return tuple(self._entries[name] for name in sorted(self._entries))

    def overruled(self, name: str) -> tuple[DefinitionFile, ...]:
        """Return the files that would define an agent whose name a built-in one has."""
        return self._overruled.get(name, ())


def _may_be_taken(entry: Entry) -> bool:
    return entry.origin == "shipped" or bool(entry.traits().unavailable)


def _installed_plugins() -> Iterable[EntryPoint]:
    from importlib.metadata import entry_points

    return entry_points(group=ENTRY_POINT_GROUP)

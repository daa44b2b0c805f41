"""What a Markdown file says about an agent: role, rights and limits, ready for whoever runs it.

``AgentDefinition`` is what ``definitions_reader`` makes of ``.claude/agents/NAME.md`` and what the agent that
drives Claude Code is built with. Frozen plain data; its fingerprint covers what changes the agent's work, and
nothing else. ``KEYS`` is the table of front matter keys that mean something to Claude Code, with what becomes
of each here, so that nothing is parsed and silently dropped. Must not read files.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Literal, TypeAlias

import msgspec

from actorflow.values import FrozenDict
from actorflow.workflow.problems import Problem

__all__ = ["EFFORTS", "KEYS", "MEMORIES", "PERMISSION_MODES", "AgentDefinition", "Scope"]

Scope: TypeAlias = Literal["project", "user", "shipped"]
"""Where a definition comes from; the order is the order in which they are looked for."""

PERMISSION_MODES: Final = ("default", "acceptEdits", "plan", "dontAsk", "auto", "manual", "bypassPermissions")
EFFORTS: Final = ("low", "medium", "high", "xhigh", "max")
MEMORIES: Final = ("user", "project", "local")

_DISPLAY = "only Claude Code's own screen shows it"
_TASK_DECIDES = "a task says it"

KEYS: Final[dict[str, str]] = {
    "name": "",
    "description": "",
    "tools": "",
    "disallowedTools": "",
    "model": "",
    "effort": "",
    "permissionMode": "",
    "maxTurns": "",
    "skills": "",
    "mcpServers": "",
    "hooks": "",
    "memory": "",
    "initialPrompt": "",
    "omitClaudeMd": "",
    "background": f"{_TASK_DECIDES}: each attempt runs in a process of its own, and its result is waited for",
    "isolation": f"{_TASK_DECIDES}: its 'cwd' is where the agent works",
    "color": _DISPLAY,
}
"""Key of the front matter -> why it has no effect here, "" when it has one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentDefinition:
    """An agent as a file defines it.

    Attributes:
        prompt: the body of the file: the agent's system prompt.
        tools: what it may use; None is everything that Claude Code offers, an empty tuple is nothing.
        model: an alias or an id; None leaves it to the task or the user ("inherit" says the same).
        effort: one of ``EFFORTS``.
        permission_mode: one of ``PERMISSION_MODES`` but ``bypassPermissions``, which a file cannot grant.
        max_turns: at least 1.
        mcp_servers: name -> its settings, or None for one that is configured elsewhere.
        hooks: event -> list of matchers, as in Claude Code's settings.
        memory: one of ``MEMORIES``.
        initial_prompt: what is said to the agent before its task.
        source: the file.
        ignored: key of the file -> why it has no effect.
        warnings: what its author should know, in the order of the file.
    """

    name: str
    description: str
    prompt: str
    source: Path
    scope: Scope
    tools: tuple[str, ...] | None = None
    disallowed_tools: tuple[str, ...] = ()
    model: str | None = None
    effort: str | None = None
    permission_mode: str | None = None
    max_turns: int | None = None
    skills: tuple[str, ...] = ()
    mcp_servers: FrozenDict = field(default_factory=FrozenDict)
    hooks: FrozenDict = field(default_factory=FrozenDict)
    memory: str | None = None
    initial_prompt: str = ""
    omit_claude_md: bool = False
    ignored: FrozenDict = field(default_factory=FrozenDict)
    warnings: tuple[Problem, ...] = ()

    @property
    def fingerprint(self) -> str:
        """SHA-256, in hex, of everything that changes what the agent does; the same wherever the file lies."""
        return hashlib.sha256(msgspec.json.encode(self.effective, order="sorted")).hexdigest()

    @property
    def effective(self) -> FrozenDict:
        """What changes what the agent does, by the keys of the file; only what is set."""
        values = {
            "prompt": self.prompt,
            "tools": self.tools,
            "disallowedTools": self.disallowed_tools,
            "model": self.model,
            "effort": self.effort,
            "permissionMode": self.permission_mode,
            "maxTurns": self.max_turns,
            "skills": self.skills,
            "mcpServers": self.mcp_servers,
            "hooks": self.hooks,
            "memory": self.memory,
            "initialPrompt": self.initial_prompt,
            "omitClaudeMd": self.omit_claude_md,
        }
        # No tools at all is a setting; everything else that is empty is not.
        return FrozenDict({key: value for key, value in values.items() if value or value == () == self.tools})

"""What all agents of Claude Code have in common in this process: the program, the policy, a person's choice of mode.

``ClaudeSetup`` finds the ``claude`` program: what ``ACTORFLOW_CLAUDE_BIN`` names, else the first one in PATH or where
its installers put it, else the one inside an installed claude-agent-sdk. Looking costs no process; the policy
is read when the first agent needs it. Must not import trio: the traits of agents are asked for by commands that
run nothing.
"""

from __future__ import annotations

import importlib.util
import os
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from actorflow.agents.claude.policy import Policy, read_policy

__all__ = ["ClaudeSetup"]

_INSTALLED: Final = (".local/bin/claude", ".claude/local/claude", ".npm-global/bin/claude")
"""Below the user's home, where installers put it without always changing PATH."""

_HOW_TO_GET_IT: Final = (
    "install it (https://code.claude.com/docs, or 'pip install claude-agent-sdk'), "
    "or name it: ACTORFLOW_CLAUDE_BIN=/path/to/claude"
)


@dataclass(slots=True, kw_only=True)
class ClaudeSetup:
    """See the module.

    Attributes:
        named: what ``ACTORFLOW_CLAUDE_BIN`` says; "" when it says nothing.
        search_path: folders as in PATH; None is PATH itself.
        home: the user's home folder.
        project_root: whose policy counts.
        user_folder: the user's ``~/.claude``, whose policy counts too.
        permission_mode: what a person chose for the run, on the command line; "" for nothing.
    """

    named: str = ""
    search_path: str | None = None
    home: Path | None = None
    project_root: Path | None = None
    user_folder: Path | None = None
    permission_mode: str = ""
    _is_logged_in: bool = field(default=False, repr=False)
    _program: str | None = field(default=None, repr=False)
    _policy: Policy | None = field(default=None, repr=False)

    @property
    def program(self) -> str:
        """The path of ``claude``; "" when there is none."""
        if self._program is None:
            self._program = self._find()
        return self._program

    @property
    def unavailable(self) -> str:
        """Why there is no program and what to do; "" when there is one."""
        if self.program:
            return ""
        if self.named:
            return f"ACTORFLOW_CLAUDE_BIN names {self.named}, which is no program that can be run"
        return f"Claude Code is not installed: there is no program 'claude'; {_HOW_TO_GET_IT}"

    @property
    def policy(self) -> Policy:
        """What the user and the project allow.

        Raises:
            ConfigurationError: a file of it cannot be understood.
        """
        if self._policy is None:
            self._policy = read_policy(self.project_root, self.user_folder)
        return self._policy

    async def check_login(self, check: Callable[[str], Awaitable[None]]) -> None:
        """Have ``check`` find out, once for all agents, whether somebody is logged in.

        Raises:
            ConfigurationError: nobody is.
        """
        if not self._is_logged_in:
            await check(self.program)
            self._is_logged_in = True

    def _find(self) -> str:
        if self.named:
            return shutil.which(self.named, path=self.search_path) or ""
        found = shutil.which("claude", path=self.search_path)
        if found:
            return os.path.abspath(found)
        homes = [self.home / name for name in _INSTALLED] if self.home is not None else []
        for candidate in (*homes, Path("/usr/local/bin/claude"), *_bundled()):
            if os.access(candidate, os.X_OK) and candidate.is_file():
                return str(candidate)
        return ""


def _bundled() -> list[Path]:
    """Return where an installed claude-agent-sdk carries the program; the package is not imported."""
    try:
        spec = importlib.util.find_spec("claude_agent_sdk")
    except (ImportError, ValueError):
        return []
    places = spec.submodule_search_locations if spec is not None else None
    return [Path(place) / "_bundled" / "claude" for place in places or ()]

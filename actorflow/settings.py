"""Configuration, read once at the rim: flag, then ``ACTORFLOW_*`` variable, then default.

Gives one frozen ``Settings`` that is passed down; no other module of the package looks at the environment for
configuration. Also finds the project root: the nearest folder upwards with ``.claude/`` or a git root, else
the working directory.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

__all__ = ["STATE_FOLDER", "Settings", "find_project_root", "read_settings"]

STATE_FOLDER = Path(".claude") / "workflow-state"
"""Where runs are kept, below the project root."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a command works with.

    Attributes:
        project_root: absolute; agents work below it.
        state_dir: absolute; holds ``runs/``. It need not exist yet.
        user_folder: the user's folder of Claude Code (``~/.claude``), where the user's own agents are.
        home: the user's home folder.
        claude: the program that ``ACTORFLOW_CLAUDE_BIN`` names; "" when it names none.
        search_path: where programs are looked for, as in PATH.
        permission_mode: what the command line said agents may do; "" when it said nothing.
    """

    project_root: Path
    state_dir: Path
    user_folder: Path
    home: Path = Path("/")
    claude: str = ""
    search_path: str = ""
    permission_mode: str = ""


def find_project_root(start: Path) -> Path:
    """Return the nearest folder at or above ``start`` that has ``.claude`` or ``.git``, else ``start`` itself; absolute."""
    start = start.absolute()
    for folder in (start, *start.parents):
        if (folder / ".claude").is_dir() or (folder / ".git").exists():
            return folder
    return start


def read_settings(environment: Mapping[str, str], *, cwd: Path, state_dir: str | None = None) -> Settings:
    """Build the settings of this process.

    Args:
        environment: ``ACTORFLOW_STATE_DIR``, ``ACTORFLOW_CLAUDE_BIN``, ``HOME``, ``PATH`` and Claude Code's
            ``CLAUDE_CONFIG_DIR`` are looked at.
        state_dir: what ``--state-dir`` said; wins over the environment.
    """
    root = find_project_root(cwd)
    chosen = state_dir or environment.get("ACTORFLOW_STATE_DIR")
    state = (cwd / chosen).absolute() if chosen else root / STATE_FOLDER
    claude = environment.get("CLAUDE_CONFIG_DIR")
    home = Path(environment.get("HOME") or "/")
    program = environment.get("ACTORFLOW_CLAUDE_BIN", "")
    return Settings(
        project_root=root,
        state_dir=state,
        user_folder=cwd / claude if claude else home / ".claude",
        home=home,
        claude=str((cwd / program).absolute()) if "/" in program else program,
        search_path=environment.get("PATH", ""),
    )

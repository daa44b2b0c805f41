"""``doctor``: whether runs can be made here: Python, SQLite, the state folder, its file system, limits, agents, pictures, the terminal.

What is judged is tried where that is possible: a journal is made in the state folder, locked and removed;
programs are asked for their version. Changes nothing that stays.
"""

from __future__ import annotations

import os
import platform
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from actorflow import __version__
from actorflow.agents.process import max_processes
from actorflow.api.checking import registry_of
from actorflow.errors import ActorflowError, JournalError
from actorflow.journal import Lease, this_process
from actorflow.journal.database import Database, create_database
from actorflow.journal.storage import file_system_of, refuse_network_folder
from actorflow.monitor.health import Finding
from actorflow.settings import Settings

__all__ = ["check_environment"]

_PACKAGES = ("trio", "msgspec", "lark", "pyyaml", "google-re2", "rich", "click", "tzdata")
_OLDEST_SQLITE = (3, 35, 0)
_LITTLE_BYTES = 200 * 1024 * 1024
_FEW_PROGRAMS = 100
_PATIENCE_SECONDS = 15.0
_IN_MEMORY = frozenset({"tmpfs", "ramfs"})


def check_environment(
    settings: Settings, *, environment: Mapping[str, str], is_terminal: bool, encoding: str
) -> tuple[Finding, ...]:
    """Check what runs need here.

    Args:
        environment: variables of this process.
        is_terminal: whether a person sees what is printed.
        encoding: of what is printed.
    """
    checks: tuple[Callable[[], Iterator[Finding]], ...] = (
        _python,
        _packages,
        _sqlite,
        lambda: _state_folder(settings),
        _open_files,
        _pictures,
        lambda: _agents(settings),
        _claude,
        lambda: _terminal(environment, is_terminal=is_terminal, encoding=encoding),
    )
    return tuple(finding for check in checks for finding in check())


def _python() -> Iterator[Finding]:
    text = f"actorflow {__version__} on Python {platform.python_version()} ({sys.executable}), {platform.platform()}"
    if sys.platform.startswith("linux"):
        yield Finding("python", "ok", text)
    elif sys.platform == "darwin":
        hint = "programs that agents start and that leave their session can outlive a cancellation on macOS"
        yield Finding("python", "ok", text, hint)
    else:
        yield Finding("python", "fail", text, "actorflow runs on Linux and macOS; on Windows, in WSL")


def _packages() -> Iterator[Finding]:
    missing = [name for name in _PACKAGES if _version(name) is None]
    if missing:
        yield Finding(
            "packages",
            "fail",
            f"missing: {', '.join(missing)}",
            "install actorflow again: pip install actorflow",
        )
    else:
        yield Finding("packages", "ok", ", ".join(f"{name} {_version(name)}" for name in _PACKAGES))


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _sqlite() -> Iterator[Finding]:
    text = f"SQLite {sqlite3.sqlite_version}"
    if sqlite3.sqlite_version_info < _OLDEST_SQLITE:
        yield Finding("sqlite", "fail", text, "SQLite 3.35 or newer is needed: use a newer Python")
    else:
        yield Finding("sqlite", "ok", text)


# --- the state folder ------------------------------------------------------------------------------------------------


def _state_folder(settings: Settings) -> Iterator[Finding]:
    state_dir = settings.state_dir
    place = next(folder for folder in (state_dir, *state_dir.parents) if folder.exists())
    yield from _file_system(place)
    yield from _room(place)
    if place != state_dir:
        if os.access(place, os.W_OK | os.X_OK):
            yield Finding("state folder", "ok", f"{state_dir} is made with the first run")
        else:
            hint = "choose another one with --state-dir, or change the owner of the folder"
            yield _storage("state folder", f"{state_dir} cannot be made: {place} cannot be written", hint)
        return
    if not state_dir.is_dir():
        yield _storage("state folder", f"{state_dir} is no folder", "move it away, or use --state-dir")
        return
    if state_dir.stat().st_mode & 0o077:
        yield Finding(
            "state folder", "warn", f"{state_dir} can be read by others", f"chmod go-rwx {state_dir}"
        )
    yield _trial(state_dir)


def _file_system(place: Path) -> Iterator[Finding]:
    kind = file_system_of(place)
    try:
        refuse_network_folder(place)
    except JournalError as error:
        yield _storage("file system", error.message, error.hint)
        return
    if kind in _IN_MEMORY:
        hint = "use --state-dir with a folder on a disk, unless that is meant"
        yield Finding("file system", "warn", f"{kind}: runs are lost when the machine stops", hint)
    elif kind:
        yield Finding("file system", "ok", f"{kind}, on this machine")
    else:
        yield Finding(
            "file system", "warn", "the system does not say what it is", "a network file system loses runs"
        )


def _room(place: Path) -> Iterator[Finding]:
    free = shutil.disk_usage(place).free
    text = f"{free / 1e9:.1f} GB free"
    if free < _LITTLE_BYTES:
        hint = "make room: actorflow clean --keep 20, or another state folder"
        yield Finding("room", "warn", text, hint)
    else:
        yield Finding("room", "ok", text)


def _trial(state_dir: Path) -> Finding:
    """Make a journal there, open it as a driver does, and take all of it away again."""
    try:
        with tempfile.TemporaryDirectory(prefix=".doctor-", dir=state_dir) as folder:
            path = Path(folder)
            create_database(path / "journal.db")
            with Lease.acquire(path, "doctor", now=0, describe=this_process(now=0)):
                Database(path / "journal.db").close()
    except OSError as error:
        hint = "choose another one with --state-dir, or change the owner of the folder"
        return _storage("state folder", f"{state_dir} cannot be written: {error.strerror or error}", hint)
    except ActorflowError as error:
        return _storage("state folder", error.message, error.hint)
    return Finding("state folder", "ok", f"{state_dir}: a journal can be made, written and locked there")


# --- programs --------------------------------------------------------------------------------------------------------


def _open_files() -> Iterator[Finding]:
    most = max_processes()
    text = "no limit of open files" if most == sys.maxsize else f"{most} programs can run at once"
    if most < _FEW_PROGRAMS:
        yield Finding("open files", "warn", text, "raise the limit: ulimit -n 4096")
    else:
        yield Finding("open files", "ok", text)


def _pictures() -> Iterator[Finding]:
    dot = shutil.which("dot")
    if dot is not None:
        yield Finding("pictures", "ok", f"{_asked([dot, '-V']) or 'dot'} ({dot})")
    elif find_spec("pygraphviz") is not None:
        works = _asked(
            [sys.executable, "-P", "-c", "import pygraphviz; print(1)"]
        )  # its libraries may be missing
        if works:
            yield Finding("pictures", "ok", f"pygraphviz {_version('pygraphviz')}, in place of dot")
        else:
            yield Finding("pictures", "warn", "no dot, and pygraphviz cannot be loaded", "install Graphviz")
    else:
        hint = "install Graphviz, or pip install 'actorflow[pictures]'; --format mmd and dot work without"
        yield Finding("pictures", "warn", "neither dot nor pygraphviz: no SVG, PNG or PDF of workflows", hint)


def _agents(settings: Settings) -> Iterator[Finding]:
    usable: list[str] = []
    reasons: dict[str, str] = {}
    registry = registry_of(settings)
    for entry in registry.entries():
        traits = entry.traits()
        if traits.defect:
            yield Finding("agents", "fail", traits.defect, "mend the file, or remove it")
        elif traits.unavailable:
            reasons[entry.name] = traits.unavailable
        else:
            usable.append(entry.name)
    if reasons:
        names, reason = ", ".join(reasons), next(iter(reasons.values()))
        yield Finding("agents", "warn", f"cannot work here: {names}", reason)
    yield Finding("agents", "ok" if usable else "fail", f"can be used: {', '.join(usable) or 'none'}")


def _claude() -> Iterator[Finding]:
    program = shutil.which("claude")
    if program is None:
        hint = "install Claude Code and log in, if a workflow is to use its agents"
        yield Finding("claude", "warn", "the program 'claude' is not on the PATH", hint)
        return
    said = _asked([program, "--version"])
    if said is None:
        yield Finding(
            "claude", "warn", f"{program} does not tell its version", "run it once by hand: claude --version"
        )
    else:
        yield Finding("claude", "ok", f"{said} ({program})")


def _asked(argv: list[str]) -> str | None:
    """Return the first line that a program prints, None when it fails, hangs or prints nothing."""
    try:
        done = subprocess.run(
            argv,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=_PATIENCE_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    lines = done.stdout.decode("utf-8", "replace").strip().splitlines()
    return lines[0][:200] if lines else None


def _terminal(environment: Mapping[str, str], *, is_terminal: bool, encoding: str) -> Iterator[Finding]:
    if not encoding.lower().replace("-", "").startswith("utf"):
        hint = "set LANG=C.UTF-8 (or another locale with UTF-8)"
        yield Finding(
            "terminal", "warn", f"the encoding is {encoding or 'not known'}: symbols are left out", hint
        )
        return
    kind = environment.get("TERM", "")
    if not is_terminal:
        yield Finding("terminal", "ok", "not a terminal: progress is printed line by line")
    elif kind in ("", "dumb"):
        yield Finding("terminal", "warn", "the terminal cannot move its cursor: no live view", "set TERM")
    else:
        yield Finding("terminal", "ok", f"{kind}, {encoding}")


def _storage(subject: str, text: str, hint: str) -> Finding:
    return Finding(subject, "fail", text, hint, area="storage")

"""Starts the program of an attempt below ``wrapper.sh``, which outlives this process.

Takes argv, environment, folders and the pipes; gives the pid of the wrapper, which leads a session of its own and
ends as its program ends. The wrapper writes ``process.json`` before it starts the program, and the exit code
after. As long as this process lives we take in what the program writes; the wrapper only holds the pipes open.
When we die, the *lifeline* ends, a pipe whose writing end only this process has, and somebody below the wrapper
goes on where we stopped. Must not wait for anything.
"""

from __future__ import annotations

import fcntl
import functools
import json
import os
import shutil
import signal
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from actorflow.agents import process_table
from actorflow.agents.odd_names import carried
from actorflow.agents.programs import find_program

__all__ = ["READING_ENDS", "Descriptors", "is_wrapper", "start_wrapped"]

_SHELL = "/bin/sh"
_SCRIPT = str(Path(__file__).with_suffix(".sh"))
READING_ENDS = (4, 5)
"""The numbers that the reading ends of stdout and stderr have in the wrapper, and in who takes over."""

_LOWEST_SOURCE = 10
"""Below are the descriptors of the wrapper; what is to become one of them must be out of their way."""

_LONGEST_NAME = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Descriptors:
    """What the wrapper gets; all stay ours to close.

    Attributes:
        stdin: what the program can read.
        stdout: the pipe for what the program prints, its reading and its writing end.
        stderr: likewise.
        exit: ``exit.part``.
        record: ``process.json``.
    """

    stdin: int
    stdout: tuple[int, int]
    stderr: tuple[int, int]
    exit: int
    record: int

    def numbered(self) -> dict[int, int]:
        """Return number in the wrapper -> descriptor here."""
        return {
            0: self.stdin,
            1: self.exit,  # nobody writes there
            2: self.exit,
            3: _lifeline(os.getpid()),
            READING_ENDS[0]: self.stdout[0],
            READING_ENDS[1]: self.stderr[0],
            6: self.stdout[1],
            7: self.stderr[1],
            8: self.record,
        }


def start_wrapped(
    argv: Sequence[str],
    *,
    cwd: Path,
    folder: Path,
    environment: Mapping[str, str],
    marker: str,
    descriptors: Descriptors,
) -> int:
    """Start the program below a wrapper; returns the wrapper's pid.

    Raises:
        OSError: it cannot be started; its ``filename`` is ``cwd`` when nobody can work in there.
        ValueError: an argument or variable cannot be one.
    """
    path = find_program(argv[0], environment, cwd)
    keeps_name = not argv[0].startswith("-") and "PATH" in environment
    words, variables = carried([argv[0] if keeps_name else path, *argv[1:]], environment)
    record = json.dumps(
        {"boot_id": process_table.boot_id(), "program": argv[0][:_LONGEST_NAME], "marker": marker}
    )
    clock = "proc" if process_table.HAS_PROC else "ps"
    tools = (_tool("cat"), _tool("mv"))
    with ExitStack() as copies:
        sources = {number: _copy(source, copies) for number, source in descriptors.numbered().items()}
        # Not in a thread: the call holds the interpreter's lock until the shell is loaded anyway (vfork), a hop would be added.
        return os.posix_spawn(
            _SHELL,
            [_SHELL, _SCRIPT, str(folder), *tools, str(cwd), record[1:], clock, *words],
            variables,
            file_actions=[
                *((os.POSIX_SPAWN_DUP2, source, number) for number, source in sources.items()),
                *((os.POSIX_SPAWN_CLOSE, other) for other in _inheritable(above=max(sources))),
            ],
            setsid=True,
            setsigdef=[signal.SIGPIPE, signal.SIGXFSZ, signal.SIGCHLD],
        )


def is_wrapper(pid: int) -> bool:
    """Tell whether a process is the wrapper of an attempt, or a part of one that has become nothing else."""
    return process_table.command_line(pid)[:2] == [os.fsencode(_SHELL), os.fsencode(_SCRIPT)]


def _copy(source: int, copies: ExitStack) -> int:
    """Return the descriptor, or a copy of it that is in nobody's way."""
    if source >= _LOWEST_SOURCE:
        return source
    copy = fcntl.fcntl(source, fcntl.F_DUPFD_CLOEXEC, _LOWEST_SOURCE)
    copies.callback(os.close, copy)
    return copy


def _inheritable(*, above: int) -> list[int]:
    """Return descriptors that others have left open for all programs; ours get none of them."""
    found = []
    for name in os.listdir("/dev/fd"):
        descriptor = int(name)
        if descriptor > above:
            try:
                is_inherited = os.get_inheritable(descriptor)
            except OSError:  # that of the listing itself
                continue
            if is_inherited:
                found.append(descriptor)
    return found


@functools.cache
def _lifeline(pid: int) -> int:  # noqa: ARG001 - the key of the cache: a forked child must have one of its own
    """Return the end that wrappers get of a pipe that ends with this process; the other end is never closed, nor written to."""
    reading, _ = os.pipe()
    return reading


@functools.cache
def _tool(name: str) -> str:
    """Return the path of a program that the wrapper needs; the PATH of the attempt is not asked."""
    return shutil.which(name) or f"/bin/{name}"

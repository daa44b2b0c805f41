"""What the operating system knows about processes: who they are, whose children, what they carry.

Reads ``/proc`` on Linux and asks ``ps`` on macOS. A pid is only a number that is used again; a process is
known by its pid *and* its start time (``Process``), and over a reboot by the boot id too. Only reads, except
that ``adopt_orphans`` changes a property of the calling process.
"""

from __future__ import annotations

import functools
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import msgspec

from actorflow.agents.environment import ANCESTORS_VARIABLE, MARKER_VARIABLE

__all__ = [
    "Process",
    "adopt_orphans",
    "adopted_children",
    "all_processes",
    "boot_id",
    "carries",
    "children_of",
    "command_line",
    "look",
    "markers_of",
    "may_have_open",
    "own_line",
]

HAS_PROC = sys.platform == "linux"
"""Whether this is Linux; elsewhere less is known, and an attempt's processes are those in its group."""

_PR_SET_CHILD_SUBREAPER = 36
_GONE = (FileNotFoundError, ProcessLookupError, PermissionError)
"""How files of /proc fail when the process has ended, or is another user's. Anything else, like having no
descriptor left, must not look like that."""

_ZOMBIE_STATES = frozenset("ZX")
_BECOMING_SECONDS = 0.25
_KERNEL_THREAD = 0x00200000


class Process(msgspec.Struct, frozen=True):
    """A process at one moment.

    Attributes:
        started: when, in a form of the system's own; only good for comparing.
    """

    pid: int
    parent: int
    group: int
    session: int
    started: str
    state: str
    threads: int = 1

    @property
    def is_alive(self) -> bool:
        """False for a zombie, which has exited and only waits to be reaped; a process whose first thread alone has exited looks like one."""
        return self.state not in _ZOMBIE_STATES or self.threads > 1

    def is_same(self, other: Process | None) -> bool:
        """Tell whether the pid still means the process that it meant."""
        return other is not None and (self.pid, self.started) == (other.pid, other.started)


def look(pid: int) -> Process | None:
    """Return the process, or None when there is none (any more)."""
    return _look_in_proc(pid) if HAS_PROC else _ask_ps(pid)


def _look_in_proc(pid: int) -> Process | None:
    line = _read(f"/proc/{pid}/stat")
    if not line:
        return None
    # The second field is the program's name in brackets and may hold anything, brackets and blanks too.
    fields = line[line.rindex(b")") + 2 :].decode("ascii").split()
    return Process(
        pid, int(fields[1]), int(fields[2]), int(fields[3]), fields[19], fields[0], int(fields[17])
    )


def _ask_ps(pid: int) -> Process | None:
    fields = _ask(["ps", "-o", "ppid=,pgid=,sess=,state=,lstart=", "-p", str(pid)]).split(maxsplit=4)
    if len(fields) < 5:
        return None
    return Process(pid, int(fields[0]), int(fields[1]), int(fields[2], 16), fields[4].strip(), fields[3][:1])


@functools.cache
def boot_id() -> str:
    """Return what changes when the machine starts anew; empty when the system does not tell."""
    if not HAS_PROC:
        with suppress(FileNotFoundError):
            return _ask(["/usr/sbin/sysctl", "-n", "kern.bootsessionuuid"]).strip()
        return ""
    return _read("/proc/sys/kernel/random/boot_id").decode("ascii").strip()


def adopt_orphans() -> bool:
    """Make this process the parent of all its descendants that lose theirs; False where that cannot be (only Linux can).

    Then nothing that an attempt starts can hide from us by starting a session of its own and letting its
    parent die.
    """
    return HAS_PROC and _become_subreaper(os.getpid())


@functools.cache
def _become_subreaper(pid: int) -> bool:  # noqa: ARG001 - the key of the cache: a forked child must ask again
    import ctypes

    done = ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) == 0
    return done and Path(f"/proc/self/task/{os.getpid()}/children").exists()


def adopted_children() -> list[int]:
    """Return the children of this process's first thread, where the system puts orphans that we adopt; one small file, so cheap."""
    pid = os.getpid()
    return [int(child) for child in _read(f"/proc/{pid}/task/{pid}/children").split()]


def children_of(pid: int) -> list[int]:
    """Return the children of all threads of a process, living or not; empty where the system does not say."""
    try:
        threads = os.listdir(f"/proc/{pid}/task")
    except OSError:
        return []
    return [
        int(child) for thread in threads for child in _read(f"/proc/{pid}/task/{thread}/children").split()
    ]


def command_line(pid: int) -> list[bytes]:
    """Return a process's argv; empty where the system does not say."""
    return _read(f"/proc/{pid}/cmdline").split(b"\0")[:-1] if HAS_PROC else []


def may_have_open(pid: int, name: str) -> bool:
    """Tell whether a process has a file or pipe of this name open; True when it cannot be asked, False when it has gone."""
    folder = f"/proc/{pid}/fd"
    try:
        numbers = os.listdir(folder)
    except PermissionError:
        return True
    except OSError:
        return False
    for number in numbers:
        with suppress(OSError):
            if os.readlink(f"{folder}/{number}") == name:
                return True
    return False


def all_processes() -> Iterator[Process]:
    """Go through every process of the machine that we can see; some milliseconds of work. Empty except on Linux."""
    if HAS_PROC:
        for name in os.listdir("/proc"):
            if name.isdigit() and (process := _look_in_proc(int(name))) is not None:
                yield process


def own_line() -> frozenset[int]:
    """Return the pids of this process and all those it descends from."""
    line: list[int] = []
    process = look(os.getpid())
    while process is not None:
        line.append(process.pid)
        process = look(process.parent) if process.parent > 0 else None
    return frozenset(line)


def markers_of(pid: int) -> frozenset[str]:
    """Return the markers of the attempt that a process was started for, and of those around it; empty for all other processes."""
    environment = _environment(pid)
    # Nearly always so, when all processes of the machine are asked.
    if MARKER_VARIABLE.encode() not in environment:
        return frozenset()
    variables = dict(entry.partition(b"=")[::2] for entry in environment.split(b"\0"))
    markers = [
        variables.get(name.encode(), b"").decode("utf-8", "replace")
        for name in (ANCESTORS_VARIABLE, MARKER_VARIABLE)
    ]
    return frozenset(" ".join(markers).split())


def _environment(pid: int) -> bytes:
    """Return the environment that a process was started with.

    One that is just becoming another program (``exec``) has none for some microseconds, or milliseconds on a machine
    that is busy. That is waited for, or an orphan would be nobody's that has left the session of its attempt.
    """
    give_up_at = time.monotonic() + _BECOMING_SECONDS
    while True:
        environment = _read(f"/proc/{pid}/environ")
        if environment or not _is_becoming(pid) or time.monotonic() > give_up_at:
            return environment or _read(f"/proc/{pid}/environ")
        time.sleep(_BECOMING_SECONDS / 500)


def _is_becoming(pid: int) -> bool:
    """Whether a process has its memory already and not yet what its program is started with."""
    line = _read(f"/proc/{pid}/stat")
    if not line or not os.access(f"/proc/{pid}/environ", os.R_OK):
        return False
    fields = line[line.rindex(b")") + 2 :].split()
    if fields[0] not in (b"R", b"D") or int(fields[6]) & _KERNEL_THREAD:
        return False
    has_memory, end_of_environment = int(fields[20]), int(fields[48])
    return bool(has_memory) and not end_of_environment


def carries(pid: int, marker: str) -> bool:
    """Tell whether the process was started for the attempt that has this marker, or for one that runs inside it."""
    return marker in markers_of(pid)


def _read(path: str) -> bytes:
    """Return a file of /proc; empty when the process has gone, or is somebody else's."""
    try:
        with open(path, "rb", buffering=0) as file:
            return file.readall()
    except _GONE:
        return b""


def _ask(command: list[str]) -> str:
    return subprocess.run(
        command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL
    ).stdout

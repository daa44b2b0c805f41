"""Who drives a run: a lock that the kernel gives back when its holder dies.

Takes a run folder and gives a ``Lease``, or ``RunLocked`` naming the driver. The lock is ``flock`` on the
file ``lock``, which is never unlinked and whose text says who holds it. Invariant: at most one process holds
the lease; the epoch in the journal guards the moment a holder is stopped and another one has begun. Must not
look at the journal.

How asking does not disturb: a driver holds the lock exclusively, somebody who asks takes it *shared* and
gives it back at once. If an exclusive lock is refused but a shared one is granted, only askers are there, and
``acquire`` tries again; if the shared one is refused too, there is a driver.

A lock says that its holder has not ended, not that it is at work: it may be stopped, or stuck. So a driver *beats*
every few seconds: it overwrites a moment of the machine's monotonic clock in the lock's text, without a sync. The
wall clock is not asked, so that setting it makes nobody silent.
"""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

from actorflow.errors import JournalError, RunLocked
from actorflow.journal.storage import no_link, refuse_network_folder, storage_errors

__all__ = ["BEAT_SECONDS", "LOCK_NAME", "SILENT_SECONDS", "Driver", "Lease", "this_process", "who_drives"]

LOCK_NAME = "lock"

BEAT_SECONDS = 2.0
"""How often a driver says that it is at work."""

SILENT_SECONDS = 15.0
"""A driver that has not said so for longer is called silent."""

_BEAT = ', "beat": "{:017.6f}"}}'

_PATIENCE_SECONDS = 2.0  # askers hold their lock for microseconds; this is for a machine that swaps
_MAX_TEXT = 1 << 16
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@dataclass(frozen=True, slots=True)
class Driver:
    """A process that drives a run.

    Attributes:
        pid: its process id; 0 when the lock is held but does not say by whom.
        host: the name of its machine.
        started_at: when the process says it began, Unix time in microseconds.
        boot_id: which boot of the machine, so that a process id of an earlier one is recognised; "" if
            unknown.
        command: its command line, for people.
        acquired_at: when it took the lease, Unix time in microseconds; set by ``Lease.acquire``.
        silent_since: when it was heard of last, Unix seconds, if that was too long ago when ``who_drives`` looked:
            it is stopped, or it or its disk is stuck. None: it is at work.
    """

    pid: int
    host: str
    started_at: int
    boot_id: str
    command: str
    acquired_at: int = 0
    silent_since: float | None = field(default=None, compare=False)

    def __str__(self) -> str:
        if not self.pid:
            return "another process"
        since = datetime.fromtimestamp((self.acquired_at or self.started_at) // 1_000_000, UTC)
        text = f"process {self.pid} on {self.host} since {since:%Y-%m-%d %H:%M:%S} UTC"
        if self.silent_since is None:
            return text
        return f"{text}, silent since {datetime.fromtimestamp(self.silent_since, UTC):%Y-%m-%d %H:%M:%S} UTC"


_UNKNOWN = Driver(0, "", 0, "", "")


def this_process(*, now: int, command: str = "") -> Driver:
    """Describe the calling process, as begun at ``now`` (Unix microseconds)."""
    host, boot_id = _here()
    return Driver(os.getpid(), host, now, boot_id, command)


def _here() -> tuple[str, str]:
    boot_id = ""
    with suppress(OSError):  # macOS has none
        boot_id = _BOOT_ID.read_text().strip()
    return os.uname().nodename, boot_id


class Lease:
    """The right to drive a run, held until ``release`` or the end of the process.

    A context manager that releases itself. Made by ``acquire`` only.
    """

    def __init__(self, descriptor: int, driver: Driver) -> None:
        self._descriptor: int | None = descriptor
        self._beat_offset = len(_text_of(driver)) - 1
        self.driver = driver

    @classmethod
    def acquire(cls, run_dir: Path, run_id: str, *, now: int, describe: Driver) -> Lease:
        """Take the lease of the run in ``run_dir``; does not wait for another driver.

        Args:
            run_dir: the run's folder.
            run_id: for the message.
            now: Unix time in microseconds, recorded as the moment of the taking.
            describe: the calling process; see ``this_process``.

        Raises:
            RunLocked: another process, or another lease of this one, drives the run.
            JournalError: the lock file cannot be opened or written, or lies on a network file system.
        """
        path = run_dir / LOCK_NAME
        driver = replace(describe, acquired_at=now)
        refuse_network_folder(run_dir)
        no_link(path)
        with storage_errors("lock", path):
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            with ExitStack() as on_failure:
                on_failure.callback(os.close, descriptor)
                _take(descriptor, run_id, driver)
                on_failure.pop_all()
        return cls(descriptor, driver)

    def beat(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Say that the driver is at work. May wait for the disk; nothing is made durable. Never raises for it."""
        descriptor = self._descriptor
        if descriptor is not None:
            with suppress(OSError):  # then it is called silent, and that is true
                os.pwrite(descriptor, _BEAT.format(monotonic()).encode(), self._beat_offset)

    def release(self) -> None:
        """Give the lease back. Releasing twice is fine."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            with suppress(OSError):  # only tidiness: the text of a lock that nobody holds is not believed
                os.ftruncate(descriptor, 0)
            # Also for a child that has been forked and has not yet closed it.
            fcntl.flock(descriptor, fcntl.LOCK_UN)
            os.close(descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def who_drives(
    run_dir: Path,
    *,
    clock: Callable[[], float] = time.time,
    monotonic: Callable[[], float] = time.monotonic,
) -> Driver | None:
    """Return who drives the run in ``run_dir`` at this moment, and whether it is silent; None when nobody does.

    Never waits, never disturbs a driver, and works in a folder that can only be read.

    Args:
        clock: gives Unix seconds.
        monotonic: gives the seconds that driver's beats are told in.

    Raises:
        JournalError: the lock file cannot be read.
    """
    path = run_dir / LOCK_NAME
    if no_link(path) is None:
        return None
    with storage_errors("look at", path):
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            return None if _try(descriptor, fcntl.LOCK_SH) else _read_driver(descriptor, clock, monotonic)
        finally:
            os.close(descriptor)


def _take(descriptor: int, run_id: str, driver: Driver) -> None:
    if not _lock(descriptor):
        raise RunLocked(run_id, str(_read_driver(descriptor)))
    if os.fstat(descriptor).st_nlink == 0:
        raise JournalError(f"the folder of run {run_id} has just been removed")
    _write_driver(descriptor, driver)


def _lock(descriptor: int) -> bool:
    """Take the lock exclusively; False when a driver has it."""
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while not _try(descriptor, fcntl.LOCK_EX):
        is_driven = not _try(descriptor, fcntl.LOCK_SH)
        if is_driven and (time.monotonic() > deadline or not _has_just_died(_read_driver(descriptor))):
            return False
        fcntl.flock(descriptor, fcntl.LOCK_UN)
        if time.monotonic() > deadline:
            raise JournalError("the run's lock is being looked at all the time", hint="try again")
        import random  # who only looks at a run gets here seldom

        time.sleep(random.uniform(0.001, 0.005))  # noqa: S311 - two who try must not keep step; nothing secret
    return True


def _has_just_died(driver: Driver) -> bool:
    """Whether a driver is gone whose lock is held: by a child that it was forking, until that comes to its ``exec``."""
    if not driver.pid or (driver.host, driver.boot_id) != _here():
        return False
    try:
        os.kill(driver.pid, 0)
    except ProcessLookupError:
        return True
    except PermissionError:  # it is somebody else's
        return False
    return False


def _try(descriptor: int, operation: int) -> bool:
    try:
        fcntl.flock(descriptor, operation | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _write_driver(descriptor: int, driver: Driver) -> None:
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, _text_of(driver)[:-1] + _BEAT.format(time.monotonic()).encode(), 0)


def _text_of(driver: Driver) -> bytes:
    """Return the lock's text without the beat, which comes before its last character."""
    fields = asdict(driver)
    del fields["silent_since"]
    return json.dumps(fields).encode()


def _silent_since(beat: object, clock: Callable[[], float], monotonic: Callable[[], float]) -> float | None:
    """Return when a driver was heard of last, if that is too long ago; one of an earlier version never says."""
    ago = monotonic() - float(beat) if isinstance(beat, str) else 0.0
    return clock() - ago if ago > SILENT_SECONDS else None


def _read_driver(
    descriptor: int,
    clock: Callable[[], float] = time.time,
    monotonic: Callable[[], float] = time.monotonic,
) -> Driver:
    """Return who the lock's text names; the holder may be just about to write it, so look a few times."""
    for _ in range(10):
        with suppress(ValueError, TypeError, KeyError):
            found = json.loads(os.pread(descriptor, _MAX_TEXT, 0))
            return Driver(
                int(found["pid"]),
                str(found["host"]),
                int(found["started_at"]),
                str(found["boot_id"]),
                str(found["command"]),
                int(found["acquired_at"]),
                _silent_since(found.get("beat"), clock, monotonic),
            )
        time.sleep(0.005)
    return _UNKNOWN

"""A program of an attempt whose driver is gone: it is waited for, listened to and ended as if it were ours.

``process.reattach_program`` and ``conversation`` drive it as they drive a ``RunningProgram``; its stdin is lost.
What it writes is taken in by its wrapper (``wrapper.sh``); we look at how the files grow, and wait for the
wrapper to end. Then the exit code counts, if it is known and all output is in the files; else the attempt is
``lost``. Must not write anything into the attempt's folder but the name of ``exit``.
"""

from __future__ import annotations

import array
import fcntl
import math
import os
import signal
import termios
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import trio

from actorflow.agents import process_table
from actorflow.agents.environment import verify_marker
from actorflow.agents.exit_file import EXIT_CUT, EXIT_FILE, forget_exit, read_exit_code, seal
from actorflow.agents.family import GRACE_SECONDS, KILL_SECONDS, Survivors
from actorflow.agents.flood import Flood, close_gap_in_time
from actorflow.agents.handles import open_handle
from actorflow.agents.in_hand import had_in_hand
from actorflow.agents.input_mark import is_input_cut
from actorflow.agents.interface import AttemptChannel
from actorflow.agents.output import TAIL_BYTES, Tail
from actorflow.agents.process_record import ProcessRecord
from actorflow.agents.wrapper import READING_ENDS
from actorflow.errors import AgentError
from actorflow.workflow.model import DEFAULT_STORED_BYTES

__all__ = ["SurvivingProgram", "lost"]

_LOOK_SECONDS = 0.2
"""How often the files are looked at; nobody tells us when they grow."""

_SEE_SECONDS = 5.0
"""How often it is looked which processes it has started: they are not our children, so nobody tells us who gets away."""

_DRAIN_LOOK_SECONDS = 0.02

_QUIET_SECONDS = 2.0
"""How long nothing may come before it is asked whether anything is left in the pipes: somebody may keep them open for ever."""

_SOON_SECONDS = 0.3
"""How long that takes at most when nothing is left running that keeps the pipes open."""

_DRAIN_SECONDS = 60.0
"""How long a disk may hang while what is left in the pipes is written to it."""


def lost(why: str) -> AgentError:
    """Return the error of an attempt of which nobody can know how it ended."""
    return AgentError("lost", why)


class SurvivingProgram:
    """See the module. Not to be constructed: ``find`` does that."""

    def __init__(
        self,
        folder: Path,
        record: ProcessRecord,
        growths: list[_Growth],
        grace_seconds: float,
        *,
        is_followed: bool,
        takes_only: bool,
    ) -> None:
        self.pid = record.pid
        self._folder = folder
        self._record = record
        self._survivors = Survivors(record.find(), record.marker, taker=record.find_taker())
        self._survivors.spared = verify_marker(record.marker)
        self._growths = growths
        self._grace_seconds = grace_seconds
        self._is_followed = is_followed
        self._takes_only = takes_only
        self._left_running = 0
        self._on_output: Callable[[], None] = _nothing

    @classmethod
    def find(
        cls,
        folder: Path,
        *,
        marker: str,
        channel: AttemptChannel,
        shows_stdout: bool = True,
        stored_bytes: int = DEFAULT_STORED_BYTES,
        grace_seconds: float = GRACE_SECONDS,
        is_followed: bool = False,
        takes_only: bool = False,
    ) -> SurvivingProgram:
        """Find the program of the attempt in ``folder``, running or finished.

        Args:
            marker: ``attempt_marker(…)`` of the attempt.
            shows_stdout: whether the lines that it prints from now on are reported for people to see.
            stored_bytes: how much of each stream is kept.
            grace_seconds: the time between TERM and KILL for what it leaves running.
            is_followed: whether its driver had already begun the next program of the same attempt, and so had
                ended what this one left: whoever carries the marker belongs to that one.
            takes_only: whether one that still runs is none to be waited for.

        Raises:
            AgentError: nothing is known of it; its kind is ``lost``.
        """
        record = ProcessRecord.read(folder)
        if record is None or record.marker != marker:
            raise lost("nothing is known of its program")
        if record.boot_id != process_table.boot_id():
            raise lost("the machine was started anew since it began")
        if takes_only and record.find() is not None:
            raise lost("it still runs")
        if is_input_cut(folder):
            raise lost("its driver died before it had given it all that it was to read")
        if any(had_in_hand(folder / stream) for stream in ("stdout", "stderr")):
            raise lost("a part of what it wrote is lost")
        growths = [
            _Growth(
                folder / stream,
                Tail(stream, channel, is_shown=shows_stdout or stream != "stdout"),
                stored_bytes,
            )
            for stream in ("stdout", "stderr")
        ]
        return cls(folder, record, growths, grace_seconds, is_followed=is_followed, takes_only=takes_only)

    async def work(self) -> None:
        """Follow its output until it has exited and all is in the files, or it is clear that never will be. Cancellation leaves it running.

        What it has left running is ended on the way: that may keep the pipes open.
        """
        handle = open_handle(self.pid) if self._survivors.leads() else None
        try:
            see_at = -math.inf
            while self._survivors.leads() and self._is_taken_in():
                if trio.current_time() >= see_at:
                    self._survivors.see_descendants()
                    see_at = trio.current_time() + _SEE_SECONDS
                await self._look_on(handle)
        finally:
            if handle is not None:
                trio.lowlevel.notify_closing(handle)
                os.close(handle)
        if not self._survivors.leads():
            await self._drained(_SOON_SECONDS)
            await self._end(self._grace_seconds)
            await self._drained(_DRAIN_SECONDS)
        self._look(is_end=True)

    async def feed(self) -> None:
        """Do nothing: it had all that it was to read, or is not found."""

    async def send(self, data: bytes) -> None:
        """Lose the data: its stdin has ended with the driver that began it."""

    def close_input(self) -> None:
        """Do nothing: its stdin is closed."""

    def copy_rest(self) -> None:
        """Do nothing: its wrapper does that."""

    def on_output(self, call: Callable[[], None], read_to: Callable[[], float]) -> None:
        """Have ``call`` called whenever there may be more in the file of its stdout, of which ``read_to`` says how much has been read."""
        self._on_output = call
        self._growths[0].read_to = read_to

    def may_print(self) -> bool:
        """Return True: it is waited for until it ends."""
        return True

    def abandon(self) -> None:
        """Have its end say nothing to whoever comes after us; as of a ``RunningProgram``. Its attempt ends, so what follows it is ended with it."""
        if self._takes_only:
            return  # it had ended before, by itself
        self._is_followed, self._survivors.spared = False, ""
        try:
            forget_exit(self._folder)
        except OSError:  # a disk that fails: without its wrapper nobody writes it down
            if self._survivors.leads():
                with suppress(ProcessLookupError):
                    os.kill(self.pid, signal.SIGKILL)

    async def finish(self, grace_seconds: float) -> int:
        """End whatever is left of it. Returns how many processes there were besides the program itself.

        Cannot be cancelled, but returns after ``grace_seconds`` and ten seconds more at the latest.
        """
        try:
            await self._end(grace_seconds)
            await self._survivors.dismiss()
        finally:
            self._survivors.close()
            for growth in self._growths:
                await growth.close()
        return self._left_running

    @property
    def is_stored(self) -> bool:
        """Whether all its output is in the files, after ``work``."""
        return (self._folder / EXIT_FILE).exists()

    @property
    def exit_code(self) -> int:
        """The exit code, after ``work``; minus the signal's number when a signal killed it.

        Raises:
            AgentError: of kind ``lost``: nobody knows it, or a part of the output.
        """
        if not self.is_stored:
            raise lost("a part of what it wrote is lost")
        code = read_exit_code(self._folder / EXIT_FILE)
        if code is None:
            raise lost("nobody has seen how it ended")
        return code

    @property
    def last_code(self) -> int:
        """The exit code, after ``finish``; as if it had been killed when nobody knows it."""
        code = read_exit_code(self._folder / EXIT_FILE)
        return -signal.SIGKILL if code is None else code

    def _is_taken_in(self) -> bool:
        """Whether what it writes is taken in; if not, waiting for its end is of no use."""
        return self.is_stored or (
            self._record.find_taker() is not None and not (self._folder / EXIT_CUT).exists()
        )

    async def _look_on(self, handle: int | None) -> None:
        """Look at the files, and wait for a moment, or until it has exited."""
        self._look()
        with trio.move_on_after(_LOOK_SECONDS):
            if handle is not None:
                await trio.lowlevel.wait_readable(handle)
            else:
                await trio.sleep_forever()

    def _look(self, *, is_end: bool = False) -> bool:
        """Say what is new in the files; returns whether there is anything."""
        grown = [growth.look(is_end=is_end) for growth in self._growths]
        self._on_output()
        return any(grown)

    async def _drained(self, seconds: float) -> None:
        """Wait until all is in the files that was in the pipes, up to ``seconds``."""
        deadline, quiet_since = trio.current_time() + seconds, trio.current_time()
        while not self.is_stored and self._is_taken_in() and trio.current_time() < deadline:
            if self._look():
                quiet_since = trio.current_time()
            elif trio.current_time() > quiet_since + _QUIET_SECONDS and _are_pipes_empty(self._record.taker):
                seal(self._folder)
            await trio.sleep(_DRAIN_LOOK_SECONDS)

    async def _end(self, grace_seconds: float) -> None:
        members = [] if self._is_followed else self._survivors.members()
        self._left_running += sum(self.pid not in (member.pid, member.parent) for member in members)
        if members:
            limit = grace_seconds + 2 * KILL_SECONDS
            with trio.CancelScope(shield=True, deadline=trio.current_time() + limit):
                await self._survivors.end(grace_seconds)


class _Growth:
    """One file that somebody else writes; what comes from now on is reported, and kept within its bound."""

    def __init__(self, path: Path, tail: Tail, stored_bytes: int) -> None:
        self.read_to: Callable[[], float] = _everything
        self._path = path
        self._tail = tail
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
        except OSError as error:
            raise lost(f"what it wrote cannot be read: {error.strerror}") from error
        self._flood = Flood(self._file, stored_bytes)
        self._size = os.fstat(self._file).st_size

    def look(self, *, is_end: bool = False) -> bool:
        """Report what is new; returns whether there is anything."""
        size, before = os.fstat(self._file).st_size, self._size
        self._size = size
        if size > before:
            wanted = min(size - before, TAIL_BYTES)
            self._tail.feed(os.pread(self._file, wanted, size - wanted))
            self._flood.trim(size, self.read_to())
        if is_end or trio.current_time() >= self._tail.due_at:
            self._tail.flush(is_end=is_end)
        return size > before

    async def close(self) -> None:
        """Let go of the file, and say in it what is missing."""
        os.close(self._file)
        if self._flood.has_cut:
            await close_gap_in_time(self._path)


def _are_pipes_empty(taker: int) -> bool:
    """Say whether all that was written into the pipes is in the files; False where the system does not say."""
    for number in READING_ENDS:
        try:
            pipe = os.open(f"/proc/{taker}/fd/{number}", os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            waiting = array.array("i", [0])
            fcntl.ioctl(pipe, termios.FIONREAD, waiting)
        finally:
            os.close(pipe)
        if waiting[0]:
            return False
    # Who has read something, and has not written it yet, is not asleep.
    copying = [process_table.look(pid) for pid in process_table.children_of(taker)]
    return all(process is None or process.state == "S" for process in copying)


def _nothing() -> None:
    """Nobody reads along."""


def _everything() -> float:
    """Nobody has to read anything first."""
    return math.inf

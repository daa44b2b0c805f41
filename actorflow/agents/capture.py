"""What a program writes, moved from its pipes into files of its attempt.

On Linux the kernel moves it (``splice``): it is in the pipe until it is in the file, whenever we are killed, so
that whoever goes on after us has all of it. Elsewhere it is read and written. Nothing is kept in memory, a
flood slows the program and not us (and its middle gives way: ``flood``), and ``/dev/stdout`` in a script means the pipe (with a file in its place,
``echo x > /dev/stderr`` would cut off all that was written before). A full disk makes the program wait, with
what it has written in the pipe. Copying ends when it is told to, not when the pipe closes: a grandchild that
keeps the pipe open holds nobody up. Must not interpret what it copies.
"""

from __future__ import annotations

import errno
import fcntl
import math
import os
import select
from collections.abc import Callable
from pathlib import Path

import trio

from actorflow.agents.flood import Flood
from actorflow.agents.in_hand import InHand
from actorflow.agents.output import TAIL_BYTES, Tail
from actorflow.agents.with_room import NO_ROOM
from actorflow.workflow.model import DEFAULT_STORED_BYTES

__all__ = ["Capture", "open_private"]

_CHUNK_BYTES = 64 * 1024
_FLOOD_BYTES = 256 * 1024
_FLOOD_STEP_BYTES = 1024 * 1024
_PIPE_CAPACITY_BYTES = 64 * 1024

_CANNOT_SPLICE = frozenset({errno.EINVAL, errno.ENOSYS, errno.EPERM})
_FIRST_PAUSE_SECONDS = 0.25
_LONGEST_PAUSE_SECONDS = 5.0

_CATCH_UP_SECONDS = 0.02

_flood_writers = trio.CapacityLimiter(4)
"""Floods are copied in threads of their own, so that neither a slow disk nor other users of trio's threads
hold up anybody else."""


def open_private(path: Path) -> int:
    """Open a new or emptied file that only its owner can read, without following a symbolic link; returns its descriptor."""
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


class Capture:
    """Copies one pipe into one file, which is empty. Owns both descriptors.

    Args:
        path: of the file.

    Attributes:
        on_growth: is called whenever there is more in the file.
        read_to: says up to where it has been read by whoever reads along; what comes after that is kept.
        failure: why the file could not be written; a full disk is waited out, as long as there is time.
    """

    def __init__(
        self, pipe: int, file: int, tail: Tail, *, path: Path, stored_bytes: int = DEFAULT_STORED_BYTES
    ) -> None:
        self.read_to: Callable[[], float] = _everything
        self.on_growth: Callable[[], None] = _nothing
        self.failure: OSError | None = None
        self._pipe = pipe
        self._file = file
        self._path = path
        self._in_hand: InHand | None = None
        self._tail = tail
        self._flood = Flood(file, stored_bytes)
        self._size = 0
        self._shown = 0
        self._pending = b""  # read, and not written because there was no room
        self._splices = hasattr(os, "splice")
        self._is_at_end = False

    @property
    def has_gap(self) -> bool:
        """Whether the file has a hole, because there was too much."""
        return self._flood.has_cut

    @property
    def name(self) -> str:
        """How the pipe is called among a process's open files (Linux)."""
        return f"pipe:[{os.fstat(self._pipe).st_ino}]"

    async def pump(self, on_failure: Callable[[], None]) -> None:
        """Copy until the pipe is closed by all its writers, or until cancelled; nothing is lost by being cancelled and called again.

        When the file cannot be written, ``failure`` is set, ``on_failure`` is called, and the rest is thrown
        away.
        """
        while not self._is_at_end:
            with trio.move_on_at(self._tail.due_at) as waiting:
                await trio.lowlevel.wait_readable(self._pipe)
            if waiting.cancelled_caught:
                self._tail.flush()
            else:
                await self._let_reader_catch_up()
                await self._copy_or_wait()
                if self.failure is not None:
                    on_failure()

    async def settle(self) -> None:
        """Copy what is in the pipe now, however long there is no room for it.

        At most a pipe's capacity, so that a writer who goes on cannot keep us.
        """
        end = self._size + _capacity(self._pipe)
        while self._size < end and await self._copy_or_wait():
            continue

    def drain(self) -> None:
        """Copy what is in the pipe now, as far as there is room, and end the report."""
        try:
            self._copy(_capacity(self._pipe))
        except OSError as error:
            self.failure = self.failure or error
        self._show()
        self._tail.flush(is_end=True)

    def close(self) -> None:
        """Close both descriptors; writers that are left get EPIPE."""
        trio.lowlevel.notify_closing(self._pipe)
        os.close(self._pipe)
        os.close(self._file)
        if self._in_hand is not None:
            self._in_hand.close()

    async def _let_reader_catch_up(self) -> None:
        """Wait, and the program with us, while much more is stored than should be, because it is still to be read."""
        while self._flood.is_full(self._size) and self.read_to() < self._size:
            await trio.sleep(_CATCH_UP_SECONDS)
            self._flood.trim(self._size, self.read_to())

    async def _copy_or_wait(self) -> int:
        """Copy what is there; without room for it, wait until there is. Returns how much it was."""
        before, pause = self._size, _FIRST_PAUSE_SECONDS
        while True:
            try:
                await self._copy_available()
            except OSError as error:
                if error.errno not in NO_ROOM:
                    self.failure = error
                    return 0
                self._tail.wait_for_room(error.strerror or "no room")
                await trio.sleep(pause)
                pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
            else:
                self._tail.room_found()
                return self._size - before
            finally:
                self._show()

    async def _copy_available(self) -> None:
        if self._size < _FLOOD_BYTES:
            self._copy(_CHUNK_BYTES)
        else:
            await trio.to_thread.run_sync(self._copy, _FLOOD_STEP_BYTES, limiter=_flood_writers)

    def _copy(self, most: int) -> None:
        """Move what is in the pipe now, at most about ``most`` bytes.

        Raises:
            OSError: the file cannot be written; what could not be is not lost yet.
        """
        end = self._size + most
        while self._size < end and (moved := self._move()):
            self._size += moved
        self._flood.trim(self._size, self.read_to())

    def _move(self) -> int:
        """Move one piece; returns its size, 0 when nothing is there now."""
        try:
            moved = self._splice() if self._splices and self.failure is None else self._read_and_write()
        except BlockingIOError:
            return 0
        self._is_at_end = moved == 0
        return moved

    def _splice(self) -> int:
        try:
            return os.splice(
                self._pipe, self._file, _CHUNK_BYTES, offset_dst=self._size, flags=os.SPLICE_F_NONBLOCK
            )
        except OSError as error:
            if error.errno not in _CANNOT_SPLICE:
                raise
            self._splices = False  # a file system that cannot
            return self._read_and_write()

    def _read_and_write(self) -> int:
        if self._in_hand is None:
            self._in_hand = InHand(self._path)
        chunk = self._pending or self._read(self._in_hand)
        written = os.pwrite(self._file, chunk, self._size) if self.failure is None else len(chunk)
        self._pending = chunk[written:]
        self._in_hand.say(is_any=bool(self._pending) or self.failure is not None)
        return written

    def _read(self, in_hand: InHand) -> bytes:
        """Return what is there, b"" at the end. The pipe blocks: whoever takes over from us has the same end of it."""
        poll = select.poll()
        poll.register(self._pipe, select.POLLIN)
        if not poll.poll(0):
            raise BlockingIOError
        in_hand.say(is_any=True)
        self._pending = os.read(self._pipe, _CHUNK_BYTES)
        return self._pending

    def _show(self) -> None:
        """Feed the tail with the end of what was copied since the last time."""
        copied, self._shown = self._size - self._shown, self._size
        if copied and self.failure is None:
            wanted = min(copied, TAIL_BYTES)
            self._tail.feed(os.pread(self._file, wanted, self._size - wanted))
        self.on_growth()


def _nothing() -> None:
    """Nobody reads along."""


def _everything() -> float:
    """Nobody has to read anything first."""
    return math.inf


def _capacity(pipe: int) -> int:
    get_size = getattr(fcntl, "F_GETPIPE_SZ", None)  # Linux
    return fcntl.fcntl(pipe, get_size) if get_size is not None else _PIPE_CAPACITY_BYTES

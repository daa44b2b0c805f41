"""What a program writes: into a file of the attempt, and its last lines to whoever watches.

A pipe is copied into a file as the program writes: nothing is kept in memory, a flood slows the program and
not us, and ``/dev/stdout`` in a script means the pipe (with a file in its place, ``echo x > /dev/stderr``
would cut off all that was written before). Copying ends when it is told to, not when the pipe closes: a
grandchild that keeps the pipe open holds nobody up. Must not interpret what it copies.
"""

from __future__ import annotations

import fcntl
import math
import os
from collections.abc import Callable
from pathlib import Path

import trio

from actorflow.agents.interface import AttemptChannel, Progress
from actorflow.values import FrozenDict

__all__ = ["Capture", "Tail", "open_private"]

_CHUNK_BYTES = 64 * 1024
_FLOOD_BYTES = 256 * 1024
_FLOOD_STEP_BYTES = 1024 * 1024
_REPORT_SECONDS = 0.1
_REPORT_LINES = 20
_REPORT_BYTES = 4 * 1024

_PIPE_CAPACITY_BYTES = 64 * 1024

_flood_writers = trio.CapacityLimiter(4)
"""Floods are copied in threads of their own, so that neither a slow disk nor other users of trio's threads
hold up anybody else."""


def open_private(path: Path) -> int:
    """Open a new or emptied file for writing that only its owner can read, without following a symbolic link; returns its descriptor."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)


class Tail:
    """The last lines of a stream, reported a few at a time: at most one report in a tenth of a second.

    Args:
        is_shown: whether people want to see the lines; those that programs write for us are only signs of
            life.
    """

    def __init__(self, stream: str, channel: AttemptChannel, *, is_shown: bool = True) -> None:
        self._data = FrozenDict(stream=stream)
        self._channel = channel
        self._is_shown = is_shown
        self._pending = b""
        self._is_new = False
        self._next_report = -math.inf

    @property
    def due_at(self) -> float:
        """When ``flush`` is to be called; infinity when there is nothing to report."""
        return self._next_report if self._is_new else math.inf

    def feed(self, chunk: bytes) -> None:
        """Take what was written; only the last kilobytes that nobody has seen yet are kept."""
        self._pending = (self._pending + chunk)[-_REPORT_BYTES:]
        self._is_new = self._is_new or bool(chunk)
        if trio.current_time() >= self._next_report:
            self.flush()

    def flush(self, *, is_end: bool = False) -> None:
        """Report the whole lines that are there (at the end, or when a line is very long, what there is of the last one too).

        What is new but no whole line, like the dots of a progress bar, is at least a sign of life.
        """
        is_new, self._is_new = self._is_new, False
        lines, newline, rest = self._pending.rpartition(b"\n")
        self._next_report = trio.current_time() + _REPORT_SECONDS
        if is_end or len(rest) >= _REPORT_BYTES:
            lines, rest = lines + newline + rest, b""
        self._pending = rest
        if lines.strip() and self._is_shown:
            text = b"\n".join(lines.rstrip(b"\n").split(b"\n")[-_REPORT_LINES:]).decode("utf-8", "replace")
            self._channel.report(Progress(kind="output", text=text, data=self._data))
        elif is_new and not is_end:
            self._channel.report(Progress(kind="alive", data=self._data))


class Capture:
    """Copies one pipe into one file. Owns both descriptors.

    Attributes:
        on_growth: is called whenever there is more in the file.
    """

    def __init__(self, pipe: int, file: int, tail: Tail) -> None:
        os.set_blocking(pipe, False)
        self.on_growth: Callable[[], None] = _nothing
        self._pipe = pipe
        self._file = file
        self._tail = tail
        self._size = 0
        self._is_at_end = False
        self.failure: OSError | None = None
        """Why the file could not be written."""

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
                self._tail.feed(await self._copy_available())
                self.on_growth()
                if self.failure is not None:
                    on_failure()

    def drain(self) -> None:
        """Copy what is in the pipe now and end the report. At most a pipe's capacity, so that a writer who goes on cannot keep us."""
        left = _capacity(self._pipe)
        while left > 0 and not self._is_at_end and (chunk := self._copy()):
            left -= len(chunk)
            self._tail.feed(chunk)
        self._tail.flush(is_end=True)
        self.on_growth()

    def close(self) -> None:
        """Close both descriptors; writers that are left get EPIPE."""
        trio.lowlevel.notify_closing(self._pipe)
        os.close(self._pipe)
        os.close(self._file)

    async def _copy_available(self) -> bytes:
        if self._size < _FLOOD_BYTES:
            return self._copy()
        return await trio.to_thread.run_sync(self._copy_flood, limiter=_flood_writers)

    def _copy_flood(self) -> bytes:
        end, last = self._size + _FLOOD_STEP_BYTES, b""
        while self._size < end and (chunk := self._copy()):
            last = chunk
        return last

    def _copy(self) -> bytes:
        try:
            chunk = os.read(self._pipe, _CHUNK_BYTES)
        except BlockingIOError:
            return b""
        if not chunk:
            self._is_at_end = True
        self._size += len(chunk)
        if self.failure is None:
            self._write(chunk)
        return chunk

    def _write(self, chunk: bytes) -> None:
        view = memoryview(chunk)
        try:
            while view:
                view = view[os.write(self._file, view) :]
        except OSError as error:
            self.failure = error


def _nothing() -> None:
    """Nobody reads along."""


def _capacity(pipe: int) -> int:
    get_size = getattr(fcntl, "F_GETPIPE_SZ", None)  # Linux
    return fcntl.fcntl(pipe, get_size) if get_size is not None else _PIPE_CAPACITY_BYTES

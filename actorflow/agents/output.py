"""The last lines of what a program writes, for whoever watches.

``Tail`` takes pieces of a stream and reports whole lines, a few at a time; however much comes, only kilobytes
are kept. Must not interpret what the lines say.
"""

from __future__ import annotations

import math

import trio

from actorflow.agents.interface import AttemptChannel, Progress
from actorflow.values import FrozenDict

__all__ = ["TAIL_BYTES", "Tail"]

TAIL_BYTES = 4 * 1024
"""No more than this of what is new is looked at."""

_REPORT_SECONDS = 0.1
_REPORT_LINES = 20


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
        self._waits = False

    @property
    def due_at(self) -> float:
        """When ``flush`` is to be called; infinity when there is nothing to report."""
        return self._next_report if self._is_new else math.inf

    def feed(self, chunk: bytes) -> None:
        """Take what was written; only the last kilobytes that nobody has seen yet are kept."""
        self._pending = (self._pending + chunk)[-TAIL_BYTES:]
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
        if is_end or len(rest) >= TAIL_BYTES:
            lines, rest = lines + newline + rest, b""
        self._pending = rest
        if lines.strip() and self._is_shown:
            text = b"\n".join(lines.rstrip(b"\n").split(b"\n")[-_REPORT_LINES:]).decode("utf-8", "replace")
            self._channel.report(Progress(kind="output", text=text, data=self._data))
        elif is_new and not is_end:
            self._channel.report(Progress(kind="alive", data=self._data))

    def wait_for_room(self, reason: str) -> None:
        """Say that the stream is not taken in, because there is no room for it; a sign of life all the same."""
        kind, self._waits = ("alive" if self._waits else "no_room"), True
        self._channel.report(
            Progress(kind=kind, text=f"no room for what it writes: {reason}", data=self._data)
        )

    def room_found(self) -> None:
        """Say that it is taken in again, if it was not."""
        if self._waits:
            self._waits = False
            self._channel.report(Progress(kind="room_found", data=self._data))

"""Progress as plain lines, for pipes, logs and terminals that cannot redraw: one line for each change, in order.

Takes updates, writes escaped lines to the stream it is given, several at a time when many things happen at
once. Nothing is coloured.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TextIO

from actorflow.ids import TaskId
from actorflow.monitor.feed import UpdateOfRun
from actorflow.monitor.lines import lines_for
from actorflow.monitor.times import clock_text
from actorflow.views.escape import escape
from actorflow.views.style import Look
from actorflow.views.watching import Screen

__all__ = ["PlainScreen"]


class PlainScreen(Screen[str]):
    """Writes a line for each change of a run."""

    pause_seconds = 0.05

    def __init__(self, stream: TextIO, look: Look, *, limits: Mapping[TaskId, int] | None = None) -> None:
        self._stream = stream
        self._look = look
        self._limits = {} if limits is None else limits
        self._lines: list[str] = []
        self._silent_since: float | None = None

    def absorb(self, update: UpdateOfRun) -> None:
        """Make the lines of an update; a gap has a line too."""
        if update.missed:
            self._lines.append(f"({update.missed} updates are not shown: this reader was too slow)")
        self._lines += lines_for(update.events, update.state, zone=self._look.zone, limits=self._limits)
        self._tell_silence(update.silent_since)

    def _tell_silence(self, since: float | None) -> None:
        """Say that the driver is silent, and that it is no longer, once each."""
        was_silent, self._silent_since = self._silent_since is not None, since
        if since is not None and not was_silent:
            at = clock_text(since, self._look.zone)
            self._lines.append(f"{at}  run  silent: its driver has not been heard of since")
        elif was_silent and since is None:
            self._lines.append("run  its driver is at work again")

    def frame(self) -> str:
        """Take the lines that have not been written yet."""
        lines, self._lines = self._lines, []
        return "".join(f"{escape(line)}\n" for line in lines)

    def draw(self, frame: str) -> None:
        """Write them."""
        if frame:
            self._stream.write(frame)
            self._stream.flush()

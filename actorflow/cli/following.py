"""Prints the streams of a run's attempts, from the files that their agents write, once or as they grow.

A stream is read from where it was left; while its attempt runs, its file stays open, so that nothing is lost
when the file is replaced at the end of the attempt (which is when secrets are cut out of it). Files are
opened without following links and are read in pieces. Text is decoded and escaped, unless raw bytes are asked
for.
"""

from __future__ import annotations

import codecs
import io
import os
import stat
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from actorflow import api
from actorflow.agents.flood import read_stored
from actorflow.cli.streams import say
from actorflow.errors import JournalError
from actorflow.ids import TaskId
from actorflow.journal.storage import storage_error
from actorflow.monitor.standing import INTERRUPTED, SILENT
from actorflow.settings import Settings
from actorflow.state import RunState, RunStatus
from actorflow.state.events import AttemptStarted
from actorflow.views.escape import escape, escape_lines

__all__ = ["Logs", "follow_logs"]

_PIECE = 1 << 16
_POLL_SECONDS = 0.2
_LOOKS_PER_INSPECTION = 5


@dataclass(slots=True)
class _Stream:
    """One stream of one attempt."""

    task: str
    attempt: int
    name: str
    path: Path
    agent: str = ""
    file: int | None = None
    is_done: bool = False
    decoder: io.IncrementalNewlineDecoder = field(
        default_factory=lambda: io.IncrementalNewlineDecoder(
            codecs.getincrementaldecoder("utf-8")("replace"), translate=True
        )
    )

    def pieces(self) -> Iterator[bytes]:
        """Yield what is new."""
        if self.file is None:
            self.file = _open(self.path)
        while self.file is not None and (piece := read_stored(self.file, _PIECE)):
            yield piece

    def close(self) -> None:
        self.is_done = True
        if self.file is not None:
            os.close(self.file)
            self.file = None


def _open(path: Path) -> int | None:
    """Open a regular file and return its descriptor; None when there is none. An agent can put anything there: a link, a pipe that blocks.

    Raises:
        PermissionError: it is another user's.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except PermissionError:
        raise
    except OSError:
        return None
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        return None
    return descriptor


class Logs:
    """Prints what is new in a run's streams.

    Args:
        folder: the run's folder.
        task: only this task, or None for all.
        streams: ``stdout``, ``stderr`` or both.
        raw: print bytes as they are, without headers.

    Attributes:
        refused: why the first stream cannot be read that may not be; None when all may.
    """

    def __init__(self, folder: Path, *, task: str | None, streams: tuple[str, ...], raw: bool) -> None:
        self.has_printed = False
        self.refused: JournalError | None = None
        self._folder = folder
        self._task = task
        self._names = streams
        self._raw = raw
        self._streams: dict[tuple[str, int, str], _Stream] = {}
        self._current: _Stream | None = None
        self._at_line_start = True

    def print_new(self, seen: api.Inspection) -> None:
        """Print what is new, attempts in the order in which they started."""
        for recorded in seen.events:
            event = recorded.event
            if isinstance(event, AttemptStarted) and self._task in (None, event.task):
                has_fallbacks = (
                    len((seen.state.tasks.get(event.task) or seen.state.removed[event.task]).agents) > 1
                )
                self._know(event.task, event.attempt, event.agent if has_fallbacks else "")
        for stream in self._streams.values():
            if not stream.is_done:
                # Asked before reading: what it wrote until then is there.
                is_open = _is_open(seen.state, stream)
                try:
                    self._print(stream)
                except PermissionError as error:
                    self.refused = self.refused or storage_error(error, "read", stream.path)
                    is_open = False
                if not is_open:
                    stream.close()
        sys.stdout.flush()

    def end_line(self) -> None:
        """End the last line, so that something else can be said."""
        if not self._raw and not self._at_line_start:
            say()
            self._at_line_start = True

    def close(self) -> None:
        """End the last line and close all files."""
        self.end_line()
        for stream in self._streams.values():
            stream.close()

    def _know(self, task: str, attempt: int, agent: str) -> None:
        for name in self._names:
            if (task, attempt, name) not in self._streams:
                path = self._folder / "attempts" / task / str(attempt) / name
                self._streams[task, attempt, name] = _Stream(task, attempt, name, path, agent)

    def _print(self, stream: _Stream) -> None:
        for piece in stream.pieces():
            self.has_printed = True
            if self._raw:
                sys.stdout.buffer.write(piece)
                continue
            self._head(stream)
            text = escape_lines(stream.decoder.decode(piece))
            say(text, end="")
            self._at_line_start = text.endswith("\n") if text else self._at_line_start
        if self._raw:
            sys.stdout.buffer.flush()

    def _head(self, stream: _Stream) -> None:
        """Say whose text follows, when it is another's than before."""
        if stream is self._current:
            return
        blank = "" if self._current is None else "\n"
        end = "" if self._at_line_start else "\n"
        by = f" by {stream.agent}" if stream.agent else ""
        say(f"{end}{blank}==> {stream.task}, attempt {stream.attempt}{by}, {stream.name} <==")
        self._current, self._at_line_start = stream, True


def _is_open(state: RunState, stream: _Stream) -> bool:
    task = state.tasks.get(TaskId(stream.task))
    return task is not None and task.is_attempt_open and task.attempts == stream.attempt


def follow_logs(logs: Logs, seen: api.Inspection, settings: Settings, *, options: str = "") -> None:
    """Print what comes until the run ends or pauses, or nobody drives it any more and nothing of it runs on without a driver.

    Says on stderr when its driver is silent or gone, and what to do then.

    Args:
        options: what a suggested command needs to find the run again, or "".
    """
    told, has_seen_end = "", False
    while True:
        began = time.monotonic()
        seen = api.inspect(seen.run_id, settings=settings)
        left = [found.task for found in seen.outliving() if not found.has_finished]
        cost = time.monotonic() - began
        logs.print_new(seen)
        text = _trouble(seen, left, options)
        if text != told:
            logs.end_line()
            if text:
                say(text, to_stderr=True)
            told = text
        if _is_over(seen, left) and (has_seen_end or seen.driver is not None or not told):
            return
        # What it wrote last may be on its way into the files: one more look.
        has_seen_end = _is_over(seen, left)
        # A journal of a huge run takes a while to read: files are looked at in between, the journal more seldom.
        for _ in range(_LOOKS_PER_INSPECTION + int(20 * cost)):
            time.sleep(_POLL_SECONDS)
            logs.print_new(seen)


def _is_over(seen: api.Inspection, left: Sequence[str]) -> bool:
    has_ended = seen.state.status is not None and seen.state.status.is_terminal
    return has_ended or (seen.driver is None and not left)


def _trouble(seen: api.Inspection, left: Sequence[str], options: str) -> str:
    """Say why nothing may come any more although the run has not ended, and what to do; "" while all is well."""
    standing, run = seen.standing, seen.run_id
    resume = f"actorflow resume {run}{options}"
    if standing.word == SILENT:
        return f"the driver of run {run} is silent: {seen.driver}"
    if standing.word == RunStatus.PAUSED:
        return f"run {run} is paused: {escape(seen.state.paused_because)}; to go on: {resume}"
    if standing.word != INTERRUPTED:
        return ""
    if not left:
        return f"run {run} is interrupted: its driver is gone, and nothing of it runs any more; to go on: {resume}"
    return f"run {run} is interrupted: its driver is gone; followed is what runs on without one ({', '.join(left)}); to go on with it: {resume}"

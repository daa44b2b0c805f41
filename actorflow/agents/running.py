"""A program that runs for an attempt: its pipes, its family of processes, its end.

``process.run_program`` and ``conversation`` drive it: ``start`` gives one that runs, ``work`` captures its
output until it exits, ``send`` and ``close_input`` are its stdin, ``finish`` ends what is left, copies what is
left in the pipes and reaps it. The program is reaped last: until then its pid and its group can mean nothing
else. Whoever starts one must finish it.
"""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path

import trio

from actorflow.agents import process_table
from actorflow.agents.capture import Capture, open_private
from actorflow.agents.exit_file import (
    EXIT_FILE,
    EXIT_PART,
    decode,
    forget_exit,
    read_complaint,
    read_exit_code,
    seal,
)
from actorflow.agents.exit_reasons import not_forked, not_started
from actorflow.agents.family import KILL_SECONDS, Family
from actorflow.agents.flood import close_gap_in_time
from actorflow.agents.handles import wait_child_exited
from actorflow.agents.interface import AttemptChannel
from actorflow.agents.output import Tail
from actorflow.agents.process_record import RECORD_FILE
from actorflow.agents.program_input import ProgramInput
from actorflow.agents.with_room import NO_ROOM, with_room
from actorflow.agents.wrapper import Descriptors, start_wrapped
from actorflow.errors import AgentError
from actorflow.workflow.model import DEFAULT_STORED_BYTES

__all__ = ["RunningProgram"]

_logger = logging.getLogger("actorflow.agents")


class RunningProgram:
    """See the module. Not to be constructed: ``start`` does that."""

    def __init__(
        self, pid: int, folder: Path, marker: str, captures: Mapping[Path, Capture], stdin: ProgramInput
    ) -> None:
        self.pid = pid
        self._folder = folder
        self._family = Family(pid, marker, folder)
        self._captures = tuple(captures.values())
        self._files = tuple(captures)
        self._stdin = stdin

    @classmethod
    async def start(
        cls,
        argv: Sequence[str],
        *,
        cwd: Path,
        folder: Path,
        environment: Mapping[str, str],
        marker: str,
        channel: AttemptChannel,
        stdin: bytes | None = None,
        stays_open: bool = False,
        shows_stdout: bool = True,
        stored_bytes: int = DEFAULT_STORED_BYTES,
    ) -> RunningProgram:
        """Start a program below a wrapper, in a session of its own, as soon as there is room on the disk for the files that its output goes to.

        Args:
            stdin: what it can read; None is an empty input. What is more than fits into a pipe is sent by ``feed``.
            stays_open: whether more will be sent than ``stdin``.
            shows_stdout: whether the lines that it prints are reported for people to see.
            stored_bytes: how much of each stream is kept.

        Raises:
            AgentError: it could not be started; says why.
        """
        process_table.adopt_orphans()  # before there can be any
        with ExitStack() as on_failure, ExitStack() as childs_ends:
            try:
                given = await with_room(
                    channel,
                    partial(ProgramInput.open, childs_ends=childs_ends, on_failure=on_failure),
                    stdin,
                    folder,
                )
                captures, pipes = {}, []
                for stream in ("stdout", "stderr"):
                    reading, writing = _pipe(childs_ends, on_failure)
                    file = await with_room(channel, open_private, folder / stream)
                    on_failure.callback(os.close, file)
                    tail = Tail(stream, channel, is_shown=shows_stdout or stream != "stdout")
                    captures[folder / stream] = Capture(
                        reading, file, tail, path=folder / stream, stored_bytes=stored_bytes
                    )
                    pipes.append((reading, writing))
                forget_exit(folder)
                descriptors = Descriptors(
                    stdin=given.childs_end,
                    stdout=pipes[0],
                    stderr=pipes[1],
                    exit=_notes(folder / EXIT_PART, childs_ends),
                    record=_notes(folder / RECORD_FILE, childs_ends),
                )
                pid = start_wrapped(
                    argv,
                    cwd=cwd,
                    folder=folder,
                    environment=environment,
                    marker=marker,
                    descriptors=descriptors,
                )
            except (OSError, ValueError) as error:
                raise not_started(argv[0], error, cwd) from error
            on_failure.pop_all()
            given.begin(stays_open=stays_open)
            return cls(pid, folder, marker, captures, given)

    async def work(self) -> None:
        """Capture its output until it exits or its output cannot be stored. Cancellation leaves it running."""
        async with trio.open_nursery() as nursery:
            for capture in self._captures:
                nursery.start_soon(capture.pump, nursery.cancel_scope.cancel)
            await wait_child_exited(self.pid)
            nursery.cancel_scope.cancel()
        for capture in self._captures:
            await capture.settle()

    async def feed(self) -> None:
        """Write the rest of what it was given to read, and end its stdin."""
        await self._stdin.feed()
        self.close_input()

    async def send(self, data: bytes) -> None:
        """Write to its stdin; what it does not want to read is its business. Cancelled, it may have written a part."""
        await self._stdin.send(data)

    def close_input(self) -> None:
        """End its stdin; nothing can be sent any more."""
        self._stdin.close()

    def copy_rest(self) -> None:
        """Copy what is in the pipes of a program that has exited; ``finish`` does that too."""
        for capture in self._captures:
            capture.drain()

    def on_output(self, call: Callable[[], None], read_to: Callable[[], float]) -> None:
        """Have ``call`` called whenever there is more in the file of its stdout, of which ``read_to`` says how much has been read."""
        self._captures[0].on_growth = call
        self._captures[0].read_to = read_to

    def may_print(self) -> bool:
        """Whether somebody of it has its stdout open; True where the system does not say. Its wrapper, which always has, does not count."""
        pipe = self._captures[0].name
        members = [member.pid for member in self._family.members() if member.pid != self.pid]
        return not process_table.HAS_PROC or any(process_table.may_have_open(pid, pipe) for pid in members)

    async def leave(self, farewell: bytes, seconds: float) -> None:
        """Ask it to stop by itself: write ``farewell``, close its stdin, and give it ``seconds`` to exit.

        Cannot be cancelled. Ends early when everything is being hurried.
        """
        with trio.CancelScope(shield=True), self._family.patience(seconds):
            async with trio.open_nursery() as nursery:
                nursery.start_soon(self._say_farewell, farewell)
                await self.work()
                nursery.cancel_scope.cancel()

    async def _say_farewell(self, farewell: bytes) -> None:
        await self.send(farewell)
        self.close_input()

    def abandon(self) -> None:
        """Have its end say nothing to whoever comes after us. For programs that are ended because nobody wants them any more: some exit with 0 when they are told to stop."""
        try:
            forget_exit(self._folder)
        except OSError:  # a disk that fails: without its wrapper nobody writes it down
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)

    async def finish(self, grace_seconds: float) -> int:
        """End whatever is left of it, and reap it. Returns how many processes there were besides the program itself.

        Cannot be cancelled, but returns after ``grace_seconds`` and ten seconds more at the latest.
        """
        try:
            members = self._family.members()
            if members:
                await self._end(grace_seconds)
            for capture in self._captures:
                capture.drain()
            self._stdin.forget()
            if self.is_stored:
                seal(self._folder)
            await self._family.dismiss()
        except OSError:  # no descriptor is left to look at processes with
            self._family.kill_group()
            raise
        finally:
            self._close()
        for file, capture in zip(self._files, self._captures, strict=True):
            if capture.has_gap:
                await close_gap_in_time(file)
        return sum(self.pid not in (member.pid, member.parent) for member in members)

    @property
    def is_stored(self) -> bool:
        """Whether all its output could be stored so far."""
        return all(capture.failure is None for capture in self._captures)

    @property
    def exit_code(self) -> int:
        """The exit code, after ``finish``; minus the signal's number when a signal killed it.

        Raises:
            AgentError: its output could not be stored, it could not be started after all, or nobody knows how it ended.
        """
        for capture in self._captures:
            if capture.failure is not None:
                raise AgentError(
                    "output_not_stored", f"the output could not be stored: {capture.failure.strerror}"
                )
        if self._family.exit_code is None:
            hint = "does something in this process, or whoever started it, ignore SIGCHLD or wait for all children?"
            raise AgentError("exit_unknown", "nobody knows how the program ended", hint=hint)
        written = read_exit_code(self._folder / EXIT_FILE)
        if written is None and self._family.exit_code > 0:
            complaint = read_complaint(self._folder / EXIT_FILE)
            if complaint:
                raise not_forked(complaint)
        # Without room for it nothing is written; what the shell exits with says nearly as much.
        return decode(self._family.exit_code, was_reported=True) if written is None else written

    async def _end(self, grace_seconds: float) -> None:
        limit = grace_seconds + 2 * KILL_SECONDS
        with trio.CancelScope(shield=True, deadline=trio.current_time() + limit):
            # A program that says good-bye must not block on a full pipe.
            async with trio.open_nursery() as nursery:
                for capture in self._captures:
                    nursery.start_soon(capture.pump, _nothing)
                await self._family.end(grace_seconds)
                nursery.cancel_scope.cancel()

    def _close(self) -> None:
        self._family.close()
        for capture in self._captures:
            capture.close()
        self.close_input()


def _notes(file: Path, childs_ends: ExitStack) -> int:
    """Open a file for what the wrapper writes down; without room for it, what it writes is lost, which only matters after a crash."""
    try:
        descriptor = open_private(file)
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        descriptor = os.open(os.devnull, os.O_RDWR | os.O_CLOEXEC)
    childs_ends.callback(os.close, descriptor)
    return descriptor


def _pipe(childs_ends: ExitStack, on_failure: ExitStack) -> tuple[int, int]:
    """Make a pipe that we read; return its reading and its writing end."""
    reading, writing = os.pipe()
    childs_ends.callback(os.close, writing)
    on_failure.callback(os.close, reading)
    return reading, writing


def _nothing() -> None:
    """Output that cannot be stored does not stop the ending."""

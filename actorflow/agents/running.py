"""A program that runs for an attempt: its pipes, its family of processes, its end.

``process.run_program`` and ``conversation`` drive it: ``start`` gives one that runs, ``work`` captures its
output until it exits, ``send`` and ``close_input`` are its stdin, ``finish`` ends what is left, copies what is
left in the pipes and reaps it. The program is reaped last: until then its pid and its group can mean nothing
else. Whoever starts one must finish it.
"""

from __future__ import annotations

import logging
import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path

import trio

from actorflow.agents import process_table
from actorflow.agents.capture import Capture, open_private
from actorflow.agents.exit_reasons import not_started
from actorflow.agents.family import KILL_SECONDS, Family
from actorflow.agents.flood import close_gap
from actorflow.agents.handles import wait_child_exited
from actorflow.agents.interface import AttemptChannel
from actorflow.agents.output import Tail
from actorflow.agents.with_room import with_room
from actorflow.errors import AgentError
from actorflow.workflow.model import DEFAULT_STORED_BYTES

__all__ = ["RunningProgram"]

_logger = logging.getLogger("actorflow.agents")

_CLOSE_SECONDS = 30.0
"""How long a slow disk may take to write what is kept of a flood once more."""


class RunningProgram:
    """See the module. Not to be constructed: ``start`` does that."""

    def __init__(
        self,
        popen: subprocess.Popen[bytes],
        marker: str,
        captures: Mapping[Path, Capture],
        stdin: int | None,
    ) -> None:
        self.pid = popen.pid
        self._popen = popen
        self._family = Family(popen.pid, marker)
        self._captures = tuple(captures.values())
        self._files = tuple(captures)
        self._stdin = None if stdin is None else trio.lowlevel.FdStream(stdin)

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
        has_stdin: bool,
        shows_stdout: bool = True,
        stored_bytes: int = DEFAULT_STORED_BYTES,
    ) -> RunningProgram:
        """Start a program in a session of its own, as soon as there is room on the disk for the files that its output goes to.

        Args:
            shows_stdout: whether the lines that it prints are reported for people to see.
            stored_bytes: how much of each stream is kept.

        Raises:
            AgentError: it could not be started; says why.
        """
        process_table.adopt_orphans()  # before there can be any
        with ExitStack() as on_failure, ExitStack() as childs_ends:
            try:
                stdin, childs_stdin = (
                    _pipe(childs_ends, on_failure, is_for_reading=False)
                    if has_stdin
                    else (None, subprocess.DEVNULL)
                )
                captures, childs_outputs = {}, []
                for stream in ("stdout", "stderr"):
                    pipe, childs_end = _pipe(childs_ends, on_failure, is_for_reading=True)
                    file = await with_room(channel, open_private, folder / stream)
                    on_failure.callback(os.close, file)
                    tail = Tail(stream, channel, is_shown=shows_stdout or stream != "stdout")
                    captures[folder / stream] = Capture(pipe, file, tail, stored_bytes=stored_bytes)
                    childs_outputs.append(childs_end)
                # Not in a thread: the call holds the interpreter's lock until the program is loaded anyway (vfork), a hop would be added.
                popen = subprocess.Popen(  # noqa: ASYNC220 (see above)
                    argv,
                    stdin=childs_stdin,
                    stdout=childs_outputs[0],
                    stderr=childs_outputs[1],
                    cwd=cwd,
                    env=environment,
                    start_new_session=True,
                )
            except (OSError, ValueError) as error:
                raise not_started(argv[0], error, cwd) from error
            program = cls(popen, marker, captures, stdin)
            on_failure.pop_all()
        return program

    async def work(self) -> None:
        """Capture its output until it exits or its output cannot be stored. Cancellation leaves it running."""
        async with trio.open_nursery() as nursery:
            for capture in self._captures:
                nursery.start_soon(capture.pump, nursery.cancel_scope.cancel)
            await wait_child_exited(self.pid)
            nursery.cancel_scope.cancel()
        for capture in self._captures:
            await capture.settle()

    async def send(self, data: bytes) -> None:
        """Write to its stdin; what it does not want to read is its business. Cancelled, it may have written a part."""
        if self._stdin is not None:
            try:
                await self._stdin.send_all(data)
            except (trio.BrokenResourceError, trio.ClosedResourceError):
                self.close_input()

    def close_input(self) -> None:
        """End its stdin; nothing can be sent any more."""
        if self._stdin is not None:
            self._stdin.close()
            self._stdin = None

    def copy_rest(self) -> None:
        """Copy what is in the pipes of a program that has exited; ``finish`` does that too."""
        for capture in self._captures:
            capture.drain()

    def on_output(self, call: Callable[[], None], read_to: Callable[[], float]) -> None:
        """Have ``call`` called whenever there is more in the file of its stdout, of which ``read_to`` says how much has been read."""
        self._captures[0].on_growth = call
        self._captures[0].read_to = read_to

    def on_output_end(self, call: Callable[[], None]) -> None:
        """Have ``call`` called when it, and everybody who has it from it, has closed stdout."""
        self._captures[0].on_end = call

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
        except OSError:  # no descriptor is left to look at processes with
            self._family.kill_group()
            raise
        finally:
            self._close()
        await self._close_gaps()
        return sum(member.pid != self.pid for member in members)

    async def _close_gaps(self) -> None:
        """Say in the files what is missing in them."""
        for file, capture in zip(self._files, self._captures, strict=True):
            if capture.has_gap:
                with (
                    trio.move_on_after(_CLOSE_SECONDS, shield=True),
                    suppress(OSError),
                ):  # with its hole it is as good
                    await trio.to_thread.run_sync(close_gap, file, abandon_on_cancel=True)

    @property
    def is_stored(self) -> bool:
        """Whether all its output could be stored so far."""
        return all(capture.failure is None for capture in self._captures)

    @property
    def exit_code(self) -> int:
        """The exit code, after ``finish``; minus the signal's number when a signal killed it.

        Raises:
            AgentError: its output could not be stored, or nobody knows how it ended.
        """
        for capture in self._captures:
            if capture.failure is not None:
                raise AgentError(
                    "output_not_stored", f"the output could not be stored: {capture.failure.strerror}"
                )
        if self._family.exit_code is None:
            hint = "does something in this process, or whoever started it, ignore SIGCHLD or wait for all children?"
            raise AgentError("exit_unknown", "nobody knows how the program ended", hint=hint)
        return self._family.exit_code

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
        # Nobody waits through the object itself; a return code keeps it from complaining, and from looking for the process later.
        self._popen.returncode = self._family.exit_code or 0
        for capture in self._captures:
            capture.close()
        self.close_input()


def _pipe(childs_ends: ExitStack, on_failure: ExitStack, *, is_for_reading: bool) -> tuple[int, int]:
    """Make a pipe; return our end and the child's."""
    reading, writing = os.pipe()
    ours, childs = (reading, writing) if is_for_reading else (writing, reading)
    childs_ends.callback(os.close, childs)
    on_failure.callback(os.close, ours)
    return ours, childs


def _nothing() -> None:
    """Output that cannot be stored does not stop the ending."""

"""Talking with a program: lines to its stdin, lines from its stdout, while both go on.

``run_conversation`` is ``run_program`` for a program that answers: a *talk* gets a ``Conversation``, sends lines
and takes the next one, and what it returns is the result. The lines are read out of the attempt's ``stdout``
file, behind whoever writes it, so everything that was said is stored, and a slow talk holds nobody up. On
cancellation the program is first asked in its own words (``farewell``), then everything is ended as always.
Must not interpret what is said.
"""

from __future__ import annotations

import math
import os
from collections import deque
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import TypeVar

import trio

from actorflow.agents.environment import MARKER_VARIABLE, marker_of
from actorflow.agents.family import GRACE_SECONDS
from actorflow.agents.flood import read_stored
from actorflow.agents.interface import AgentRequest, AttemptChannel, Progress
from actorflow.agents.lines import Line, LineSplitter
from actorflow.agents.process import ProgramExit, abandoned_if_cancelled, check_may_start
from actorflow.agents.running import RunningProgram
from actorflow.agents.surviving import SurvivingProgram
from actorflow.values import FrozenDict

__all__ = ["MAX_LINE_BYTES", "Conversation", "FollowedFile", "reattach_conversation", "run_conversation"]

MAX_LINE_BYTES = 32 * 1024 * 1024
"""The longest line that is kept: an output may have 16 MiB, and JSON inside of JSON doubles its quotes."""

_CHUNK_BYTES = 256 * 1024

_ASK_SECONDS = 2.0
"""How often it is asked whether a program has closed its stdout: the pipe does not tell, as its wrapper holds it open too."""

T = TypeVar("T")


class FollowedFile:
    """The lines of a file that somebody else is still writing.

    Args:
        max_line_bytes: longer lines come out as ``TooLong``.
    """

    def __init__(self, path: Path, *, max_line_bytes: int = MAX_LINE_BYTES) -> None:
        self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
        self._splitter = LineSplitter(max_line_bytes)
        self._lines: deque[Line] = deque()
        self._place = 0.0
        self._is_complete = False
        self._grown = trio.Event()

    def place(self) -> float:
        """Say up to where it has been read."""
        return self._place

    def grown(self) -> None:
        """Say that there may be more in the file."""
        self._grown.set()

    def complete(self) -> None:
        """Say that there will be no more than is in the file now."""
        self._is_complete = True
        self._grown.set()

    async def next_line(self) -> Line | None:
        """Wait for the next line, and return it; None when there will be none."""
        await trio.lowlevel.checkpoint()
        while not self._lines:
            is_complete, self._grown = (
                self._is_complete,
                trio.Event(),
            )  # before reading, so that nothing is missed
            if piece := read_stored(self._file, _CHUNK_BYTES):
                self._place = os.lseek(self._file, 0, os.SEEK_CUR)
                self._lines.extend(self._splitter.feed(piece))
            elif not is_complete:
                await self._grown.wait()
            else:
                self._lines.extend(self._splitter.end())
                if not self._lines:
                    return None
        return self._lines.popleft()

    def close(self) -> None:
        """Let go of the file, of which nothing more is to be read."""
        os.close(self._file)
        self._place = math.inf


class Conversation:
    """What a talk has of the program. Not to be constructed: ``run_conversation`` does that."""

    def __init__(self, program: RunningProgram | SurvivingProgram, stdout: FollowedFile) -> None:
        self._program = program
        self._stdout = stdout

    async def send(self, line: bytes) -> None:
        """Write a line; a program that reads no more is no error here."""
        await self._program.send(line + b"\n")

    async def end_input(self) -> None:
        """Let it read to the end what it was given, and then see the end of its stdin."""
        await self._program.feed()

    def close_input(self) -> None:
        """Say that nothing more will be sent."""
        self._program.close_input()

    async def next_line(self) -> Line | None:
        """Wait for the next line that it prints, and return it; None when it has exited and all is read."""
        return await self._stdout.next_line()


async def run_conversation(
    argv: Sequence[str],
    talk: Callable[[Conversation], Awaitable[T]],
    *,
    request: AgentRequest,
    channel: AttemptChannel,
    environment: Mapping[str, str],
    stdin: bytes = b"",
    farewell: bytes = b"",
    farewell_seconds: float = 0.0,
    silent_seconds: float = math.inf,
    grace_seconds: float = GRACE_SECONDS,
) -> tuple[T, ProgramExit]:
    """Run a program in ``request.cwd`` and talk with it; whatever is left of it when the talk is over is ended.

    Args:
        talk: reads until ``next_line`` gives None if it wants the program to end by itself.
        environment: the whole environment, made by ``process_environment``.
        stdin: what it can read before anything is sent.
        farewell: what is written to it when the talk is cancelled or fails, before its stdin is closed.
        farewell_seconds: how long it may take to exit after that.
        silent_seconds: how long it may live on when it has closed its stdout; then the talk is told that nothing
            more comes.
        grace_seconds: the time between TERM and KILL.

    Raises:
        AgentError: it could not be started, or its output could not be stored.
    """
    check_may_start(request)
    program = await RunningProgram.start(
        argv,
        cwd=request.cwd,
        folder=request.folder,
        environment=environment,
        marker=environment[MARKER_VARIABLE],
        channel=channel,
        stdin=stdin,
        stays_open=True,
        shows_stdout=False,
        stored_bytes=request.stored_bytes,
    )
    try:
        with abandoned_if_cancelled(program):
            channel.report(Progress(kind="started", data=FrozenDict(pid=program.pid)))
            answer, outlived_output = await _talk(program, talk, request.folder / "stdout", silent_seconds)
    except BaseException:
        if farewell_seconds:
            await program.leave(farewell, farewell_seconds)
        raise
    finally:
        left_running = await program.finish(grace_seconds)
    code = program.exit_code  # raises when the output could not be stored, and then there is no answer
    [result] = answer
    stdout, stderr = request.folder / "stdout", request.folder / "stderr"
    return result, ProgramExit(code, stdout, stderr, left_running, outlived_output)


async def reattach_conversation(
    talk: Callable[[Conversation], Awaitable[T]],
    *,
    request: AgentRequest,
    channel: AttemptChannel,
    grace_seconds: float = GRACE_SECONDS,
    is_followed: bool = False,
) -> tuple[T, ProgramExit]:
    """Listen to the program that ``run_conversation`` has started in another process, which is gone, from its first word on.

    What the talk sends is lost. Whatever is left of the program when the talk is over is ended.

    Args:
        is_followed: whether the next program of the same attempt has begun; see ``SurvivingProgram.find``.

    Raises:
        AgentError: of kind ``lost``: nobody can know how it ended, or a part of its output is lost.
    """
    program = SurvivingProgram.find(
        request.folder,
        marker=marker_of(request),
        channel=channel,
        shows_stdout=False,
        stored_bytes=request.stored_bytes,
        grace_seconds=grace_seconds,
        is_followed=is_followed,
        takes_only=request.takes_only,
    )
    try:
        with abandoned_if_cancelled(program):
            channel.report(Progress(kind="started", data=FrozenDict(pid=program.pid)))
            answer, outlived_output = await _talk(program, talk, request.folder / "stdout", math.inf)
    finally:
        left_running = await program.finish(grace_seconds)
    # A talk that has come to its end needs no more than it has heard.
    code = program.last_code if answer else program.exit_code
    [result] = answer
    stdout, stderr = request.folder / "stdout", request.folder / "stderr"
    return result, ProgramExit(code, stdout, stderr, left_running, outlived_output)


async def _talk(
    program: RunningProgram | SurvivingProgram,
    talk: Callable[[Conversation], Awaitable[T]],
    file: Path,
    silent_seconds: float,
) -> tuple[list[T], bool]:
    """Return what the talk gives, alone in a list (an empty one when the output could not be stored), and whether the program outlived its output."""
    stdout = FollowedFile(file)
    answer: list[T] = []
    program.on_output(stdout.grown, stdout.place)
    failures: list[Exception] = []
    outlived_output = False

    async def end_of_output() -> None:
        nonlocal outlived_output
        # Asked twice: at the very beginning it may not have got so far that it has one.
        was_open = True
        while (is_open := program.may_print()) or was_open:
            was_open = is_open
            await trio.sleep(_ASK_SECONDS if is_open else silent_seconds)
        outlived_output = True
        stdout.complete()

    async def work() -> None:
        async with trio.open_nursery() as until_exit:
            if silent_seconds < math.inf:
                until_exit.start_soon(end_of_output)
            await program.work()
            until_exit.cancel_scope.cancel()
        program.copy_rest()
        if program.is_stored:
            stdout.complete()
        else:
            nursery.cancel_scope.cancel()

    try:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(work)
            try:
                answer.append(await talk(Conversation(program, stdout)))
            except Exception as error:  # noqa: BLE001 - raised below, as itself: a nursery would put it into a group
                failures.append(error)
            nursery.cancel_scope.cancel()
    finally:
        stdout.close()
    if failures:
        raise failures[0]
    return answer, outlived_output

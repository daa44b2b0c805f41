"""Runs one program for an attempt, and leaves nothing of it behind.

Takes an argv list, an environment and perhaps bytes for its stdin; gives the exit code and the files that
stdout and stderr went to. The wait ends when the *program* exits. What it left running is then ended (TERM,
grace, KILL), as is everything on cancellation or when anything fails: no process of an attempt outlives the
call. ``process.json`` says who the program is, so that after a crash of this process the next one can end it
(``end_survivors``). Must not interpret exit codes or output.
"""

from __future__ import annotations

import resource
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import trio

from actorflow.agents.environment import MARKER_VARIABLE, marker_of
from actorflow.agents.exit_file import forget_exit
from actorflow.agents.family import GRACE_SECONDS, Survivors
from actorflow.agents.interface import AgentRequest, AttemptChannel, Progress
from actorflow.agents.process_record import ProcessRecord
from actorflow.agents.remains import last_call
from actorflow.agents.running import RunningProgram
from actorflow.agents.surviving import SurvivingProgram, lost
from actorflow.errors import AgentError
from actorflow.values import FrozenDict

__all__ = [
    "ProgramExit",
    "abandoned_if_cancelled",
    "check_may_start",
    "end_survivors",
    "max_processes",
    "reattach_program",
    "run_program",
]

_DESCRIPTORS_PER_PROCESS = 8
"""Two pipes, two files, its stdin, its handle, one to read along, and one to end what it leaves behind."""

_DESCRIPTORS_RESERVED = 64


@dataclass(frozen=True, slots=True)
class ProgramExit:
    """How a program ended.

    Attributes:
        code: its exit code; minus the signal's number when a signal killed it.
        left_running: how many processes it had left running, which were then ended.
        outlived_output: whether it had closed its stdout, lived on, and was ended for that.
    """

    code: int
    stdout: Path
    stderr: Path
    left_running: int = 0
    outlived_output: bool = False

    @property
    def notes(self) -> tuple[str, ...]:
        """What a person should know about the end."""
        if not self.left_running:
            return ()
        return (
            f"{self.left_running} background process(es) still ran when the program exited, and were ended",
        )


async def run_program(
    argv: Sequence[str],
    *,
    request: AgentRequest,
    channel: AttemptChannel,
    environment: Mapping[str, str],
    stdin: bytes | None = None,
    grace_seconds: float = GRACE_SECONDS,
) -> ProgramExit:
    """Run a program in ``request.cwd`` until it exits.

    Behind the scenes: (1) it is started in a session of its own, with ``stdout`` and ``stderr`` in
    ``request.folder`` (0600), below a wrapper that writes ``process.json`` first; (2) ``Progress("started")``
    is reported, which is when a timeout begins; (3) its output is copied and its last lines are reported; (4) it
    exits, or we are cancelled; (5) whatever is left of it is ended; (6) what is left in the pipes is copied; (7) it
    is reaped.

    Args:
        environment: the whole environment, made by ``process_environment``.
        stdin: what it can read; None is an empty input.
        grace_seconds: the time between TERM and KILL.

    Raises:
        AgentError: it could not be started, or its output could not be stored.
    """
    check_may_start(request)
    marker = environment[MARKER_VARIABLE]
    program = await RunningProgram.start(
        argv,
        cwd=request.cwd,
        folder=request.folder,
        environment=environment,
        marker=marker,
        channel=channel,
        stdin=stdin,
        stored_bytes=request.stored_bytes,
    )
    try:
        with abandoned_if_cancelled(program):
            channel.report(Progress(kind="started", data=FrozenDict(pid=program.pid)))
            async with trio.open_nursery() as nursery:
                nursery.start_soon(program.feed)
                await program.work()
                nursery.cancel_scope.cancel()
    finally:
        # An exception on its way, such as Cancelled, goes on afterwards.
        left_running = await program.finish(grace_seconds)
    return ProgramExit(program.exit_code, request.folder / "stdout", request.folder / "stderr", left_running)


def check_may_start(request: AgentRequest) -> None:
    """Refuse to start a program where only what has finished is to be taken.

    Raises:
        AgentError: of kind ``lost``.
    """
    if request.takes_only:
        raise lost("a program would have to be started for it")


async def reattach_program(
    request: AgentRequest,
    channel: AttemptChannel,
    *,
    marker: str = "",
    grace_seconds: float = GRACE_SECONDS,
    is_followed: bool = False,
) -> ProgramExit:
    """Wait for the program that ``run_program`` has started in another process, which is gone, and end what is left of it.

    Args:
        request: as it was.
        marker: that of the program, if it is not the attempt's own.
        grace_seconds: the time between TERM and KILL.
        is_followed: whether the next program of the same attempt has begun; see ``SurvivingProgram.find``.

    Raises:
        AgentError: of kind ``lost``: nobody can know how it ended, or a part of its output is lost.
    """
    program = SurvivingProgram.find(
        request.folder,
        marker=marker or marker_of(request),
        channel=channel,
        stored_bytes=request.stored_bytes,
        grace_seconds=grace_seconds,
        is_followed=is_followed,
        takes_only=request.takes_only,
    )
    try:
        with abandoned_if_cancelled(program):
            channel.report(Progress(kind="started", data=FrozenDict(pid=program.pid)))
            await program.work()
    finally:
        left_running = await program.finish(grace_seconds)
    return ProgramExit(program.exit_code, request.folder / "stdout", request.folder / "stderr", left_running)


@contextmanager
def abandoned_if_cancelled(program: RunningProgram | SurvivingProgram) -> Iterator[None]:
    """Abandon a program when this block is cancelled, before anything ends it."""
    try:
        yield
    except Exception:
        raise
    except BaseException:  # Cancelled, alone or in a group
        program.abandon()
        raise


async def end_survivors(folder: Path, *, marker: str = "", grace_seconds: float = GRACE_SECONDS) -> bool:
    """End what a dead driver left running of an attempt, so that it does not run beside the next one. Returns whether there was anything.

    What it has done until now is nobody's result any more: nothing of it can be taken over afterwards.

    Args:
        folder: the attempt's folder; its ``process.json`` says who the program is.
        marker: ``attempt_marker(…)`` of the attempt; finds processes also when the driver died before it
            wrote ``process.json``.

    Raises:
        AgentError: something could not be ended.
    """
    record = ProcessRecord.read(folder)
    leader, taker = (record.find(), record.find_taker()) if record else (None, None)
    with suppress(
        OSError
    ):  # a disk that fails: only if we die too before this attempt is recorded as ended, somebody could believe it
        forget_exit(last_call(folder))  # before anything ends: how it ends now says nothing
    survivors = Survivors(leader, marker or (record.marker if record else ""), taker=taker)
    try:
        is_any = bool(survivors.members())
        if is_any and not await survivors.end(grace_seconds):
            raise AgentError(
                "survivor", "processes of an earlier attempt still run and cannot be ended", retryable=False
            )
        await survivors.dismiss()
    finally:
        survivors.close()
    return is_any


def max_processes() -> int:
    """Return how many programs can run at once before this process runs out of file descriptors (``ulimit -n``)."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return sys.maxsize
    return max(1, (soft - _DESCRIPTORS_RESERVED) // _DESCRIPTORS_PER_PROCESS)

"""``verify``: a command that decides whether the agent is done, whatever the agent says.

Runs in the task's folder as a shell task would, with files of its own below the attempt's folder, and under a
mark of its own, so that what the agent has left running for it (a server to test against) outlives it. Gives
whether it succeeded and the end of what it printed.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Final

from actorflow.agents.environment import (
    ANCESTORS_VARIABLE,
    MARKER_VARIABLE,
    marker_of,
    process_environment,
    verify_marker,
)
from actorflow.agents.exit_reasons import printable, stderr_tail
from actorflow.agents.interface import AgentRequest, AttemptChannel, Progress
from actorflow.agents.process import check_may_start, end_survivors, reattach_program, run_program
from actorflow.agents.remains import Remains, remains_of
from actorflow.agents.with_room import with_room
from actorflow.errors import AgentError

__all__ = ["OUTPUT_BYTES", "Verdict", "verify"]

OUTPUT_BYTES: Final = 8 * 1024
"""How much of the end of its output goes back to the agent."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the command says.

    Attributes:
        code: its exit code; minus the signal's number when a signal killed it.
        output: the end of what it printed, and of what it wrote to stderr.
    """

    code: int
    output: str
    errors: str

    @property
    def is_good(self) -> bool:
        """Whether the agent's work is accepted."""
        return self.code == 0

    @property
    def ending(self) -> str:
        """How the command ended, in words that go on a sentence."""
        if self.code < 0:
            return f"was killed by signal {-self.code}"
        return f"failed with exit code {self.code}"

    @property
    def last_line(self) -> str:
        """What says most in one line."""
        text = self.errors or self.output
        return text.rpartition("\n")[2]


async def verify(
    request: AgentRequest, channel: AttemptChannel, number: int, *, is_taken_up: bool = False
) -> Verdict:
    """Run the command of ``request.verify``.

    Args:
        number: how often it was run in this attempt, from 1.
        is_taken_up: whether the attempt was begun by a driver that is gone; what the command has said then, or
            is about to say, counts.

    Raises:
        AgentError: it could not be run at all.
    """
    folder = request.folder / f"verify-{number}"
    if not folder.exists():
        check_may_start(request)
    await with_room(channel, partial(folder.mkdir, mode=0o700, exist_ok=True))
    environment = process_environment(request)
    around = environment[MARKER_VARIABLE]
    environment[MARKER_VARIABLE] = verify_marker(marker_of(request))
    environment[ANCESTORS_VARIABLE] = f"{environment.get(ANCESTORS_VARIABLE, '')} {around}".strip()
    channel.report(Progress(kind="verify", text=request.verify or ""))
    own, relay = replace(request, folder=folder), _Relay(channel)
    marker = environment[MARKER_VARIABLE]
    try:
        if is_taken_up and remains_of(folder, marker=marker) is not Remains.GONE:
            ending = await reattach_program(own, relay, marker=marker)
        else:
            if is_taken_up:
                await end_survivors(folder, marker=marker)
            ending = await run_program(
                ["/bin/sh", "-c", request.verify or ""],
                request=own,
                channel=relay,
                environment=environment,
            )
    except AgentError as error:
        raise AgentError(
            error.kind, f"verify: {error.message}", hint=error.hint, retryable=error.retryable
        ) from error
    return Verdict(ending.code, _end(ending.stdout), stderr_tail(ending.stderr))


def _end(file: Path) -> str:
    with file.open("rb") as stream:
        size = stream.seek(0, os.SEEK_END)
        start = stream.seek(max(0, size - OUTPUT_BYTES))
        data = stream.read(OUTPUT_BYTES)
    if start:
        data = data.partition(b"\n")[2] or data
    return printable(data.decode("utf-8", "replace").strip())


class _Relay:
    """Passes on what the command prints, but not that it has started: the attempt's time began with the agent."""

    def __init__(self, channel: AttemptChannel) -> None:
        self._channel = channel

    def report(self, progress: Progress) -> None:
        """Pass it on."""
        if progress.kind != "started":
            self._channel.report(progress)

    async def session_opened(self, session_id: str) -> None:
        """Pass it on."""
        await self._channel.session_opened(session_id)

    def spent(self, *, cost_usd: float | None = None, tokens: int | None = None) -> None:
        """Pass it on."""
        self._channel.spent(cost_usd=cost_usd, tokens=tokens)

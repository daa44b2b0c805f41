"""A disk that does not answer: it is said, and a person who wants to leave is not kept.

A sync that does not return cannot be cancelled, and nothing may be decided before it has. So the run waits, and
says so after some seconds. Whoever asks a second time to stop, and whose disk is stuck, gets out in bounded
time: agents are killed, and the process leaves with exit code 74. What is durable is resumable.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from contextlib import suppress

import trio

from actorflow.agents.family import kill_all
from actorflow.engine.feed import Hub

__all__ = ["leave_if_stuck", "watch_disk"]

SILENT_SECONDS = 10.0
"""After so long without an answer a disk is called stuck."""

LEAVE_SECONDS = 5.0
"""How long after the second signal a stuck disk may still answer."""

_LOOK_SECONDS = 1.0


async def watch_disk(busy_seconds: Callable[[], float], hub: Hub, clock: Callable[[], float]) -> None:
    """Tell those who watch when the disk does not answer, until cancelled; it is told less and less often.

    Args:
        busy_seconds: how long the disk has been at what it does now.
    """
    told_at = SILENT_SECONDS
    while True:
        await trio.sleep(min(_LOOK_SECONDS, SILENT_SECONDS))
        silent = busy_seconds()
        if silent < SILENT_SECONDS:
            told_at = SILENT_SECONDS
        elif silent >= told_at:
            told_at = 4 * silent
            hub.notice(f"it has not answered for {silent:.0f} s", clock())


async def leave_if_stuck(busy_seconds: Callable[[], float]) -> None:
    """Leave the process when the disk does not answer for some seconds; until cancelled."""
    while busy_seconds() < LEAVE_SECONDS:  # noqa: ASYNC110 (what is waited for happens in a thread that cannot tell)
        await trio.sleep(LEAVE_SECONDS)
    kill_all()
    words = (
        "error: the disk does not answer; what the run has recorded is kept, and 'actorflow resume' goes on\n"
    )
    with suppress(OSError):
        os.write(sys.stderr.fileno(), words.encode())
    os._exit(74)  # the thread that waits for the disk would keep everything else

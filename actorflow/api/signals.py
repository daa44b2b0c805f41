"""Signals, as a person at a terminal means them.

The first SIGINT or SIGTERM cancels the run: agents are asked to stop and the run ends in an orderly way. The
second one ends what still runs at once, hooks that follow a cancellation too; if the disk is stuck, the process
leaves some seconds later. The third kills the agents and leaves at once; what is durable is resumable. SIGHUP
says that the terminal is gone, and nobody wants to lose a run because a connection broke: the run goes on
without it. A signal that whoever started us had ignored (a background job) stays ignored. Outside the main
thread no signal can be received: nothing is done there.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable

import trio

from actorflow.agents.family import kill_all
from actorflow.api.stuck_disk import leave_if_stuck
from actorflow.engine.drive import Drive

__all__ = ["obey_signals"]

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


async def obey_signals(
    drive: Drive,
    busy_seconds: Callable[[], float],
    *,
    task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED,
) -> None:
    """Turn signals into requests to the driver, until cancelled.

    Args:
        busy_seconds: how long the disk has been at what it does now.
    """
    if threading.current_thread() is not threading.main_thread():
        task_status.started()
        return
    heeded = [number for number in _SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    if not heeded:
        task_status.started()
        return
    with trio.open_signal_receiver(*heeded) as received:
        task_status.started()
        async with trio.open_nursery() as nursery:
            count = 0
            async for number in received:
                if number == signal.SIGHUP:
                    continue  # the screen finds out by itself that nobody looks any more
                count += 1
                if count == 1:
                    drive.cancel(signal.Signals(number).name)
                elif count == 2:
                    drive.hurry(signal.Signals(number).name)
                    nursery.start_soon(leave_if_stuck, busy_seconds)
                else:
                    kill_all()
                    os._exit(130)  # nothing else is sure to end while a disk is stuck

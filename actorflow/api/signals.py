"""Signals, as a person at a terminal means them.

The first SIGINT, SIGTERM or SIGHUP cancels the run: agents are asked to stop and the run ends in an orderly
way. The second one ends what still runs at once, hooks that follow a cancellation too. The third kills the
agents and leaves the process, as a stuck disk must not keep anybody; what is durable is resumable. A signal
that whoever started us had ignored (``nohup``, a background job) stays ignored. Outside the main thread no
signal can be received: nothing is done there.
"""

from __future__ import annotations

import os
import signal
import threading

import trio

from actorflow.agents.family import kill_all
from actorflow.engine.drive import Drive

__all__ = ["obey_signals"]

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


async def obey_signals(
    drive: Drive, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED
) -> None:
    """Turn signals into requests to the driver, until cancelled."""
    if threading.current_thread() is not threading.main_thread():
        task_status.started()
        return
    heeded = [number for number in _SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
    if not heeded:
        task_status.started()
        return
    with trio.open_signal_receiver(*heeded) as received:
        task_status.started()
        count = 0
        async for number in received:
            count += 1
            if count == 1:
                drive.cancel(signal.Signals(number).name)
            elif count == 2:
                drive.hurry(signal.Signals(number).name)
            else:
                kill_all()
                os._exit(130)  # nothing else is sure to end while a disk is stuck

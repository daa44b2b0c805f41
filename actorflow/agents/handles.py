"""Handles of processes: a way to wait for, or signal, a very process, whatever its pid may mean later.

On Linux a handle is a pidfd. Where there is none (macOS, old kernels, some sandboxes) ``open_handle`` gives
None, and whoever asked falls back to the pid. Waiting never reaps: that stays with whoever started the
process.
"""

from __future__ import annotations

import os
import select
import signal
import sys

import trio

__all__ = ["open_handle", "send_signal", "wait_child_exited", "wait_handle"]

_exit_waiters = trio.CapacityLimiter(1_000_000)
"""Threads that wait for one exit each, where the system offers nothing better; they must not use up those of
others."""


def open_handle(pid: int) -> int | None:
    """Return a descriptor of the process, to be given to ``wait_handle`` or closed; None when there is no process or no handle."""
    if sys.platform == "linux":
        try:
            return os.pidfd_open(pid)
        except OSError:
            return None
    else:
        return None


async def wait_handle(handle: int) -> None:
    """Wait until the process has exited, and close the handle."""
    try:
        await trio.lowlevel.wait_readable(handle)
    finally:
        trio.lowlevel.notify_closing(handle)
        os.close(handle)


def send_signal(pid: int, handle: int | None, number: int) -> None:
    """Send a signal through the handle, or to the pid when there is none."""
    if sys.platform == "linux" and handle is not None:
        signal.pidfd_send_signal(handle, number)
    else:
        os.kill(pid, number)


async def wait_child_exited(pid: int) -> None:
    """Wait until a child of ours, which nobody reaps meanwhile, has exited."""
    handle = open_handle(pid)
    if handle is not None:
        await wait_handle(handle)
    elif sys.platform == "darwin":
        await _wait_kqueue(pid)
    else:
        await trio.to_thread.run_sync(_wait_in_thread, pid, abandon_on_cancel=True, limiter=_exit_waiters)


if sys.platform == "darwin":

    async def _wait_kqueue(pid: int) -> None:
        queue = trio.lowlevel.current_kqueue()
        exit_event = select.kevent(
            pid,
            filter=select.KQ_FILTER_PROC,
            flags=select.KQ_EV_ADD | select.KQ_EV_ONESHOT,
            fflags=select.KQ_NOTE_EXIT,
        )
        try:
            queue.control([exit_event], 0)
        except ProcessLookupError:  # it has exited already
            return

        def stop_waiting(_: object) -> trio.lowlevel.Abort:
            exit_event.flags = select.KQ_EV_DELETE
            queue.control([exit_event], 0)
            return trio.lowlevel.Abort.SUCCEEDED

        await trio.lowlevel.wait_kevent(pid, select.KQ_FILTER_PROC, stop_waiting)

else:

    def _wait_in_thread(pid: int) -> None:
        try:
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        except ChildProcessError:  # somebody else has reaped it, which is found out by whoever reaps it
            return

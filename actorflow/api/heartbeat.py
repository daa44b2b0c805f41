"""The heartbeat of a driver: as long as it and its disk are at work, whoever looks from outside can see that.

Takes the lease, and beats for as long as a piece of work goes on. A process that is stopped, an event loop that hangs and
a disk that does not answer end the beats, each in its way, and the driver is called silent after
``journal.lease.SILENT_SECONDS``. Must not keep anybody waiting: a beat that is stuck is left behind.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import trio

from actorflow.api.stuck_disk import SILENT_SECONDS
from actorflow.journal import RunFolder
from actorflow.journal.lease import BEAT_SECONDS, Lease, this_process

__all__ = ["Heartbeat", "take_lease"]

T = TypeVar("T")


def take_lease(folder: RunFolder) -> Lease:
    """Take the lease of a run for this process, and for the command that it carries out.

    Raises:
        RunLocked: another process drives it.
    """
    now = int(time.time() * 1_000_000)
    command = " ".join(["actorflow", *sys.argv[1:3]])
    return Lease.acquire(folder.path, folder.run_id, now=now, describe=this_process(now=now, command=command))


def _idle() -> float:
    return 0.0


class Heartbeat:
    """The heartbeat of the driver that holds ``lease``.

    Attributes:
        busy_seconds: how long the disk has been at what it does now; set as soon as that is known.
    """

    def __init__(self, lease: Lease) -> None:
        self.busy_seconds: Callable[[], float] = _idle
        self._lease = lease

    async def during(self, work: Callable[[], Awaitable[T]]) -> T:
        """Beat until ``work`` is done; return what it returns, and raise what it raises as itself."""
        failed: BaseException | None = None
        results: list[T] = []
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._beat)
            try:
                results.append(await work())
            except trio.Cancelled:
                raise
            except BaseException as error:  # noqa: BLE001 - raised below: a nursery would put it into a group
                failed = error
            nursery.cancel_scope.cancel()
        if failed is not None:
            raise failed
        return results[0]

    async def _beat(self) -> None:
        limiter = trio.CapacityLimiter(1)  # of its own: a stuck beat takes no thread from anybody
        while True:
            await trio.sleep(BEAT_SECONDS)
            if self.busy_seconds() < SILENT_SECONDS:
                await trio.to_thread.run_sync(self._lease.beat, abandon_on_cancel=True, limiter=limiter)

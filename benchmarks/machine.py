"""What this machine can do, measured beside every figure so that figures can be compared.

Gives the median price of one durable 4 KiB write through a thread (what a commit cannot go below) and the time of
a fixed piece of pure Python. All in microseconds or milliseconds of wall time; medians, because machines are
shared.
"""

from __future__ import annotations

import json
import os
import queue
import statistics
import tempfile
import threading
import time
from pathlib import Path

import trio

__all__ = ["cpu_milliseconds", "fdatasync_microseconds"]

_DOCUMENT = json.dumps([{"number": i, "texts": [str(i)] * 5} for i in range(60)])


def cpu_milliseconds(rounds: int = 7) -> float:
    """Median time of 200,000 dictionary updates."""

    def once() -> float:
        begun = time.perf_counter()
        table: dict[int, int] = {}
        for i in range(200_000):
            table[i & 1023] = i
        return (time.perf_counter() - begun) * 1e3

    return statistics.median(once() for _ in range(rounds))


def fdatasync_microseconds(folder: Path | None = None, rounds: int = 300, *, busy_us: float = 0) -> float:
    """Median time of a 4 KiB write and fdatasync, asked for from trio and done by a dedicated thread.

    Args:
        busy_us: how long the loop does something else between two writes, as it does in a run: threads that
            have slept, and caches that others have filled, take longer.
    """
    with tempfile.NamedTemporaryFile(dir=folder) as file:
        # A file that does not grow, as a write-ahead log that is reused.
        os.posix_fallocate(file.fileno(), 0, 1 << 20)
        return trio.run(_median_hop, file.fileno(), rounds, busy_us)


async def _median_hop(descriptor: int, rounds: int, busy_us: float) -> float:
    jobs: queue.SimpleQueue[trio.Event | None] = queue.SimpleQueue()
    token = trio.lowlevel.current_trio_token()
    page = os.urandom(4096)

    def work() -> None:
        at = 0
        while (done := jobs.get()) is not None:
            os.pwrite(descriptor, page, at % (1 << 20))
            os.fdatasync(descriptor)
            at += 4096
            token.run_sync_soon(done.set)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    times = []
    for _ in range(rounds):
        done = trio.Event()
        begun = time.perf_counter()
        jobs.put(done)
        await done.wait()
        times.append((time.perf_counter() - begun) * 1e6)
        _be_busy(busy_us)
    jobs.put(None)
    thread.join()
    return statistics.median(times)


def _be_busy(microseconds: float) -> None:
    until = time.perf_counter() + microseconds / 1e6
    while time.perf_counter() < until:
        json.loads(_DOCUMENT)

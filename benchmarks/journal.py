"""What an append costs, against the least it could cost: one fdatasync of a page, asked for through the same thread.

Run ``python benchmarks/journal.py [--json] [--appends N] [--folder DIR]``. Prints, in microseconds: a bare
``fdatasync`` of 4 KiB written over a file of its full size, the same through a thread and back into trio, an append of
one small event, the throughput of 64 producers (group commit), and reading everything back. With ``--strace`` it also
counts the fsyncs of an append (needs strace).
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from queue import SimpleQueue

import trio

from actorflow.ids import make_run_id
from actorflow.journal import (
    JournalReader,
    NewRecord,
    RunFolder,
    RunStore,
    SqliteJournal,
    open_sqlite_journal,
)

BODY = (
    b'{"type":"attempt_succeeded","task":"build","attempt":1,"output":"ok","cost_usd":0.0123,"seconds":12.5}'
)
PAGE = os.urandom(4096)
PAGES = 256
PRODUCERS = 64
ROUNDS = 10


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description="What an append to the journal costs.")
    parser.add_argument("--appends", type=int, default=2000, help="appends per measurement")
    parser.add_argument("--folder", type=Path, default=None, help="where to measure; a folder on a real disk")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--strace", action="store_true", help="count the fsyncs of an append with strace")
    parser.add_argument("--only-appends", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder, prefix="bench-journal-") as name:
        if options.only_appends:
            trio.run(append_one_by_one, make_run(Path(name)), options.appends)
            return
        figures = measure(Path(name), options.appends)
        if options.strace:
            figures["fsyncs_per_append"] = count_fsyncs(Path(name))
    if options.json:
        print(json.dumps(figures))
        return
    for label, value in figures.items():
        print(f"{label:40} {value:12,.2f}")


def measure(folder: Path, appends: int) -> dict[str, float]:
    """Return all figures by name."""
    run = make_run(folder)
    bare: list[float] = []
    hops: list[float] = []
    ours: list[float] = []
    for _ in range(ROUNDS):  # in turn, so that whatever else the machine does falls on all of them
        bare += bare_syncs(folder / "page", appends // ROUNDS)
        hops += trio.run(syncs_through_a_thread, folder / "page", appends // ROUNDS)
        ours += trio.run(append_one_by_one, run, appends // ROUNDS)
    rate = trio.run(append_together, run, appends * 10)
    start = time.perf_counter()
    with JournalReader.open(run.path) as reader:
        count = len(reader.read())
    return {
        "bare fdatasync p50 (us)": median(bare),
        "fdatasync through a thread p50 (us)": median(hops),
        "append p50 (us)": median(ours),
        "append p99 (us)": sorted(ours)[len(ours) * 99 // 100] * 1e6,
        "append / fdatasync through a thread": median(ours) / median(hops),
        f"events/s of {PRODUCERS} producers": rate,
        "events/s read and verified": count / (time.perf_counter() - start),
    }


def bare_syncs(path: Path, count: int) -> list[float]:
    """Time ``fdatasync`` in this thread."""
    descriptor = preallocated(path)
    times = []
    for i in range(count):
        start = time.perf_counter()
        sync_page(descriptor, i)
        times.append(time.perf_counter() - start)
    os.close(descriptor)
    return times


async def syncs_through_a_thread(path: Path, count: int) -> list[float]:
    """Time ``fdatasync`` asked for from trio, done in a thread of its own."""
    descriptor = preallocated(path)
    queue: SimpleQueue[tuple[int, trio.lowlevel.Task] | None] = SimpleQueue()
    token = trio.lowlevel.current_trio_token()

    def serve() -> None:
        while (job := queue.get()) is not None:
            sync_page(descriptor, job[0])
            token.run_sync_soon(trio.lowlevel.reschedule, job[1])

    async def sync(i: int) -> None:
        queue.put((i, trio.lowlevel.current_task()))
        await trio.lowlevel.wait_task_rescheduled(lambda _: trio.lowlevel.Abort.FAILED)

    thread = threading.Thread(target=serve)
    thread.start()
    times = [await timed(sync, i) for i in range(count)]
    queue.put(None)
    thread.join()
    os.close(descriptor)
    return times


async def append_one_by_one(run: RunFolder, count: int) -> list[float]:
    """Time ``append`` of one small event, each one awaited."""
    async with open_sqlite_journal(run.journal) as journal:

        async def append(i: int) -> None:
            await journal.append([NewRecord(i, "attempt_succeeded", BODY)])

        return [await timed(append, i) for i in range(count)]


async def append_together(run: RunFolder, count: int) -> float:
    """Return the events per second of several producers, each of which awaits its own appends."""

    async def produce(journal: SqliteJournal) -> None:
        for i in range(count // PRODUCERS):
            await journal.append([NewRecord(i, "attempt_succeeded", BODY)])

    async with open_sqlite_journal(run.journal) as journal:
        start = time.perf_counter()
        async with trio.open_nursery() as nursery:
            for _ in range(PRODUCERS):
                nursery.start_soon(produce, journal)
        return count // PRODUCERS * PRODUCERS / (time.perf_counter() - start)


def count_fsyncs(folder: Path) -> float:
    """Return the fsyncs one append costs, checkpoints included: the difference of two processes under strace."""
    few, many = (traced_fsyncs(folder, appends) for appends in (100, 1100))
    return (many - few) / 1000


def traced_fsyncs(folder: Path, appends: int) -> int:
    """Return how often a process that does ``appends`` appends calls fsync or fdatasync."""
    report = folder / "strace.txt"
    script = [sys.executable, __file__, "--only-appends", "--appends", str(appends), "--folder", str(folder)]
    subprocess.run(["strace", "-f", "-e", "trace=fsync,fdatasync", "-o", str(report), *script], check=True)
    return len(re.findall(r"\b(?:fsync|fdatasync)\(", report.read_text()))


async def timed(work: Callable[[int], Awaitable[None]], i: int) -> float:
    """Return how many seconds ``work(i)`` takes."""
    start = time.perf_counter()
    await work(i)
    return time.perf_counter() - start


def make_run(folder: Path) -> RunFolder:
    """Make a run to append to."""
    return RunStore(folder / "state").create(make_run_id(time.time(), time.monotonic_ns()))


def preallocated(path: Path) -> int:
    """Open a file that has its size and its blocks already, as the journal's log does."""
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT)
    os.pwrite(descriptor, PAGE * PAGES, 0)
    os.fsync(descriptor)
    return descriptor


def sync_page(descriptor: int, i: int) -> None:
    """Write a page and make it durable."""
    os.pwrite(descriptor, PAGE, i % PAGES * len(PAGE))
    os.fdatasync(descriptor)


def median(times: list[float]) -> float:
    """Return the median in microseconds."""
    return statistics.median(times) * 1e6


if __name__ == "__main__":
    main()

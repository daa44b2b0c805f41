"""What watching costs a run: the same chain of ``echo`` tasks alone, watched from another process, and with a watcher that is stopped.

    python -m benchmarks.watching [--rounds N] [--tasks N]

Each run is ``actorflow run`` in a process of its own. Its first task holds it until the watcher (``actorflow watch``) has said that it sees the run and, in the third case, has
been stopped with SIGSTOP; the rest is timed by the journal's own clock. A watcher that is stopped at the worst moment, in the middle of a read, is the fourth case: a read transaction that stays
open. The four take turns within each round, so that a machine that becomes slower does so for all of them, and each is compared with the one alone in its round. A stopped watcher must cost
nothing; a live one shares the processor. The processor time of the driver is beside its wall time: on a machine that others use, too, it is the figure that says something.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sqlite3
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from benchmarks.machine import cpu_milliseconds, fdatasync_microseconds

_CASES = ("alone", "watched", "stopped", "stopped in a read")
_ACTORFLOW = (sys.executable, "-m", "actorflow")


@dataclass(frozen=True, slots=True)
class Cost:
    """Microseconds a task: on the wall's clock, and of the processor in the driver's process."""

    wall: float
    cpu: float


def measure(case: str, tasks: int, folder: Path) -> Cost:
    """Run the chain once."""
    root = Path(tempfile.mkdtemp(dir=folder))
    (root / ".claude").mkdir()
    os.mkfifo(root / "gate")
    (root / "w.json").write_text(json.dumps({"name": "bench", "tasks": _chain(tasks)}))
    streams: dict[str, Any] = {"cwd": root, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen([*_ACTORFLOW, "run", "w.json", "-q"], **streams) as run, ExitStack() as watching:
        assert run.stdout is not None
        run_id = run.stdout.readline().decode().strip()
        if case == "stopped in a read":
            watching.enter_context(_reading(root, run_id))
        elif case != "alone":
            watching.enter_context(_watching(run_id, streams, is_stopped=case == "stopped"))
        (root / "gate").write_text("go\n")
        _, status, usage = os.wait4(run.pid, 0)
        run.returncode = os.waitstatus_to_exitcode(status)
        assert run.returncode == 0
    return Cost(_microseconds(root, run_id) / tasks, (usage.ru_utime + usage.ru_stime) * 1e6 / tasks)


def _chain(tasks: int) -> list[dict[str, Any]]:
    gate = {"id": "t0", "agent": "shell", "parameters": {"command": "head -n 1 gate"}}
    rest = [
        {"id": f"t{i}", "agent": "echo", "parameters": {"n": 1}, "dependencies": [f"t{i - 1}"]}
        for i in range(1, tasks + 1)
    ]
    return [gate, *rest]


@contextmanager
def _watching(run_id: str, streams: dict[str, Any], *, is_stopped: bool) -> Iterator[None]:
    watcher = subprocess.Popen([*_ACTORFLOW, "watch", run_id], **streams)
    assert watcher.stderr is not None
    watcher.stderr.readline()  # its first line: it sees the run
    if is_stopped:
        os.kill(watcher.pid, signal.SIGSTOP)
    yield
    os.kill(watcher.pid, signal.SIGCONT)
    watcher.communicate()


@contextmanager
def _reading(root: Path, run_id: str) -> Iterator[None]:
    path = root / ".claude" / "workflow-state" / "runs" / run_id / "journal.db"
    with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM events").fetchall()
        yield


def _microseconds(root: Path, run_id: str) -> float:
    done = subprocess.run(
        [*_ACTORFLOW, "events", run_id, "--json"], cwd=root, check=True, capture_output=True, text=True
    )
    events = [json.loads(line) for line in done.stdout.splitlines()]

    def moment(kind: str, task: str | None) -> float:
        at = next(event["at"] for event in events if event["type"] == kind and event["task"] == task)
        return datetime.fromisoformat(at).timestamp()

    return (moment("RunSettled", None) - moment("TaskSucceeded", "t0")) * 1e6


def main() -> None:
    """Measure the three cases in turn and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--tasks", type=int, default=400)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=os.getcwd(), prefix=".bench-") as name:
        rounds = [
            {case: measure(case, options.tasks, Path(name)) for case in _CASES} for _ in range(options.rounds)
        ]
        floor = fdatasync_microseconds(Path(name))
    head = f"{'watcher':<20}{'us/task':>10}{'to alone':>10}{'CPU us/task':>13}{'to alone':>10}"
    print("\n".join([head, "-" * len(head)]))
    for case in _CASES:
        wall, cpu = ([getattr(costs[case], of) for costs in rounds] for of in ("wall", "cpu"))
        ratios = [
            statistics.median(getattr(costs[case], of) / getattr(costs["alone"], of) for costs in rounds)
            for of in ("wall", "cpu")
        ]
        print(
            f"{case:<20}{statistics.median(wall):>10.0f}{ratios[0]:>10.2f}{statistics.median(cpu):>13.0f}{ratios[1]:>10.2f}"
        )
    print(f"floor: a 4 KiB fdatasync through a thread, median {floor:.0f} us")
    print(f"CPU: 200,000 dictionary updates, median {cpu_milliseconds():.1f} ms")


if __name__ == "__main__":
    main()

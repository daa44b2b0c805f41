"""What watching costs a run: the same chain of ``echo`` tasks alone, watched from another process, and with a watcher that is stopped.

    python -m benchmarks.watching [--rounds N] [--tasks N]

Each run is ``actorflow run`` in a process of its own. Its first task holds it until the watcher (``actorflow watch``) has said that it sees the run and, in the third case, has
been stopped with SIGSTOP; the rest is timed by the journal's own clock. The three take turns within each round, so that a machine that becomes slower does so for all of them. A
stopped watcher must cost nothing; a live one shares the processor, which is counted too.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.machine import cpu_milliseconds, fdatasync_microseconds

_CASES = ("alone", "watched", "stopped")
_ACTORFLOW = (sys.executable, "-m", "actorflow")


def measure(case: str, tasks: int, folder: Path) -> float:
    """Run the chain once; returns microseconds a task."""
    root = Path(tempfile.mkdtemp(dir=folder))
    (root / ".claude").mkdir()
    os.mkfifo(root / "gate")
    (root / "w.json").write_text(json.dumps({"name": "bench", "tasks": _chain(tasks)}))
    streams: dict[str, Any] = {"cwd": root, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen([*_ACTORFLOW, "run", "w.json", "-q"], **streams) as run:
        assert run.stdout is not None
        run_id = run.stdout.readline().decode().strip()
        watcher = None if case == "alone" else _watch(run_id, streams)
        if watcher is not None and case == "stopped":
            os.kill(watcher.pid, signal.SIGSTOP)
        (root / "gate").write_text("go\n")
        assert run.wait() == 0
        if watcher is not None:
            os.kill(watcher.pid, signal.SIGCONT)
            watcher.communicate()
    return _microseconds(root, run_id) / tasks


def _chain(tasks: int) -> list[dict[str, Any]]:
    gate = {"id": "t0", "agent": "shell", "parameters": {"command": "head -n 1 gate"}}
    rest = [
        {"id": f"t{i}", "agent": "echo", "parameters": {"n": 1}, "dependencies": [f"t{i - 1}"]}
        for i in range(1, tasks + 1)
    ]
    return [gate, *rest]


def _watch(run_id: str, streams: dict[str, Any]) -> subprocess.Popen[bytes]:
    watcher = subprocess.Popen([*_ACTORFLOW, "watch", run_id], **streams)
    assert watcher.stderr is not None
    watcher.stderr.readline()  # its first line: it sees the run
    return watcher


def _microseconds(root: Path, run_id: str) -> float:
    done = subprocess.run(
        [*_ACTORFLOW, "events", run_id, "--json"], cwd=root, check=True, capture_output=True, text=True
    )
    events = [json.loads(line) for line in done.stdout.splitlines()]
    from datetime import datetime

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
    head = f"{'watcher':<10}{'us/task':>10}{'to alone':>10}"
    print("\n".join([head, "-" * len(head)]))
    for case in _CASES:
        ratio = statistics.median(figures[case] / figures["alone"] for figures in rounds)
        print(f"{case:<10}{statistics.median(f[case] for f in rounds):>10.0f}{ratio:>10.2f}")
    print(f"floor: a 4 KiB fdatasync through a thread, median {floor:.0f} us")
    print(f"CPU: 200,000 dictionary updates, median {cpu_milliseconds():.1f} ms")


if __name__ == "__main__":
    main()

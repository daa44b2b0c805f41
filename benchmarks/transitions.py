"""The price of a transition: chains, fans and layers of ``echo`` tasks over the durable SQLite journal.

    python -m benchmarks.transitions [--rounds N] [--json]

A transition is one task's way from "its dependency is done" to "it is done". Times are the journal's own, from the first attempt's start to the moment when
all tasks are done. Each workload is a real run in a process of its own, with a fresh state folder. Syncs are counted with strace when it is there: those of
the write-ahead log are commits, the others are checkpoints and folders. The machine's own price of a durable write is printed in the same table, because that
is the floor; and once more as it is in a run, where the loop does something else between two writes.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from benchmarks.machine import cpu_milliseconds, fdatasync_microseconds

_DRIVER = """
import sys, trio
from pathlib import Path
from actorflow import api
from actorflow.settings import Settings
from actorflow.state import events as ev
root = Path(sys.argv[2])
settings = Settings(project_root=root, state_dir=root / "state", user_folder=root / "user")
finished = trio.run(lambda: api.run(Path(sys.argv[1]), settings=settings))
assert finished.exit_code == 0, finished.state.status
events = api.inspect("last", settings=settings).events
started = next(r.at for r in events if isinstance(r.event, ev.AttemptStarted))
settled = next(r.at for r in events if isinstance(r.event, ev.RunSettled))
ends = [r.at for r in events if isinstance(r.event, ev.TaskSucceeded)]
steps = sorted(later - earlier for earlier, later in zip(ends, ends[1:]))
print((settled - started) * 1e6, steps[len(steps) // 2] * 1e6)
"""


def chain(length: int) -> list[dict[str, Any]]:
    """Tasks one after the other."""
    return [_task(f"t{i}", [f"t{i - 1}"] if i else []) for i in range(length)]


def fan(width: int) -> list[dict[str, Any]]:
    """One task, then ``width`` tasks that wait for it, then one that waits for all."""
    middle = [f"t{i}" for i in range(width)]
    return [_task("first", []), *(_task(name, ["first"]) for name in middle), _task("last", middle)]


def layers(depth: int, width: int) -> list[dict[str, Any]]:
    """Layers in which each task waits for two of the layer before."""
    tasks = []
    for level in range(depth):
        for i in range(width):
            before = [f"l{level - 1}t{i}", f"l{level - 1}t{(i + 1) % width}"] if level else []
            tasks.append(_task(f"l{level}t{i}", before))
    return tasks


def _task(name: str, dependencies: list[str]) -> dict[str, Any]:
    return {"id": name, "agent": "echo", "parameters": {"n": 1}, "dependencies": dependencies}


BUSY_US = 300
"""About what the loop does between two commits of a chain."""

WORKLOADS: dict[str, tuple[Callable[[], list[dict[str, Any]]], int]] = {
    "chain of 200": (lambda: chain(200), 1),
    "fan-out of 1,000": (lambda: fan(1000), 64),
    "layers 10 x 50": (lambda: layers(10, 50), 16),
}


def measure(name: str, rounds: int, folder: Path) -> dict[str, Any]:
    """Run one workload ``rounds`` times; returns medians per transition."""
    make, parallel = WORKLOADS[name]
    tasks = make()
    file = folder / "workflow.json"
    file.write_text(json.dumps({"name": "bench", "settings": {"max_parallel": parallel}, "tasks": tasks}))
    figures = [[float(figure) for figure in _run(file, folder).split()] for _ in range(rounds)]
    total, step = (statistics.median(column) for column in zip(*figures, strict=True))
    return {
        "workload": name,
        "tasks": len(tasks),
        "max_parallel": parallel,
        "us_per_transition": total / len(tasks),
        "us_median_step": step if parallel == 1 else None,
        "syncs": _count_syncs(file, folder, len(tasks)),
    }


def _run(file: Path, folder: Path, prefix: tuple[str, ...] = ()) -> str:
    root = Path(tempfile.mkdtemp(dir=folder))
    argv = [*prefix, sys.executable, "-c", _DRIVER, str(file), str(root)]
    done = subprocess.run(argv, check=True, capture_output=True, text=True, cwd=os.getcwd())
    shutil.rmtree(root)
    return done.stdout


def _count_syncs(file: Path, folder: Path, tasks: int) -> dict[str, float] | None:
    if shutil.which("strace") is None:
        return None
    log = folder / "strace.log"
    _run(file, folder, ("strace", "-f", "-y", "-qq", "-e", "trace=fsync,fdatasync", "-o", str(log)))
    lines = re.findall(r"f(?:data)?sync\(\d+<([^>]*)>", log.read_text())
    commits = sum(path.endswith("-wal") for path in lines)
    return {"commits_per_task": commits / tasks, "others": len(lines) - commits}


def main() -> None:
    """Measure everything and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(
        dir=os.getcwd(), prefix=".bench-"
    ) as name:  # the disk that runs would be on
        folder = Path(name)
        floor = fdatasync_microseconds(folder)
        results = [measure(workload, options.rounds, folder) for workload in WORKLOADS]
        floor = statistics.median([floor, fdatasync_microseconds(folder), fdatasync_microseconds(folder)])
        in_a_run = fdatasync_microseconds(folder, busy_us=BUSY_US)
    machine = {"fdatasync_us": floor, "fdatasync_between_work_us": in_a_run, "cpu_ms": cpu_milliseconds()}
    print(json.dumps({"machine": machine, "results": results}) if options.json else _table(machine, results))


def _table(machine: dict[str, float], results: list[dict[str, Any]]) -> str:
    head = f"{'workload':<20}{'tasks':>7}{'parallel':>10}{'us/task':>10}{'median step':>13}{'- floor':>10}{'WAL syncs/task':>16}{'other syncs':>13}"
    rows = [head, "-" * len(head), *(_row(machine, result) for result in results), "-" * len(head)]
    rows.append(
        "us/task: the whole run by its tasks; "
        "median step: from one task's end to the next one's, in the chain"
    )
    rows.append(
        f"floor: a 4 KiB fdatasync through a thread, median {machine['fdatasync_us']:.0f} us; "
        f"with {BUSY_US} us of other work between two of them, {machine['fdatasync_between_work_us']:.0f} us"
    )
    rows.append(
        f"CPU: 200,000 dictionary updates, median {machine['cpu_ms']:.1f} ms; Python {sys.version.split()[0]}"
    )
    return "\n".join(rows)


def _row(machine: dict[str, float], result: dict[str, Any]) -> str:
    step, syncs = result["us_median_step"], result["syncs"]
    shown = f"{'':>13}{'':>10}" if step is None else f"{step:>13.0f}{step - machine['fdatasync_us']:>10.0f}"
    counted = f"{syncs['commits_per_task']:>16.3f}{syncs['others']:>13}" if syncs else f"{'(no strace)':>16}"
    named = f"{result['workload']:<20}{result['tasks']:>7}{result['max_parallel']:>10}"
    return f"{named}{result['us_per_transition']:>10.0f}{shown}{counted}"


if __name__ == "__main__":
    main()

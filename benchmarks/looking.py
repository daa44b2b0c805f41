"""What it costs to look at a large run: the processor time of whole commands, over a run of ten thousand tasks.

    python -m benchmarks.looking [--tasks N] [--rounds N]

One run is written in JSON and one in YAML; most tasks succeed, some are skipped by their conditions, one fails after three attempts. A third one is killed in the middle, so that
tasks wait. Each command is a process of its own, from the start of Python to its end, with compiled modules as an installed program has them; user and system time together, because the wall's
clock measures the neighbours too. The least of all rounds is beside the median for the same reason. Promised are less than 200 ms.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from benchmarks.machine import cpu_milliseconds

_ACTORFLOW = (sys.executable, "-m", "actorflow")
_ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
_FAN_OUT = 10

_FINISHED = {
    "status": ("status",),
    "explain RUN": ("explain", "last"),
    "explain RUN TASK, succeeded": ("explain", "last", "t2222"),
    "explain RUN TASK, skipped by its condition": ("explain", "last", "t777"),
    "explain RUN TASK, after a skipped one": ("explain", "last", "t7771"),
    "explain RUN TASK, failed after three attempts": ("explain", "last", "broken"),
    "explain RUN TASK, skipped for the failure": ("explain", "last", "after"),
}
_KILLED = {
    "status": ("status",),
    "explain RUN TASK, its driver died with it": ("explain", "last", "gate"),
    "explain RUN TASK, waits for another": ("explain", "last", "behind"),
    "explain RUN TASK, waits, with a condition": ("explain", "last", "asked"),
}


def main() -> None:
    """Make the runs, measure the commands, print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tasks", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    print(f"{'CPU, ms':<58}{'least':>8}{'median':>8}")
    with tempfile.TemporaryDirectory(dir=os.getcwd(), prefix=".bench-") as name:
        for title, root, commands in _runs(Path(name), options.tasks):
            for label, command in commands.items():
                times = [_cpu(command, root) for _ in range(options.rounds)]
                print(
                    f"{title + ': ' + label:<58}{min(times):>8.0f}{statistics.median(times):>8.0f}",
                    flush=True,
                )
    print(f"CPU: 200,000 dictionary updates, median {cpu_milliseconds():.1f} ms")


def _runs(folder: Path, tasks: int) -> Iterator[tuple[str, Path, dict[str, tuple[str, ...]]]]:
    """Yield a name, the project and the questions of each run, once it is there."""
    document: dict[str, Any] = {
        "name": "bench",
        "settings": {"on_failure": "continue"},
        "tasks": _tree(tasks),
    }
    for title, text in (("JSON", json.dumps(document)), ("YAML", yaml.safe_dump(document, sort_keys=False))):
        root = _project(folder / title, f"w.{title.lower()}", text)
        run = [*_ACTORFLOW, "run", f"w.{title.lower()}", "-q"]
        done = subprocess.run(run, cwd=root, env=_ENVIRONMENT, capture_output=True, check=False)
        assert done.returncode == 1, done.stderr.decode()  # one task fails
        yield title, root, _FINISHED
    document["tasks"] += _gated(document["tasks"])
    root = _project(folder / "killed", "w.json", json.dumps(document))
    _kill_at_the_gate(root)
    yield "killed", root, _KILLED


def _tree(tasks: int) -> list[dict[str, Any]]:
    """Return a tree in which every seventh task asks a condition, and a task that fails."""
    found: list[dict[str, Any]] = [{"id": "t0", "agent": "echo", "parameters": {"kind": "bug"}}]
    for number in range(1, tasks - 2):
        parent = f"t{(number - 1) // _FAN_OUT}"
        task = {"id": f"t{number}", "agent": "echo", "dependencies": [parent], "parameters": {"n": number}}
        if number % 7 == 0:
            task["condition"] = f"{parent}.status == 'failed' || t0.output.kind == 'feature'"
            task["dependencies"] = list(dict.fromkeys([parent, "t0"]))
        found.append(task)
    retry = {"max_attempts": 3, "delay": 0.01, "backoff": "fixed"}
    found.append({"id": "broken", "agent": "shell", "parameters": {"command": "exit 3"}, "retry": retry})
    found.append({"id": "after", "agent": "echo", "dependencies": ["broken"]})
    return found


def _gated(tree: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return tasks of which the first one comes after most of the tree, and lasts as long as its project is there."""
    runs: set[str] = set()
    for task in tree:
        if "condition" not in task and runs.issuperset(task.get("dependencies", ())):
            runs.add(task["id"])
    before = [task["id"] for task in tree if task["id"] in runs][-12:-2]
    command = "echo > arrived; while test -e arrived; do sleep 0.2; done"
    gate = {"id": "gate", "agent": "shell", "parameters": {"command": command}, "dependencies": before}
    behind = {"id": "behind", "agent": "echo", "dependencies": ["gate"]}
    asked = {**behind, "id": "asked", "condition": "gate.output == 'go'"}
    return [gate, behind, asked]


def _project(root: Path, file: str, text: str) -> Path:
    (root / ".claude").mkdir(parents=True)
    (root / file).write_text(text)
    return root


def _kill_at_the_gate(root: Path) -> None:
    command = [*_ACTORFLOW, "run", "w.json", "-q"]
    with subprocess.Popen(command, cwd=root, env=_ENVIRONMENT, stdout=subprocess.DEVNULL) as run:
        while not (root / "arrived").exists():
            assert run.poll() is None
            time.sleep(0.1)
        run.kill()


def _cpu(command: tuple[str, ...], root: Path) -> float:
    """Run a command; return the processor time of its process in milliseconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([*_ACTORFLOW, *command], cwd=root, env=_ENVIRONMENT, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime) * 1e3


if __name__ == "__main__":
    main()

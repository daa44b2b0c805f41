"""What it costs to look at a large run: the time of whole commands, over runs of ten thousand tasks.

    python -m benchmarks.looking [--tasks N] [--rounds N]

One run is written in JSON and one in YAML; most tasks succeed, some are skipped by their conditions, one fails after three attempts. In a third one almost all tasks join in a single
one. A fourth is looked at while it is driven, and again when its driver has been killed; a fifth is killed early, in the middle of its quickest work. Each command is a process of its own, from the
start of Python to its end, with compiled modules as an installed program has them. Given are user and system time together, and the wall's, which measures the neighbours too; the least of all rounds is beside the
median for the same reason. Promised are less than 200 ms.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import yaml

from benchmarks.machine import cpu_milliseconds

_ACTORFLOW = (sys.executable, "-m", "actorflow")
_ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
_FAN_OUT = 10
_LEAST = 8_000

_RUN = {
    "status": ("status",),
    "status --json": ("status", "--json"),
    "explain RUN": ("explain", "last"),
    "explain RUN --json": ("explain", "last", "--json"),
}
_FINISHED = {
    **_RUN,
    "explain RUN TASK, succeeded": ("explain", "last", "t2222"),
    "explain RUN TASK, skipped by its condition": ("explain", "last", "t777"),
    "explain RUN TASK, after a skipped one": ("explain", "last", "t7771"),
    "explain RUN TASK, failed after three attempts": ("explain", "last", "broken"),
    "explain RUN TASK, skipped for the failure": ("explain", "last", "after"),
}
_JOINED = {
    **_RUN,
    "explain RUN TASK, of the join": ("explain", "last", "join"),
    "explain RUN TASK --json, of the join": ("explain", "last", "join", "--json"),
}
_AT_THE_GATE = {
    **_RUN,
    "explain RUN TASK, that runs": ("explain", "last", "gate"),
    "explain RUN TASK, waits for another": ("explain", "last", "behind"),
    "explain RUN TASK, waits, with a condition": ("explain", "last", "asked"),
    "explain RUN TASK, of the join, which waits": ("explain", "last", "join"),
}
_EARLY = {**_RUN, "explain RUN TASK, of the join, which waits": ("explain", "last", "join")}


def main() -> None:
    """Make the runs, measure the commands, print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--tasks", type=int, default=10_000, help=f"at least {_LEAST}")
    parser.add_argument("--rounds", type=int, default=9)
    options = parser.parse_args()
    if options.tasks < _LEAST:
        parser.error(f"--tasks is at least {_LEAST}: the questions are about tasks with such numbers")
    print(f"{'ms':<60}{'CPU least':>12}{'median':>8}{'wall least':>12}{'median':>8}")
    with tempfile.TemporaryDirectory(dir=os.getcwd(), prefix=".bench-") as name:
        for title, root, commands in _runs(Path(name), options.tasks):
            for label, command in commands.items():
                cpu, wall = zip(*(_times(command, root) for _ in range(options.rounds)), strict=True)
                print(
                    f"{title + ': ' + label:<60}{min(cpu):>12.0f}{statistics.median(cpu):>8.0f}"
                    f"{min(wall):>12.0f}{statistics.median(wall):>8.0f}",
                    flush=True,
                )
    print(f"CPU: 200,000 dictionary updates, median {cpu_milliseconds():.1f} ms")


def _runs(folder: Path, tasks: int) -> Iterator[tuple[str, Path, dict[str, tuple[str, ...]]]]:
    """Yield a name, the project and the questions of each run, once it is there."""
    tree = _document(_tree(tasks))
    for title, text in (("JSON", json.dumps(tree)), ("YAML", yaml.safe_dump(tree, sort_keys=False))):
        root = _project(folder / title, f"w.{title.lower()}", text)
        run = [*_ACTORFLOW, "run", f"w.{title.lower()}", "-q"]
        done = subprocess.run(run, cwd=root, env=_ENVIRONMENT, capture_output=True, check=False)
        assert done.returncode == 1, done.stderr.decode()  # one task fails
        yield title, root, _FINISHED
    root = _project(folder / "join", "w.json", json.dumps(_document(_joined(tasks))))
    run = [*_ACTORFLOW, "run", "w.json", "-q"]
    subprocess.run(run, cwd=root, env=_ENVIRONMENT, check=True, stdout=subprocess.DEVNULL)
    yield "joined", root, _JOINED
    gated = json.dumps(_document([*tree["tasks"], *_gated(tree["tasks"])]))
    root = _project(folder / "gate", "w.json", gated)
    with _driven(root) as run:
        _wait_until(run, (root / "arrived").exists)
        yield "driven", root, _AT_THE_GATE
    yield "killed", root, _AT_THE_GATE
    (root / "arrived").unlink()
    root = _project(folder / "early", "w.json", gated)
    with _driven(root) as run:
        _wait_until(run, lambda: _events(root) > tasks)
    yield "killed early", root, _EARLY


def _document(tasks: list[dict[str, Any]]) -> dict[str, Any]:
    return {"name": "bench", "settings": {"on_failure": "continue"}, "tasks": tasks}


def _joined(tasks: int) -> list[dict[str, Any]]:
    """Return a task, all that depend on it, and one that depends on all of them."""
    middle = [f"t{number}" for number in range(1, tasks - 1)]
    return [
        {"id": "t0", "agent": "echo"},
        *({"id": name, "agent": "echo", "dependencies": ["t0"]} for name in middle),
        {"id": "join", "agent": "echo", "dependencies": middle},
    ]


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
    """Return tasks of which the first one comes after most of the tree, and lasts as long as its project is there; one that joins everything."""
    runs: set[str] = set()
    for task in tree:
        if "condition" not in task and runs.issuperset(task.get("dependencies", ())):
            runs.add(task["id"])
    before = [task["id"] for task in tree if task["id"] in runs][-12:-2]
    command = "echo > arrived; while test -e arrived; do sleep 0.2; done"
    gate = {"id": "gate", "agent": "shell", "parameters": {"command": command}, "dependencies": before}
    behind = {"id": "behind", "agent": "echo", "dependencies": ["gate"]}
    asked = {**behind, "id": "asked", "condition": "gate.output == 'go'"}
    join = {
        "id": "join",
        "agent": "echo",
        "dependencies": [task["id"] for task in tree],
        "run_if": "all_done",
    }
    return [gate, behind, asked, {**join, "dependencies": ["gate", *join["dependencies"]]}]


def _project(root: Path, file: str, text: str) -> Path:
    (root / ".claude").mkdir(parents=True)
    (root / file).write_text(text)
    return root


@contextmanager
def _driven(root: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Drive the run; kill its driver at the end."""
    command = [*_ACTORFLOW, "run", "w.json", "-q"]
    with subprocess.Popen(command, cwd=root, env=_ENVIRONMENT, stdout=subprocess.DEVNULL) as run:
        try:
            yield run
        finally:
            run.kill()


def _wait_until(run: subprocess.Popen[bytes], is_so: Callable[[], bool]) -> None:
    while not is_so():
        assert run.poll() is None
        time.sleep(0.05)


def _events(root: Path) -> int:
    """Return how many events the run has, 0 before it is there."""
    for journal in root.glob(".claude/workflow-state/runs/*/journal.db"):
        with closing(sqlite3.connect(f"file:{journal}?mode=ro", uri=True)) as connection:
            try:
                return int(connection.execute("SELECT coalesce(max(sequence), 0) FROM events").fetchone()[0])
            except sqlite3.OperationalError:  # its tables are being made
                return 0
    return 0


def _times(command: tuple[str, ...], root: Path) -> tuple[float, float]:
    """Run a command; return the processor time of its process, and the wall's, in milliseconds."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([*_ACTORFLOW, *command], cwd=root, env=_ENVIRONMENT, check=True, stdout=subprocess.DEVNULL)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    return (after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime) * 1e3, wall * 1e3


if __name__ == "__main__":
    main()

"""Many tasks, and many processes at once, through the real command line and the real journal."""

from __future__ import annotations

import json
import os
import resource
import select
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.slow

PATIENCE_SECONDS = 60.0
MOST_SECONDS, MOST_BYTES = 60.0, 500 << 20
"""What 100,000 tasks may take, on a machine that has nothing else to do."""


class Load:
    """The command line in a process of its own, and what it needed."""

    def __init__(self, root: Path, workflow: dict[str, Any]) -> None:
        (root / ".claude").mkdir()
        (root / "load.json").write_text(json.dumps(workflow), encoding="utf-8")
        self._began = time.monotonic()
        self._errors = root / "errors"
        with self._errors.open("wb") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "actorflow", "run", "load.json", "--quiet"],
                cwd=root,
                env={"PATH": os.environ["PATH"], "HOME": str(root)},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=errors,
            )

    def wait(self) -> None:
        """Wait for its end, which must be a success."""
        _, status, usage = os.wait4(self._process.pid, 0)
        self._process.returncode = os.waitstatus_to_exitcode(status)
        assert self._process.returncode == 0, self._errors.read_text(encoding="utf-8")[-2000:]
        self.seconds = time.monotonic() - self._began
        self.processor_seconds = usage.ru_utime + usage.ru_stime
        self.most_bytes = usage.ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _layers(tasks: int) -> dict[str, Any]:
    """Layers of 100, in which each task waits for two of the layer before."""
    width = 100
    made = []
    for number in range(tasks):
        above = number - width
        dependencies = [f"t{above}", f"t{above - above % width + (above + 1) % width}"] if above >= 0 else []
        made.append({"id": f"t{number}", "agent": "echo", "dependencies": dependencies})
    return {"name": "load", "settings": {"max_parallel": 100}, "tasks": made}


@pytest.mark.long
def test_many_tasks_take_little_time_and_memory(tmp_path: Path, size, figure) -> None:
    tasks = size(10_000, 100_000)

    load = Load(tmp_path, _layers(tasks))
    load.wait()

    figure(
        "load: tasks",
        tried=tasks,
        of="tasks",
        found=f"{load.processor_seconds:.1f} s of processor, {load.seconds:.1f} s in all, at most {load.most_bytes >> 20} MB",
        promised="100,000 in 60 s and 500 MB",
    )
    assert load.most_bytes < MOST_BYTES
    assert load.processor_seconds < MOST_SECONDS * tasks / 100_000 + 10


def test_many_processes_run_at_once(tmp_path: Path, size, figure) -> None:
    """Each says that it has begun and waits for the word that all have; none gets it before."""
    count = size(100, 1000)
    started, go = tmp_path / "started", tmp_path / "go"
    os.mkfifo(started)
    os.mkfifo(go)
    command = "echo $ACTORFLOW_TASK_ID > started; read word < go; echo $word"
    tasks = [{"id": f"t{i}", "agent": "shell", "parameters": {"command": command}} for i in range(count)]
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(hard, 16_384)), hard))

    load = Load(tmp_path, {"name": "at-once", "settings": {"max_parallel": count}, "tasks": tasks})
    said, descriptor = b"", os.open(started, os.O_RDWR)  # open for writing too, so that it never ends
    while len(said.splitlines()) < count:
        assert select.select([descriptor], [], [], PATIENCE_SECONDS)[0], said.splitlines()
        said += os.read(descriptor, 1 << 16)
    os.close(descriptor)
    with go.open("w", encoding="ascii") as words:
        words.write("go\n" * count)
        words.flush()
        load.wait()

    figure(
        "load: processes at once",
        tried=count,
        of="processes",
        found=f"{load.seconds:.1f} s in all, at most {load.most_bytes >> 20} MB",
        promised="all at once",
    )
    assert load.most_bytes < MOST_BYTES

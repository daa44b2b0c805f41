"""A project whose driver is killed while its tasks work: they go on, and what comes next is the test's."""

from __future__ import annotations

import json
import os
import signal
import sys
from contextlib import suppress
from typing import Any

from actorflow.agents import process_table
from actorflow.agents.process_record import ProcessRecord

HOLD = (
    "echo $ACTORFLOW_TASK_ID $ACTORFLOW_ATTEMPT >> began.txt; n=0; "
    'until [ -e "go.$ACTORFLOW_TASK_ID" ] || [ $n -ge 3000 ]; do n=$((n + 1)); sleep 0.02; done; '
)
"""A task that begins, says so, and works until somebody lets it go."""


class Scene:
    """A project with one workflow of shell tasks that work until they are let go."""

    def __init__(self, project: Any) -> None:
        self.project = project

    def write(self, *tasks: dict[str, Any], name: str = "w.json", **top: Any) -> None:
        made = [{"agent": "shell", **task} for task in tasks]
        self.project.write(name, json.dumps({"name": "w", **top, "tasks": made}))

    def start(self, *command: str, began: int) -> Any:
        """Start a driver, and wait until so many attempts have begun in all."""
        driver = self.project.start(*command)
        self.project.until(lambda: len(self.began()) >= began or driver.poll() is not None)
        return driver

    def kill(self, *command: str, began: int) -> None:
        """Start a driver, and kill it when so many attempts have begun in all."""
        with self.start(*(command or ("run", "w.json")), began=began) as driver:
            driver.send_signal(signal.SIGKILL)
            driver.communicate()
        assert driver.returncode == -signal.SIGKILL
        if sys.platform == "linux":
            self.project.until(
                lambda: self.outliving() or not self.left()
            )  # a program that begins just now has said who it is

    def go(self, *tasks: str) -> None:
        for task in tasks:
            self.project.write(f"go.{task}", "")

    def began(self) -> list[str]:
        return self.project.lines("began.txt")

    def outliving(self) -> dict[str, bool]:
        """Return the tasks of what has outlived its driver, and whether it has finished."""
        report = self.project.report("status", "last")
        return {found["task"]: found["finished"] for found in report["outliving"]}

    def plan(self, *options: str) -> dict[str, tuple[str, str]]:
        report = self.project.report("resume", "last", "--dry-run", *options)
        return {task["task"]: (task["action"], task["cause"]) for task in report["tasks"]}

    def resume(self, *options: str) -> dict[str, Any]:
        done = self.project.call("resume", "last", "--json", *options)
        assert done.stdout, done.stderr
        return json.loads(done.stdout)

    def events(self, kind: type) -> list[Any]:
        return [event for event in self.project.events() if isinstance(event, kind)]

    def left(self) -> list[int]:
        """Return the processes that work for runs of this project."""
        runs = [path.name for path in self.project.root.glob(".claude/workflow-state/runs/2*")]
        alive = [process for process in process_table.all_processes() if process.is_alive]
        return [
            process.pid
            for process in alive
            if any(run in marker for run in runs for marker in process_table.markers_of(process.pid))
        ]

    def kill_all(self) -> None:
        """Kill what works for the runs of this project."""
        while left := self.left():
            for pid in left:
                with suppress(ProcessLookupError):  # the shell above it has gone too
                    os.kill(pid, signal.SIGKILL)
            self.project.until(lambda left=left: not set(left) & set(self.left()))

    def record(self, task: str, attempt: int = 1) -> ProcessRecord:
        run = next((self.project.root / ".claude/workflow-state/runs").iterdir())
        found = ProcessRecord.read(run / "attempts" / task / str(attempt))
        assert found is not None
        return found


def hold(name: str, then: str = "", **fields: Any) -> dict[str, Any]:
    return {"id": name, "parameters": {"command": HOLD + (then or f"echo {name}")}, **fields}

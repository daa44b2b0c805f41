"""kill -9 at every boundary of the storage, in real processes: before and after all that makes something durable, one after the other.

After each kill, ``actorflow resume`` brings the run to its end, and it must have ended as a run that nobody disturbed: the same states and outputs, nothing that was finished carried
out again, no attempt carried out twice, and no agent started whose start was not durable. Agents write their starts into a file opened with O_APPEND.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from actorflow import api
from actorflow.errors import RunError
from actorflow.settings import Settings, read_settings
from actorflow.state import TaskStatus
from actorflow.state import events as ev

SLICES = 4
CHILD = Path(__file__).with_name("child.py")
SAY = "echo $ACTORFLOW_TASK_ID $ACTORFLOW_ATTEMPT >> starts.txt; "
MAX_PARALLEL = 3


def _task(name: str, *dependencies: str, command: str = "", **fields: Any) -> dict[str, Any]:
    command = SAY + (command or f"echo {name}")
    return {
        "id": name,
        "agent": "shell",
        "dependencies": dependencies,
        "parameters": {"command": command},
    } | fields


WORKFLOW = {
    "name": "ten",
    "settings": {"max_parallel": MAX_PARALLEL},
    "tasks": [
        _task("plan"),
        _task("left", "plan"),
        _task("middle", "plan", command='echo "middle of ${plan.output}"'),
        _task("right", "plan", command="head -c 90000 /dev/zero | tr '\\0' x"),
        _task(
            "flaky",
            "left",
            command="if [ ! -e tried ]; then touch tried; exit 1; fi; echo at last",
            retry={"max_attempts": 2, "delay": 0.01, "backoff": "fixed"},
        ),
        _task("never", "left", condition="left.output == 'no'"),
        _task("join", "middle", "right", command="wc -c", condition="right.output != ''"),
        _task("refused", "middle", command="exit 3", on_failure="skip"),
        _task("after", "refused", "flaky"),
        _task("last", "join", "after", command='echo "${after.output} and ${flaky.output}"'),
    ],
    "hooks": {"on_start": [_task("begin")], "on_complete": [_task("end")]},
}
for _hook in (hook for hooks in WORKFLOW["hooks"].values() for hook in hooks):  # type: ignore[attr-defined]  # JSON
    del _hook["dependencies"]


@dataclass(frozen=True)
class Project:
    """A project's folder, and the command line in it."""

    root: Path

    @property
    def settings(self) -> Settings:
        return read_settings({"HOME": str(self.root)}, cwd=self.root)

    def call(self, *command: str, crash_at: int = 0) -> subprocess.CompletedProcess[str]:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(self.root),
            "CRASH_AT": str(crash_at),
            "CRASH_COUNT": str(self.root / "count"),
        }
        return subprocess.run(
            [sys.executable, *command],
            cwd=self.root,
            env=environment,
            capture_output=True,
            text=True,
            timeout=120,
            stdin=subprocess.DEVNULL,
        )

    def events(self) -> list[ev.Event]:
        """Everything that is durable; nothing if the run had not come that far."""
        try:
            return [recorded.event for recorded in api.inspect("last", settings=self.settings).events]
        except RunError:
            return []

    def finished(self) -> set[str]:
        if not self.events():
            return set()
        tasks = api.inspect("last", settings=self.settings).state.tasks.values()
        return {task.id for task in tasks if task.status is TaskStatus.SUCCESS}

    def unfinished_files(self) -> list[Path]:
        """What interrupted writes of blobs have left."""
        return list(api.inspect("last", settings=self.settings).folder.glob("blobs/.tmp-*"))

    def starts(self) -> list[tuple[str, int]]:
        path = self.root / "starts.txt"
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
        return [(name, int(attempt)) for name, attempt in (line.split() for line in lines)]


def _new_project(root: Path) -> Project:
    (root / ".claude").mkdir(parents=True)
    (root / "ten.json").write_text(json.dumps(WORKFLOW), encoding="utf-8")
    return Project(root)


def _snapshot(report: str) -> dict[str, Any]:
    """What must not depend on crashes: not times, and not how often something was tried."""
    read = json.loads(report)
    tasks = {**read["tasks"], **read["hooks"]}
    kept = ("status", "reason", "output")
    return {"status": read["status"]} | {name: {k: task[k] for k in kept} for name, task in tasks.items()}


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    done = _new_project(tmp_path_factory.mktemp("undisturbed")).call(
        "-m", "actorflow", "run", "ten.json", "--json"
    )
    assert done.returncode == 0, done.stderr
    return _snapshot(done.stdout)


@pytest.mark.slow
@pytest.mark.parametrize("piece", range(SLICES))
def test_a_kill_at_any_boundary_of_the_storage_costs_nothing(
    piece: int, undisturbed: dict[str, Any], tmp_path: Path, record_property: Any
) -> None:
    boundary = piece + 1
    while _survives_a_kill_at(boundary, _new_project(tmp_path / str(boundary)), undisturbed):
        boundary += SLICES
    record_property(
        "note",
        f"killed at every {SLICES}th boundary of the storage from {piece + 1} to {boundary - SLICES}",
    )
    assert boundary > 30


def _survives_a_kill_at(boundary: int, project: Project, undisturbed: dict[str, Any]) -> bool:
    """Return False when the run ends before it comes to that boundary."""
    killed = project.call(str(CHILD), "run", "ten.json", "--json", crash_at=boundary)
    if killed.returncode != -signal.SIGKILL:
        assert killed.returncode == 0, killed.stderr
        return False
    if not project.events():  # it was never accepted: nobody was told of a run, and no agent was called
        assert "accepted" not in killed.stderr + killed.stdout
        assert project.starts() == []
        return True
    finished = project.finished()
    done_before = Counter(start for start in project.starts() if start[0] in finished)

    resumed = project.call("-m", "actorflow", "resume", "last", "--json")

    where = f"killed at boundary {boundary}: {resumed.stderr}"
    assert resumed.returncode == 0, where
    assert _snapshot(resumed.stdout) == undisturbed, where
    starts, events = Counter(project.starts()), project.events()
    recorded = {(e.task, e.attempt) for e in events if isinstance(e, ev.AttemptStarted)}
    lost = {(e.task, e.attempt) for e in events if isinstance(e, ev.AttemptLost)}
    assert set(starts.values()) == {1}, f"an attempt was carried out twice; {where}"
    assert starts.keys() <= recorded, f"an agent was called before its start was durable; {where}"
    assert recorded - starts.keys() <= lost, where
    assert project.unfinished_files() == [], where
    assert len(lost) <= MAX_PARALLEL, f"more was lost than was running; {where}"
    after = Counter(start for start in starts.elements() if start[0] in finished and start[0] != "end")
    assert after == +Counter({k: n for k, n in done_before.items() if k[0] != "end"}), (
        f"what was finished ran again; {where}"
    )
    return True

"""Makes the histories of the present version: real runs of the real command line, exported.

    python -m tests.histories.make

Each becomes ``tests/histories/<version>/<name>.jsonl`` with ``<name>.state.json``, the state that it folds to. A history that is there is never made
again and never edited: it is what people's runs of that version look like.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from actorflow import __version__
from actorflow.engine.records import read_records
from actorflow.journal.jsonl import read_export
from actorflow.state import fold
from tests.histories.projection import told

FOLDER = Path(__file__).parent / __version__
MAKERS: dict[str, Callable[[Project], None]] = {}
IMAGES = {"success": "a journal at rest", "interrupted": "a journal whose driver was killed, with its log"}


class Project:
    """A project folder in which commands are called."""

    def __init__(self, root: Path) -> None:
        self.root = root
        (root / ".claude").mkdir()

    def write(self, *tasks: dict[str, Any], name: str = "w.json", **top: Any) -> None:
        self.root.joinpath(name).write_text(json.dumps({"name": "history", "tasks": list(tasks), **top}))

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        environment = {**os.environ, "HOME": str(self.root), "PYTHONPATH": str(Path(__file__).parents[2])}
        command = [sys.executable, "-m", "actorflow", *arguments]
        return subprocess.Popen(
            command, cwd=self.root, env=environment, stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL
        )

    def call(self, *arguments: str) -> int:
        return self.start(*arguments).wait(timeout=120)

    def until(self, name: str) -> None:
        """Wait until a task has made the file that says it is at work."""
        subprocess.run(
            ["sh", "-c", f"while [ ! -e {name} ]; do sleep 0.05; done"], cwd=self.root, timeout=60, check=True
        )


def history(make: Callable[[Project], None]) -> Callable[[Project], None]:
    MAKERS[make.__name__] = make
    return make


def shell(name: str, command: str, *dependencies: str, **keys: Any) -> dict[str, Any]:
    return {
        "id": name,
        "agent": "shell",
        "dependencies": list(dependencies),
        "parameters": {"command": command},
        **keys,
    }


@history
def success(project: Project) -> None:
    inputs = {"who": {"type": "string"}, "tags": {"type": "list", "default": ["x"]}}
    project.write(
        {"id": "plan", "agent": "echo", "parameters": {"for": "${inputs.who}", "tags": "${inputs.tags}"}},
        shell("build", "echo built for ${plan.output['for']}", "plan"),
        shell("check", 'echo \'{"ok": true, "é": 1.5}\'', "build", output_schema={"type": "object"}),
        inputs=inputs,
        context={"variables": {"greeting": "hi ${who}"}},
    )
    project.call("run", "w.json", "--set", "who=Ada")


@history
def failure_and_recovery(project: Project) -> None:
    project.write(
        shell("a", "echo no >&2; exit 3"),
        shell("mend", "echo mended", "a", run_if="all_failed"),
        shell("optional", "exit 1", on_failure="skip"),
        shell("after", "echo goes on", "optional"),
        shell("never", "echo", "a"),
        shell("maybe", "echo", condition="false"),
        settings={"on_failure": "continue"},
    )
    project.call("run", "w.json")


@history
def retries(project: Project) -> None:
    retry = {"max_attempts": 3, "delay": 0.05, "backoff": "fixed"}
    project.write(
        shell("a", 'echo "try $ACTORFLOW_ATTEMPT"; test "$ACTORFLOW_ATTEMPT" = 3', retry=retry),
        shell("b", "exit 1", retry=retry),
    )
    project.call("run", "w.json")


@history
def hooks(project: Project) -> None:
    phases = ("on_start", "on_success", "on_failure", "on_complete")
    hooks = {
        phase: [{"id": f"at_{phase}", "agent": "echo", "parameters": {"phase": phase}}] for phase in phases
    }
    project.write(shell("a", "test -e fixed"), hooks=hooks)
    project.call("run", "w.json")
    project.root.joinpath("fixed").touch()
    project.call("resume")


@history
def cancelled(project: Project) -> None:
    project.write(
        shell("a", "echo 1"), shell("b", "touch at_work; exec sleep 60", "a"), shell("c", "echo", "b")
    )
    driver = project.start("run", "w.json")
    project.until("at_work")
    driver.send_signal(signal.SIGINT)
    driver.wait()


@history
def blob(project: Project) -> None:
    project.write(
        shell("large", "head -c 70000 /dev/zero | tr '\\0' x"),
        shell("b", "printf '%s' \"${large.output}\" | wc -c", "large"),
    )
    project.call("run", "w.json")


@history
def interrupted(project: Project) -> None:
    project.write(shell("a", "echo 1"), shell("b", "touch at_work; exec sleep 60", "a"))
    driver = project.start("run", "w.json")
    project.until("at_work")
    driver.kill()
    driver.wait()


@history
def lost_and_resumed(project: Project) -> None:
    project.write(
        shell("a", "echo 1"),
        shell("b", 'touch at_work; [ "$ACTORFLOW_ATTEMPT" = 2 ] || exec sleep 60; echo 2', "a"),
        shell("c", "echo 3", "b"),
    )
    driver = project.start("run", "w.json")
    project.until("at_work")
    driver.kill()
    driver.wait()
    project.call("resume")


@history
def timeouts(project: Project) -> None:
    project.write(
        shell("a", "exec sleep 60", timeout=0.2, on_failure="skip"),
        shell("b", "exec sleep 60", "a"),
        settings={"timeout": 1},
    )
    project.call("run", "w.json")


@history
def changed_and_from(project: Project) -> None:
    tasks = [shell("a", "echo 1"), shell("b", "echo ${a.output}", "a"), shell("gone", "echo")]
    project.write(*tasks, shell("c", "exit 1", "b"))
    project.call("run", "w.json")
    project.write(*tasks[:2], shell("c", "echo fixed", "b"), shell("new", "echo new"))
    project.call("resume", "--use-current-spec")
    project.call("resume", "--from", "b")


@history
def rehearsed(project: Project) -> None:
    project.write(
        {"id": "a", "agent": "claude", "parameters": {"task": "think"}},
        {"id": "b", "agent": "claude", "dependencies": ["a"], "parameters": {"task": "do"}},
    )
    limit = {"kind": "rate_limit", "message": "slow down", "retry_after": 0.1}
    stubs = {"tasks": {"a": {"output": "thought", "cost_usd": 0.25, "tokens": 100, "fail": [limit]}}}
    project.root.joinpath("stubs.json").write_text(json.dumps(stubs))
    project.call("run", "w.json", "--rehearse", "stubs.json")


@history
def paused_for_a_budget(project: Project) -> None:
    names = ("a", "b", "c")
    tasks = [{"id": name, "agent": "claude", "parameters": {"task": "think"}} for name in names]
    for task, before in zip(tasks[1:], names, strict=False):
        task["dependencies"] = [before]
    project.write(*tasks)
    stubs = {"agents": {"claude": {"cost_usd": 0.25, "tokens": 100}}}
    project.root.joinpath("stubs.json").write_text(json.dumps(stubs))
    project.call("run", "w.json", "--rehearse", "stubs.json", "--budget-usd", "0.3")
    project.call("resume", "--budget-usd", "none")


@history
def salvaged(project: Project) -> None:
    project.write(shell("a", "echo 1"), shell("b", "echo 2", "a"), shell("c", "echo 3", "b"))
    project.call("run", "w.json")
    (run,) = (project.root / ".claude" / "workflow-state" / "runs").iterdir()
    with closing(sqlite3.connect(run / "journal.db")) as database:
        database.execute("UPDATE events SET crc = crc + 1 WHERE sequence = 8")
        database.commit()
    project.call("doctor", run.name, "--salvage")
    shutil.rmtree(run)
    project.call("resume", "last")


def make(name: str) -> None:
    with tempfile.TemporaryDirectory() as folder:
        project = Project(Path(folder))
        MAKERS[name](project)
        run = next((project.root / ".claude" / "workflow-state" / "runs").iterdir())
        if name in IMAGES:
            with tarfile.open(FOLDER / f"{name}.tar.gz", "w:gz") as image:
                for file in sorted(run.glob("journal.db*")):
                    if file.suffix != ".db-shm":
                        image.add(file, file.name)
        project.call("export", "last", "-o", "out.jsonl")
        data = (project.root / "out.jsonl").read_bytes()
    FOLDER.joinpath(f"{name}.jsonl").write_bytes(data)
    records = read_records(read_export(data.splitlines()).records)
    state = told(fold((recorded.at, recorded.event) for recorded in records))
    FOLDER.joinpath(f"{name}.state.json").write_text(json.dumps(state, indent=1, ensure_ascii=False) + "\n")


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    for name in MAKERS:
        if not FOLDER.joinpath(f"{name}.jsonl").exists():
            make(name)
            sys.stdout.write(f"{name}\n")


if __name__ == "__main__":
    main()

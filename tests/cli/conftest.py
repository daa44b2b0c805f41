from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from click.testing import CliRunner, Result

from actorflow.cli import cli

PATIENCE_SECONDS = 60
ROOT = Path(__file__).parents[2]
SCHEMA = json.loads((ROOT / "docs" / "reference" / "machine-output.schema.json").read_text(encoding="utf-8"))


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project folder that is the working directory; no variable of the caller's reaches the command line."""
    root = tmp_path / "project"
    (root / ".claude").mkdir(parents=True)
    monkeypatch.chdir(root)
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("ACTORFLOW_STATE_DIR", "ACTORFLOW_DEBUG", "NO_COLOR", "FORCE_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    return root


@pytest.fixture
def call(project: Path) -> Callable[..., Result]:
    """Call a command in this process."""

    def call(*arguments: str, stdin: str | None = None) -> Result:
        done = CliRunner().invoke(cli, arguments, input=stdin)
        assert "Traceback" not in done.output
        assert "internal error" not in done.output, done.output
        return done

    return call


@pytest.fixture
def start(project: Path) -> Callable[..., subprocess.Popen[bytes]]:
    """Start a command in a process of its own; what a test leaves running, or what hangs, is killed."""
    started: list[subprocess.Popen[bytes]] = []
    watchdogs: list[threading.Timer] = []

    def start(*arguments: str, **options: Any) -> subprocess.Popen[bytes]:
        options = {
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
        } | options
        environment = {**os.environ, "LANG": "C.UTF-8", **options.pop("env", {})}
        process = subprocess.Popen(
            [sys.executable, "-m", "actorflow", *arguments], env=environment, **options
        )
        started.append(process)
        watchdogs.append(threading.Timer(PATIENCE_SECONDS, process.kill))
        watchdogs[-1].start()
        return process

    yield start
    for watchdog in watchdogs:
        watchdog.cancel()
    for process in started:
        if process.poll() is None:
            process.kill()
        process.wait()
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()


class Gate:
    """A FIFO between a test and a task: neither ever waits for long."""

    def __init__(self, path: Path) -> None:
        os.mkfifo(path)
        self.descriptor = os.open(path, os.O_RDWR | os.O_NONBLOCK)

    def wait(self) -> None:
        """Wait until a task has written a line."""
        readable, _, _ = select.select([self.descriptor], [], [], PATIENCE_SECONDS)
        assert readable, "no task came to the gate"
        os.read(self.descriptor, 4096)

    def open(self) -> None:
        """Let a task that reads a line go on."""
        os.write(self.descriptor, b"go\n")


@pytest.fixture
def gate(project: Path) -> Callable[[str], Gate]:
    gates: list[Gate] = []

    def gate(name: str) -> Gate:
        gates.append(Gate(project / name))
        return gates[-1]

    yield gate
    for made in gates:
        os.close(made.descriptor)


@pytest.fixture(scope="session")
def fits() -> Callable[[str, Any], Any]:
    """Check a document against one definition of the published schema, and that the whole schema takes it too."""

    def fits(definition: str, document: Any) -> Any:
        for schema in ({**SCHEMA, "oneOf": [{"$ref": f"#/$defs/{definition}"}]}, SCHEMA):
            jsonschema.Draft202012Validator(schema).validate(document)
        return document

    return fits


@pytest.fixture
def workflow(project: Path) -> Callable[..., str]:
    """Write a workflow of shell tasks: keyword arguments are tasks, a list is [dependency, command]."""

    def workflow(**tasks: str | list[str]) -> str:
        listed = []
        for name, task in tasks.items():
            *dependencies, command = [task] if isinstance(task, str) else task
            listed.append(
                {
                    "id": name,
                    "agent": "shell",
                    "dependencies": dependencies,
                    "parameters": {"command": command},
                }
            )
        (project / "w.json").write_text(json.dumps({"name": "w", "tasks": listed}), encoding="utf-8")
        return "w.json"

    return workflow

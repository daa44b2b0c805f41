"""Secrets, through the real command line: into the environment of a task, and into no byte that we write."""

from __future__ import annotations

from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

LITERAL, FROM_ENV = "literal-secret-0815", "secret-of-the-env-4711"
USES = """
name: uses
context: {secrets: {ONE: literal-secret-0815, TWO: "env:TWO"}}
tasks:
  - id: a
    agent: shell
    env: {ONE: "${secrets.ONE}", TWO: "${secrets.TWO}"}
    parameters: {command: "echo $ONE $TWO; echo $ONE $TWO >&2; [ -e go ] || { while ! grep -q $TWO .claude/workflow-state/runs/*/attempts/a/1/stderr; do sleep 0.02; done; echo > gate; until [ -e go ]; do sleep 0.02; done; }"}
  - {id: b, agent: echo, dependencies: [a], parameters: {got: "${a.output}"}}
  - id: c
    agent: shell
    env: {TWO: "${secrets.TWO}"}
    parameters: {command: "echo it was $TWO >&2; exit 3"}
    on_failure: skip
"""


def _leaks(folder: Path) -> list[str]:
    found = []
    for path in folder.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            found += [str(path) for secret in (LITERAL, FROM_ENV) if secret.encode() in data]
    return found


def test_secrets_reach_the_task_and_nothing_that_is_written(project) -> None:
    project.environment["TWO"] = FROM_ENV
    project.write("w.yaml", USES)
    project.write("go", "")

    done = project.call("run", "w.yaml", "--json")

    assert done.returncode == 0, done.stderr
    assert "restarted" not in done.stderr
    assert _leaks(project.root / ".claude") == []
    assert [s for s in (LITERAL, FROM_ENV) if s in done.stdout + done.stderr] == []
    report = project.report("status", "last")
    assert report["tasks"]["b"]["output"] == {"got": "*** ***"}
    assert report["tasks"]["c"]["error"]["message"].endswith("it was ***")


def test_a_resume_scrubs_what_a_killed_driver_left(project, fifo) -> None:
    project.environment["TWO"] = FROM_ENV
    project.write("w.yaml", USES)
    gate = fifo("gate")
    with project.start("run", "w.yaml") as driver:
        gate.read_text()
        driver.kill()
        driver.communicate(timeout=60)
    assert _leaks(project.root / ".claude") != []
    project.write("go", "")

    resumed = project.call("resume", "last")

    assert resumed.returncode == 0, resumed.stderr
    assert _leaks(project.root / ".claude") == []


def test_an_offline_cancellation_scrubs_what_it_can_read_the_secrets_of(project, fifo) -> None:
    project.environment["TWO"] = FROM_ENV
    project.write("w.yaml", USES)
    gate = fifo("gate")
    with project.start("run", "w.yaml") as driver:
        gate.read_text()
        driver.kill()
        driver.communicate(timeout=60)
    assert _leaks(project.root / ".claude") != []

    done = project.call("cancel", "last")

    assert done.returncode == 0, done.stderr
    assert _leaks(project.root / ".claude") == []


def test_a_resume_without_a_secret_says_which_one_and_changes_nothing(project, fifo) -> None:
    project.environment["TWO"] = FROM_ENV
    project.write("w.yaml", USES)
    gate = fifo("gate")
    with project.start("run", "w.yaml") as driver:
        gate.read_text()
        driver.kill()
        driver.communicate(timeout=60)
    before = project.events()
    del project.environment["TWO"]

    resumed = project.call("resume", "last")

    assert resumed.returncode == 3
    assert "TWO" in resumed.stderr
    assert project.events() == before
    project.environment["TWO"] = FROM_ENV
    project.call("cancel", "last")

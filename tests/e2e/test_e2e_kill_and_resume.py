"""kill -9 of the real driver, again and again; what was finished is not run again."""

from __future__ import annotations

import json
import signal

import pytest

from actorflow.state import events as ev

KILLS = 10
TASKS = 40


def _workflow() -> str:
    """Four chains of ten; every fourth task says that it is at work, and works until somebody lets it go."""
    tasks = []
    for i in range(TASKS):
        gate = f"echo t{i} >> at_work.txt; until [ -e go.t{i} ]; do sleep 0.01; done; " if i % 4 == 3 else ""
        tasks.append(
            {
                "id": f"t{i}",
                "agent": "shell",
                "dependencies": [f"t{i - 4}"] if i >= 4 else [],
                "timeout": 120,
                "parameters": {"command": f"{gate}echo t{i} >> ran.txt; echo $(( {i} * {i} ))"},
            }
        )
    return json.dumps({"name": "forty", "settings": {"max_parallel": 4}, "tasks": tasks})


def _drivers(project) -> int:
    return sum(isinstance(event, ev.DriverStarted) for event in project.events())


@pytest.mark.slow
def test_ten_kills_cost_no_task(project) -> None:
    """Neither one that was finished nor the one that was at work: it is let go at once, or when the next driver is there."""
    project.write("forty.json", _workflow())
    finished_before: dict[str, int] = {}
    waits = ""

    command = ("run", "forty.json")
    for kill in range(KILLS):
        with project.start(*command) as driver:
            if waits:
                project.until(lambda kill=kill: _drivers(project) > kill)
                project.write(f"go.{waits}", "")
            project.until(lambda kill=kill: len(project.lines("at_work.txt")) > kill)
            driver.send_signal(signal.SIGKILL)
            driver.communicate()
        waits = project.lines("at_work.txt")[kill]
        if kill % 2 == 0:
            project.write(f"go.{waits}", "")
            waits = ""
        report = project.report("status", "last")
        finished = {
            name: task["attempts"] for name, task in report["tasks"].items() if task["status"] == "success"
        }
        assert finished_before.items() <= finished.items()
        finished_before = finished
        command = ("resume", "last")
    project.write(f"go.{waits}", "")
    done = project.call("resume", "last", "--json")

    report = json.loads(done.stdout)
    assert done.returncode == 0
    assert {name: task["output"] for name, task in report["tasks"].items()} == {
        f"t{i}": str(i * i) for i in range(TASKS)
    }
    assert sorted(project.lines("at_work.txt")) == sorted(f"t{i}" for i in range(3, TASKS, 4))
    assert sorted(project.lines("ran.txt")) == sorted(f"t{i}" for i in range(TASKS))


@pytest.mark.slow
def test_a_resume_of_a_run_that_succeeded_changes_nothing(project) -> None:
    project.write(
        "one.yaml", "name: one\ntasks: [{id: a, agent: shell, parameters: {command: echo x >> ran.txt}}]\n"
    )
    project.call("run", "one.yaml")
    before = len(project.events())

    done = project.call("resume", "last")

    assert done.returncode == 0
    assert project.lines("ran.txt") == ["x"]
    assert len(project.events()) == before


@pytest.mark.slow
def test_a_failed_run_is_resumed_where_it_failed(project) -> None:
    project.write(
        "fails.yaml",
        """
name: fails
tasks:
  - {id: a, agent: shell, parameters: {command: echo a >> ran.txt}}
  - {id: b, agent: shell, dependencies: [a], parameters: {command: test -e fixed}}
  - {id: c, agent: shell, dependencies: [b], parameters: {command: echo c >> ran.txt}}
""",
    )

    first = project.call("run", "fails.yaml")
    project.write("fixed", "")
    second = project.call("resume", "last")

    assert (first.returncode, second.returncode) == (1, 0)
    assert project.lines("ran.txt") == ["a", "c"]
    assert project.report("status", "last")["tasks"]["b"]["attempts"] == 2

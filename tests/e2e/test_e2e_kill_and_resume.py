"""kill -9 of the real driver, again and again; what was finished is not run again."""

from __future__ import annotations

import json
import signal

import pytest

KILLS = 10
TASKS = 40


def _workflow() -> str:
    """Four chains of ten; every fourth task announces itself on a FIFO at its first attempt and waits to be killed with the driver."""
    tasks = []
    for i in range(TASKS):
        gate = (
            'if [ "$ACTORFLOW_ATTEMPT" = 1 ]; then echo $ACTORFLOW_TASK_ID > gate; exec sleep 600; fi; '
            if i % 4 == 3
            else ""
        )
        tasks.append(
            {
                "id": f"t{i}",
                "agent": "shell",
                "dependencies": [f"t{i - 4}"] if i >= 4 else [],
                "parameters": {"command": f"{gate}echo t{i} >> ran.txt; echo $(( {i} * {i} ))"},
            }
        )
    return json.dumps({"name": "forty", "settings": {"max_parallel": 4}, "tasks": tasks})


@pytest.mark.slow
def test_ten_kills_cost_no_finished_task(project, fifo) -> None:
    project.write("forty.json", _workflow())
    gate = fifo("gate")
    finished_before: dict[str, int] = {}

    command = ("run", "forty.json")
    for _ in range(KILLS):
        with project.start(*command) as driver:
            gate.read_text()  # returns when a task has said that it runs, which is after its start is durable
            driver.send_signal(signal.SIGKILL)
            driver.communicate()
        report = project.report("status", "last")
        finished = {
            name: task["attempts"] for name, task in report["tasks"].items() if task["status"] == "success"
        }
        assert finished_before.items() <= finished.items()
        finished_before = finished
        command = ("resume", "last")
    done = project.call("resume", "last", "--json")

    report = json.loads(done.stdout)
    assert done.returncode == 0
    assert {task["status"] for task in report["tasks"].values()} == {"success"}
    assert {name: task["output"] for name, task in report["tasks"].items()} == {
        f"t{i}": str(i * i) for i in range(TASKS)
    }
    assert (
        finished_before.items() <= {name: task["attempts"] for name, task in report["tasks"].items()}.items()
    )
    ran = project.lines("ran.txt")
    in_flight = {name for name, task in report["tasks"].items() if task["attempts"] > 1}
    assert set(ran) == {f"t{i}" for i in range(TASKS)}
    assert {name for name in ran if ran.count(name) > 1} <= in_flight
    assert all(ran.count(name) == 1 for name in set(ran) - in_flight)


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

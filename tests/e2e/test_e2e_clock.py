"""The machine's clock is set by hours while a run goes on, or between a crash and the resume: nothing waits, or ends, for that."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
RETRIES = """\
name: w
settings: {timeout: 1h}
tasks:
  - {id: a, agent: shell, retry: {max_attempts: 2, delay: 1s}, parameters: {command: 'test $ACTORFLOW_ATTEMPT = 2 || { echo > gate; cat go; exit 1; }'}}
"""


@pytest.fixture
def start(project):
    """Start the command line where the clock can be set."""

    def start(*arguments: str):
        environment = {**project.environment, "PYTHONPATH": str(ROOT)}
        command = [project.python, str(ROOT / "tests" / "e2e" / "set_clock.py"), *arguments]
        return project.start_program(command, env=environment)

    return start


@pytest.mark.parametrize("hours", [-5, 5])
def test_a_back_off_and_a_timeout_are_as_long_as_they_were_meant_to_be(hours, project, fifo, start) -> None:
    project.write("w.yaml", RETRIES)
    gate, go = fifo("gate"), fifo("go")

    with start("run", "w.yaml") as driver:
        gate.read_text()
        project.write("clock", str(3600 * hours))
        go.write_text("on")
        _, err = driver.communicate()

    assert driver.returncode == 0, err
    task = project.report("status", "last")["tasks"]["a"]
    assert (task["status"], task["attempts"]) == ("success", 2)
    assert 0.5 <= task["duration"] < 60


def test_a_clock_that_is_set_back_between_a_crash_and_the_resume_makes_nobody_wait(
    project, fifo, start
) -> None:
    project.write("w.yaml", RETRIES.replace("delay: 1s", "delay: 3s"))
    gate, go = fifo("gate"), fifo("go")
    with start("run", "w.yaml", "--json") as driver:
        gate.read_text()
        go.write_text("on")
        while project.report("status", "last")["tasks"]["a"]["sub_state"] != "retry_wait":
            assert driver.poll() is None
        driver.kill()
        driver.communicate()
    project.write("clock", str(-5 * 3600))

    with start("resume", "last", "--json") as driver:
        out, err = driver.communicate()

    assert driver.returncode == 0, err
    report = json.loads(out)
    assert report["tasks"]["a"]["attempts"] == 2
    assert 0 <= report["duration"] < 60

"""A driver that is there and not heard of: every view says so, and says when it is back."""

from __future__ import annotations

import json
import os
import re
import signal
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
LATER = ROOT / "tests" / "e2e" / "later.py"
WAITS = "name: w\ntasks: [{id: a, agent: shell, parameters: {command: 'echo > gate; cat go'}}, {id: b, agent: echo, dependencies: [a]}]\n"


@pytest.fixture
def later(project):
    """Call a command for which the time is 16 s later."""

    def later(*arguments: str) -> str:
        environment = {**project.environment, "PYTHONPATH": str(ROOT)}
        with project.start_program([project.python, str(LATER), *arguments], env=environment) as process:
            out, err = process.communicate()
        assert process.returncode == 0, err
        return out

    return later


def _beat(project) -> str:
    [lock] = project.root.glob(".claude/workflow-state/runs/*/lock")
    return re.search('"beat": "([0-9.]+)"', lock.read_text())[1]


def test_a_driver_that_is_stopped_is_silent_in_every_view_until_it_goes_on(project, fifo, later) -> None:
    project.write("w.yaml", WAITS)
    gate, go = fifo("gate"), fifo("go")

    with project.start("run", "w.yaml") as driver:
        gate.read_text()
        driver.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, driver.pid, os.WSTOPPED | os.WNOWAIT)
        now = {name: project.call(name, "last").stdout for name in ("status",)}
        status, report = later("status", "last"), json.loads(later("status", "last", "--json"))
        graph, timeline = later("graph", "last"), later("timeline", "last")
        listed, listing = later("history"), json.loads(later("history", "--json", "--status", "silent"))
        driver.send_signal(signal.SIGCONT)
        before = _beat(project)
        give_up_at = time.monotonic() + 30
        while _beat(project) == before:
            assert time.monotonic() < give_up_at
            time.sleep(0.05)
        go.write_text("on")
        driver.communicate()

    assert "silent" not in now["status"]
    assert re.search(r"^status +! silent for 1[67]", status, re.MULTILINE), status
    assert "kill -CONT" in status
    assert "silent for" in graph
    assert "silent for" in timeline
    assert f"process {driver.pid}" in status
    assert report["status"] == listing[0]["status"] == "running"
    assert report["driver"]["pid"] == driver.pid
    assert report["silent_since"].startswith("20")
    assert listing[0]["silent_since"].startswith("20")
    assert " silent " in listed
    assert driver.returncode == 0
    assert json.loads(later("status", "last", "--json"))["silent_since"] is None


def test_a_driver_that_is_killed_is_interrupted_at_once(project, fifo, later) -> None:
    project.write("w.yaml", WAITS)
    gate, _ = fifo("gate"), fifo("go")

    with project.start("run", "w.yaml") as driver:
        gate.read_text()
        driver.kill()
        driver.communicate()

    assert project.report("status", "last")["status"] == "interrupted"
    report = json.loads(later("status", "last", "--json"))
    assert (report["status"], report["silent_since"], report["driver"]) == ("interrupted", None, None)
    project.call("cancel", "last")


def test_who_watches_is_told_that_the_driver_is_silent_and_that_it_is_back(project, fifo) -> None:
    project.write("w.yaml", WAITS)
    gate, go = fifo("gate"), fifo("go")
    environment = {**project.environment, "PYTHONPATH": str(ROOT)}

    with project.start("run", "w.yaml") as driver:
        gate.read_text()
        driver.send_signal(signal.SIGSTOP)
        watching = [project.python, str(LATER), "watch", "last"]
        with project.start_program(watching, env=environment) as watcher:
            said = next((line for line in watcher.stderr if "silent" in line), "")
            driver.send_signal(signal.SIGCONT)
            go.write_text("on")
            driver.communicate()
            watcher.communicate()

    assert "run  silent: its driver has not been heard of since" in said

"""Signals, other processes, and everything that ends with a documented exit code."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

# Says on a FIFO that it runs, then waits for ever; its children too.
HANGS = "name: hangs\ntasks: [{id: a, agent: shell, parameters: {command: 'sleep 600 & echo $$ > gate; wait'}}, {id: b, agent: echo, dependencies: [a]}]\n"
IGNORES_TERM = "name: hangs\ntasks: [{id: a, agent: shell, parameters: {command: 'trap \"\" TERM; echo $$ > gate; while :; do sleep 600; done'}}]\n"


def _is_alive(pid: int) -> bool:
    """Whether the process runs; one that has ended and that nobody has reaped yet does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    if not Path("/proc/self/stat").exists():
        return True
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_cancels_the_run_and_leaves_no_process(project, fifo, number) -> None:
    project.write("w.yaml", HANGS)
    gate = fifo("gate")

    with project.start("run", "w.yaml") as driver:
        pid = int(gate.read_text())
        driver.send_signal(number)
        _, err = driver.communicate()

    assert driver.returncode == 130, err
    assert not _is_alive(pid)
    report = project.report("status", "last")
    assert report["status"] == "cancelled"
    assert {name: task["status"] for name, task in report["tasks"].items()} == {
        "a": "cancelled",
        "b": "cancelled",
    }


def test_a_second_signal_does_not_wait_for_agents_that_do_not_listen(project, fifo) -> None:
    project.write("w.yaml", IGNORES_TERM)
    gate = fifo("gate")

    with project.start("run", "w.yaml") as driver:
        pid = int(gate.read_text())
        driver.send_signal(signal.SIGINT)
        driver.send_signal(signal.SIGINT)
        driver.communicate()

    assert driver.returncode == 130
    assert not _is_alive(pid)


def test_a_run_is_cancelled_from_another_process(project, fifo) -> None:
    project.write("w.yaml", HANGS)
    gate = fifo("gate")

    with project.start("run", "w.yaml") as driver:
        gate.read_text()
        done = project.call("cancel", "last")
        driver.communicate()

    assert (done.returncode, driver.returncode) == (0, 130)


def test_a_run_that_nobody_drives_is_cancelled_all_the_same(project, fifo) -> None:
    project.write("w.yaml", HANGS)
    gate = fifo("gate")
    with project.start("run", "w.yaml") as driver:
        pid = int(gate.read_text())
        driver.kill()
        driver.communicate()
    assert project.report("status", "last")["status"] in ("interrupted", "running")

    done = project.call("cancel", "last")

    assert done.returncode == 0
    assert project.report("status", "last")["status"] == "cancelled"
    assert not _is_alive(pid)


def test_a_second_driver_is_told_who_drives(project, fifo) -> None:
    project.write("w.yaml", HANGS)
    gate = fifo("gate")

    with project.start("run", "w.yaml") as driver:
        gate.read_text()
        second = project.call("resume", "last")
        driver.send_signal(signal.SIGINT)
        driver.communicate()

    assert second.returncode == 75
    assert f"process {driver.pid}" in second.stderr


def test_the_tree_is_shown_to_another_process(project, fifo) -> None:
    project.write("w.yaml", HANGS)
    gate = fifo("gate")

    with project.start("run", "w.yaml") as driver:
        gate.read_text()
        shown = project.call("tree", "last").stdout
        driver.send_signal(signal.SIGINT)
        driver.communicate()

    assert "task:a" in shown
    assert "driver" in shown
    assert "nobody drives it" in project.call("tree", "last").stdout


def test_a_run_that_takes_too_long_ends_with_124(project) -> None:
    project.write(
        "w.yaml",
        "name: w\nsettings: {timeout: 0.3}\ntasks: [{id: a, agent: shell, parameters: {command: sleep 600}}]\n",
    )

    assert project.call("run", "w.yaml").returncode == 124


@pytest.mark.parametrize(
    ("text", "arguments", "code", "words"),
    [
        ("name: w\ntasks: [{id: a, agent: nobody}]\n", (), 2, ["nobody", "claude", "actorflow agents list"]),
        (
            "name: w\ntasks: [{id: a, agent: planner, parameters: {task: x}}]\n",
            (),
            3,
            ["Claude Code is not installed", "ACTORFLOW_CLAUDE_BIN", "(used by a)"],
        ),
        (
            "name: w\ninputs: {n: {type: integer}}\ntasks: [{id: a, agent: echo, parameters: {n: '${n}'}}]\n",
            (),
            2,
            ["n", "--set n="],
        ),
        (
            "name: w\ninputs: {count: {type: integer}}\ntasks: [{id: a, agent: echo, parameters: {n: '${count}'}}]\n",
            ("--set", "cuont=1"),
            2,
            ["cuont", "count"],
        ),
        (
            "name: w\ncontext: {secrets: {T: 'env:NOT_THERE'}}\ntasks: [{id: a, agent: shell, env: {T: '${secrets.T}'}, parameters: {command: 'true'}}]\n",
            (),
            3,
            ["NOT_THERE"],
        ),
        (
            "name: w\ntasks: [{id: a, agent: shell, parameters: {command: exit 4}}]\n",
            (),
            1,
            ["exit code 4", "resume"],
        ),
    ],
)
def test_what_is_wrong_is_said_with_its_exit_code(project, text, arguments, code, words) -> None:
    project.write("w.yaml", text)

    done = project.call("run", "w.yaml", *arguments)

    assert done.returncode == code, done.stderr
    assert [word for word in words if word not in done.stderr] == []


def test_a_state_folder_that_cannot_be_written_ends_with_74_and_nothing_half_written(project) -> None:
    project.write("w.yaml", "name: w\ntasks: [{id: a, agent: shell, parameters: {command: touch ran}}]\n")
    project.write("in-the-way", "")

    done = project.call("run", "w.yaml", "--state-dir", "in-the-way/state")

    assert done.returncode == 74, done.stderr
    assert "in-the-way" in done.stderr
    assert not (project.root / "ran").exists()


HOOK_IGNORES_TERM = """
name: hook
tasks: [{id: a, agent: shell, parameters: {command: 'echo $$ > gate; sleep 600'}}]
hooks: {on_complete: [{id: e, agent: shell, parameters: {command: 'trap "" TERM; echo $$ > gate2; while :; do sleep 600; done'}}]}
"""


def test_a_second_signal_ends_the_hooks_that_follow_a_cancellation(project, fifo) -> None:
    project.write("w.yaml", HOOK_IGNORES_TERM)
    gate, second = fifo("gate"), fifo("gate2")

    with project.start("run", "w.yaml") as driver:
        gate.read_text()
        driver.send_signal(signal.SIGTERM)
        hook = int(second.read_text())
        driver.send_signal(signal.SIGTERM)
        driver.communicate()

    assert driver.returncode == 130
    assert not _is_alive(hook)
    assert project.report("status", "last")["status"] == "cancelled"


def test_a_signal_that_was_ignored_from_the_start_stays_ignored(project, fifo) -> None:
    project.write(
        "w.yaml", "name: w\ntasks: [{id: a, agent: shell, parameters: {command: 'echo > gate; cat gate2'}}]\n"
    )
    gate, second = fifo("gate"), fifo("gate2")

    with project.start(
        "run", "w.yaml", preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN)
    ) as driver:
        gate.read_text()
        driver.send_signal(signal.SIGHUP)  # what nohup protects from
        second.write_text("done")
        driver.communicate()

    assert driver.returncode == 0


@pytest.mark.parametrize("command", ["cancel", "tree"])
def test_a_driver_that_is_stopped_keeps_nobody_waiting(command, project, fifo, monkeypatch) -> None:
    project.write("w.yaml", HANGS)
    gate = fifo("gate")

    with project.start("run", "w.yaml") as driver:
        gate.read_text()
        driver.send_signal(signal.SIGSTOP)
        asked = project.call(command, "last")
        driver.send_signal(signal.SIGCONT)
        driver.send_signal(signal.SIGINT)
        driver.communicate()

    assert asked.returncode == 75
    assert f"process {driver.pid}" in asked.stderr
    assert "has not answered" in asked.stderr
    assert driver.returncode == 130


def test_a_request_that_a_killed_process_left_behind_does_not_meet_a_later_driver(project, fifo) -> None:
    project.write(
        "w.yaml", "name: w\ntasks: [{id: a, agent: shell, parameters: {command: 'echo > gate; cat gate2'}}]\n"
    )
    gate, second = fifo("gate"), fifo("gate2")
    with project.start("run", "w.yaml") as driver:
        gate.read_text()
        driver.kill()
        driver.communicate()
    [control] = (project.root / ".claude").glob("workflow-state/runs/*/control")
    request = control / "0123456789abcdef.request"
    request.write_text('{"kind": "cancel", "by": "somebody"}')
    os.utime(request, (1_000_000_000, 1_000_000_000))

    with project.start("resume", "last") as driver:
        project.until(
            lambda: "task:a" in project.call("tree", "last").stdout
        )  # answered after the driver has looked at all requests
        second.write_text("done")
        driver.communicate()

    assert driver.returncode == 0

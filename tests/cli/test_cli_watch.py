"""``watch``: the same view from another process, which the run never notices."""

from __future__ import annotations

import json
import os
import signal
import subprocess

import pytest

from tests.cli.test_cli_terminal import Terminal

pytestmark = pytest.mark.slow


@pytest.fixture
def held(start, workflow, gate):
    """A run whose first task waits for ``go``, and the gate that lets it go on."""
    up, go = gate("up"), gate("go")
    process = start("run", workflow(a="echo up > up; head -n 1 go > /dev/null", b=["a", "exit 3"]), "-q")
    up.wait()
    return process, go


def test_a_watcher_sees_the_run_to_its_end(held, start, call) -> None:
    run, go = held
    watcher = start("watch")
    first = [watcher.stderr.readline().decode() for _ in range(2)]
    go.open()
    out, rest = watcher.communicate()

    assert [line.split("  ", 1)[1] for line in first][1] == "a  started\n"
    assert b"b  failed in" in rest
    assert b"actorflow resume" in rest
    assert (out, watcher.returncode) == (b"", 0)
    assert run.wait() == 1


def test_json_is_what_status_says_and_the_exit_code_is_the_runs_when_asked_for(
    held, start, call, fits
) -> None:
    run, go = held
    watcher = start("watch", "--json", "--exit-code")
    go.open()
    out, _ = watcher.communicate()

    assert watcher.returncode == run.wait() == 1
    assert fits("run", json.loads(out)) == json.loads(call("status", "--json").stdout)


def test_a_terminal_gets_the_live_view(held, start) -> None:
    _, go = held
    terminal = Terminal(80, 24)
    watcher = start("watch", stdout=subprocess.DEVNULL, stderr=terminal.slave, env={"TERM": "xterm"})
    terminal.read_until("0 of 2 done")
    go.open()
    terminal.read_until("actorflow resume")

    assert watcher.wait() == 0
    terminal.read_all()


def test_an_interrupt_ends_the_watching_and_not_the_run(held, start) -> None:
    run, go = held
    watcher = start("watch")
    watcher.stderr.readline()
    watcher.send_signal(signal.SIGINT)
    _, talk = watcher.communicate()
    go.open()

    assert watcher.returncode == 130
    assert b"Traceback" not in talk
    assert run.wait() == 1


def test_a_watcher_that_is_stopped_does_not_hold_the_run_up(held, start, call) -> None:
    run, go = held
    watcher = start("watch")
    watcher.stderr.readline()
    watcher.send_signal(signal.SIGSTOP)
    os.waitid(os.P_PID, watcher.pid, os.WSTOPPED | os.WNOWAIT)
    go.open()

    assert run.wait(timeout=30) == 1
    assert json.loads(call("status", "--json").stdout)["status"] == "failed"
    watcher.send_signal(signal.SIGCONT)
    assert b"b  failed in" in watcher.communicate()[1]


def test_of_a_run_that_is_over_the_whole_of_it_is_shown(call, workflow) -> None:
    call("run", workflow(a="true"), "-q")

    done = call("watch")

    assert done.exit_code == 0
    assert "a  success in" in done.stderr
    assert "✓ success" in done.stderr


def test_a_run_whose_driver_is_dead_is_not_watched_for_ever(held, start) -> None:
    run, go = held
    run.kill()
    run.wait()

    watcher = start("watch", "--exit-code")
    _, talk = watcher.communicate()

    assert watcher.returncode == 75
    assert b"interrupted" in talk
    go.open()

"""The command line as a process: signals, pipes that break, drivers that die, and what other terminals see of a run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow


@pytest.fixture
def go(gate):
    return gate("go")


@pytest.fixture
def held(start, workflow, gate, go):
    """A run whose first task has said that it runs and waits for ``go`` to open."""
    up = gate("up")
    file = workflow(a="echo up > up; head -n 1 go > /dev/null; echo done", b=["a", "echo end"])

    def held(**options: object) -> subprocess.Popen[bytes]:
        process = start("run", file, **options)
        up.wait()
        return process

    return held


def test_the_id_of_a_run_comes_at_once_and_the_run_is_durable_then(held, call, go) -> None:
    run = held()
    run_id = run.stdout.readline().decode().strip()

    status = json.loads(call("status", run_id, "--json").stdout)
    go.open()

    assert (status["run_id"], status["status"]) == (run_id, "running")
    assert status["tasks"]["a"]["status"] == "running"
    assert run.stdout.read() == b""
    assert run.wait() == 0


def test_another_terminal_sees_the_driver_and_the_tree(held, call, go) -> None:
    run = held()

    status, tree = call("status").stdout, call("tree").stdout
    go.open()

    assert f"driver    process {run.pid} " in status
    assert "● a  running" in status
    assert "attempts" in tree
    assert run.wait() == 0


def test_cancel_from_another_terminal_ends_the_run_with_130(held, call, fits) -> None:
    run = held()

    done = call("cancel", "last", "--json")
    _, talk = run.communicate()

    assert done.exit_code == 0
    assert "cancelled" in fits("cancellation", json.loads(done.stdout))["answer"]
    assert run.returncode == 130
    assert b"actorflow resume" in talk
    assert "asked for by" in call("status").stdout


def test_an_interrupt_cancels_the_run_and_tells_how_to_go_on(held, call, fits) -> None:
    run = held()
    run.send_signal(signal.SIGINT)
    _, talk = run.communicate()

    report = fits("run", json.loads(call("status", "--json").stdout))
    assert run.returncode == 130
    assert (report["status"], report["tasks"]["b"]["status"]) == ("cancelled", "cancelled")
    assert b"actorflow resume" in talk
    assert b"Traceback" not in talk


def test_a_run_whose_driver_is_killed_is_interrupted_at_once_and_can_be_cancelled(held, call, fits) -> None:
    run = held()
    run.kill()
    run.wait()

    report = fits("run", json.loads(call("status", "--json").stdout))
    words = call("status").stdout
    cancelled = call("cancel", "last")

    assert report["status"] == "interrupted"
    assert "! interrupted: its driver is gone" in words
    assert "actorflow resume" in words
    assert cancelled.exit_code == 0
    assert json.loads(call("status", "--json").stdout)["status"] == "cancelled"


@pytest.mark.parametrize("stream", ["stdout", "stderr"])
def test_a_run_goes_on_when_whoever_read_its_output_has_gone(held, go, stream: str) -> None:
    run = held()
    getattr(run, stream).close()
    go.open()

    assert run.wait() == 0


def test_a_run_whose_stdout_is_closed_from_the_beginning_still_runs(start, workflow, project: Path) -> None:
    readable, writable = os.pipe()
    os.close(readable)
    run = start("run", workflow(a="touch ran"), stdout=writable)
    os.close(writable)
    talk = run.stderr.read()

    assert run.wait() == 0
    assert b"Exception ignored" not in talk
    assert (project / "ran").exists()


def test_a_reader_that_takes_only_the_beginning_is_left_quietly(call, start, workflow) -> None:
    call("run", workflow(a="yes | head -c 3000000"), "--quiet")
    logs = start("logs")
    logs.stdout.readline()
    logs.stdout.close()

    assert (logs.stderr.read(), logs.wait()) == (b"", 141)


def test_a_stream_that_can_write_only_ascii_gets_ascii(start, workflow) -> None:
    run = start("run", workflow(a="echo grün"), env={"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"})
    _, talk = run.communicate()
    shown = start("status", "--json", env={"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}).communicate()[0]

    assert run.returncode == 0
    assert b"+ a  success" in talk
    assert b"gr\\xfcn" in talk
    assert json.loads(shown)["tasks"]["a"]["output"] == "grün"


def test_closed_streams_do_not_stop_a_run(project: Path, workflow) -> None:
    file = workflow(a="touch ran")

    done = subprocess.run(
        [sys.executable, "-m", "actorflow", "run", file], close_fds=True, preexec_fn=_close_all
    )

    assert done.returncode == 0
    assert (project / "ran").exists()


def _close_all() -> None:
    for descriptor in (0, 1, 2):
        os.close(descriptor)

"""``--detach``: the command ends when the run is durable, and the run goes on in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
from contextlib import suppress
from pathlib import Path

import pytest

from actorflow.journal import who_drives

pytestmark = pytest.mark.slow


@pytest.fixture
def held(workflow, gate):
    """A workflow whose first task says that it runs and waits until ``go`` is opened."""
    up, go = gate("up"), gate("go")
    file = workflow(a="echo up > up; head -n 1 go > /dev/null; echo done", b=["a", "echo end"])
    return file, up, go


def folder_of(project: Path, run_id: str) -> Path:
    return project / ".claude" / "workflow-state" / "runs" / run_id


def wait_for_end(start, run_id: str) -> dict:
    watching = start("watch", run_id, "--json", "--quiet", "--exit-code")
    out, err = watching.communicate()
    assert not err, err
    return json.loads(out)


def test_the_command_ends_while_the_run_goes_on_to_its_end(start, held, project) -> None:
    file, up, go = held

    command = start("run", file, "--detach")
    out, err = command.communicate()
    run_id = out.decode().strip()
    up.wait()
    driver = who_drives(folder_of(project, run_id))
    go.open()
    report = wait_for_end(start, run_id)

    assert command.returncode == 0
    assert f"actorflow watch {run_id}".encode() in err
    assert driver is not None
    assert driver.pid != command.pid
    assert report["status"] == "success"
    assert report["tasks"]["b"]["output"] == "end"


def test_a_terminal_that_hangs_up_does_not_reach_a_run_in_the_background(start, held, project) -> None:
    file, up, go = held
    command = start("run", file, "--detach", start_new_session=True)
    run_id = command.communicate()[0].decode().strip()
    up.wait()

    with suppress(ProcessLookupError):  # nothing of that session is left, which is the point
        os.killpg(command.pid, signal.SIGHUP)
    go.open()

    assert wait_for_end(start, run_id)["status"] == "success"


def test_what_the_driver_says_is_kept_in_the_folder_of_the_run(start, held, project) -> None:
    file, up, go = held
    run_id = start("run", file, "--detach").communicate()[0].decode().strip()
    up.wait()
    go.open()
    wait_for_end(start, run_id)

    log = folder_of(project, run_id) / "driver.log"

    assert "success" in log.read_text(encoding="utf-8")
    assert stat.S_IMODE(log.stat().st_mode) == 0o600


def test_json_gives_the_id_and_the_process_that_drives(start, held, project, fits) -> None:
    file, up, go = held
    command = start("run", file, "--detach", "--json")
    started = json.loads(command.communicate()[0])
    up.wait()
    driver = who_drives(folder_of(project, started["run_id"]))
    go.open()
    wait_for_end(start, started["run_id"])

    fits("detached", started)
    assert driver is not None
    assert started["pid"] == driver.pid


def test_a_run_in_the_background_is_cancelled_like_any_other(start, held) -> None:
    file, up, _ = held
    run_id = start("run", file, "-d").communicate()[0].decode().strip()
    up.wait()

    cancelling = start("cancel", run_id)
    cancelling.communicate()

    assert cancelling.returncode == 0
    assert wait_for_end(start, run_id)["status"] == "cancelled"


@pytest.mark.parametrize(
    ("text", "code", "word"),
    [
        ("name: w\ntasks: [{id: a, agent: shell, parameters: {command: 'echo ${who}'}}]\n", 2, "who"),
        ("name: w\ntasks: [{id: a, agent: nobody}]\n", 2, "nobody"),
    ],
)
def test_what_is_wrong_before_the_run_begins_is_told_by_the_command(start, project, text, code, word) -> None:
    Path("w.yaml").write_text(text, encoding="utf-8")

    command = start("run", "w.yaml", "--detach")
    out, err = command.communicate()

    assert command.returncode == code
    assert word in err.decode()
    assert not out
    assert not (project / ".claude" / "workflow-state").exists()


def test_the_same_in_json(start, project) -> None:
    command = start("run", "nothing.yaml", "--detach", "--json")
    out, _ = command.communicate()

    assert command.returncode == 2
    assert json.loads(out)["error"]["kind"] == "input_error"


def test_inputs_can_come_from_stdin(start, project) -> None:
    Path("w.yaml").write_text(
        "name: w\ninputs: {who: {type: string}}\n"
        "tasks: [{id: a, agent: echo, parameters: {said: 'hello ${who}'}}]\n",
        encoding="utf-8",
    )
    command = start("run", "w.yaml", "--inputs", "-", "--detach", stdin=subprocess.PIPE)
    out, _ = command.communicate(b'{"who": "you"}')

    assert wait_for_end(start, out.decode().strip())["tasks"]["a"]["output"] == {"said": "hello you"}


def test_a_run_that_failed_is_resumed_in_the_background(start, workflow, project) -> None:
    file = workflow(a="test -e fixed && echo fine")
    failed = start("run", file)
    run_id = failed.communicate()[0].decode().strip()
    Path("fixed").touch()

    command = start("resume", run_id, "--detach")
    out, _ = command.communicate()

    assert failed.returncode == 1
    assert out.decode().strip() == run_id
    assert wait_for_end(start, run_id)["status"] == "success"


def test_what_a_background_run_starts_is_not_taken_for_a_driver(start, workflow, project) -> None:
    file = workflow(a="env | grep -c ACTORFLOW_DETACHED || true")
    run_id = start("run", file, "--detach").communicate()[0].decode().strip()

    assert wait_for_end(start, run_id)["tasks"]["a"]["output"] == "0"

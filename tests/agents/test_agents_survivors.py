"""After a driver was killed: what it left running of an attempt is found and ended, and nothing else is."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest
import trio

from actorflow.agents import process_table
from actorflow.agents.environment import MARKER_VARIABLE, attempt_marker
from actorflow.agents.process import end_survivors
from actorflow.agents.process_record import ProcessRecord
from actorflow.errors import AgentError
from actorflow.testing.agents import make_request
from tests.agents.records import record_of, write_record

pytestmark = [
    pytest.mark.trio,
    pytest.mark.skipif(
        sys.platform != "linux", reason="elsewhere the environment of a process cannot be read"
    ),
]

DRIVER = """
import sys, trio
from pathlib import Path
from actorflow.agents.shell import ShellAgent
from actorflow.testing.agents import make_request

class Printing:
    def report(self, progress):
        print(progress.kind, progress.text, flush=True)

trio.run(ShellAgent().run, make_request(Path(sys.argv[1]), {"command": sys.argv[2]}), Printing())
"""


@pytest.fixture
def killed_driver(tmp_path):
    """Let another process run a command until it prints "up", kill that process with -9, and return the request."""

    def kill(command):
        arguments = [sys.executable, "-c", DRIVER, str(tmp_path), command]
        with subprocess.Popen(arguments, stdout=subprocess.PIPE, text=True) as driver:
            for line in driver.stdout:
                if line.strip() == "output up":
                    break
            driver.kill()
        return make_request(tmp_path)

    return kill


def marker_of(request):
    return attempt_marker(request.run_id, request.task_id, request.attempt)


@pytest.fixture
def marker(tmp_path):
    """Return a marker that no other test has, at the same time on this machine either."""
    return marker_of(make_request(tmp_path))


def alive(request):
    processes = process_table.all_processes()
    return [p.pid for p in processes if p.is_alive and process_table.carries(p.pid, marker_of(request))]


@pytest.fixture
def bystander():
    """Return a function that starts a process like those of attempts, but of none; it lives as long as the test."""
    started = []

    def start(text="exec cat", **variables):
        pipe = subprocess.PIPE
        process = subprocess.Popen(
            ["/bin/sh", "-c", text], stdin=pipe, stdout=pipe, start_new_session=True, env=variables
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.communicate()


@pytest.mark.slow
@pytest.mark.parametrize(
    "command",
    [
        "echo up; exec sleep 1000",
        "(setsid sleep 1000 &); sleep 1000 & echo up; sleep 1000",
        "(setsid sh -c 'exec sleep 1000' > /dev/null 2>&1 &); echo up; exec sleep 1000",
    ],
)
async def test_survivors_of_a_killed_driver_are_ended(killed_driver, command):
    request = killed_driver(command)
    assert alive(request)

    assert await end_survivors(request.folder)

    assert alive(request) == []
    assert not await end_survivors(request.folder)


@pytest.mark.slow
async def test_survivors_are_found_by_their_marker_when_there_is_no_record(killed_driver):
    request = killed_driver("echo up; exec sleep 1000")
    (request.folder / "process.json").unlink()

    assert not await end_survivors(request.folder)
    assert await end_survivors(request.folder, marker=marker_of(request))

    assert alive(request) == []


@pytest.mark.slow
async def test_survivors_that_ignore_term_are_killed(killed_driver):
    request = killed_driver("trap '' TERM; echo up; sleep 1000; sleep 1000")

    with trio.fail_after(20):
        assert await end_survivors(request.folder, grace_seconds=0.1)

    assert alive(request) == []


async def test_another_process_that_has_the_pid_by_now_is_left_alone(tmp_path, bystander):
    other = bystander()
    request = make_request(tmp_path)
    record = record_of(other.pid, program="cat", marker=marker_of(request))
    for field, value in {"started": "1", "boot_id": "another"}.items():
        wrong = json.dumps({**{f: getattr(record, f) for f in record.__slots__}, field: value})
        (request.folder / "process.json").write_text(wrong)

        assert not await end_survivors(request.folder)

    assert other.poll() is None


async def test_an_attempt_with_a_similar_name_is_left_alone(tmp_path, bystander):
    request = make_request(tmp_path)
    other = bystander(**{MARKER_VARIABLE: marker_of(request) + "0", "NOTE": marker_of(request)})

    assert not await end_survivors(request.folder, marker=marker_of(request))

    assert other.poll() is None


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "{}", '{"pid": 1}', '{"pid": "x", "started": 1}'])
async def test_a_record_that_cannot_be_read_is_none(tmp_path, text):
    (tmp_path / "process.json").write_text(text)

    assert ProcessRecord.read(tmp_path) is None
    assert not await end_survivors(tmp_path)


async def test_a_record_never_means_the_first_process_or_a_group(tmp_path):
    for pid in (1, 0, -1):
        boot_id = process_table.boot_id()
        write_record(ProcessRecord(pid=pid, started="", boot_id=boot_id, program="", marker=""), tmp_path)

        assert ProcessRecord.read(tmp_path) is None


async def test_survivors_that_cannot_be_ended_are_an_error(tmp_path, bystander, monkeypatch, marker):
    other = bystander(**{MARKER_VARIABLE: marker})
    monkeypatch.setattr("actorflow.agents.family.send_signal", lambda *_: None)
    monkeypatch.setattr("actorflow.agents.family.KILL_SECONDS", 0.05)

    with pytest.raises(AgentError, match="cannot be ended") as caught:
        await end_survivors(tmp_path, marker=marker, grace_seconds=0.05)

    assert caught.value.kind == "survivor"
    assert other.poll() is None


async def test_a_survivor_may_end_by_itself(tmp_path, bystander, marker):
    other = bystander(
        "trap 'exit 7' TERM; echo up; while true; do read x || exit 8; done", **{MARKER_VARIABLE: marker}
    )
    assert other.stdout.readline() == b"up\n"

    with trio.fail_after(20):
        assert await end_survivors(tmp_path, marker=marker)

    assert other.wait() == 7


async def test_a_driver_never_ends_itself(tmp_path, marker):
    """As when it is started in a terminal that the lost attempt has opened."""
    check = (
        "import trio; from functools import partial; from pathlib import Path; from actorflow.agents.process import end_survivors;"
        f"print(trio.run(partial(end_survivors, Path({str(tmp_path)!r}), marker={marker!r})))"
    )
    environment = {MARKER_VARIABLE: marker, "PATH": "/usr/bin:/bin"}

    answer = await trio.run_process(
        ["/bin/sh", "-c", f'{sys.executable} -c "$CHECK"; exit 0'],
        env={**environment, "CHECK": check},
        capture_stdout=True,
    )

    assert answer.stdout == b"False\n"

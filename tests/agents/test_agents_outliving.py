"""Programs that outlive their driver: another process waits for them, and gets exactly what they gave."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace

import pytest
import trio

from actorflow.agents import process_table
from actorflow.agents.environment import marker_of
from actorflow.agents.process import end_survivors, reattach_program
from actorflow.agents.process_record import ProcessRecord
from actorflow.agents.python import PythonAgent
from actorflow.agents.remains import Remains, remains_of
from actorflow.agents.shell import ShellAgent
from actorflow.errors import AgentError
from actorflow.testing.agents import RecordingChannel, make_request
from actorflow.values import FrozenDict
from actorflow.workflow.model import LEAST_STORED_BYTES
from tests.agents.dead_drivers import alive, kill_driver, start_driver
from tests.agents.shells import SHELLS, as_sh

pytestmark = [
    pytest.mark.trio,
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="who is alive is read from /proc"),
]


@pytest.fixture
def gate(tmp_path):
    """Return a FIFO on which a program waits (``read x < gate``) until the test opens it."""
    fifo = tmp_path / "gate"
    os.mkfifo(fifo)
    return fifo


async def open_gate(fifo):
    with trio.fail_after(20):
        await trio.to_thread.run_sync(fifo.write_text, "go\n", abandon_on_cancel=True)


async def reattached(request, channel=None):
    with trio.fail_after(30):
        return await reattach_program(request, channel or RecordingChannel())


async def is_lost(request):
    with pytest.raises(AgentError) as caught:
        await reattached(request)
    return caught.value.kind == "lost"


async def gone(request):
    """Wait until nothing of the attempt is alive."""
    with trio.fail_after(20):
        while alive(request):  # noqa: ASYNC110 - somebody else's processes
            await trio.sleep(0.02)


def killed_together(folder, texts, **options):
    """Kill a driver that runs many programs, which go on when there is a file ``go``."""
    waits = f"echo up; until [ -e {folder}/go ]; do sleep 0.1; done; "
    attempts = {str(folder / str(n)): {"command": waits + text} for n, text in enumerate(texts)}
    return kill_driver(folder, attempts, **options)


def wrapper_of(request):
    return ProcessRecord.read(request.folder)


@pytest.mark.parametrize("shell", SHELLS)
async def test_a_program_goes_on_after_the_death_of_its_driver(tmp_path, gate, shell):
    """What it wrote before, in between and after is there, once and in order."""
    text = f"yes before | head -c 98000; echo up; read x < {gate}; yes after | head -c 300000; echo late >&2; exit 3"
    request = kill_driver(tmp_path, {"command": text}, shell=as_sh(shell, tmp_path))

    assert remains_of(request.folder) is Remains.RUNNING
    await open_gate(gate)
    ending = await reattached(request)

    assert ending.code == 3
    before, after = b"before\n" * 20_000, b"after\n" * 60_000
    assert ending.stdout.read_bytes() == before[:98_000] + b"up\n" + after[:300_000]
    assert ending.stderr.read_bytes() == b"late\n"
    assert ending.left_running == 0
    assert alive(request) == []


@pytest.mark.parametrize("shell", SHELLS)
async def test_a_program_that_has_finished_is_taken_as_it_ended_as_often_as_wanted(tmp_path, gate, shell):
    request = kill_driver(
        tmp_path, {"command": f"echo up; read x < {gate}; echo done"}, shell=as_sh(shell, tmp_path)
    )
    await open_gate(gate)
    await gone(request)

    for _ in range(2):
        assert remains_of(request.folder) is Remains.FINISHED
        ending = await reattached(request)

        assert (ending.code, ending.stdout.read_text(), ending.notes) == (0, "up\ndone\n", ())


ENDS = {
    "exit 137": 137,
    "exit 139": 139,
    "exit 255": 255,
    "kill -KILL $$": -9,
    "kill -SEGV $$": -11,
    "kill -TERM $$": -15,
    "kill -INT $$": -2,
    "kill -PIPE $$": -13,
    "kill -HUP 0": -1,
    "trap '' TERM; kill -TERM 0; exit 5": 5,
    "trap '' USR1 ALRM; kill -USR1 0; kill -ALRM 0; exit 6": 6,
    "kill -USR2 0": -12,
    "trap '' 34 40 64; kill -34 0; kill -40 0; kill -64 0; exit 7": 7,
    "kill -40 0": -40,
}


@pytest.mark.parametrize("shell", [shell for shell in SHELLS if shell != "zsh"])  # that one says it of none
async def test_an_exit_is_told_from_a_signal(tmp_path, shell):
    requests = killed_together(tmp_path, ENDS, shell=as_sh(shell, tmp_path))

    (tmp_path / "go").touch()
    codes = [(await reattached(request)).code for request in requests]

    assert dict(zip(ENDS, codes, strict=True)) == ENDS


HOSTILE = {
    "exec >&-; sleep 0.3; echo late >&2": ("", "late\n", 0),
    "echo a > /dev/stdout; echo b > /dev/stderr; echo c | tee /dev/stderr; echo d": (
        "a\nc\nd\n",
        "b\nc\n",
        0,
    ),
    "echo a; sleep 1000 & exit 0": ("a\n", "", 1),
    "echo a; (setsid sleep 1000 &); exit 0": ("a\n", "", 1),
    "(trap '' TERM HUP; sleep 1000; sleep 1000) & echo a; exit 0": ("a\n", "", 1),
    "seq 3 | cat | sort -r": ("3\n2\n1\n", "", 0),
    "cat; echo end": ("end\n", "", 0),
}


async def test_what_a_program_does_after_the_death_of_its_driver_makes_no_difference(tmp_path):
    requests = killed_together(tmp_path, HOSTILE)

    (tmp_path / "go").touch()
    for request, (stdout, stderr, left_running) in zip(requests, HOSTILE.values(), strict=True):
        with trio.fail_after(30):
            ending = await reattach_program(request, RecordingChannel(), grace_seconds=0.2)

        assert (ending.code, ending.stdout.read_text(), ending.stderr.read_text()) == (
            0,
            f"up\n{stdout}",
            stderr,
        )
        assert min(ending.left_running, 1) == left_running
        assert alive(request) == []


async def test_who_left_session_and_environment_is_known_if_it_was_seen_in_time(tmp_path, gate):
    pid_file = tmp_path / "pid"
    escaped = f"setsid env -i /bin/sh -c 'echo $$ > {pid_file}; echo up; exec sleep 1000' & read x < {gate}"
    request = kill_driver(tmp_path, {"command": escaped})

    channel = RecordingChannel()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(reattached, request, channel)
        with trio.fail_after(20):
            await channel.wait_reported("started")  # and looked at in the same moment
        await open_gate(gate)

    escaped_process = process_table.look(int(pid_file.read_text()))
    assert escaped_process is None or not escaped_process.is_alive


async def test_who_was_never_seen_and_holds_the_output_holds_nobody_up(tmp_path, gate):
    pid_file = tmp_path / "pid"
    escaped = f"(setsid env -i /bin/sh -c 'echo $$ > {pid_file}; echo up; exec sleep 1000' &); read x < {gate}; echo end"
    request = kill_driver(tmp_path, {"command": escaped})
    await open_gate(gate)

    try:
        ending = await reattached(request)
    finally:
        os.kill(int(pid_file.read_text()), signal.SIGKILL)

    assert (ending.code, ending.stdout.read_text()) == (0, "up\nend\n")


async def test_a_flood_after_the_death_is_whole(tmp_path, gate):
    request = kill_driver(tmp_path, {"command": f"echo up; read x < {gate}; yes | head -c 50000000"})

    await open_gate(gate)
    ending = await reattached(request)

    assert ending.stdout.stat().st_size == 50_000_003


async def test_a_flood_is_kept_within_its_bound_by_whoever_takes_it_over(tmp_path, gate):
    command = (
        f"echo up; read x < {gate}; for i in 1 2 3; do yes | head -c 60000000; sleep 0.3; done; echo end"
    )
    request = kill_driver(tmp_path, {"command": command})
    await open_gate(gate)

    with trio.fail_after(60):
        ending = await reattach_program(replace(request, stored_bytes=LEAST_STORED_BYTES), RecordingChannel())

    text = ending.stdout.read_bytes()
    assert ending.code == 0
    assert len(text) < 2 * LEAST_STORED_BYTES
    assert b"bytes are left out here" in text
    assert text.startswith(b"up\n")
    assert text.endswith(b"y\nend\n")


async def test_without_room_for_the_output_the_attempt_is_lost_and_the_program_does_not_hang(tmp_path, gate):
    stdout = tmp_path / "attempt" / "stdout"

    def fill_disk():
        stdout.rename(tmp_path / "moved")
        stdout.symlink_to("/dev/full")

    command = f"echo up; read x < {gate}; yes | head -c 500000; touch {tmp_path}/finished"
    request = kill_driver(tmp_path, {"command": command}, before_kill=fill_disk)
    await open_gate(gate)
    await gone(request)
    stdout.unlink()
    (tmp_path / "moved").rename(stdout)

    assert remains_of(request.folder) is Remains.GONE
    assert (tmp_path / "finished").exists()
    assert await is_lost(request)


async def test_where_bytes_cannot_be_spliced_nothing_is_lost_either(tmp_path, gate):
    command = f"yes before | head -c 98000; echo up; read x < {gate}; echo last"
    request = kill_driver(tmp_path, {"command": command}, environment={"WITHOUT_SPLICE": "1"})

    await open_gate(gate)
    ending = await reattached(request)

    assert ending.stdout.read_bytes() == (b"before\n" * 20_000)[:98_000] + b"up\nlast\n"


async def test_a_driver_that_dies_with_bytes_in_hand_makes_the_attempt_lost(tmp_path):
    ways = {"WITHOUT_SPLICE": "1", "DIES_WITH_BYTES_IN_HAND": "1"}
    request = kill_driver(
        tmp_path, {"command": "echo up; sleep 0.3; echo last"}, after="never", environment=ways
    )

    await gone(request)

    assert remains_of(request.folder) is Remains.GONE
    assert await is_lost(request)


@pytest.mark.parametrize("whom", ["wrapper", "taker"])
async def test_if_somebody_kills_its_wrapper_it_is_lost_and_ended(tmp_path, gate, whom):
    request = kill_driver(tmp_path, {"command": f"echo up; read x < {gate}; yes | head -c 500000"})
    record = wrapper_of(request)

    os.kill(record.pid if whom == "wrapper" else record.taker, signal.SIGKILL)

    assert await is_lost(request)
    assert alive(request) == []


async def test_a_program_whose_wrapper_is_killed_while_the_driver_lives_is_ended(tmp_path):
    request, channel = make_request(tmp_path, {"command": "echo up; exec sleep 1000"}), RecordingChannel()
    endings = []

    async def run():
        with pytest.raises(AgentError) as caught:
            await ShellAgent().run(request, channel)
        endings.append(caught.value.message)

    with trio.fail_after(20):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(run)
            await channel.wait_reported("output", "up")
            os.kill(wrapper_of(request).pid, signal.SIGKILL)

    assert "killed by SIGKILL" in endings[0]
    assert alive(request) == []


MOMENTS = {
    "before open_private 1": False,
    "after open_private 1": False,
    "after open_private 4": False,
    "before posix_spawn 1": False,
    "after posix_spawn 1": True,
    "after start_wrapped 1": True,
    "before seal 1": True,
    "after seal 1": True,
}
"""When the driver dies -> whether the program runs, and its attempt can be gone on with."""


async def test_whenever_a_driver_dies_its_program_has_run_once_or_not_at_all(tmp_path):
    for number, (moment, has_begun) in enumerate(MOMENTS.items()):
        folder = tmp_path / str(number)
        folder.mkdir()
        attempt = {"command": "echo up; echo ran >> ran; exit 6"}
        request = kill_driver(folder, attempt, after="never", environment={"DIES_AT": moment})
        await gone(request)

        if has_begun:
            ending = await reattached(request)
            assert (ending.code, ending.stdout.read_text()) == (6, "up\n"), moment
        else:
            assert remains_of(request.folder) is Remains.GONE, moment
            assert await is_lost(request), moment
        ran = request.cwd / "ran"
        assert (ran.read_text() if ran.exists() else "") == "ran\n" * has_begun, moment


async def test_a_driver_that_dies_before_the_record_leaves_nothing_that_runs_beside_the_next_attempt(
    tmp_path,
):
    slow = tmp_path / "slow"
    slow.write_text(f'#!/bin/sh\ntouch {tmp_path}/begun\nsleep 1000\nexec /bin/sh "$@"\n')
    slow.chmod(0o755)
    with start_driver(tmp_path, {"command": "touch ran"}, shell=str(slow)) as driver:
        with trio.fail_after(20):
            while not (tmp_path / "begun").exists():  # noqa: ASYNC110 - somebody else's process
                await trio.sleep(0.01)
        driver.kill()
    request = make_request(tmp_path, {"command": ""})

    assert remains_of(request.folder) is Remains.GONE
    assert await end_survivors(request.folder, marker=marker_of(request))

    assert alive(request) == []
    assert not (request.cwd / "ran").exists()
    assert await is_lost(request)


async def test_what_was_ended_is_never_taken_over(tmp_path):
    request = kill_driver(tmp_path, {"command": "trap 'echo bye; exit 0' TERM; echo up; sleep 1000 & wait"})

    assert await end_survivors(request.folder)

    assert remains_of(request.folder) is Remains.GONE
    assert await is_lost(request)


async def test_what_has_finished_is_not_taken_over_after_it_was_given_up(tmp_path, gate):
    request = kill_driver(tmp_path, {"command": f"echo up; read x < {gate}"})
    await open_gate(gate)
    await gone(request)

    assert not await end_survivors(request.folder)

    assert remains_of(request.folder) is Remains.GONE


async def test_another_boot_or_another_attempt_is_not_taken_over(tmp_path, gate):
    request = kill_driver(tmp_path, {"command": f"echo up; read x < {gate}"})
    await open_gate(gate)
    await gone(request)
    file = request.folder / "process.json"
    written = json.loads(file.read_text())

    for field in ("boot_id", "marker"):
        file.write_text(json.dumps({**written, field: "another"}))
        assert remains_of(request.folder, marker=marker_of(request)) is Remains.GONE
        assert await is_lost(request)


async def test_a_second_driver_that_dies_changes_nothing(tmp_path, gate):
    request = kill_driver(tmp_path, {"command": f"echo up; read x < {gate}; echo done"})
    code = (
        "import signal, sys, trio; from pathlib import Path; signal.alarm(60)\n"
        "from actorflow.agents.process import reattach_program; from tests.agents.dead_drivers import *\n"
        "from actorflow.testing.agents import RecordingChannel\n"
        "class Channel(RecordingChannel):\n"
        "    def report(self, progress): print(progress.kind, flush=True)\n"
        "trio.run(reattach_program, make_request(Path(sys.argv[1])), Channel())\n"
    )
    arguments = [sys.executable, "-c", code, str(tmp_path)]
    with subprocess.Popen(arguments, stdout=subprocess.PIPE) as second:  # noqa: ASYNC220 - it says a line, or ends
        assert second.stdout.readline() == b"started\n"
        second.kill()

    await open_gate(gate)
    ending = await reattached(request)

    assert (ending.code, ending.stdout.read_text()) == (0, "up\ndone\n")


async def test_cancelling_what_was_taken_over_ends_all_of_it(tmp_path):
    request = kill_driver(
        tmp_path, {"command": "(setsid sleep 1000 &); sleep 1000 & trap '' HUP; echo up; sleep 1000"}
    )
    channel = RecordingChannel()

    with trio.fail_after(20):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(reattach_program, request, channel)
            await channel.wait_reported("started")
            nursery.cancel_scope.cancel()

    assert alive(request) == []


async def test_what_it_says_from_now_on_is_reported(tmp_path, gate):
    end = tmp_path / "end"  # opened twice, a pipe that nobody has closed yet would not hold
    os.mkfifo(end)
    request = kill_driver(tmp_path, {"command": f"echo up; read x < {gate}; echo later; read x < {end}"})
    channel = RecordingChannel()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(reattached, request, channel)
        with trio.fail_after(20):
            await channel.wait_reported("started")
            await open_gate(gate)
            await channel.wait_reported("output", "later")
        await open_gate(end)

    assert "up" not in channel.output


async def test_a_stdin_that_fits_into_a_pipe_is_whole_although_the_driver_dies(tmp_path, gate):
    stdin = "x" * 700_000
    request = kill_driver(tmp_path, {"command": f"echo up; read x < {gate}; cat", "stdin": stdin})

    await open_gate(gate)
    ending = await reattached(request)

    assert ending.stdout.read_text() == "up\n" + stdin


async def test_a_stdin_that_was_not_given_whole_makes_the_attempt_lost(tmp_path, gate):
    request = kill_driver(
        tmp_path, {"command": f"head -c 10; echo; echo up; read x < {gate}; cat", "stdin": "x" * 5_000_000}
    )

    assert remains_of(request.folder) is Remains.GONE
    assert await is_lost(request)
    await end_survivors(request.folder, marker=marker_of(request))
    assert alive(request) == []


async def test_a_long_stdin_that_was_read_is_no_reason_to_lose_an_attempt(tmp_path, gate):
    command = f"wc -c; echo up; read x < {gate}"
    request = kill_driver(tmp_path, {"command": command, "stdin": "x" * 5_000_000})

    await open_gate(gate)

    assert (await reattached(request)).stdout.read_text() == "5000000\nup\n"


async def test_a_function_goes_on_after_the_death_of_its_driver(tmp_path, gate):
    parameters = {"call": "work:work", "kwargs": {"gate": str(gate)}}
    make_request(tmp_path)
    (tmp_path / "project" / "work.py").write_text(
        "def work(gate):\n    print('up', flush=True)\n    return {'read': open(gate).read()}\n"
    )
    request = kill_driver(tmp_path, parameters, agent="python")

    await open_gate(gate)
    with trio.fail_after(30):
        result = await PythonAgent().reattach(request, RecordingChannel())

    assert result.output == FrozenDict(read="go\n")


async def test_a_command_that_failed_after_the_death_fails_as_ever(tmp_path, gate):
    request = kill_driver(tmp_path, {"command": f"echo up; read x < {gate}; echo why >&2; exit 4"})
    await open_gate(gate)

    with pytest.raises(AgentError, match="failed with exit code 4: why"), trio.fail_after(30):
        await ShellAgent().reattach(request, RecordingChannel())


async def test_fifty_at_once(tmp_path):
    requests = killed_together(tmp_path, ["yes $ACTORFLOW_RUN_ID | head -c 200000"] * 50)
    endings = {}

    async def take(request):
        endings[request.run_id] = await reattach_program(request, RecordingChannel())

    assert {remains_of(request.folder) for request in requests} == {Remains.RUNNING}
    with trio.fail_after(60):
        async with trio.open_nursery() as nursery:
            for request in requests:
                nursery.start_soon(take, request)
            (tmp_path / "go").touch()

    for request in requests:
        ending = endings[request.run_id]
        line = f"{request.run_id}\n".encode()
        assert (ending.code, ending.left_running) == (0, 0)
        assert ending.stdout.read_bytes() == b"up\n" + (line * (200_000 // len(line) + 1))[:200_000]

"""Running a program for an attempt: nothing of it outlives the call, whatever it does; and how it is fed and listened to."""

from __future__ import annotations

import gc
import json
import os
import resource
import signal
import sys

import pytest
import trio
import trio.testing

from actorflow.agents import capture, family, orphans, process_table
from actorflow.agents.environment import attempt_marker, process_environment
from actorflow.agents.process import run_program
from actorflow.errors import AgentError
from actorflow.testing.agents import RecordingChannel, make_request

pytestmark = pytest.mark.trio

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere only the group is known")


@pytest.fixture
def channel():
    return RecordingChannel()


@pytest.fixture
def run(tmp_path, channel):
    """Run shell text; ``task`` names the attempt."""

    async def run(text, *, task="task", extra=None, **options):
        request = make_request(tmp_path / task, task_id=task)
        options = {"environment": process_environment(request, extra), "channel": channel, **options}
        return await run_program(["/bin/sh", "-c", text], request=request, **options)

    return run


@pytest.fixture
def left(tmp_path):
    """Return the processes of the attempt that are alive."""

    def left(task="task"):
        request = make_request(tmp_path / task, task_id=task)
        marker = attempt_marker(request.run_id, request.task_id, request.attempt)
        processes = process_table.all_processes()
        return [p.pid for p in processes if p.is_alive and process_table.carries(p.pid, marker)]

    return left


@pytest.fixture
def cancelled(run, channel):
    """Run shell text until it prints "up", cancel it, and return how long the end took."""

    async def cancelled(text, **options):
        with trio.fail_after(30), trio.CancelScope() as scope:
            async with trio.open_nursery() as nursery:

                async def body():
                    await run(text, **options)

                nursery.start_soon(body)
                await channel.wait_reported("output", "up")
                begin = trio.current_time()
                scope.cancel()
        assert scope.cancelled_caught
        return trio.current_time() - begin

    return cancelled


IGNORES_TERM = "trap '' TERM; "

FAMILIES = {
    "the program alone": "echo up; exec sleep 1000",
    "a child": "sleep 1000 & echo up; wait",
    "a child that the program does not wait for": "(sleep 1000 &); echo up; sleep 1000",
    "a child with a session of its own": "setsid sleep 1000 & echo up; wait",
    "an orphan with a session of its own": "(setsid setsid sleep 1000 &); echo up; sleep 1000",
    "an orphan's children": "(setsid sh -c 'sleep 1000 & sleep 1000 & wait' &); echo up; sleep 1000",
    "a child with a clean environment": "(env -i /bin/sh -c 'sleep 1000 & wait' &); echo up; sleep 1000",
    "an escaped child's child with a clean environment": "(setsid sh -c 'env -i sleep 1000; true' &); echo up; sleep 1000",
    "a stopped process": "sh -c 'kill -STOP $$' & echo up; wait",
    "a pipeline": "yes | cat > /dev/null & echo up; wait",
}


@linux_only
@pytest.mark.parametrize("name", FAMILIES)
async def test_cancelling_ends_the_whole_family(cancelled, left, name):
    took = await cancelled(FAMILIES[name])

    assert left() == []
    assert took < family.GRACE_SECONDS / 2, "all of them end by TERM"


@linux_only
@pytest.mark.parametrize(
    "text",
    [
        IGNORES_TERM + "echo up; sleep 1000; sleep 1000",
        IGNORES_TERM + "setsid sh -c 'echo up; sleep 1000; sleep 1000' & wait; wait",
        # Somebody who answers TERM with children of new sessions.
        "trap 'setsid sleep 1000 & setsid sleep 1000 &' TERM; echo up; while true; do sleep 1000 & wait; done",
    ],
)
async def test_who_does_not_end_by_term_is_killed_after_the_grace(cancelled, left, text):
    took = await cancelled(text, grace_seconds=0.1)

    assert left() == []
    assert 0.1 <= took < 5


async def test_a_cancelled_program_may_say_good_bye(cancelled, tmp_path):
    await cancelled(
        "trap 'head -c 300000 /dev/zero; echo good-bye; exit 0' TERM; sh -c 'echo up; exec sleep 1000' & wait"
    )

    written = (tmp_path / "task" / "attempt" / "stdout").read_bytes()
    assert len(written) == 3 + 300_000 + 9
    assert written.endswith(b"\0good-bye\n")


async def test_hurry_cuts_the_grace_short(cancelled, run, channel):
    async with trio.open_nursery() as nursery:
        with trio.fail_after(30):

            async def cancelled_for_ever():
                await cancelled(IGNORES_TERM + "echo up; sleep 1000; sleep 1000", grace_seconds=1000)
                nursery.cancel_scope.cancel()

            nursery.start_soon(cancelled_for_ever)
            await channel.wait_reported("output", "up")
            await trio.testing.wait_all_tasks_blocked()
            family.hurry_all()


async def test_kill_all_kills_what_nobody_is_ending_yet(run, channel):
    endings = []

    async with trio.open_nursery() as nursery:
        with trio.fail_after(30):

            async def to_the_end():
                endings.append(await run(IGNORES_TERM + "echo up; sleep 1000; sleep 1000"))

            nursery.start_soon(to_the_end)
            await channel.wait_reported("output", "up")
            family.kill_all()

    assert endings[0].code == -9


async def test_the_program_is_the_first_to_be_told(run, channel):
    """Nothing is known of a program before it is started."""
    await run("true")

    assert [report.kind for report in channel.reports] == ["started"]
    assert channel.reports[0].data["pid"] > 1


@linux_only
@pytest.mark.parametrize(
    "text", ["sleep 1000 &", "(setsid sleep 1000 &)", "setsid sh -c 'sleep 1000 & sleep 1000' &"]
)
async def test_what_a_program_leaves_running_is_ended_and_counted(run, left, text):
    ending = await run(text + "\necho done")

    assert ending.code == 0
    assert ending.left_running >= 1
    assert "still ran when the program exited" in ending.notes[0]
    assert left() == []


async def test_the_wait_ends_with_the_program_although_a_child_keeps_its_output_open(run):
    with trio.fail_after(20):
        ending = await run("sleep 1000 & echo done")

    assert ending.stdout.read_text() == "done\n"


async def test_two_attempts_do_not_end_each_others_processes(run, left, tmp_path):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)

    async with trio.open_nursery() as nursery:
        first, second = RecordingChannel(), RecordingChannel()
        nursery.start_soon(
            lambda: run(f"(setsid cat {fifo} &); echo up; cat {fifo}", task="first", channel=first)
        )
        await first.wait_reported("output", "up")
        await run("(setsid sleep 1000 &); echo up", task="second", channel=second)

        assert left("second") == []
        assert len(left("first")) >= 1
        nursery.cancel_scope.cancel()

    assert left("first") == []


@linux_only
async def test_an_attempt_inside_an_attempt_ends_with_it(run, left, cancelled, monkeypatch, tmp_path):
    """As when a task runs ``actorflow run``: the inner processes carry their own marker and that of the attempt around."""
    outer = make_request(tmp_path / "task", task_id="task")
    for name, value in process_environment(outer).items():
        monkeypatch.setenv(name, value)
    inner = process_environment(make_request(tmp_path / "inner", task_id="inner"))
    monkeypatch.undo()
    variables = " ".join(f"{name}='{inner[name]}'" for name in inner if name.startswith("ACTORFLOW_"))

    await cancelled(f"(env {variables} setsid sleep 1000 &); echo up; sleep 1000")

    assert left("inner") == []


@linux_only
async def test_adopted_zombies_are_reaped(run):
    before = adopted_zombies()

    await run("(sleep 1000 &); (setsid sleep 1000 &); sh -c '(sleep 1000 &); sleep 1000' & true")

    assert adopted_zombies() <= before


@linux_only
async def test_the_exit_status_of_somebody_elses_child_is_not_taken(run):
    pid = exited_child("exit 42")

    await run("(sleep 1000 &); true")

    assert os.waitpid(pid, 0)[1] >> 8 == 42  # noqa: ASYNC222 - it has exited


@linux_only
async def test_who_leaves_the_group_before_its_signal_gets_one_of_its_own(monkeypatch):
    def member(pid, group):
        return process_table.Process(pid, 1, group, group, "7", "S")

    now = {11: member(11, 10), 12: member(12, 12), 13: None}
    monkeypatch.setattr(process_table, "look", now.get)

    outside = family._outside(10, [member(11, 10), member(12, 10), member(13, 10), member(14, 14)])

    assert [process.pid for process in outside] == [12, 14]


@linux_only
async def test_an_orphan_is_known_by_the_session_of_a_descendant():
    """It may have been born after the last look, with a clean environment, of a parent that has ended since."""
    table, leader = orphans.Orphans(), 1_000_000
    table.expect(leader, "r/t/1")
    escaped = process_table.Process(1_000_001, leader, 1_000_001, 1_000_001, "7", "S")
    born_later = process_table.Process(1_000_002, os.getpid(), 1_000_001, 1_000_001, "8", "S")

    assert table._find_owner(born_later) is None
    table.saw(escaped, leader)
    assert table._find_owner(born_later) == leader
    table.forget(leader)
    assert table._find_owner(born_later) is None


@linux_only
async def test_a_nameless_zombie_of_another_session_is_reaped_in_the_end(run, monkeypatch):
    pid = exited_child("exit 0")

    await run("true")
    assert pid in adopted_zombies()
    monkeypatch.setattr(orphans, "_UNKNOWN_ZOMBIE_SECONDS", -1.0)
    await run("true")

    assert pid not in adopted_zombies()


def adopted_zombies():
    children = [process_table.look(pid) for pid in process_table.adopted_children()]
    return {child.pid for child in children if child is not None and not child.is_alive}


def exited_child(text):
    """Return the pid of a child with a session of its own that has exited and that nobody has waited for."""
    pid = os.posix_spawn("/bin/sh", ["sh", "-c", text], {}, setsid=True)
    os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    return pid


async def test_the_output_is_complete_when_the_program_exits(run):
    for _ in range(20):
        ending = await run("head -c 65536 /dev/zero; head -c 65536 /dev/zero >&2; printf end")

        assert ending.stdout.stat().st_size == 65_539
        assert ending.stderr.stat().st_size == 65_536


@pytest.mark.slow
async def test_a_flood_goes_to_the_file_in_flat_memory(run, channel):
    await run("head -c 3000000 /dev/zero")
    gc.collect()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss

    ending = await run("yes | head -c 104857600")

    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) * (
        1024 if sys.platform == "linux" else 1
    )
    assert ending.stdout.stat().st_size == 104_857_600
    assert grown < 16 * 2**20
    assert all(len(report.text) <= 4096 for report in channel.reports)


@linux_only
async def test_a_child_that_floods_does_not_keep_a_program_that_has_exited(run, left):
    with trio.fail_after(20):
        ending = await run("(setsid sh -c \"trap '' TERM; yes\" &); echo up", grace_seconds=0.1)

    assert ending.code == 0
    assert left() == []


async def test_output_is_reported_line_by_line_while_the_program_runs(run, channel, tmp_path):
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(run, f"echo one; printf tw; read x < {fifo}; echo o; echo three >&2")
        report = await channel.wait_reported("output", "one")
        assert (report.text, report.data["stream"]) == ("one", "stdout")
        fifo.write_text("go\n")

    assert channel.output.splitlines()[-2:] in (["two", "three"], ["three", "two"])
    assert {report.data["stream"] for report in channel.reports if report.kind == "output"} == {
        "stdout",
        "stderr",
    }


async def test_process_json_says_who_the_program_is(run, tmp_path):
    await run("true")

    record = json.loads((tmp_path / "task" / "attempt" / "process.json").read_text())
    assert record["program"] == "/bin/sh"
    assert record["marker"].endswith("/task/1")
    assert record["boot_id"] == process_table.boot_id() != ""
    assert record["started"]


async def test_an_output_that_cannot_be_stored_ends_the_program(run, left, monkeypatch):
    def broken(*_):
        raise OSError(5, "Input/output error")

    monkeypatch.setattr(capture.Capture, "_move", broken)

    with trio.fail_after(20), pytest.raises(AgentError, match="could not be stored: Input/output") as caught:
        await run("echo hello; sleep 1000")

    assert (caught.value.kind, caught.value.retryable) == ("output_not_stored", True)
    monkeypatch.undo()
    assert left() == []


async def test_an_error_right_after_the_start_leaves_nothing(run, left, monkeypatch):
    def fail(*_):
        raise OSError("cannot be reported")

    monkeypatch.setattr(RecordingChannel, "report", fail)

    with trio.fail_after(20), pytest.raises(OSError, match="cannot be reported"):
        await run("sleep 1000")

    assert left() == []


@linux_only
async def test_a_program_that_is_killed_leaves_nothing_either(run, left):
    ending = await run("(setsid sleep 1000 &); sleep 1000 & kill -KILL $$")

    assert ending.code == -signal.SIGKILL
    assert left() == []


@linux_only
async def test_the_group_is_killed_even_when_nobody_can_look(run, left, monkeypatch):
    def out_of_descriptors(*_):
        raise OSError(24, "Too many open files")

    with monkeypatch.context() as patch:
        patch.setattr(process_table, "adopted_children", out_of_descriptors)
        with pytest.raises(OSError, match="Too many open files"):
            await run("sleep 1000 & true")

    with trio.fail_after(20):
        while left():  # noqa: ASYNC110 - killed, and nothing tells us when it is gone
            await trio.sleep(0.01)


async def test_a_status_that_somebody_else_took_is_not_a_success(run, monkeypatch):
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        with pytest.raises(AgentError, match="nobody knows how the program ended") as caught:
            await run("exit 3")
    finally:
        signal.signal(signal.SIGCHLD, before)

    assert "SIGCHLD" in caught.value.hint


async def test_no_descriptor_is_lost(run, tmp_path):
    await run("true")
    before = len(os.listdir("/dev/fd"))

    for number in range(5):
        await run("cat; sleep 1000 &", stdin=b"x" * 100_000, grace_seconds=1, task=f"task{number}")
        with pytest.raises(AgentError):
            await run("x" * 200_000)

    assert len(os.listdir("/dev/fd")) == before


async def test_too_many_open_files_is_an_error_that_may_be_tried_again(run):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    await run("true")
    first_free = os.dup(0)
    os.close(first_free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (first_free, hard))
    try:
        with pytest.raises(AgentError) as caught:
            await run("true")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))

    assert (caught.value.kind, caught.value.retryable) == ("no_resources", True)


async def test_programs_get_no_descriptor_but_their_own_three(run):
    ending = await run("ls /dev/fd 2>/dev/null | sort -n | tail -n 1; ls /dev/fd | wc -l")

    assert int(ending.stdout.read_text().split()[0]) <= 4

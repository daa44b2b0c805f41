"""Where the system offers less: without pidfds, without a subreaper, without /proc (as on macOS)."""

from __future__ import annotations

import errno
import os
import sys

import pytest
import trio

from actorflow.agents import handles, process_table
from actorflow.agents.process import end_survivors
from actorflow.agents.shell import ShellAgent
from actorflow.testing.agents import RecordingChannel, make_request

pytestmark = [
    pytest.mark.trio,
    pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there is nothing to take away"),
]


def without_handles(monkeypatch):
    def refuse(pid):
        raise OSError(errno.ENOSYS, "no pidfds")

    monkeypatch.setattr(handles.os, "pidfd_open", refuse)


def without_subreaper(monkeypatch):
    monkeypatch.setattr(process_table, "adopt_orphans", lambda: False)


def without_proc(monkeypatch):
    without_handles(monkeypatch)
    monkeypatch.setattr(process_table, "HAS_PROC", False)


@pytest.fixture(params=[without_handles, without_subreaper, without_proc], ids=lambda f: f.__name__)
def lacking(request, monkeypatch):
    process_table.boot_id.cache_clear()
    request.param(monkeypatch)
    yield request.param
    process_table.boot_id.cache_clear()


def in_group(pid):
    """Return who is alive in the group, seen with /proc whatever the test has taken away."""
    found = [process_table._look_in_proc(int(name)) for name in os.listdir("/proc") if name.isdigit()]
    return [process.pid for process in found if process and process.group == pid and process.is_alive]


async def test_a_command_runs(lacking, tmp_path):
    result = await ShellAgent().run(
        make_request(tmp_path, {"command": "cat", "stdin": "x" * 100_000}), RecordingChannel()
    )

    assert result.output == "x" * 100_000


async def test_what_a_command_leaves_in_its_group_is_ended(lacking, tmp_path):
    channel = RecordingChannel()

    with trio.fail_after(20):
        await ShellAgent().run(make_request(tmp_path, {"command": "sleep 1000 & (sleep 1000 &)"}), channel)

    assert in_group(channel.reports[0].data["pid"]) == []


@pytest.mark.parametrize(
    "command", ["sleep 1000 & echo up; wait", "trap '' TERM; echo up; sleep 1000; sleep 1000"]
)
async def test_cancelling_ends_the_group(lacking, tmp_path, command):
    channel = RecordingChannel()

    with trio.fail_after(20):
        async with trio.open_nursery() as nursery:
            agent = ShellAgent(grace_seconds=0.1)
            nursery.start_soon(agent.run, make_request(tmp_path, {"command": command}), channel)
            await channel.wait_reported("output", "up")
            nursery.cancel_scope.cancel()

    assert in_group(channel.reports[0].data["pid"]) == []


async def test_without_a_subreaper_the_marker_finds_who_left_the_session(monkeypatch, tmp_path):
    without_subreaper(monkeypatch)
    channel = RecordingChannel()
    command = "(setsid sh -c 'echo up; exec sleep 1000' &); sleep 1000"
    request = make_request(tmp_path, {"command": command})

    async with trio.open_nursery() as nursery:
        nursery.start_soon(ShellAgent().run, request, channel)
        await channel.wait_reported("output", "up")
        nursery.cancel_scope.cancel()

    marker = f"{request.run_id}/task/1"
    alive = [
        p.pid for p in process_table.all_processes() if p.is_alive and process_table.carries(p.pid, marker)
    ]
    assert alive == []


async def test_without_proc_the_program_itself_survives_nothing(monkeypatch, tmp_path):
    """The record alone finds it: pid and start time, as ps tells them."""
    process_table.boot_id.cache_clear()
    without_proc(monkeypatch)
    monkeypatch.setattr(
        process_table,
        "_ask",
        lambda command, ask=process_table._ask: "" if "sysctl" in command[0] else ask(command),
    )
    channel, request = RecordingChannel(), make_request(tmp_path, {"command": "echo up; exec sleep 1000"})

    with trio.fail_after(20):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(fails_by_a_signal, request, channel)
            await channel.wait_reported("output", "up")

            assert await end_survivors(request.folder)

        assert not await end_survivors(request.folder)
    process_table.boot_id.cache_clear()


async def fails_by_a_signal(request, channel):
    with pytest.raises(Exception, match="killed by SIGTERM"):
        await ShellAgent().run(request, channel)

"""What a driver ends itself has ended like nothing that the next driver could take for a result."""

from __future__ import annotations

import errno

import pytest
import trio

from actorflow.agents import process, running
from actorflow.agents.remains import Remains, remains_of
from actorflow.agents.shell import ShellAgent
from actorflow.testing.agents import RecordingChannel, make_request
from tests.agents.dead_drivers import kill_driver

pytestmark = pytest.mark.slow


def fail(folder) -> None:
    raise OSError(errno.EIO, "the disk fails")


async def cancelled_when_up(work, channel) -> None:
    with trio.fail_after(30):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(work)
            await channel.wait_reported("output", "up")
            nursery.cancel_scope.cancel()


@pytest.mark.parametrize("command", ["echo up; sleep 600", "trap 'exit 0' TERM; echo up; sleep 600 & wait"])
async def test_an_attempt_that_is_cancelled_is_gone_for_whoever_comes_next(command, tmp_path) -> None:
    request, channel = make_request(tmp_path, {"command": command}), RecordingChannel()

    await cancelled_when_up(lambda: ShellAgent().run(request, channel), channel)

    assert remains_of(request.folder) is Remains.GONE


async def test_so_is_one_that_was_gone_on_with_and_is_cancelled(tmp_path) -> None:
    request = await trio.to_thread.run_sync(kill_driver, tmp_path, {"command": "echo up; sleep 600"})
    assert remains_of(request.folder) is Remains.RUNNING
    channel = RecordingChannel()

    with trio.fail_after(30):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ShellAgent().reattach, request, channel)
            await channel.wait_reported("started")
            nursery.cancel_scope.cancel()

    assert remains_of(request.folder) is Remains.GONE


async def test_what_is_left_is_ended_also_when_the_disk_fails(tmp_path, monkeypatch) -> None:
    request = await trio.to_thread.run_sync(kill_driver, tmp_path, {"command": "echo up; sleep 600"})
    monkeypatch.setattr(process, "forget_exit", fail)

    assert await process.end_survivors(request.folder)

    assert remains_of(request.folder) is not Remains.RUNNING


async def test_also_when_the_disk_does_not_let_anything_be_taken_back(tmp_path, monkeypatch) -> None:
    command = "trap 'exit 0' TERM; echo up; sleep 600 & wait"
    request, channel = make_request(tmp_path, {"command": command}), RecordingChannel()

    with trio.fail_after(30):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(ShellAgent().run, request, channel)
            await channel.wait_reported("output", "up")
            monkeypatch.setattr(running, "forget_exit", fail)
            nursery.cancel_scope.cancel()

    assert remains_of(request.folder) is Remains.GONE

"""An attempt's own files wait for room on the disk; what is wrong for another reason is said at once."""

from __future__ import annotations

import errno
import os
import sys

import pytest
import trio

from actorflow.agents import running
from actorflow.agents.environment import process_environment
from actorflow.agents.masking import Masker
from actorflow.agents.process import run_program
from actorflow.agents.with_room import with_room
from actorflow.testing.agents import RecordingChannel, make_request

pytestmark = pytest.mark.trio


class Disk:
    """Refuses to write some times."""

    def __init__(self, refusals: int, code: int = errno.ENOSPC) -> None:
        self.refusals = refusals
        self.code = code
        self.tries: list[float] = []

    def write(self, what: str) -> str:
        self.tries.append(trio.current_time())
        if len(self.tries) <= self.refusals:
            raise OSError(self.code, os.strerror(self.code))
        return what


@pytest.fixture
def channel():
    return RecordingChannel()


def _kinds(channel: RecordingChannel) -> list[str]:
    return [report.kind for report in channel.reports]


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
async def test_it_is_written_when_there_is_room(code, channel, autojump_clock):
    disk = Disk(8, code)

    assert await with_room(channel, disk.write, "it") == "it"

    assert _kinds(channel) == ["no_room", "room_found"]
    assert os.strerror(code) in channel.reports[0].text
    pauses = [after - before for before, after in zip(disk.tries, disk.tries[1:], strict=False)]
    assert pauses == [0.25, 0.5, 1, 2, 4, 5, 5, 5]


async def test_nothing_is_said_when_there_is_room_at_once(channel):
    assert await with_room(channel, Disk(0).write, "it") == "it"
    assert channel.reports == []


@pytest.mark.parametrize("refusals", [0, 1])
async def test_other_failures_are_raised(refusals, channel, autojump_clock):
    disk = Disk(refusals)

    def write() -> None:
        disk.write("it")
        raise OSError(errno.EROFS, "read-only")

    with pytest.raises(OSError, match="read-only"):
        await with_room(channel, write)
    assert _kinds(channel) == ["no_room", "room_found"][: 2 * refusals]


async def test_whoever_cancels_ends_the_wait(channel, autojump_clock):
    with trio.move_on_after(60) as scope:
        await with_room(channel, Disk(10**6).write, "it")

    assert scope.cancelled_caught
    assert _kinds(channel) == ["no_room", "room_found"]


async def test_a_program_starts_when_there_is_room_for_its_files_and_once(channel, tmp_path, monkeypatch):
    refused = []

    def open_or_refuse(path, open_private=running.open_private):
        if path.name == "stderr" and not refused:
            refused.append(path)
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        return open_private(path)

    monkeypatch.setattr(running, "open_private", open_or_refuse)
    request = make_request(tmp_path)

    ending = await run_program(
        ["/bin/sh", "-c", "echo ran"],
        request=request,
        channel=channel,
        environment=process_environment(request),
    )

    assert _kinds(channel) == ["no_room", "room_found", "started", "output"]
    assert ending.stdout.read_text() == "ran\n"


FILLS = """
import errno, os, sys
sys.path.insert(0, {folder!r})
sys.argv = ["worker"]
from actorflow.agents import python_worker as worker
write, full = worker._write, [1, 1]
def write_or_refuse(*args):
    if full:
        full.pop()
        raise OSError(errno.ENOSPC, "No space left on device")
    write(*args)
worker._write = write_or_refuse
worker.main()
"""


async def test_what_a_function_returned_waits_for_room(tmp_path):
    (tmp_path / "made.py").write_text("def once():\n    open('calls', 'a').write('x')\n    return 7\n")
    call = f'{{"call": "made:once", "args": [], "kwargs": {{}}, "paths": ["{tmp_path}"], "reply": "{tmp_path}/reply.json"}}'

    done = await trio.run_process(
        [sys.executable, "-c", FILLS.format(folder=os.getcwd())],
        stdin=call.encode(),
        cwd=tmp_path,
        capture_stdout=True,
        capture_stderr=True,
    )

    assert done.returncode == 0, done.stderr
    assert (tmp_path / "reply.json").read_text() == '{"value":7}'
    assert (tmp_path / "calls").read_text() == "x"
    assert done.stderr.count(b"no room for its reply") == 2


async def test_a_file_without_secrets_is_masked_on_a_full_disk_and_one_with_them_leaves_nothing_half_made(
    tmp_path, monkeypatch
):
    def refuse(*args):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fchmod", refuse)
    masker = Masker(["hunter2hunter2"])
    (tmp_path / "harmless").write_text("nothing")
    (tmp_path / "stdout").write_text("hunter2hunter2")

    assert not masker.file(tmp_path / "harmless")
    with pytest.raises(OSError, match="No space"):
        masker.file(tmp_path / "stdout")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["harmless", "stdout"]

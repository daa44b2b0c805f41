"""Programs that outlive their driver: another process waits for them, and gets exactly what they gave."""

from __future__ import annotations

import os
import sys

import pytest
import trio

from actorflow.agents.process import reattach_program
from actorflow.agents.remains import Remains, remains_of
from actorflow.testing.agents import RecordingChannel
from tests.agents.dead_drivers import alive, kill_driver

pytestmark = [
    pytest.mark.trio,
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform != "linux", reason="who is alive is read from /proc"),
]

SHELLS = [path for path in ("/bin/dash", "/bin/bash", "/bin/busybox") if os.path.exists(path)]


@pytest.fixture
def gate(tmp_path):
    """Return a FIFO on which a program waits (``read x < gate``) until the test opens it."""
    fifo = tmp_path / "gate"
    os.mkfifo(fifo)
    return fifo


async def open_gate(fifo):
    with trio.fail_after(20):
        await trio.to_thread.run_sync(fifo.write_text, "go\n", abandon_on_cancel=True)


async def reattached(request):
    with trio.fail_after(30):
        return await reattach_program(request, RecordingChannel())


@pytest.mark.parametrize("shell", SHELLS)
async def test_a_program_goes_on_after_the_death_of_its_driver(tmp_path, gate, shell):
    """What it wrote before, in between and after is there, once and in order."""
    text = f"yes before | head -c 98000; echo up; read x < {gate}; yes after | head -c 300000; echo late >&2; exit 3"
    request = kill_driver(tmp_path, {"command": text}, shell=shell)

    assert remains_of(request.folder) is Remains.RUNNING
    await open_gate(gate)
    ending = await reattached(request)

    assert ending.code == 3
    before, after = b"before\n" * 20_000, b"after\n" * 60_000
    assert ending.stdout.read_bytes() == before[:98_000] + b"up\n" + after[:300_000]
    assert ending.stderr.read_bytes() == b"late\n"
    assert ending.left_running == 0
    assert alive(request) == []

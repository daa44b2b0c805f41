"""Power is lost at any moment of real programs' real file operations, and whatever the disk holds then keeps every promise.

What the storage of two programs does is recorded (``recorder``), the power is cut after any of the operations, and what a disk may hold then (``disk``) is opened by the product
(``examine``). kill -9 proves nothing of this: what was written and not synced survives it. That these images do see is shown by mistakes: with ``synchronous=NORMAL``, or without one of
the syncs of blobs and folders, they lose what was acknowledged, and with a mark that is written before its commit whole journals are refused.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pytest

from actorflow.journal import JournalReader, Record, RunStore
from tests.power_loss.disk import Operation, images
from tests.power_loss.examine import Acknowledged, broken_promises
from tests.power_loss.recorder import CAN_TRACE

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not CAN_TRACE, reason="the recorder needs Linux's ptrace, on x86-64 or arm64"),
]

HERE = Path(__file__).parent
SLICES = 4


@dataclass(frozen=True)
class Recording:
    """What a program did to its state folder, and what it had recorded in the end."""

    operations: list[Operation]
    recorded: list[Record]


def record(root: Path, *arguments: str) -> Recording:
    (root / ".claude").mkdir(parents=True)
    (root / "marks").touch()
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(root),
        "PYTHONPATH": str(HERE.parents[1]),
        "MARKS": str(root / "marks"),
    }
    out = root / "operations"
    program = [sys.executable, str(HERE / "workload.py"), *arguments]
    recorder = [
        sys.executable,
        str(HERE / "recorder.py"),
        str(root / ".claude"),
        str(root / "marks"),
        str(out),
    ]
    done = subprocess.run(
        [*recorder, *program], cwd=root, env=environment, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    store = RunStore(root / ".claude" / "workflow-state")
    with JournalReader.open(store.open(store.list()[0]).path) as reader:
        recorded = reader.read()
    return Recording([tuple(operation) for operation in msgspec.msgpack.decode(out.read_bytes())], recorded)


def examine(recording: Recording, count: int, seed: int, root: Path) -> Counter[str]:
    """Return how many images broke which promise, and under "", how many broke none."""
    found: Counter[str] = Counter()
    for number, (cut, marks, image) in enumerate(images(recording.operations, count, seed)):
        folder = root / "image"
        shutil.rmtree(folder, ignore_errors=True)
        image.write(folder)
        said = Acknowledged.of(marks)
        broken = broken_promises(folder / "workflow-state", said, recording.recorded, drive=number % 4 == 0)
        found[f"seed {seed}, power lost after operation {cut}: {broken[0]}" if broken else ""] += 1
    return found


@pytest.fixture(scope="module", params=["engine", "journal"])
def recording(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Recording:
    return record(tmp_path_factory.mktemp("recorded") / "project", request.param)


@pytest.mark.parametrize("piece", range(SLICES))
def test_whatever_a_loss_of_power_leaves_every_promise_is_kept(
    recording: Recording, piece: int, ram_path: Path, size, figure
) -> None:
    count = size(240, 4000) // (2 * SLICES)

    found = examine(recording, count, piece, ram_path)

    del found[""]
    figure("power-loss images", tried=count, of="images", found=found.total(), what="lost or refused")
    assert found == {}


@pytest.mark.parametrize(
    ("program", "mistake", "promise"),
    [
        ("engine", "synchronous_normal", "events were acknowledged"),
        ("journal", "synchronous_normal", "events were acknowledged"),
        ("engine", "blobs_without_sync", "a blob"),
        ("engine", "blobs_without_their_names", "a blob"),
        ("engine", "runs_without_their_names", "was acknowledged"),
        ("journal", "marked_before_the_sync", "refused"),
    ],
)
def test_a_missing_sync_is_seen(
    program: str, mistake: str, promise: str, ram_path: Path, size, figure
) -> None:
    count, tried = size(30, 500), 0
    recording = record(ram_path / "project", program, mistake)
    found: Counter[str] = Counter()

    for seed in range(10):  # in few images of the engine's run is the end of the log what was lost
        found += examine(recording, count, seed, ram_path)
        tried += count
        if any(promise in reason for reason in found):
            break

    kept = found.pop("", 0)
    figure(
        f"power-loss images, {mistake.replace('_', ' ')}",
        tried=tried,
        of="images",
        found=tried - kept,
        what="lost",
        promised="some: it must fail",
    )
    assert any(promise in reason for reason in found), found

"""A program that writes without end fills no disk: beginning and end are kept, and nothing is taken from whoever reads along."""

from __future__ import annotations

import os
import re

import pytest
import trio

from actorflow.agents.conversation import run_conversation
from actorflow.agents.environment import process_environment
from actorflow.agents.flood import Flood, close_gap, read_stored
from actorflow.agents.masking import Masker
from actorflow.agents.process import run_program
from actorflow.engine.outcomes import scrub
from actorflow.testing.agents import RecordingChannel, make_request
from actorflow.workflow.model import LEAST_STORED_BYTES

MEBIBYTE = 1024 * 1024
LINES = 85_000
WIDTH = 1000
WRITES = f"""awk 'BEGIN {{ x = sprintf("%{WIDTH - 11}s", ""); gsub(/ /, "x", x); for (n = 1; n <= {LINES}; n++) printf "%010d%s\\n", n, x }}'"""
"""Numbered lines of 1,000 bytes, 81 MiB in all."""


def stored(file):
    return os.stat(file).st_blocks * 512


@pytest.fixture
def request_(ram_path):
    return make_request(ram_path, stored_bytes=LEAST_STORED_BYTES)


@pytest.mark.slow
async def test_a_flood_is_bounded_and_says_what_is_missing(request_):
    argv = ["sh", "-c", f"{WRITES}; exit 3"]

    with trio.fail_after(60):
        ending = await run_program(
            argv, request=request_, channel=RecordingChannel(), environment=process_environment(request_)
        )

    assert ending.code == 3
    scrub(Masker(["0000000001xxxx"]), request_.folder)  # as at the end of an attempt with secrets
    lines = ending.stdout.read_bytes().split(b"\n")
    assert sum(map(len, lines)) <= LEAST_STORED_BYTES
    [gap] = [number for number, line in enumerate(lines) if line.startswith(b"---")]
    before, after = int(lines[gap - 1][:10]), int(lines[gap + 1][:10])
    assert lines[0].startswith(b"***")
    assert [int(line[:10]) for line in lines[1:gap]] == list(range(2, before + 1))
    assert [int(line[:10]) for line in lines[gap + 1 : -1]] == list(range(after, LINES + 1))
    said = int(
        re.fullmatch(rb"--- ([0-9,]+) bytes are left out here: settings.stored_output ---", lines[gap])[
            1
        ].replace(b",", b"")
    )
    assert said == (after - before - 1) * WIDTH
    assert not close_gap(ending.stdout)


@pytest.mark.slow
async def test_whoever_talks_with_the_program_misses_nothing(request_):
    numbers, most = [], 0

    async def talk(conversation):
        nonlocal most
        while (line := await conversation.next_line()) is not None:
            numbers.append(int(line[:10]))
            if numbers[-1] % 1000 == 0:
                most = max(most, stored(request_.folder / "stdout"))

    with trio.fail_after(60):
        _, ending = await run_conversation(
            ["sh", "-c", WRITES],
            talk,
            request=request_,
            channel=RecordingChannel(),
            environment=process_environment(request_),
        )

    assert numbers == list(range(1, LINES + 1))
    assert most < LEAST_STORED_BYTES * 7 // 4
    assert stored(ending.stdout) <= LEAST_STORED_BYTES


@pytest.mark.slow
async def test_a_program_waits_for_whoever_reads_much_more_slowly_and_no_longer_than_that(request_, tmp_path):
    """What is written twice as fast as it is read would fill a disk all the same."""
    writes = f"{WRITES}; {WRITES}; : >{tmp_path / 'written'}"
    file = request_.folder / "stdout"

    async def talk(conversation):
        await conversation.next_line()
        while stored(file) < LEAST_STORED_BYTES * 3 // 2:  # noqa: ASYNC110 - another process writes it
            await trio.sleep(0.01)
        await trio.sleep(0.1)
        assert not (tmp_path / "written").exists()
        assert stored(file) < LEAST_STORED_BYTES * 7 // 4
        return "enough"

    with trio.fail_after(60):
        answer, ending = await run_conversation(
            ["sh", "-c", writes],
            talk,
            request=request_,
            channel=RecordingChannel(),
            environment=process_environment(request_),
        )

    assert answer == "enough"
    assert stored(ending.stdout) <= LEAST_STORED_BYTES


@pytest.fixture
def file(ram_path):
    """A file of 80 MiB, each of whose MiB has its own number in it."""
    path = ram_path / "stdout"
    path.write_bytes(b"".join(bytes([65 + number]) * MEBIBYTE for number in range(80)))
    descriptor = os.open(path, os.O_RDWR)
    yield descriptor, path
    os.close(descriptor)


def test_what_is_still_to_be_read_is_kept(file):
    descriptor, path = file
    flood = Flood(descriptor, LEAST_STORED_BYTES)

    flood.trim(80 * MEBIBYTE, 33 * MEBIBYTE)
    assert stored(path) == 79 * MEBIBYTE  # one that has been read
    flood.trim(80 * MEBIBYTE, 20 * MEBIBYTE)
    assert stored(path) == 79 * MEBIBYTE
    Flood(descriptor, LEAST_STORED_BYTES).trim(
        80 * MEBIBYTE
    )  # whoever goes on with the file knows of the hole
    assert stored(path) <= LEAST_STORED_BYTES


def test_holes_are_read_past(file):
    descriptor, path = file
    Flood(descriptor, LEAST_STORED_BYTES).trim(80 * MEBIBYTE)
    os.lseek(descriptor, 0, os.SEEK_SET)

    read = b""
    while piece := read_stored(descriptor, 100_000_000):
        read += piece

    assert 0 not in read
    assert len(read) == stored(path)
    os.pwrite(descriptor, b"more", 80 * MEBIBYTE)
    assert read_stored(descriptor, 100) == b"more"


def test_small_files_and_what_is_no_file_are_left_alone(tmp_path):
    (tmp_path / "small").write_bytes(b"x")
    os.truncate(tmp_path / "small", LEAST_STORED_BYTES)  # a hole of a program's own
    os.mkfifo(tmp_path / "pipe")

    assert not close_gap(tmp_path / "small")
    assert not close_gap(tmp_path / "pipe")


def test_no_file_is_lost_when_there_is_no_room_to_close_its_gap(ram_path, monkeypatch):
    folder = ram_path / "attempt"
    folder.mkdir()
    with (folder / "stdout").open("wb+") as file:
        file.write(b"x" * 80 * MEBIBYTE)
        file.flush()
        Flood(file.fileno(), LEAST_STORED_BYTES).trim(80 * MEBIBYTE)
    (folder / "stdout.closing").mkdir()  # stands in the way

    scrub(Masker([]), folder)
    assert (folder / "stdout").exists()
    scrub(Masker(["a secret"]), folder)  # it could hold one
    assert not (folder / "stdout").exists()

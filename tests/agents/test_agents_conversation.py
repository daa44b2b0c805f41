"""Talking with a program: what is said arrives, everything is stored, and nothing of it outlives the call."""

from __future__ import annotations

import os
import sys

import pytest
import trio

from actorflow.agents import capture, family, process_table
from actorflow.agents.conversation import run_conversation
from actorflow.agents.environment import attempt_marker, process_environment
from actorflow.agents.lines import TooLong
from actorflow.errors import AgentError
from actorflow.testing.agents import RecordingChannel, make_request

pytestmark = pytest.mark.trio

ECHO = 'while read -r line; do echo "got $line"; done'
LISTENS = """
import signal, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("up", flush=True)
print("heard " + sys.stdin.readline().strip(), flush=True)
print("then " + repr(sys.stdin.read()), flush=True)
"""


@pytest.fixture
def request_(tmp_path):
    return make_request(tmp_path)


@pytest.fixture
def channel():
    return RecordingChannel()


@pytest.fixture
def talk_with(request_, channel):
    async def talk_with(argv, talk, **options):
        with trio.fail_after(30):
            environment = process_environment(request_)
            return await run_conversation(
                argv, talk, request=request_, channel=channel, environment=environment, **options
            )

    return talk_with


@pytest.fixture
def left(request_):
    def left():
        marker = attempt_marker(request_.run_id, request_.task_id, request_.attempt)
        processes = process_table.all_processes()
        return [p.pid for p in processes if p.is_alive and process_table.carries(p.pid, marker)]

    return left


async def lines_of(conversation):
    lines = []
    while (line := await conversation.next_line()) is not None:
        lines.append(line)
    return lines


async def test_each_answer_can_be_waited_for(talk_with, request_, channel):
    async def talk(conversation):
        await conversation.send(b"one")
        first = await conversation.next_line()
        await conversation.send(b"two")
        second = await conversation.next_line()
        conversation.close_input()
        return [first, second, *await lines_of(conversation)]

    answer, ending = await talk_with(["/bin/sh", "-c", ECHO], talk)

    assert answer == [b"got one", b"got two"]
    assert ending.code == 0
    assert ending.stdout.read_bytes() == b"got one\ngot two\n"
    assert [report.kind for report in channel.reports if report.kind != "alive"] == ["started"]


async def test_a_slow_talk_holds_the_program_not_up(talk_with, request_):
    async def talk(conversation):
        await trio.to_thread.run_sync((request_.cwd / "done").read_bytes)  # nothing else is read meanwhile
        return await lines_of(conversation)

    os.mkfifo(request_.cwd / "done")
    text = f"{sys.executable} -c 'print(\"x\" * 3_000_000)'; : > done"
    answer, _ = await talk_with(["/bin/sh", "-c", text], talk)

    assert answer == [b"x" * 3_000_000]


async def test_a_program_that_does_not_read_is_talked_to_all_the_same(talk_with):
    async def talk(conversation):
        await conversation.send(b"x" * 1_000_000)
        await conversation.send(b"y")
        return await lines_of(conversation)

    answer, ending = await talk_with(["/bin/sh", "-c", "exec <&-; echo only this"], talk)

    assert (answer, ending.code) == ([b"only this"], 0)


async def test_lines_over_the_limit_are_stored_but_not_kept(talk_with, monkeypatch):
    monkeypatch.setattr("actorflow.agents.conversation.LineSplitter", lambda _: LineSplitterOf10())

    answer, ending = await talk_with(["printf", "short\\n0123456789abc\\nend"], lines_of)

    assert answer == [b"short", TooLong(13), b"end"]
    assert ending.stdout.read_bytes() == b"short\n0123456789abc\nend"


class LineSplitterOf10:
    def __new__(cls):
        from actorflow.agents.lines import LineSplitter

        return LineSplitter(10)


async def test_the_end_of_the_talk_ends_the_program_and_what_it_started(talk_with, left):
    async def talk(conversation):
        return await conversation.next_line()

    answer, ending = await talk_with(
        ["/bin/sh", "-c", "setsid sleep 1000 & sleep 1000 & echo up; sleep 1000"], talk
    )

    assert (answer, ending.code) == (b"up", -15)
    assert ending.left_running >= 2 or sys.platform != "linux"
    assert left() == []


async def test_a_grandchild_that_keeps_stdout_open_holds_nobody_up(talk_with, left):
    answer, ending = await talk_with(["/bin/sh", "-c", "setsid sleep 1000 & echo bye"], lines_of)

    assert (answer, ending.code) == ([b"bye"], 0)
    assert left() == []


async def test_a_cancelled_talk_says_good_bye_first(request_, channel, left):
    ready = trio.Event()

    async def talk(conversation):
        await conversation.next_line()
        ready.set()
        await trio.sleep_forever()

    async def body():
        await run_conversation(
            [sys.executable, "-c", LISTENS],
            talk,
            request=request_,
            channel=channel,
            environment=process_environment(request_),
            farewell=b"stop please\n",
            farewell_seconds=20,
        )

    with trio.fail_after(30), trio.CancelScope() as scope:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(body)
            await ready.wait()
            scope.cancel()

    assert scope.cancelled_caught
    assert (request_.folder / "stdout").read_text() == "up\nheard stop please\nthen ''\n"
    assert left() == []


async def test_who_is_hurried_gives_no_time_for_good_byes(request_, channel, left):
    async def talk(conversation):
        await conversation.next_line()
        scope.cancel()
        nursery.start_soon(hurry)
        await trio.sleep_forever()

    async def hurry():
        with trio.CancelScope(shield=True):
            await trio.lowlevel.checkpoint()
            family.hurry_all()

    async def body():
        await run_conversation(
            ["/bin/sh", "-c", "trap '' TERM; echo up; while :; do sleep 1000; done"],
            talk,
            request=request_,
            channel=channel,
            environment=process_environment(request_),
            farewell=b"stop please\n",
            farewell_seconds=1000,
            grace_seconds=1000,
        )

    with trio.fail_after(30), trio.CancelScope() as scope:
        async with trio.open_nursery() as nursery:
            nursery.start_soon(body)

    assert left() == []


async def test_what_a_talk_raises_comes_out_as_it_is(talk_with, left):
    async def talk(conversation):
        await conversation.next_line()
        raise AgentError("nonsense", "it said nonsense")

    with pytest.raises(AgentError, match="it said nonsense"):
        await talk_with(["/bin/sh", "-c", "echo up; sleep 1000"], talk)

    assert left() == []


async def test_output_that_cannot_be_stored_fails_the_attempt(talk_with, monkeypatch, left):
    def broken(*_):
        raise OSError(5, os.strerror(5))

    monkeypatch.setattr(capture.Capture, "_move", broken)

    with pytest.raises(AgentError, match="Input/output error") as caught:
        await talk_with(["/bin/sh", "-c", "echo up; sleep 1000"], lines_of)

    assert caught.value.kind == "output_not_stored"
    assert left() == []


async def test_a_program_that_is_not_there_is_an_error(talk_with):
    with pytest.raises(AgentError) as caught:
        await talk_with(["no-such-program-anywhere"], lines_of)

    assert caught.value.kind == "command_not_found"

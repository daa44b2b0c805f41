"""The last lines of a stream: what is reported, and how often."""

from __future__ import annotations

import pytest
import trio

from actorflow.agents.output import Tail
from actorflow.testing.agents import RecordingChannel


@pytest.fixture
def channel():
    return RecordingChannel()


@pytest.fixture
def tail(channel):
    return Tail("stdout", channel)


def texts(channel):
    return [report.text for report in channel.reports if report.kind == "output"]


async def test_a_whole_line_is_reported_at_once(tail, channel, autojump_clock):
    tail.feed(b"one\ntw")

    assert texts(channel) == ["one"]
    assert channel.reports[0].data["stream"] == "stdout"


async def test_more_lines_wait_a_tenth_of_a_second(tail, channel, autojump_clock):
    tail.feed(b"one\n")
    tail.feed(b"two\n")
    tail.feed(b"three\n")

    assert texts(channel) == ["one"]
    assert tail.due_at == pytest.approx(trio.current_time() + 0.1)
    await trio.sleep_until(tail.due_at)
    tail.flush()
    assert texts(channel) == ["one", "two\nthree"]
    assert tail.due_at == float("inf")


async def test_a_part_of_a_line_waits_for_its_end(tail, channel, autojump_clock):
    tail.feed(b"o")
    await trio.sleep(1)
    tail.feed(b"ne\n")

    assert texts(channel) == ["one"]


async def test_a_part_of_a_line_is_a_sign_of_life_but_only_when_it_is_new(tail, channel, autojump_clock):
    tail.feed(b".")
    assert [report.kind for report in channel.reports] == ["alive"]
    assert tail.due_at == float("inf")

    await trio.sleep(1)
    tail.feed(b".")
    assert [report.kind for report in channel.reports] == ["alive", "alive"]


async def test_the_end_reports_the_rest(tail, channel, autojump_clock):
    tail.feed(b"one\ntwo")
    tail.flush(is_end=True)

    assert texts(channel) == ["one", "two"]


async def test_a_flood_shows_its_last_lines_only(tail, channel, autojump_clock):
    tail.feed(b"".join(b"line %d\n" % i for i in range(100_000)))

    assert texts(channel) == ["\n".join(f"line {i}" for i in range(99_980, 100_000))]


async def test_a_very_long_line_is_reported_in_part(tail, channel, autojump_clock):
    tail.feed(b"x" * 10_000)

    assert texts(channel) == ["x" * 4096]


async def test_empty_lines_and_nothing_are_not_reported(tail, channel, autojump_clock):
    tail.feed(b"\n\n \n")
    tail.flush(is_end=True)

    assert texts(channel) == []


async def test_characters_are_not_cut_and_bad_bytes_are_replaced(tail, channel, autojump_clock):
    tail.feed("é".encode()[:1])
    await trio.sleep(1)
    tail.feed("é".encode()[1:] + b"\xff\n")

    assert texts(channel) == ["é�"]


pytestmark = pytest.mark.trio

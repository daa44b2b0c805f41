"""Lines out of pieces: the same lines however the bytes arrive, and no line can take all the memory."""

from __future__ import annotations

import pytest

from actorflow.agents.lines import LineSplitter, TooLong

TEXT = b'{"a": 1}\n\n\xff\xfe\n{"long": "0123456789"}\nlast'
LINES = [b'{"a": 1}', b"", b"\xff\xfe", TooLong(22), b"last"]


def split(*pieces: bytes, max_bytes: int = 12) -> list[object]:
    splitter = LineSplitter(max_bytes)
    return [line for piece in pieces for line in splitter.feed(piece)] + list(splitter.end())


@pytest.mark.parametrize("at", range(len(TEXT) + 1))
def test_a_cut_anywhere_changes_nothing(at):
    assert split(TEXT[:at], TEXT[at:]) == LINES


def test_byte_by_byte_is_the_same():
    assert split(*(TEXT[i : i + 1] for i in range(len(TEXT)))) == LINES


def test_a_line_of_exactly_the_limit_is_kept():
    assert split(b"123\n1234\n", max_bytes=3) == [b"123", TooLong(4)]


def test_of_a_line_that_is_too_long_nothing_is_kept():
    splitter = LineSplitter(1000)
    for _ in range(100):
        assert list(splitter.feed(b"x" * 100)) == []
    assert splitter._pieces == []
    assert list(splitter.feed(b"\nnext\n")) == [TooLong(10_000), b"next"]

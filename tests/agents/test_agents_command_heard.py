"""What is kept of what a program prints, whatever it prints."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorflow.agents.command.heard import Heard
from actorflow.agents.command.rules import NOT_THERE, OutputRules, Rule, at_path, fits
from actorflow.agents.command_output import MAX_OUTPUT_BYTES
from tests.agents import command_streams as streams
from tests.agents.test_agents_command_presets import PRESETS

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["type", "item", "text", "part", "x"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("a", {"b": [1, {"c": 2}]}),
        ("a.b.1.c", 2),
        ("a.b.0", 1),
        ("a.b.2", NOT_THERE),
        ("a.x", NOT_THERE),
        ("a.b.c", NOT_THERE),
        ("a.b.-1", NOT_THERE),
        ("n", None),
        ("n.x", NOT_THERE),
    ],
)
def test_paths(path, found):
    assert at_path({"a": {"b": [1, {"c": 2}]}, "n": None}, path) == found


@pytest.mark.parametrize(
    ("condition", "is_met"),
    [
        ({}, True),
        ({"type": ("a",)}, True),
        ({"type": ("b", "a")}, True),
        ({"type": ("b",)}, False),
        ({"type": ("a",), "n": (1,)}, True),
        ({"n": (True,)}, False),
        ({"n": (1.0,)}, False),
        ({"missing": (None,)}, False),
        ({"z": (None,)}, True),
    ],
)
def test_filters(condition, is_met):
    assert fits(condition, {"type": "a", "n": 1, "z": None}) == is_met


def hear(rules, *things):
    heard = Heard(rules)
    for thing in things:
        list(heard.line(thing if isinstance(thing, bytes) else json.dumps(thing).encode()))
    return heard


TEXT = OutputRules(format="jsonl", text=Rule(take=("t",)))


def test_the_last_text_is_the_answer():
    assert hear(TEXT, {"t": "a"}, {"t": "b"}, {"x": "c"}).answer == "b"


def test_text_that_is_none_is_told_as_json():
    assert hear(TEXT, {"t": {"a": [1]}}).answer == '{"a":[1]}'


def test_a_separate_result_wins():
    rules = OutputRules(format="jsonl", text=Rule(take=("t",)), result=Rule(take=("r",)))

    assert hear(rules, {"r": "result"}, {"t": "more"}).answer == "result"


def test_nothing_said_is_no_answer():
    assert hear(TEXT, {"x": 1}).answer is None
    assert hear(TEXT, {"t": ""}).answer == ""


def test_lines_that_are_no_objects_are_counted_and_skipped():
    heard = hear(
        TEXT,
        b"warming up",
        b"[1]",
        b"",
        b"  ",
        b"\xff\xfe",
        b'{"t": "x"',
        b'{"t": NaN}',
        b"[" * 100_000,
        {"t": "a"},
    )

    assert (heard.skipped, heard.objects, heard.first_skipped, heard.answer) == (6, 1, "warming up", "a")


@pytest.mark.parametrize("session", ["-x", "", "a b", "é", "x" * 201, "a\n", 5, None])
def test_an_id_that_may_not_stand_in_a_command_line_is_no_session(session):
    rules = OutputRules(format="jsonl", session=Rule(take=("s",)))

    assert hear(rules, {"s": session}).session == ("5" if session == 5 else "")


@pytest.mark.parametrize(
    ("total", "numbers", "tokens"),
    [
        ("", [3, 4], 7),
        ("call", [3, 4], 4),
        ("session", [3, 4], 4),
        ("", [3, -1, True, "5", None, 1e999, 2], 5),
        ("", [], None),
        ("", [0], 0),
    ],
)
def test_numbers_are_added_or_the_last_one_counts(total, numbers, tokens):
    rules = OutputRules(format="jsonl", tokens=Rule(take=("n",), total=total))

    assert hear(rules, *({"n": n} for n in numbers if n != 1e999)).tokens == tokens


def test_more_than_an_output_may_have_is_noticed_and_not_kept():
    heard = hear(
        OutputRules(format="jsonl", text=Rule(take=("t",), is_joined=True)),
        *({"t": "x" * 1024 * 1024} for _ in range(18)),
    )

    assert heard.is_too_long
    assert len(heard.answer) <= MAX_OUTPUT_BYTES


@pytest.mark.parametrize("name", ["codex", "gemini", "opencode"])
def test_a_stream_that_is_cut_anywhere_is_heard_as_far_as_it_goes(name):
    data = b"".join(json.dumps(thing).encode() + b"\n" for thing in getattr(streams, name)("hello"))

    for end in range(0, len(data), 7):
        heard = hear(PRESETS[name].output, *data[:end].split(b"\n"))
        assert heard.skipped <= 1
        assert heard.answer in (None, "let me look", "hello")


@pytest.mark.slow
@given(st.lists(JSON, max_size=6), st.sampled_from(sorted(PRESETS)))
def test_any_json_is_heard_without_an_error(things, name):
    heard = hear(PRESETS[name].output, *things)

    assert heard.objects + heard.skipped == len(things)
    assert heard.tokens is None or heard.tokens >= 0

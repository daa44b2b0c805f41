"""Excerpts: carets stand under what they mean, and nothing secret or harmful is shown."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorflow.workflow.problems import Problem, in_order
from actorflow.workflow.source import Source


def _excerpt(text: str, needle: str) -> list[str]:
    start = text.index(needle)
    source = Source("f", text)
    (_, column) = source.places([start])[start]
    return source.excerpt(start, start + len(needle), column).split("\n")


def test_carets_stand_under_the_text():
    assert _excerpt("a: 1\n    key: value\n", "value") == ["key: value", "     ^^^^^"]


def test_a_wide_character_takes_two_columns():
    assert _excerpt("日本: value", "value") == ["日本: value", "      ^^^^^"]
    assert _excerpt("x: 日本", "日本") == ["x: 日本", "   ^^^^"]


def test_a_combining_character_takes_none():
    assert _excerpt("e\u0301: value", "value")[1] == "   ^^^^^"


def test_a_long_line_is_cut_around_the_place():
    shown, carets = _excerpt("x" * 5000 + "HERE" + "y" * 5000, "HERE")

    assert len(shown) <= 120
    assert shown[carets.index("^") :].startswith("HERE")


def test_carets_end_with_the_line():
    assert _excerpt("a: [1,\n  2]", "[1,\n  2]") == ["a: [1,", "   ^^^"]


def test_what_a_terminal_would_obey_is_replaced():
    shown, _ = _excerpt("a\x1b[31m \u202eb: X", "X")

    assert "\x1b" not in shown
    assert "\u202e" not in shown


@pytest.mark.parametrize(
    "text",
    [
        "context:\n  secrets:\n    A: hunter2",
        "context:\n  secrets: # here\n    A: 'hunter2'\n    B: env:X",
        "context:\n  secrets:\n    A: |\n      hunter2\n",
        "context: {secrets: {A: hunter2}}",
        'context: {"secrets": {"A": "hunter2", "B": "x"}}',
        '{"context": {"secrets": {\n "A": "hunter2"}}}',
        "secrets:\n  A: >-\n    b\n\n    hunter2",
    ],
)
def test_a_secret_is_never_shown(text):
    start = text.index("hunter2")
    source = Source("f", text)
    for offset in range(len(text)):
        column = source.places([offset])[offset][1]
        assert "hunter2" not in source.excerpt(offset, offset + 1, column)
    column = source.places([start])[start][1]
    assert "*******" in source.excerpt(start, start + 1, column)


@pytest.mark.parametrize(
    "text",
    [
        "secrets:\n  A: env:NAME",
        "{secrets: {A: file:a/b}}",
        "my-secrets-note: hello",
        "secrets:\n  A: x\nname: hello",
    ],
)
def test_what_is_no_secret_stays_readable(text):
    needle = next(word for word in ("env:NAME", "file:a/b", "hello") if word in text)

    assert needle in _excerpt(text, needle)[0]


@given(st.text(st.sampled_from("ab\n\r \t"), max_size=60))
def test_places_count_lines_as_an_editor_does(text):
    places = Source("f", text).places(range(len(text) + 1))

    for offset, (line, column) in places.items():
        before = (
            text[:offset].replace("\r\n", "\n")
            if not text[:offset].endswith("\r") or text[offset : offset + 1] != "\n"
            else text[: offset - 1].replace("\r\n", "\n") + " "
        )
        before = before.replace("\r", "\n")
        assert line == before.count("\n") + 1
        assert column >= 1


def _problem(line: int, severity: str = "error") -> Problem:
    return Problem(file="f", line=line, column=1, code="E601", message=f"m{line}", severity=severity)  # type: ignore[arg-type]


def test_problems_come_in_the_order_of_the_file_without_repetition():
    problems = in_order([_problem(3), _problem(1), _problem(3)])

    assert [p.line for p in problems] == [1, 3]


def test_warnings_never_push_an_error_out():
    problems = in_order([*(_problem(i, "warning") for i in range(300)), _problem(500)])

    assert _problem(500) in problems
    assert len(problems) == 101


def test_the_json_form_has_the_keys_of_the_contract():
    assert list(_problem(1).as_json()) == ["file", "line", "column", "code", "severity", "message", "hint"]

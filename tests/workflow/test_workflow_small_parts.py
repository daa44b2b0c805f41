"""Durations, sizes, numbers, suggestions, conditions, paths and names of variables."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorflow.workflow.conditions import inner_start, whole_hole
from actorflow.workflow.durations import DURATION_PATTERN, duration_seconds
from actorflow.workflow.env_names import is_forbidden
from actorflow.workflow.events import Unreadable
from actorflow.workflow.numbers import core_scalar, json_literal
from actorflow.workflow.paths import path_mistake
from actorflow.workflow.sizes import SIZE_PATTERN, size_bytes, size_text
from actorflow.workflow.suggest import Suggester, edit_distance
from actorflow.workflow.yaml_messages import explain


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (600, 600), (0.5, 0.5), (0, 0), ("600", 600), ("1.5", 1.5), ("90s", 90), ("5m", 300), ("1h30m", 5400), ("500ms", 0.5),
        ("2d", 172800), ("1d2h3m4s5ms", 93784.005), (" 5m ", 300), ("1.5h", 5400), ("0s", 0),
    ],
)  # fmt: skip
def test_durations(value, seconds):
    assert duration_seconds(value) == pytest.approx(seconds)
    if isinstance(value, str):
        assert re.search(DURATION_PATTERN, value.strip())


@pytest.mark.parametrize(
    ("value", "size"),
    [
        (0, 0), (4096, 4096), ("4096", 4096), ("1KiB", 1024), ("1 kb", 1000), ("1k", 1000), ("256MiB", 2**28), ("1.5 GiB", 3 * 2**29),
        ("2tib", 2**41), (" 10 MB ", 10_000_000), ("7B", 7),
    ],
)  # fmt: skip
def test_sizes(value, size):
    assert size_bytes(value) == size
    if isinstance(value, str):
        assert re.search(SIZE_PATTERN, value.strip())


@pytest.mark.parametrize(
    "value", ["", "MiB", "1 XiB", "-1", "1 MiB 2", "1e3", "\u0665", -1, 1.5, True, None, [], "9" * 50]
)
def test_what_is_no_size(value):
    assert size_bytes(value) is None


@pytest.mark.parametrize(
    ("size", "text"), [(0, "0 bytes"), (2**26, "64 MiB"), (1536, "1,536 bytes"), (2**50, "1024 TiB")]
)
def test_how_sizes_are_written(size, text):
    assert size_text(size) == text


@pytest.mark.parametrize(
    "value",
    [
        "",
        "m",
        "5 m",
        "5min",
        "1m1h",
        "1h1h",
        "-5s",
        "+5",
        "5m ago",
        "1e3",
        "\u0665m",
        True,
        None,
        [],
        "1" * 200,
        "5ms1s",
    ],
)
def test_what_is_no_duration(value):
    assert duration_seconds(value) is None


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None), ("~", None), ("Null", None), ("nULL", "nULL"), ("true", True), ("FALSE", False), ("yes", "yes"), ("off", "off"),
        ("0", 0), ("-12", -12), ("+3", 3), ("007", 7), ("0o17", 15), ("0xff", 255), ("0b1", "0b1"), ("1_000", "1_000"), ("12:30", "12:30"),
        ("1.", 1.0), (".5", 0.5), ("1e3", 1000.0), ("-1.5E-2", -0.015), (".", "."), ("-", "-"), ("1.2.3", "1.2.3"), ("2024-01-01", "2024-01-01"),
        ("9223372036854775807", 2**63 - 1), ("-9223372036854775808", -(2**63)), ("0x", "0x"), ("no", "no"), ("nan", "nan"), ("=", "="),
        ("\u0661", "\u0661"),
    ],
)  # fmt: skip
def test_scalars_of_the_core_schema(text, value):
    assert core_scalar(text) == value
    assert type(core_scalar(text)) is type(value)


@pytest.mark.parametrize(
    "text",
    [
        "9223372036854775808",
        "0xffffffffffffffff",
        ".inf",
        "-.Inf",
        ".NaN",
        "1e400",
        "9" * 5000,
        "1" * 500 + ".0",
    ],
)
def test_numbers_that_cannot_be_kept(text):
    with pytest.raises(Unreadable):
        core_scalar(text)


@given(st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False))
def test_json_numbers_keep_their_value(number):
    assert json_literal(repr(number)) == number


@given(st.text("abc", max_size=6), st.text("abc", max_size=6))
def test_edit_distance_is_a_distance(a, b):
    distance = edit_distance(a, b, 10)

    assert (distance == 0) is (a == b)
    assert distance == edit_distance(b, a, 10)
    assert abs(len(a) - len(b)) <= distance <= max(len(a), len(b))


@pytest.mark.parametrize(
    ("name", "known", "nearest"),
    [
        ("biuld", ["test", "build"], "build"), ("Build", ["build"], "build"), ("vers", ["version", "name"], "version"), ("x", ["y"], "y"),
        ("abc", ["xyz"], ""), ("", ["a"], ""), ("desing", ["design", "resign"], "design"), ("a" * 100, ["a" * 99], ""), ("b", [], ""),
    ],
)  # fmt: skip
def test_the_nearest_name_is_found(name, known, nearest):
    assert Suggester().nearest(name, known) == nearest


def test_suggestions_end_with_their_budget():
    suggester = Suggester(budget=1000)

    found = [suggester.nearest("biuld", ["build"] * 20) for _ in range(100)]

    assert found[0] == "build"
    assert found[-1] == ""


@pytest.mark.parametrize(
    ("text", "inner"),
    [
        ("${a}", "a"), (" ${ a.b == 'x' } ", "a.b == 'x'"), ("$<a>", "a"), ("$<(a > b)>", "(a > b)"), ("${ {'k': 1}['k'] == 1 }", "{'k': 1}['k'] == 1"),
        ("${a == '}'}", "a == '}'"), ('${a == "}"}', 'a == "}"'), ("${a == '\\'}'}", "a == '\\'}'"), ("${a == '''}'''}", "a == '''}'''"),
        ("${[a][0]}", "[a][0]"), ("${a // }\n}", "a // }"), ("${}", ""), ("${a.`}`}", "a.`}`"),
    ],
)  # fmt: skip
def test_a_whole_hole(text, inner):
    hole = whole_hole(text)

    assert hole is not None
    assert text[hole.start : hole.end] == inner
    assert inner_start(text) == hole.start


@pytest.mark.parametrize(
    "text", ["a", "${a} b", "a ${b}", "${a}${b}", "${a", "$<a > b>", "$${a}", "", "${a}}", "$ {a}"]
)
def test_what_is_no_whole_hole(text):
    assert whole_hole(text) is None


@pytest.mark.parametrize("path", ["a", "a/b", ".", "./a", "a..b/c", "..a", "a b"])
def test_paths_below_the_project(path):
    assert path_mistake(path) == ""


@pytest.mark.parametrize(
    "path",
    [
        "",
        " ",
        "/a",
        "~",
        "~/a",
        "..",
        "../a",
        "a/..",
        "a/../b",
        "C:\\a",
        "a\\..\\..\\b",
        "a\nb",
        "${a}",
        "a/$<b>",
    ],
)
def test_paths_that_leave_it(path):
    assert path_mistake(path)


@pytest.mark.parametrize("name", ["LD_PRELOAD", "LD_LIBRARY_PATH", "DYLD_INSERT_LIBRARIES", "PYTHONPATH", "NODE_OPTIONS", "BASH_ENV", "ENV", "IFS", "GIT_SSH_COMMAND", "GIT_CONFIG_COUNT", "ANTHROPIC_BASE_URL", "CLAUDE_CODE_SHELL_PREFIX", "CLAUDE_CODE_API_BASE_URL", "ANTHROPIC_UNIX_SOCKET", "http_proxy", "ACTORFLOW_RUN_ID", "AF_1", "BASH_FUNC_ls%%"])  # fmt: skip
def test_variables_that_cannot_be_set(name):
    assert is_forbidden(name)


@pytest.mark.parametrize(
    "name",
    [
        "PATH",
        "HOME",
        "TOKEN",
        "ANTHROPIC_API_KEY",
        "GIT_AUTHOR_NAME",
        "ENVIRONMENT",
        "PYTHONUNBUFFERED",
        "NODE_ENV",
        "AF_NAME",
    ],
)
def test_variables_that_can(name):
    assert not is_forbidden(name)


def test_a_complaint_that_is_not_known_is_passed_on():
    assert explain("something new", "", 0) == ("this is not YAML: something new", "")
    assert (
        "opened in line 3"
        in explain("did not find expected ',' or ']'", "while parsing a flow sequence", 3)[0]
    )

"""``actorflow eval`` and explanations."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from actorflow import expressions as ex
from actorflow.cli.eval import eval_command
from actorflow.expressions.explaining import explain


def run(*arguments: str, stdin: str | None = None) -> Result:
    return CliRunner().invoke(eval_command, arguments, input=stdin)


@pytest.fixture
def context(tmp_path: Path) -> str:
    file = tmp_path / "context.json"
    file.write_text(json.dumps({"task": {"name": "web", "n": 3}}))
    return str(file)


def test_value_is_printed_as_json(context: str) -> None:
    done = run("[task.name.upper(), task.n + 1]", "--context", context)

    assert (done.exit_code, done.stdout) == (0, '["WEB",4]\n')


def test_names_can_be_set_and_win_over_the_file(context: str) -> None:
    done = run(
        "[task, note, n]", "--context", context, "--set", "task=1", "--set", "note=a b", "--set", 'n={"a":2}'
    )

    assert done.stdout == '[1,"a b",{"a":2}]\n'


def test_context_comes_from_stdin() -> None:
    assert run("a", "-c", "-", stdin='{"a": true}').stdout == "true\n"


def test_template_prints_its_text(context: str) -> None:
    assert run("-t", "hi ${task.name}", "-c", context).stdout == "hi web\n"


def test_failure_points_at_its_place(context: str) -> None:
    done = run("1 + task.nmae", "-c", context)

    assert (done.exit_code, done.stdout) == (2, "")
    assert done.stderr.splitlines() == [
        "error[E302]: there is no key 'nmae' in the map",
        "    1 + task.nmae",
        "             ^^^^",
        "    did you mean 'name'?",
    ]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("1 +",), "E100"),
        (("nosuch(1)",), "E201"),
        (("1 / 0", "--explain"), "E308"),
        (("-t", "a ${nope}"), "E301"),
        (("range(9000000)",), "E407"),
    ],
)
def test_every_kind_of_failure_is_told_with_its_code(arguments: tuple[str, ...], code: str) -> None:
    done = run(*arguments)

    assert done.exit_code == 2
    assert done.stderr.startswith(f"error[{code}]: ")
    assert "^" in done.stderr


@pytest.mark.parametrize(("source", "text"), [("0.0 / 0.0", "NaN"), ("1.0 / -0.0", "-Infinity"), ("b'\\xff'", r"b'\xff'"), ("type(1)", "int"), ("null", "null")])  # fmt: skip
def test_what_json_cannot_say_is_printed_as_it_is_written(source: str, text: str) -> None:
    assert run(source).stdout == f"{text}\n"


@pytest.mark.parametrize(
    "arguments", [(), ("1", "--repl"), ("1", "--set", "x"), ("1", "-c", "/no/such/file")]
)
def test_wrong_use_is_refused(arguments: tuple[str, ...]) -> None:
    assert run(*arguments).exit_code == 2


@pytest.mark.parametrize("text", ["{", "[1]", "[" * 100_000])
def test_context_must_be_a_json_object(tmp_path: Path, text: str) -> None:
    (tmp_path / "c.json").write_text(text)

    assert run("1", "-c", str(tmp_path / "c.json")).exit_code == 2


def test_explanation_shows_every_part(context: str) -> None:
    done = run("task.n > 2 && task.name == 'api'", "-c", context, "--explain")

    assert done.stdout.splitlines() == [
        '    task.n  →  3',
        "  task.n > 2  →  true",
        '    task.name  →  "web"',
        "  task.name == 'api'  →  false",
        "task.n > 2 && task.name == 'api'  →  false",
        "false",
    ]  # fmt: skip


def test_explanation_goes_on_after_a_failure_and_hides_secrets() -> None:
    parts = explain(ex.Environment(), "nope.x == 1 || token == 'a'", {"token": ex.Secret("a")})

    shown = {part.source: part.value or part.failure for part in parts}
    assert shown["nope.x"] == "E301: unknown name 'nope'"
    assert shown["token"] == shown["token == 'a'"] == "***"


def test_explanation_leaves_bodies_of_macros_out() -> None:
    parts = explain(ex.Environment(), "l.filter(x, x > 1).size() == json.parse('1')", {"l": [1, 2]})

    assert [part.source for part in parts] == ["l", "l.filter(x, x > 1)", "l.filter(x, x > 1).size()", "json.parse('1')", "l.filter(x, x > 1).size() == json.parse('1')"]  # fmt: skip


def test_repl_reads_lines_and_keeps_names() -> None:
    done = run("--repl", stdin="x = 2 + 3\n\nx * 2\nx == 5\nnope\n'a' + 'b'\n")

    assert done.exit_code == 0
    assert done.stdout == '5\n10\ntrue\n"ab"\n'
    assert "unknown name 'nope'" in done.stderr

"""Every error ends as words on stderr and a documented exit code; with --json also as one document on stdout."""

from __future__ import annotations

import errno
import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from actorflow import api
from actorflow.cli import cli
from actorflow.cli.failing import BROKEN_PIPE, RUN_KEY
from actorflow.errors import (
    ConfigurationError,
    InputError,
    InternalError,
    JournalFull,
    RunError,
    RunLocked,
    SpecErrors,
)
from actorflow.workflow.problems import Problem

PROBLEM = Problem(
    file="a.yaml", line=3, column=5, code="E203", message="unknown task 'x\x1b[2J'", hint="did you mean 'y'?"
)


def status(monkeypatch: pytest.MonkeyPatch, error: BaseException, *options: str) -> Result:
    def fails(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(api, "glance", fails, raising=False)
    return CliRunner().invoke(cli, ["status", "last", *options])


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (InputError("the input 'x' is missing", hint="--set x=..."), 2, "error: the input 'x' is missing\n  --set x=...\n"),
        (RunError("no run 'y'"), 2, "error: no run 'y'\n"),
        (SpecErrors((PROBLEM, PROBLEM)), 2, "error: 2 problems\n"),
        (ConfigurationError("no agent 'claude'"), 3, "error: no agent 'claude'\n"),
        (JournalFull("no room in /state"), 74, "error: no room in /state\n"),
        (RunLocked("R", "process 4711"), 75, "error: run R is driven by process 4711\n"),
        (InternalError("impossible"), 1, "please report it"),
        (KeyError("k"), 1, "error: internal error: KeyError: 'k'\n"),
        (OSError(errno.ENOSPC, "No space left on device", "/x"), 74, "error: /x: No space left on device\n"),
        (ExceptionGroup("g", [ValueError("v"), ExceptionGroup("h", [RunError("inner")])]), 2, "error: inner\n"),
    ],
)  # fmt: skip
def test_an_error_ends_as_words_and_its_exit_code(
    monkeypatch: pytest.MonkeyPatch, error: Exception, code: int, words: str
) -> None:
    done = status(monkeypatch, error)

    assert (done.exit_code, done.stdout) == (code, "")
    assert words in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("interrupt", [KeyboardInterrupt(), BaseExceptionGroup("g", [KeyboardInterrupt()])])
def test_an_interrupt_exits_130_without_a_word(
    monkeypatch: pytest.MonkeyPatch, interrupt: BaseException
) -> None:
    done = status(monkeypatch, interrupt)

    assert (done.exit_code, done.output) == (130, "")


def test_a_reader_that_has_gone_is_no_error_to_talk_about(monkeypatch: pytest.MonkeyPatch) -> None:
    done = status(monkeypatch, BrokenPipeError(errno.EPIPE, "Broken pipe"), "--json")

    assert (done.exit_code, done.output) == (BROKEN_PIPE, "")


def test_a_traceback_is_shown_only_when_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    quiet = status(monkeypatch, KeyError("k"))
    monkeypatch.setenv("ACTORFLOW_DEBUG", "1")
    loud = status(monkeypatch, KeyError("k"))

    assert "ACTORFLOW_DEBUG=1 shows where" in quiet.stderr
    assert "Traceback (most recent call last)" in loud.stderr


def test_with_json_an_error_is_one_document_with_all_that_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    done = status(monkeypatch, SpecErrors((PROBLEM,)), "--json")

    error = json.loads(done.stdout)["error"]
    assert (error["kind"], error["exit_code"], error["message"]) == ("spec_errors", 2, "1 problem")
    assert error["problems"] == [PROBLEM.as_json()]
    assert "a.yaml:3:5: error[E203]" in done.stderr


def test_with_json_a_run_that_had_begun_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        click.get_current_context().meta[RUN_KEY] = "20261122-184800-k3v9qd"
        raise JournalFull("no room")

    monkeypatch.setattr(api, "glance", fails, raising=False)
    done = CliRunner().invoke(cli, ["status", "--json"])

    assert json.loads(done.stdout)["run_id"] == "20261122-184800-k3v9qd"
    assert "actorflow resume 20261122-184800-k3v9qd" in done.stderr


def test_what_an_error_quotes_cannot_drive_the_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    attack = "\x1b[2J\x9b31m\u202e\x7f"
    shown = status(monkeypatch, RunError(attack, hint=attack), "--json")

    assert not [c for c in shown.output if c in attack.replace("[2J", "").replace("31m", "")]
    assert json.loads(shown.stdout)["error"]["message"] == attack


@pytest.mark.parametrize(
    "arguments", [["nope"], ["run"], ["run", "f", "--max-parallel", "0"], ["status", "--nope"], ["cancel"]]
)
def test_wrong_usage_exits_2_and_says_how_it_is_used(arguments: list[str]) -> None:
    done = CliRunner().invoke(cli, arguments)

    assert (done.exit_code, done.stdout) == (2, "")
    assert "Usage: " in done.stderr


def test_a_working_directory_that_was_removed_is_told(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()

    done = CliRunner().invoke(cli, ["status"])

    assert done.exit_code == 3
    assert "working directory" in done.stderr

"""The descriptions that ship say what the programs really print: sessions, answers, tokens, costs, errors."""

from __future__ import annotations

import json

import pytest

from actorflow.agents.command.argv import filled
from actorflow.agents.command.failures import failure_of
from actorflow.agents.command.files import load_command
from actorflow.agents.command.heard import Heard
from actorflow.agents.command.kinds import KINDS
from actorflow.agents.definitions_found import SHIPPED_COMMANDS, find_definitions
from actorflow.resources import data_folder
from tests.agents import command_streams as streams

FILES = find_definitions(None, None)
PRESETS = {name: load_command(FILES[name][0], FILES) for name in SHIPPED_COMMANDS}


def heard(name, things):
    said = Heard(PRESETS[name].output)
    shown = [(s.kind, s.text) for thing in things for s in said.line(json.dumps(thing).encode())]
    return said, shown


def test_the_names_are_those_of_the_files():
    files = {path.stem for path in (data_folder("templates") / "agents").glob("*.yaml")}

    assert files == set(SHIPPED_COMMANDS)


@pytest.mark.parametrize("name", SHIPPED_COMMANDS)
def test_each_says_what_it_was_made_from(name):
    preset = PRESETS[name]

    assert preset.description
    assert "ried with" in preset.about or "Not tried" in preset.about


@pytest.mark.parametrize(
    ("name", "things", "session", "tokens", "cost", "tool"),
    [
        (
            "codex",
            streams.codex("looking", "hello from it"),
            streams.CODEX_SESSION,
            15,
            None,
            "/bin/bash -lc 'echo hi'",
        ),
        ("gemini", streams.gemini("hello ", "from it"), streams.GEMINI_SESSION, 30, None, "list_directory"),
        ("opencode", streams.opencode("hello ", "from it"), streams.OPENCODE_SESSION, 30, 0.0042, "bash"),
    ],
)
def test_what_a_good_run_prints(name, things, session, tokens, cost, tool):
    said, shown = heard(name, things)

    assert (said.answer, said.session, said.tokens, said.cost_usd) == ("hello from it", session, tokens, cost)
    assert said.error == ""
    assert ("tool", tool) in shown
    assert ("text", "let me look" if name != "codex" else "looking") in shown
    assert failure_of(PRESETS[name], code=0, said="", stderr="network rate limit", stdout_end="") is None


def test_a_cost_of_zero_for_a_model_without_a_price_is_unknown():
    assert heard("opencode", streams.opencode("x", cost=0))[0].cost_usd is None


@pytest.mark.parametrize(
    ("name", "things", "code", "stderr", "kind"),
    [
        ("codex", streams.codex_failed("exceeded retry limit, last status: 429 Too Many Requests"), 1, "", "rate_limit"),
        ("codex", streams.codex_failed("unexpected status 401 Unauthorized: no, url: http://x/v1/responses"), 1, "", "authentication"),
        ("codex", streams.codex_failed("You've hit your usage limit. Try again later."), 1, "", "usage_limit"),
        ("codex", streams.codex_failed("stream disconnected before completion: failed to lookup address"), 1, "", "connection"),
        ("codex", streams.codex_failed("something new"), 1, "", "agent_failed"),
        ("codex", [], 1, "Error: thread/resume: thread/resume failed: no rollout found for thread id 1\n\nStack backtrace:", "session_not_found"),
        ("gemini", streams.gemini(status="error", error={"type": "unknown", "message": '[API Error: {"error":{"code":429,"status":"RESOURCE_EXHAUSTED"}}]'}), 173, "", "rate_limit"),
        ("gemini", [], 41, "Please set an Auth method in your settings.json", "authentication"),
        ("gemini", [], 42, 'Error resuming session: Invalid session identifier "x".', "session_not_found"),
        ("gemini", [], 42, "no input", "invalid_request"),
        ("gemini", [], 53, "Reached max session turns", "max_turns"),
        ("gemini", [], 55, "not a trusted folder", "not_trusted"),
        ("opencode", streams.opencode_failed(401, "no"), 1, "", "authentication"),
        ("opencode", streams.opencode_failed(429, "slow down"), 1, "", "rate_limit"),
        ("opencode", [], 1, "\x1b[91m\x1b[1mError: \x1b[0mSession not found", "session_not_found"),
    ],
)  # fmt: skip
def test_what_a_failed_run_means(name, things, code, stderr, kind):
    said, _ = heard(name, things)

    error = failure_of(PRESETS[name], code=code, said=said.error, stderr=stderr, stdout_end="")

    assert error is not None
    assert (error.kind, error.retryable) == (kind, KINDS[kind].is_retryable)
    assert error.message.startswith(f"{name}: ")
    assert "\x1b" not in error.message


def test_codex_says_when_to_try_again():
    message = "Rate limit reached for m1 on tokens per min. Please try again in 11.5s."

    error = failure_of(PRESETS["codex"], code=1, said=message, stderr="", stdout_end="")

    assert (error.kind, error.retry_after_seconds) == ("rate_limit", 11.5)


@pytest.mark.parametrize("name", streams.AIDER_FAILED)
def test_aider_fails_with_exit_code_0(name):
    kind, printed = streams.AIDER_FAILED[name]

    failed = failure_of(
        PRESETS["aider"], code=0, said="", stderr="", stdout_end=streams.AIDER_BEGINS + printed
    )

    assert failed is not None
    assert failed.kind == kind


@pytest.mark.parametrize("name", streams.AIDER_DONE)
def test_what_aider_got_over_by_itself_is_no_failure(name):
    printed = streams.AIDER_BEGINS + streams.AIDER_DONE[name]

    assert failure_of(PRESETS["aider"], code=0, said="", stderr="", stdout_end=printed) is None


@pytest.mark.parametrize(
    ("name", "is_resume", "argv"),
    [
        ("codex", False, "codex exec --json --skip-git-repo-check --sandbox workspace-write --model m1 --output-schema /s.json -"),
        ("codex", True, "codex exec --json --skip-git-repo-check --sandbox workspace-write --model m1 --output-schema /s.json resume S -"),
        ("gemini", False, "gemini --output-format=stream-json --skip-trust --approval-mode=yolo --model=m1"),
        ("gemini", True, "gemini --output-format=stream-json --skip-trust --approval-mode=yolo --model=m1 --resume=S"),
        ("opencode", False, "opencode run --format=json --auto --model=m1"),
        ("opencode", True, "opencode run --format=json --auto --model=m1 --session=S"),
        ("aider", False, ("aider --yes-always --no-stream --no-pretty --no-check-update --no-show-release-notes --no-suggest-shell-commands"
         " --no-detect-urls --no-analytics --no-gitignore --no-fancy-input --chat-history-file=/f/chat.md --input-history-file=/f/input --auto-commits --model=m1 --file=a --file=b --message-file=/p.md")),
    ],
)  # fmt: skip
def test_how_they_are_called(name, is_resume, argv):
    preset = PRESETS[name]
    values = {option: o.default for option, o in preset.options.items()}
    values |= {
        "model": "m1",
        "schema_file": "/s.json",
        "prompt_file": "/p.md",
        "session": "S",
        "folder": "/f",
        "files": ("a", "b"),
    }

    assert filled(preset.resume if is_resume else preset.command, values) == argv.split()


def test_right_to_do_anything_is_not_for_a_workflow_to_give():
    assert "danger-full-access" not in PRESETS["codex"].options["sandbox"].allowed

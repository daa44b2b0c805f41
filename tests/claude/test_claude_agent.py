"""The agent keeps the contract of agents, and calls ``claude`` with what an attempt may do; a small program plays ``claude``."""

from __future__ import annotations

import json
import os
import sys
import uuid
from pathlib import Path

import pytest
import trio

from actorflow.agents.claude import agent as claude_agent
from actorflow.agents.claude.agent import ClaudeAgent
from actorflow.agents.claude.login import LOGIN_VARIABLES
from actorflow.agents.claude.setup import ClaudeSetup
from actorflow.agents.definitions_reader import read_definition
from actorflow.agents.family import GRACE_SECONDS
from actorflow.errors import AgentError, ConfigurationError
from actorflow.testing.agents import AGENT_CASES, AgentUnderTest, RecordingChannel, make_request
from actorflow.values import freeze

FAKE = Path(__file__).parent / "fake_claude.py"


@pytest.fixture
def program(tmp_path):
    program = tmp_path / "claude"
    program.write_text(f"#!{sys.executable} -IS\n{FAKE.read_text()}")
    program.chmod(0o755)
    return str(program)


@pytest.fixture
def agent(program):
    def agent(definition=None, grace_seconds=GRACE_SECONDS, **options):
        return ClaudeAgent(ClaudeSetup(named=program, **options), definition, grace_seconds=grace_seconds)

    return agent


@pytest.mark.parametrize("case", AGENT_CASES, ids=lambda case: case.__name__)
async def test_agent_keeps_the_contract(case, agent, tmp_path):
    subject = AgentUnderTest(
        agent(),
        succeeds={"task": "succeed"},
        output="succeed",
        fails={"task": "fail"},
        hangs={"task": "hang"},
    )

    await case(subject, tmp_path)


@pytest.fixture
def argv(agent, tmp_path):
    """Return with what ``claude`` is called: option -> value, and the rest."""

    async def argv(definition=None, setup=None, **fields):
        request = make_request(tmp_path, {"task": "argv"}, **fields)
        result = await agent(definition, **(setup or {})).run(request, RecordingChannel())
        given = json.loads(result.output)
        options = dict(word.removeprefix("--").split("=", 1) for word in given if "=" in word)
        return options, [word for word in given if "=" not in word], result

    return argv


async def test_a_plain_call(argv):
    options, words, _ = await argv()

    assert words == ["-p", "--input-format", "stream-json", "--output-format", "stream-json", "--verbose"]
    assert options.keys() == {"session-id", "permission-mode"}
    assert options["permission-mode"] == "acceptEdits"


async def test_every_option_becomes_an_option(argv, tmp_path):
    given = {
        "model": "opus",
        "fallback_model": ["sonnet", "haiku"],
        "effort": "high",
        "tools": "Read, Bash(git *, x)",
        "disallowed_tools": ["WebFetch"],
        "permission_mode": "plan",
        "max_turns": 7,
        "max_budget_usd": 2,
        "mcp_servers": {"db": {"command": "db"}},
        "strict_mcp_config": True,
        "add_dirs": ["lib", "/data"],
        "setting_sources": ["user"],
        "append_system_prompt": "Be brief.",
        "unknown_to_claude": 1,
    }

    options, words, _ = await argv(options=freeze(given), budget_usd=0.5)

    folder = tmp_path / "attempt"
    assert options.pop("session-id")
    assert options == {
        "model": "opus",
        "fallback-model": "sonnet,haiku",
        "effort": "high",
        "tools": "Read,Bash",
        "allowedTools": "Read,Bash(git *, x)",
        "disallowedTools": "WebFetch",
        "permission-mode": "plan",
        "max-turns": "7",
        "max-budget-usd": "0.500000",
        "mcp-config": str(folder / "mcp.json"),
        "setting-sources": "user",
        "settings": str(folder / "settings.json"),
        "append-system-prompt-file": str(folder / "system-prompt.md"),
        "add-dir": "/data",
    }
    assert "--strict-mcp-config" in words
    assert json.loads((folder / "mcp.json").read_text()) == {"mcpServers": {"db": {"command": "db"}}}
    assert json.loads((folder / "settings.json").read_text()) == {"permissions": {"deny": ["mcp__*"]}}
    assert (folder / "system-prompt.md").read_text() == "Be brief."


async def test_more_mcp_tools_than_the_others_can_be_told_from_are_refused_with_what_to_do(agent, tmp_path):
    names = [f"mcp__server__{'x' * 60}{number:05}" for number in range(600)]

    with pytest.raises(AgentError) as caught:
        await agent().run(
            make_request(tmp_path, {"task": "t"}, options=freeze({"tools": names})), RecordingChannel()
        )

    assert (caught.value.kind, caught.value.retryable, caught.value.hint) == (
        "invalid_options",
        False,
        "name servers: mcp__NAME",
    )


async def test_a_session_is_gone_on_with_by_its_own_agent_or_by_another(argv, tmp_path):
    definition = read_definition(
        b"---\nname: a\ndescription: d\n---\nYou.", source=tmp_path / "a.md", scope="user"
    )

    own, words, _ = await argv(definition, session="s", interrupted_by="lost")
    other, other_words, _ = await argv(definition, session="s")

    assert own["resume"] == other["resume"] == "s"
    assert "session-id" not in own
    assert "--fork-session" not in words
    assert "--fork-session" in other_words
    assert uuid.UUID(other["session-id"])
    assert "system-prompt-snapshot" not in own
    assert other["system-prompt-snapshot"] == "off"


@pytest.mark.parametrize("options", [{}, {"max_turns": -1}])
async def test_what_was_never_started_has_cost_nothing(agent, program, tmp_path, options):
    setup = agent()
    assert setup.traits.unavailable == ""
    await trio.Path(program).unlink()

    with pytest.raises(AgentError) as caught:
        await setup.run(make_request(tmp_path, {"task": "t"}, options=freeze(options)), RecordingChannel())

    assert (caught.value.cost_usd, caught.value.tokens) == (0.0, 0)


async def test_a_definition_becomes_an_agent_of_claude_code(argv, tmp_path):
    text = b"---\nname: a\ndescription: d\ntools: Read, Bash(git *)\nmaxTurns: 9\nmemory: project\n---\nYou are a."
    definition = read_definition(text, source=tmp_path / "a.md", scope="user")

    options, _, _ = await argv(definition, options=freeze({"tools": ["Read"], "max_turns": 20}))

    agents = json.loads((tmp_path / "attempt" / "agents.json").read_text())
    assert options["agents"] == str(tmp_path / "attempt" / "agents.json")
    assert options["agent"] == "a"
    assert options["max-turns"] == "9"
    assert options["allowedTools"] == "Read"
    assert agents == {
        "a": {"description": "d", "prompt": "You are a.", "tools": ["Read"], "memory": "project"}
    }


async def test_the_policy_limits_everybody(argv, tmp_path):
    (tmp_path / "actorflow.yaml").write_text(
        "claude: {permission_mode: plan, disallowed_tools: [Bash], max_budget_usd: 0.25}"
    )

    options, _, result = await argv(
        setup={"user_folder": tmp_path, "permission_mode": "bypassPermissions"},
        options=freeze({"max_budget_usd": 9}),
    )

    assert options["permission-mode"] == "plan"
    assert options["disallowedTools"] == "Bash"
    assert options["max-budget-usd"] == "0.250000"
    assert "allows no more" in result.notes[0]


@pytest.mark.parametrize(
    "text",
    [
        "claude: {permission_mode: evrything}",
        "claude: {tols: [Read]}",
        "claud: {}",
        "claude: [",
        "claude: {tools: 3}",
    ],
)
async def test_a_policy_that_cannot_be_understood_stops_everything_before_it_begins(agent, tmp_path, text):
    (tmp_path / "actorflow.yaml").write_text(text)
    subject = agent(user_folder=tmp_path)

    with pytest.raises(ConfigurationError, match=r"actorflow\.yaml:1:"):
        await subject.prepare(frozenset({"ANTHROPIC_API_KEY"}))
    with pytest.raises(AgentError) as caught:
        await subject.run(make_request(tmp_path, {"task": "x"}), RecordingChannel())
    assert (caught.value.kind, caught.value.retryable) == ("invalid_options", False)


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
async def test_a_policy_that_is_no_file_stops_everything_and_waits_for_nobody(agent, tmp_path, make):
    make(tmp_path / "actorflow.yaml")

    with trio.fail_after(10), pytest.raises(ConfigurationError, match=r"actorflow\.yaml"):
        await agent(user_folder=tmp_path).prepare(frozenset({"ANTHROPIC_API_KEY"}))


@pytest.mark.parametrize(
    ("does", "is_refused"),
    [
        ("""echo '{"loggedIn": false}'""", True),
        ("""echo '{"loggedIn": true}'""", False),
        ("exit 3", False),
        ("echo no", False),
        ("exec tr '\\0' x </dev/zero", False),
    ],
)
async def test_what_says_whether_somebody_is_logged_in(agent, program, monkeypatch, does, is_refused):
    await trio.Path(program).write_text(f"#!/bin/sh\n{does}\n")
    for name in LOGIN_VARIABLES:
        monkeypatch.delenv(name, raising=False)

    with trio.fail_after(9):
        if is_refused:
            with pytest.raises(ConfigurationError, match="not logged in"):
                await agent().prepare(frozenset())
        else:
            await agent().prepare(frozenset())


@pytest.mark.parametrize("text", ["", "# nothing\n", "claude:\n", "x-mine: 1\n"])
async def test_a_policy_that_says_nothing_limits_nothing(argv, tmp_path, text):
    (tmp_path / "actorflow.yaml").write_text(text)

    options, _, _ = await argv(setup={"user_folder": tmp_path})

    assert options["permission-mode"] == "acceptEdits"


async def test_what_has_been_spent_is_told_when_an_attempt_fails(agent, tmp_path):
    with pytest.raises(AgentError) as caught:
        await agent().run(make_request(tmp_path, {"task": "fail"}), RecordingChannel())

    assert (caught.value.kind, caught.value.cost_usd) == ("server_error", 0.25)


async def test_a_program_that_dies_is_explained(agent, tmp_path):
    with pytest.raises(AgentError) as caught:
        await agent().run(make_request(tmp_path, {"task": "die"}), RecordingChannel())

    assert caught.value.kind == "no_result"
    assert "exit code 7" in caught.value.message
    assert "I am not well" in caught.value.message


async def test_a_program_that_closes_its_output_and_lives_on_is_not_waited_for(agent, tmp_path, monkeypatch):
    monkeypatch.setattr(claude_agent, "_SILENT_SECONDS", 0.05)

    with trio.fail_after(30), pytest.raises(AgentError) as caught:
        await agent(grace_seconds=0.1).run(make_request(tmp_path, {"task": "close"}), RecordingChannel())

    assert caught.value.kind == "no_result"
    assert "closed its output" in caught.value.message


async def test_a_schema_that_no_argv_can_hold_says_so(agent, tmp_path):
    schema = freeze({"type": "object", "properties": {"x": {"description": "y" * 130_000}}})

    with pytest.raises(AgentError) as caught:
        await agent().run(make_request(tmp_path, {"task": "t"}, output_schema=schema), RecordingChannel())

    assert (caught.value.kind, caught.value.retryable) == ("invalid_options", False)
    assert "output_schema has 130," in caught.value.message


@pytest.mark.parametrize("parameters", [{"task": "  "}, {"task": None}])
async def test_a_task_must_be_told(agent, tmp_path, parameters):
    with pytest.raises(AgentError) as caught:
        await agent().run(make_request(tmp_path, parameters), RecordingChannel())

    assert caught.value.kind == "invalid_parameters"


async def test_claude_code_around_us_is_not_passed_on(agent, tmp_path, monkeypatch):
    from actorflow.agents.claude.command import child_environment
    from actorflow.agents.claude.options import ClaudeOptions

    monkeypatch.setenv("CLAUDECODE", "1")
    monkeypatch.setenv("CLAUDE_CODE_SESSION_ID", "outer")
    await trio.lowlevel.checkpoint()

    environment = child_environment(make_request(tmp_path, {"task": "x"}), ClaudeOptions(), None)

    assert not {"CLAUDECODE", "CLAUDE_CODE_SESSION_ID"} & environment.keys()
    assert environment["CLAUDE_CODE_DISABLE_FILE_MENTIONS"] == "1"


def test_the_program_is_found_where_it_may_be(tmp_path, program):
    home = tmp_path / "home"
    installed = home / ".local" / "bin" / "claude"
    installed.parent.mkdir(parents=True)
    installed.symlink_to(program)

    assert ClaudeSetup(named="", search_path=str(tmp_path), home=home).program == program
    assert ClaudeSetup(search_path="", home=home).program == str(installed)
    assert ClaudeSetup(named=program, search_path="").program == program
    assert ClaudeSetup(named="claude", search_path=str(tmp_path)).program == program
    missing = ClaudeSetup(named="/no/claude", search_path=str(tmp_path))
    assert (missing.program, missing.unavailable) == (
        "",
        "ACTORFLOW_CLAUDE_BIN names /no/claude, which is no program that can be run",
    )

"""Which MCP tools the real ``claude`` can call, whoever named the server and whatever mode a person chose: those that all allow, and no other."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import trio

from actorflow.agents.claude.agent import ClaudeAgent
from actorflow.agents.claude.setup import ClaudeSetup
from actorflow.agents.definitions_reader import read_definition
from actorflow.testing.agents import RecordingChannel, make_request
from actorflow.values import freeze
from tests.claude.messages_api import text, tool

pytestmark = [pytest.mark.trio, pytest.mark.slow]

SERVER = Path(__file__).with_name("mcp_server.py")
CALLS = ("mcp__a__one", "mcp__a__two", "mcp__b__one")
EVERYTHING = {"a.one", "a.two", "b.one"}
DELEGATES = tool(
    "Agent", description="d", prompt="CALL INSIDE", subagent_type="general-purpose", run_in_background=False
)


@pytest.fixture
def called(tmp_path):
    """Say what was called."""
    log = tmp_path / "called"
    log.touch()
    return lambda: set(log.read_text(encoding="utf-8").split())


@pytest.fixture
def servers(tmp_path):
    """Two servers, as under ``mcpServers``."""
    argv = [str(SERVER), str(tmp_path / "called")]
    return {name: {"command": sys.executable, "args": [*argv, name, "one", "two"]} for name in "ab"}


@pytest.fixture
def attempt(claude_in_network, environment, tmp_path, monkeypatch):
    """Carry out an attempt in which a policy counts."""
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    project = tmp_path / "project"
    project.mkdir()

    async def attempt(policy=None, *, definition=None, mode="", **options):
        if policy is not None:
            (tmp_path / "actorflow.yaml").write_text(json.dumps({"claude": policy}))
        if definition is not None:
            definition = read_definition(definition.encode(), source=tmp_path / "boss.md", scope="project")
        setup = ClaudeSetup(named=claude_in_network, user_folder=tmp_path, permission_mode=mode)
        request = make_request(tmp_path, {"task": "CALL THEM"}, options=freeze(options))
        with trio.fail_after(60):
            return await ClaudeAgent(setup, definition).run(request, RecordingChannel())

    return attempt


def of_project(project, servers):
    (project / ".mcp.json").write_text(json.dumps({"mcpServers": servers}))


# What the policy and the options say -> what can be called.
PLAIN = {
    "nobody names tools": ({}, {}, EVERYTHING),
    "a policy that names none of them": ({"tools": ["Read"]}, {}, set()),
    "a policy that names one": ({"tools": ["Read", "mcp__a__one"]}, {}, {"a.one"}),
    "a policy that names a server": ({"tools": ["mcp__a"]}, {}, {"a.one", "a.two"}),
    "a workflow that names less": ({"tools": ["mcp__a"]}, {"tools": "Read,mcp__a__two"}, {"a.two"}),
    "a workflow that names more": ({"tools": ["mcp__b__one"]}, {"tools": ["mcp__a", "mcp__b"]}, {"b.one"}),
    "a policy that names a rule": (
        {"tools": ["Bash(ls)", "mcp__a__one"]},
        {},
        set(),
    ),  # nobody is asked for it
    "who refuses one": ({"disallowed_tools": ["mcp__a__one"]}, {"tools": ["mcp__a"]}, {"a.two"}),
}


@pytest.mark.parametrize("name", PLAIN)
async def test_of_the_project_when_a_person_bypasses_permissions(
    name, attempt, api, called, servers, tmp_path
):
    policy, options, expected = PLAIN[name]
    of_project(tmp_path / "project", servers)
    api.when("CALL THEM", *map(tool, CALLS), text("done"))

    await attempt(policy, mode="bypassPermissions", **options)

    assert called() == expected


async def test_of_the_workflow(attempt, api, called, servers):
    api.when("CALL THEM", *map(tool, CALLS), text("done"))

    result = await attempt({"tools": ["Read", "mcp__a__two"]}, mode="bypassPermissions", mcp_servers=servers)

    assert called() == {"a.two"}
    assert result.notes == (
        "MCP server(s) of which no tool is granted: b; name mcp__b among the tools, wherever tools are named",
    )


async def test_of_the_user_whose_settings_allow_them(attempt, api, called, servers, environment):
    home = Path(environment["HOME"])
    (home / ".claude").mkdir()
    (home / ".claude" / "settings.json").write_text(
        json.dumps({"permissions": {"allow": ["mcp__a", "mcp__b"]}})
    )
    (home / ".claude.json").write_text(json.dumps({"mcpServers": servers}))
    api.when("CALL THEM", *map(tool, CALLS), text("done"))

    await attempt({"tools": ["Read", "mcp__b__one"]})

    assert called() == {"b.one"}


BOSS = "---\nname: boss\ndescription: d\ntools: {tools}\n{more}---\nYou delegate."


async def test_of_a_definition(attempt, api, called, servers):
    api.when("CALL THEM", *map(tool, CALLS), text("done"))
    own = f"mcpServers: {json.dumps([{name: server} for name, server in servers.items()])}\n"

    await attempt(
        {"tools": ["Read", "mcp__a__one", "mcp__b"]},
        definition=BOSS.format(tools="mcp__a", more=own),
        mode="bypassPermissions",
    )

    assert called() == {"a.one"}


async def test_by_subagents_of_a_definition(attempt, api, called, servers, tmp_path):
    """The definition's list is its own; what the policy names holds for whoever it delegates to."""
    of_project(tmp_path / "project", servers)
    api.when("CALL THEM", DELEGATES, text("done"))
    api.when('CALL INSIDE"', *map(tool, CALLS), text("done"))

    await attempt(
        {"tools": ["Read", "Agent", "mcp__a__one"]},
        definition=BOSS.format(tools="Read, Agent", more=""),
        mode="bypassPermissions",
    )

    assert called() == {"a.one"}

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.claude.messages_api import MessagesApi

ROOT = Path(__file__).parents[2]
INSTALLED = ROOT / ".venv" / "claude" / "claude_agent_sdk" / "_bundled" / "claude"


@pytest.fixture(scope="session")
def claude():
    """The real program: what ``make test`` installs, or what ``ACTORFLOW_CLAUDE_BIN`` names."""
    program = os.environ.get("ACTORFLOW_CLAUDE_BIN") or str(INSTALLED)
    if not os.access(program, os.X_OK):
        reason = (
            "THE REAL CLAUDE CODE IS NOT THERE, so this was not tested against it; 'make test' installs it"
        )
        if os.environ.get("ACTORFLOW_REQUIRE_CLAUDE"):
            pytest.fail(reason)
        pytest.skip(reason)
    return program


@pytest.fixture
def api(loopback):
    """The stub of the service, in the network of the programs."""
    with MessagesApi(loopback.listen()) as api:
        yield api


@pytest.fixture
def claude_in_network(claude, loopback, tmp_path):
    """The real program, for an agent that works in the test's own process: it enters the network by itself."""
    return loopback.program(tmp_path / "claude", claude)


@pytest.fixture
def environment(claude, api, tmp_path):
    """What a process gets that has never seen this machine: an empty home, a dummy key, nothing but loopback."""
    home = tmp_path / "home"
    home.mkdir()
    return {
        "PATH": f"{Path(sys.executable).parent}:/usr/local/bin:/usr/bin:/bin",
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "ANTHROPIC_BASE_URL": api.url,
        "ANTHROPIC_API_KEY": "dummy",
        "ACTORFLOW_CLAUDE_BIN": claude,
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "CLAUDE_CODE_MAX_RETRIES": "1",
        "IS_SANDBOX": "1",
        # Whoever wants to speak with anybody else is told that nobody is there.
        "HTTPS_PROXY": "http://127.0.0.1:9",
        "HTTP_PROXY": "http://127.0.0.1:9",
        "NO_PROXY": "127.0.0.1",
    }


@pytest.fixture
def project(tmp_path):
    project = tmp_path / "project"
    (project / ".claude").mkdir(parents=True)
    return project


@pytest.fixture
def command_line(loopback):
    """How the command line is called, in the network of the programs."""
    return lambda *arguments: loopback.command(sys.executable, "-m", "actorflow", *map(str, arguments))


@pytest.fixture
def actorflow(command_line, environment, project):
    """Call the command line in the project; gives the finished process."""

    def actorflow(*arguments, check=True, **variables):
        done = subprocess.run(
            command_line(*arguments),
            cwd=project,
            env={**environment, **variables},
            capture_output=True,
            text=True,
            timeout=120,
            stdin=subprocess.DEVNULL,
        )
        if check:
            assert done.returncode == 0, done.stderr[-4000:]
        return done

    return actorflow


@pytest.fixture
def status(actorflow):
    """The report of a run."""

    def status(run="last"):
        return json.loads(actorflow("status", run, "--json").stdout)

    return status

"""The agents that come with actorflow do what every agent must do, and the cases notice agents that do not."""

from __future__ import annotations

import contextlib
import subprocess
import sys

import pytest
import trio

from actorflow.agents.echo import EchoAgent
from actorflow.agents.interface import AgentResult, Progress
from actorflow.agents.python import PythonAgent
from actorflow.agents.shell import ShellAgent
from actorflow.testing import agents as cases
from actorflow.testing.agents import AGENT_CASES, AgentUnderTest, ScriptedAgent
from actorflow.workflow.catalog import AgentTraits

pytestmark = pytest.mark.trio

HANGING_SHELL = "setsid sleep 1000 & (sleep 1000 &); echo up; sleep 1000"

SUBJECTS = {
    "echo": AgentUnderTest(EchoAgent(), succeeds={"a": [1, {"b": None}]}, output={"a": [1, {"b": None}]}),
    "shell": AgentUnderTest(
        ShellAgent(),
        succeeds={"command": "echo '[1, 2]'", "output": "json"},
        output=[1, 2],
        fails={"command": "exit 3"},
        hangs={"command": HANGING_SHELL},
    ),
    "python": AgentUnderTest(
        PythonAgent(),
        succeeds={"call": "json:loads", "args": ["[1, 2]"]},
        output=[1, 2],
        fails={"call": "json:loads", "args": ["["]},
        hangs={"call": "subprocess:call", "args": [["sh", "-c", HANGING_SHELL]]},
    ),
    "scripted": AgentUnderTest(ScriptedAgent(), succeeds={"a": 1}, output={"a": 1}),
}


@pytest.mark.parametrize("name", SUBJECTS)
@pytest.mark.parametrize("case", AGENT_CASES, ids=lambda case: case.__name__)
async def test_agent_keeps_the_contract(case, name, tmp_path):
    await case(SUBJECTS[name], tmp_path)


class Broken:
    """An agent that breaks one rule."""

    traits = AgentTraits(name="broken")

    def __init__(self, run):
        self._run = run

    async def run(self, request, channel):
        return await self._run(request, channel)


async def gives_a_list(request, channel):
    return AgentResult(output=[1])


async def gives_something_else(request, channel):
    return AgentResult(output="something else")


async def raises_a_value_error(request, channel):
    raise ValueError("no AgentError")


async def swallows_cancellation(request, channel):
    channel.report(Progress(kind="output", text="up"))
    with contextlib.suppress(trio.Cancelled):
        await trio.sleep_forever()
    return AgentResult(output=[])


async def writes_for_everybody(request, channel):
    (request.folder / "notes.txt").write_text("hello")
    (request.folder / "notes.txt").chmod(0o644)
    return AgentResult(output=())


async def reports_text(request, channel):
    channel.report("hello")
    return AgentResult(output=())


@pytest.mark.parametrize(
    ("case", "run"),
    [
        (cases.a_success_gives_its_output_frozen, gives_a_list),
        (cases.a_success_gives_its_output_frozen, gives_something_else),
        (cases.attempts_at_once_do_not_mix, gives_something_else),
        (cases.cancellation_ends_the_attempt_and_all_its_processes, swallows_cancellation),
        (cases.nobody_else_can_read_its_files, writes_for_everybody),
        (cases.a_failure_is_an_agent_error, gives_something_else),
    ],
    ids=lambda value: value.__name__,
)
async def test_cases_notice_a_broken_agent(case, run, tmp_path):
    subject = AgentUnderTest(Broken(run), succeeds={}, output=[], fails={}, hangs={})

    with pytest.raises(AssertionError):
        await case(subject, tmp_path)


async def test_cases_notice_an_error_of_another_class(tmp_path):
    subject = AgentUnderTest(Broken(raises_a_value_error), succeeds={}, output=[], fails={})

    with pytest.raises(ValueError, match="no AgentError"):
        await cases.a_failure_is_an_agent_error(subject, tmp_path)


async def test_cases_notice_progress_that_is_none(tmp_path):
    with pytest.raises((AssertionError, AttributeError)):
        await cases.progress_is_typed_and_ends_with_the_attempt(
            AgentUnderTest(Broken(reports_text), succeeds={}, output=[]), tmp_path
        )


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the environment of a process cannot be read")
async def test_cases_notice_a_process_that_is_left(tmp_path):
    from actorflow.agents.environment import process_environment

    started = []

    def start(environment):
        started.append(subprocess.Popen(["cat"], stdin=subprocess.PIPE, env=environment))

    async def leaves_a_process(request, channel):
        start(process_environment(request))
        return AgentResult(output=())

    try:
        with pytest.raises(AssertionError, match="no process of the attempt is left"):
            await cases.a_success_gives_its_output_frozen(
                AgentUnderTest(Broken(leaves_a_process), succeeds={}, output=[]), tmp_path
            )
    finally:
        for process in started:
            process.communicate()

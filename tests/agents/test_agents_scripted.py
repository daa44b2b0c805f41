"""The agent that plays a script."""

from __future__ import annotations

import pytest
import trio
import trio.testing

from actorflow.agents.interface import AgentResult, Progress
from actorflow.errors import AgentError
from actorflow.testing.agents import RecordingChannel, ScriptedAgent, make_request
from actorflow.values import FrozenDict

pytestmark = pytest.mark.trio


@pytest.fixture
def agent():
    return ScriptedAgent()


@pytest.fixture
def run(agent, tmp_path):
    async def run(task="task", attempt=1, channel=None):
        request = make_request(tmp_path / f"{task}{attempt}", {"a": 1}, task_id=task, attempt=attempt)
        return await agent.run(request, channel or RecordingChannel())

    return run


async def test_without_a_script_a_task_succeeds_with_its_parameters(run):
    assert (await run()).output == {"a": 1}


async def test_each_attempt_takes_the_next_outcome(agent, run):
    agent.script("task", AgentError("busy", "later"), ["an", "output"], AgentResult(output="x", cost_usd=0.5))

    with pytest.raises(AgentError, match="later"):
        await run(attempt=1)
    assert (await run(attempt=2)).output == ("an", "output")
    assert (await run(attempt=3)).cost_usd == 0.5
    assert agent.attempts("task") == [1, 2, 3]


async def test_a_script_that_is_used_up_fails_for_good(agent, run):
    agent.script("task", 1)
    await run()

    with pytest.raises(AgentError, match="has no outcome left") as caught:
        await run()
    assert (caught.value.kind, caught.value.retryable) == ("script_ended", False)


async def test_any_exception_is_raised_as_it_is(agent, run):
    agent.script("task", ZeroDivisionError("a bug"))

    with pytest.raises(ZeroDivisionError):
        await run()


async def test_none_is_an_output(agent, run):
    agent.script("task", None)

    assert (await run()).output is None


async def test_progress_is_reported_before_the_outcome(agent, run):
    agent.script("task", 1, progress=[Progress(kind="text", text="hello", data=FrozenDict(n=1))])
    channel = RecordingChannel()

    await run(channel=channel)

    assert [report.text for report in channel.reports] == ["hello"]


async def test_a_gate_holds_one_attempt(agent, run, autojump_clock):
    gate = agent.hold("task")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(run)
        await gate.reached.wait()
        await trio.testing.wait_all_tasks_blocked()
        assert agent.running == ["task"]
        gate.open()

    assert agent.running == []
    await run(attempt=2)


async def test_it_knows_how_many_ran_at_once(agent, run):
    gates = [agent.hold("a"), agent.hold("b")]

    async with trio.open_nursery() as nursery:
        nursery.start_soon(run, "a")
        nursery.start_soon(run, "b")
        for gate in gates:
            await gate.reached.wait()
            gate.open()
    await run("c")

    assert agent.most_running == 2


async def test_a_cancelled_attempt_is_remembered(agent, run):
    gate = agent.hold("task")

    async with trio.open_nursery() as nursery:
        nursery.start_soon(run, "task", 3)
        await gate.reached.wait()
        nursery.cancel_scope.cancel()

    assert agent.cancelled == [("task", 3)]
    assert agent.running == []


async def test_a_recording_channel_waits_for_what_is_reported():
    channel = RecordingChannel()

    async with trio.open_nursery() as nursery:

        @nursery.start_soon
        async def report():
            channel.report(Progress(kind="output", text="one"))
            await trio.testing.wait_all_tasks_blocked()
            channel.report(Progress(kind="output", text="two"))

        assert (await channel.wait_reported("output", "two")).text == "two"

    assert channel.output == "one\ntwo"
    await channel.session_opened("session")
    assert channel.sessions == ["session"]

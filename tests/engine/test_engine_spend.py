"""What attempts cost is recorded however they end."""

from __future__ import annotations

import math

import pytest
import trio

from actorflow.agents.interface import AgentResult
from actorflow.errors import AgentError
from actorflow.state import events as ev
from actorflow.testing.agents import RecordingChannel

ONE = "name: one\ntasks: [{id: a, agent: scripted%s}]"


class Spender:
    """Says on the way what it spends, and then does what it is told."""

    def __init__(self, agent, end: str) -> None:
        self.traits = agent.traits
        self.end = end

    async def run(self, request, channel):
        channel.spent(cost_usd=0.1, tokens=100)
        channel.spent(cost_usd=0.25)
        if self.end == "hangs":
            await trio.sleep_forever()
        if self.end == "crashes":
            raise RuntimeError("a mistake")
        raise AgentError("exit_status", "no", cost_usd=0.3)


def spender(run, end: str) -> None:
    run.registry.register(Spender(run.agent, end), name="scripted", replace_existing=True)


async def test_a_failed_attempt_is_paid_for(rehearse, autojump_clock) -> None:
    run = rehearse(ONE % ", retry: {max_attempts: 2, delay: 0}")
    run.agent.script("a", AgentError("exit_status", "no", cost_usd=0.5, tokens=7, session_id="s"), "done")

    state = await run.run()

    assert (state.tasks["a"].cost_usd, state.tasks["a"].tokens) == (0.5, 7)
    assert run.events(ev.AttemptFailed)[0].cost_usd == 0.5
    assert state.tasks["a"].session_id == "s"


async def test_an_attempt_that_a_limit_sends_back_is_paid_for(rehearse, autojump_clock) -> None:
    run = rehearse(ONE % "")
    limit = AgentError("rate_limit", "slow", retry_after_seconds=5, cost_usd=0.5, tokens=7)
    run.agent.script("a", limit, AgentResult(output=1, cost_usd=0.25, tokens=3))

    state = await run.run()

    assert (state.tasks["a"].cost_usd, state.tasks["a"].tokens) == (0.75, 10)


async def test_a_result_that_is_not_valid_is_paid_for(rehearse, autojump_clock) -> None:
    run = rehearse(ONE % ", output_schema: {type: integer}")
    run.agent.script("a", AgentResult(output="text", cost_usd=0.5, session_id="s"))

    state = await run.run()

    assert state.tasks["a"].error.kind == "invalid_output"
    assert state.tasks["a"].cost_usd == 0.5
    assert run.events(ev.AttemptFailed)[0].session_id == "s"


@pytest.mark.parametrize(("end", "cost"), [("hangs", 0.25), ("crashes", 0.25), ("fails", 0.3)])
async def test_what_was_said_on_the_way_counts_when_the_end_says_nothing(
    rehearse, autojump_clock, end: str, cost: float
) -> None:
    run = rehearse(ONE % ", timeout: 5")
    spender(run, end)

    state = await run.run()

    assert (state.tasks["a"].cost_usd, state.tasks["a"].tokens) == (cost, 100)


async def test_a_cancelled_attempt_is_paid_for(rehearse, autojump_clock) -> None:
    run = rehearse(ONE % "")
    spender(run, "hangs")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(run.run)
        await trio.sleep(1)
        run.drive.cancel("me")

    assert run.events(ev.AttemptCancelled) == [ev.AttemptCancelled("a", 1, 0.25, 100)]
    assert run.state.tasks["a"].cost_usd == 0.25


async def test_what_is_no_amount_says_nothing(rehearse, autojump_clock) -> None:
    run = rehearse("name: odd\ntasks: [{id: a, agent: scripted}, {id: b, agent: scripted}]")
    run.agent.script("a", AgentResult(output=1, cost_usd=math.nan, tokens=-1, session_id=7))
    run.agent.script("b", AgentError("exit_status", "no", cost_usd="much", tokens=True, session_id=b"x"))

    await run.run()

    assert run.state.tasks["a"].cost_usd is run.state.tasks["a"].tokens is None
    assert run.state.tasks["b"].cost_usd is run.state.tasks["b"].tokens is None
    assert run.state.tasks["a"].session_id is run.state.tasks["b"].session_id is None


def test_the_channel_for_tests_keeps_the_latest() -> None:
    channel = RecordingChannel()

    channel.spent(cost_usd=1.0, tokens=5)
    channel.spent(cost_usd=2.0)

    assert (channel.cost_usd, channel.tokens) == (2.0, 5)

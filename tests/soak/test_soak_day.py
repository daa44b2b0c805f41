"""A day of a run with hundreds of tasks that fail, hang, hit limits and wait, in seconds: every wait ends, and the memory that the engine needs does not grow."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest
import trio

from actorflow.agents.interface import AgentRequest, AgentResult, AttemptChannel, Progress
from actorflow.errors import AgentError
from actorflow.state import RunStatus
from tests.soak.world import HOUR, TRAITS, live

DAY = 24 * HOUR
SHARES = {"fail": 50, "crash": 20, "hang": 15, "talk": 15}
LIMITS_AT = (6 * HOUR, 12 * HOUR, 18 * HOUR)
"""A limit is its service's, and parks all tasks that use it: it is rare, or nothing else happens."""


class Restless:
    """Fails, hangs, crashes, hits limits and talks all day; after it, everything succeeds."""

    traits = TRAITS

    def __init__(self) -> None:
        self.did: Counter[str] = Counter()
        self._rng = random.Random(1)
        self._limits_at = list(LIMITS_AT)

    async def run(self, request: AgentRequest, channel: AttemptChannel) -> AgentResult:
        act = self._draw(trio.current_time())
        self.did[act] += 1
        match act:
            case "hang":
                await trio.sleep_forever()
            case "talk":
                for number in range(20):
                    channel.report(Progress(kind="output", text=f"line {number}"))
                    await trio.sleep(10)
            case _:
                await trio.sleep(self._rng.uniform(1, 300))
        match act:
            case "fail" | "talk":
                raise AgentError("exit_status", "not yet")
            case "crash":
                raise RuntimeError("a mistake of the agent's")
            case "limit":
                raise AgentError("rate_limit", "slow down", retry_after_seconds=self._rng.uniform(60, 900))
        return AgentResult(output=request.task_id)

    def _draw(self, now: float) -> str:
        if now > DAY:
            return "succeed"
        if self._limits_at and now > self._limits_at[0]:
            del self._limits_at[0]
            return "limit"
        return self._rng.choices(tuple(SHARES), tuple(SHARES.values()))[0]


def _workflow(tasks: int) -> dict[str, Any]:
    retry = {"max_attempts": 1000, "delay": 900, "max_delay": 1800, "backoff": "exponential"}
    return {
        "name": "day",
        "settings": {"max_parallel": tasks, "timeout": 10 * DAY, "on_failure": "continue"},
        "tasks": [
            {"id": f"t{i}", "agent": "sim", "timeout": 600, "idle_timeout": 400, "retry": retry}
            for i in range(tasks)
        ],
    }


@pytest.mark.slow
@pytest.mark.long
def test_a_day_of_waiting_and_trying_again_takes_seconds_and_no_more_memory(size, figure) -> None:
    tasks = size(150, 2000)
    agent = Restless()

    life = live(_workflow(tasks), agent, sample_every=HOUR)

    assert life.state.status is RunStatus.SUCCESS
    assert set(agent.did) == {
        "fail",
        "crash",
        "hang",
        "limit",
        "talk",
        "succeed",
    }
    assert life.seconds > DAY
    early, late = (next(s for s in life.samples if s.hour >= hour) for hour in (4, 24))
    growth = late.blocks / early.blocks - 1
    figure(
        f"soak: {life.seconds / HOUR:.0f} simulated hours, {agent.did.total():,} attempts",
        tried=tasks,
        of="tasks",
        found=f"{growth:+.2%} memory blocks from hour 4 to hour 24, {life.events:,} events, at most {late.peak >> 20} MB",
        promised="all succeed, memory flat",
    )
    assert growth < 0.02, f"{early} {late}"

"""Watchers that are slow, asleep or dead never slow a run, and each is told how much it has missed."""

from __future__ import annotations

import logging
from typing import Any

import pytest
import trio

from actorflow.agents.interface import AgentRequest, AgentResult, AttemptChannel, Progress
from actorflow.engine.feed import Feed
from actorflow.state import RunStatus
from tests.soak.world import HOUR, TRAITS, live

OF_EACH_KIND = 5
LINES = 100


class Talkative:
    """Says a line each second."""

    traits = TRAITS

    async def run(self, request: AgentRequest, channel: AttemptChannel) -> AgentResult:
        for number in range(LINES):
            channel.report(Progress(kind="output", text=f"line {number}"))
            await trio.sleep(1)
        return AgentResult(output=request.task_id)


class Watcher:
    """Reads one update after the other, and counts.

    Args:
        asleep: seconds before it reads the first one.
        pause: seconds between two.
        dies: whether the first one is too much for it.
    """

    def __init__(self, *, asleep: float = 0.0, pause: float = 0.0, dies: bool = False) -> None:
        self.shown = self.missed = 0
        self.is_at_the_end = False
        self._asleep = asleep
        self._pause = pause
        self._dies = dies

    async def watch(self, feed: Feed) -> None:
        await trio.sleep(self._asleep)
        async for update in feed:
            self.shown += 1
            self.missed += update.missed
            self.is_at_the_end = update.state.status is RunStatus.SUCCESS
            if self._dies:
                raise RuntimeError("a watcher's own mistake")
            await trio.sleep(self._pause)


def _workflow(tasks: int) -> dict[str, Any]:
    made = [{"id": f"t{i}", "agent": "sim"} for i in range(tasks)]
    return {"name": "watched", "settings": {"max_parallel": 20, "timeout": "1d"}, "tasks": made}


@pytest.mark.slow
def test_a_run_takes_no_longer_with_watchers_that_are_slow_asleep_or_dead(size, figure, caplog) -> None:
    caplog.set_level(logging.CRITICAL, "actorflow.engine")
    workflow = _workflow(size(60, 1000))
    quick, dead = Watcher(), [Watcher(dies=True) for _ in range(OF_EACH_KIND)]
    behind = [Watcher(pause=60) for _ in range(OF_EACH_KIND)]
    behind += [Watcher(asleep=100 * HOUR) for _ in range(OF_EACH_KIND)]
    watchers = [quick, *dead, *behind]

    alone = live(workflow, Talkative())
    watched = live(workflow, Talkative(), watches=[watcher.watch for watcher in watchers])

    figure(
        "slow, sleeping and dead watchers",
        tried=len(watchers),
        of=f"watchers of {quick.shown:,} updates",
        found=f"{watched.seconds - alone.seconds:g} s longer; of those alive each was told exactly what it had missed",
        promised="0 s; all told",
    )
    assert (watched.seconds, watched.events) == (alone.seconds, alone.events)
    assert quick.missed == 0
    assert [watcher.shown for watcher in dead] == [1] * OF_EACH_KIND
    for watcher in behind:
        assert watcher.missed > 0
        assert watcher.shown + watcher.missed == quick.shown
        assert watcher.is_at_the_end

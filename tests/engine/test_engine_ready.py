"""While the disk writes that an attempt starts it gets ready, and nothing of it is to be noticed before that is durable."""

from __future__ import annotations

from dataclasses import replace

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from actorflow.engine import attempts
from actorflow.state import RunStatus
from actorflow.state import events as ev

PAIR = """
name: pair
tasks:
  - {id: a, agent: scripted}
  - {id: b, agent: scripted, dependencies: [a], parameters: {saw: '${a.output}'}}
"""


class SlowDisk:
    """A disk that keeps the commit in which b starts until it is let go."""

    def __init__(self, run) -> None:
        self.go = trio.Event()
        run.sync = self._sync

    async def _sync(self, records) -> None:
        if any(record.kind == "AttemptStarted" and b'"b"' in record.body for record in records):
            await self.go.wait()


@pytest.fixture
def built(monkeypatch):
    """The tasks for whose attempts a request has been made, in order."""
    tasks: list[str] = []
    build = attempts.build_request

    def spy(session, state, start, **how):
        tasks.append(start.task)
        return build(session, state, start, **how)

    monkeypatch.setattr(attempts, "build_request", spy)
    return tasks


@pytest.mark.parametrize("needs_folder", [False, True])
async def test_an_attempt_is_ready_when_its_start_is_durable_and_leaves_no_trace_before(
    needs_folder, rehearse, built, autojump_clock
) -> None:
    run = rehearse(PAIR)
    run.agent.script("a", "done")
    run.agent._traits = replace(run.agent.traits, needs_folder=needs_folder)
    disk = SlowDisk(run)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(run.run)
        await wait_all_tasks_blocked()

        assert built == (["a"] if needs_folder else ["a", "b"])
        assert [request.task_id for request in run.agent.requests] == ["a"]
        assert not (run.folder / "b").exists()
        assert "task:b" in run.drive.tree()
        assert "running: b" not in run.drive.tree()
        disk.go.set()

    assert run.state.status is RunStatus.SUCCESS
    assert built == ["a", "b"]
    assert run.agent.requests[-1].parameters == {"saw": "done"}


async def test_one_that_is_stopped_before_it_could_begin_is_cancelled_and_its_agent_never_called(
    rehearse, autojump_clock
) -> None:
    run = rehearse(PAIR)
    run.agent.script("a", "done")
    disk = SlowDisk(run)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(run.run)
        await wait_all_tasks_blocked()
        run.drive.cancel("somebody")
        await wait_all_tasks_blocked()

        assert not run.events(ev.AttemptCancelled)
        disk.go.set()

    assert run.statuses() == {"a": "success", "b": "cancelled"}
    assert [event.task for event in run.events(ev.AttemptCancelled)] == ["b"]
    assert [request.task_id for request in run.agent.requests] == ["a"]


async def test_a_hole_that_cannot_be_filled_fails_the_attempt_when_it_has_begun(
    rehearse, autojump_clock
) -> None:
    run = rehearse(PAIR.replace("${a.output}", "${a.output.missing}"))
    run.agent.script("a", {"there": 1})
    run.agent._traits = replace(run.agent.traits, needs_folder=False)
    disk = SlowDisk(run)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(run.run)
        await wait_all_tasks_blocked()

        assert not run.events(ev.AttemptFailed)
        disk.go.set()

    assert [event.failure.kind for event in run.events(ev.AttemptFailed)] == ["interpolation"]
    assert run.statuses() == {"a": "success", "b": "failed"}

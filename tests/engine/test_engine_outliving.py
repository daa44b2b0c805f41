"""The engine goes on with attempts whose work has outlived their driver: it waits for it, takes what it gave, ends it, or loses it."""

from __future__ import annotations

from typing import Any, get_args

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from actorflow.agents.interface import AgentResult, Progress
from actorflow.engine.begun import read_begun
from actorflow.engine.messages import CancelRun
from actorflow.engine.outliving import Outliving, as_begun
from actorflow.engine.paths import DRIVER
from actorflow.engine.run_actor import RunActor
from actorflow.errors import AgentError
from actorflow.state import RunStatus
from actorflow.state import events as ev
from actorflow.workflow import AgentTraits
from actorflow.workflow.catalog import TaskFeature

ONE = "name: r\ntasks: [{id: a, agent: works%s}]"
PAIR = "name: r\ntasks: [{id: a, agent: works}, {id: b, agent: scripted, dependencies: [a]}]"


class Works:
    """An agent whose work is not in this process: it goes on, and is found again, whoever asks for it.

    Attributes:
        began: the attempts in the order in which their work was begun.
        reattached: those that somebody went on with.
        ended: those whose work was ended from outside.
    """

    traits = AgentTraits(name="works", supports=frozenset(get_args(TaskFeature)))

    def __init__(self) -> None:
        self.results: dict[tuple[str, int], Any] = {}
        self.changed = trio.Event()
        self.began: list[tuple[str, int]] = []
        self.reattached: list[tuple[str, int]] = []
        self.ended: list[tuple[str, int]] = []
        self.keys: list[str] = []
        self.sessions: list[str | None] = []
        self.says: list[Progress] = []

    def finish(self, task: str, attempt: int, result: Any) -> None:
        self.results[task, attempt] = result
        self.changed.set()
        self.changed = trio.Event()

    async def run(self, request, channel) -> AgentResult:
        self.began.append((request.task_id, request.attempt))
        self.keys.append(request.idempotency_key)
        channel.report(Progress(kind="started"))
        return await self._wait(request, channel)

    async def reattach(self, request, channel) -> AgentResult:
        self.reattached.append((request.task_id, request.attempt))
        self.sessions.append(request.session)
        self.keys.append(request.idempotency_key)
        channel.report(Progress(kind="started"))
        for progress in self.says:
            channel.report(progress)
        return await self._wait(request, channel)

    async def _wait(self, request, channel) -> AgentResult:
        key = request.task_id, request.attempt
        try:
            await trio.lowlevel.checkpoint()
            while key not in self.results:
                await self.changed.wait()
        except trio.Cancelled:
            self.ended.append(key)
            raise
        result = self.results[key]
        if isinstance(result, Exception):
            raise result
        return AgentResult(output=result)


def running(task: str = "a", attempt: int = 1, **fields: Any) -> Outliving:
    return Outliving(task, attempt, has_finished=False, **fields)


def finished(task: str = "a", attempt: int = 1, **fields: Any) -> Outliving:
    return Outliving(task, attempt, has_finished=True, **fields)


@pytest.fixture
def works() -> Works:
    return Works()


@pytest.fixture
def killed(rehearse, works):
    """Give a run whose first driver was killed while the work of ``a`` was under way."""

    async def kill(text: str = ONE % "") -> Any:
        run = rehearse(text, more=[Works.traits])
        run.instead["works"] = works
        async with trio.open_nursery() as nursery:
            nursery.start_soon(run.run)
            await wait_all_tasks_blocked()
            before = len(run.disk.records)
            nursery.cancel_scope.cancel()
        run.disk = run.disk.cut(before)
        works.ended.clear()  # a kill ends nothing
        return run

    return kill


async def test_work_that_goes_on_is_waited_for_and_its_result_taken(killed, works, autojump_clock) -> None:
    run = await killed(PAIR)

    async with trio.open_nursery() as nursery:
        nursery.start_soon(run_with, run, running())
        await wait_all_tasks_blocked()
        assert run.state.tasks["a"].is_attempt_open
        works.finish("a", 1, "done")

    assert run.statuses() == {"a": "success", "b": "success"}
    assert (works.began, works.reattached) == ([("a", 1)], [("a", 1)])
    assert run.events(ev.AttemptLost) == []
    assert next(event.output for event in run.events(ev.AttemptSucceeded)) == "done"
    assert len(set(works.keys)) == 1


async def run_with(run: Any, *outliving: Outliving) -> Any:
    return await run.run(outliving=outliving)


async def test_work_that_has_finished_is_taken_although_it_took_longer_than_it_might(
    killed, works, autojump_clock
) -> None:
    run = await killed(ONE % ", timeout: 10s")
    run.slept = 3600.0
    works.finish("a", 1, "late")

    state = await run.run(outliving=[finished()])

    assert state.status is RunStatus.SUCCESS
    assert (works.began, works.ended) == ([("a", 1)], [])


async def test_a_timeout_counts_from_the_recorded_start(killed, works, autojump_clock) -> None:
    run = await killed(ONE % ", timeout: 100s")
    run.slept = 70.0
    began = trio.current_time()

    state = await run.run(outliving=[running()])

    assert state.tasks["a"].error.kind == "timeout"
    assert trio.current_time() - began == pytest.approx(30.0, abs=1.0)
    assert (works.ended, run.ended) == ([("a", 1)], [])


async def test_a_timeout_that_passed_while_nobody_drove_ends_it_at_once(
    killed, works, autojump_clock
) -> None:
    run = await killed(ONE % ", timeout: 100s")
    run.slept = 1000.0
    began = trio.current_time()

    state = await run.run(outliving=[running()])

    assert state.tasks["a"].error.kind == "timeout"
    assert trio.current_time() - began < 1.0


async def test_a_clock_that_was_set_back_gives_no_more_than_the_timeout(
    killed, works, autojump_clock
) -> None:
    run = await killed(ONE % ", timeout: 100s")
    run.slept = -5000.0
    began = trio.current_time()

    await run.run(outliving=[running()])

    assert trio.current_time() - began == pytest.approx(100.0, abs=1.0)


async def test_an_idle_timeout_counts_anew(killed, works, autojump_clock) -> None:
    run = await killed(ONE % ", idle_timeout: 50s")
    run.slept = 45.0
    began = trio.current_time()

    state = await run.run(outliving=[running()])

    assert "nothing was heard" in state.tasks["a"].error.message
    assert trio.current_time() - began == pytest.approx(50.0, abs=1.0)


async def test_what_fails_fails_as_any_attempt(killed, works, autojump_clock) -> None:
    run = await killed(ONE % ", retry: {max_attempts: 2, delay: 1s}")
    works.finish("a", 1, AgentError("exit_status", "it ended with 3"))
    works.finish("a", 2, "at last")

    state = await run.run(outliving=[finished()])

    assert state.status is RunStatus.SUCCESS
    assert works.began == [("a", 1), ("a", 2)]
    assert state.tasks["a"].counted == 2
    assert run.ended == []  # it stays as it is until it is recorded


async def test_what_nobody_can_know_is_lost_and_nothing_of_it_is_left(killed, works, autojump_clock) -> None:
    run = await killed()
    works.finish("a", 1, AgentError("lost", "its last words are missing"))
    works.finish("a", 2, "again")

    state = await run.run(outliving=[finished()])

    assert state.status is RunStatus.SUCCESS
    assert run.events(ev.AttemptLost) == [ev.AttemptLost("a", 1)]
    assert works.began == [("a", 1), ("a", 2)]
    assert run.ended == [("a", 1)]
    assert state.tasks["a"].counted == 1


async def test_an_agent_that_says_lost_of_its_own_attempt_has_failed(killed, works, autojump_clock) -> None:
    run = await killed()
    works.finish("a", 2, AgentError("lost", "what?", retryable=False))

    state = await run.run()

    assert state.tasks["a"].error.kind == "lost"
    assert state.status is RunStatus.FAILED
    assert len(run.events(ev.AttemptLost)) == 1


async def test_an_agent_that_cannot_go_on_loses_it(killed, works, autojump_clock) -> None:
    run = await killed()
    run.instead["works"] = run.agent

    state = await run.run(outliving=[running()])

    assert state.status is RunStatus.SUCCESS
    assert (run.agent.attempts("a"), run.ended) == ([2], [("a", 1)])


@pytest.mark.parametrize("when", ["before it begins", "at work"])
async def test_a_cancellation_ends_it(killed, works, autojump_clock, when) -> None:
    run = await killed()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(run_with, run, running())
        if when == "at work":
            await wait_all_tasks_blocked()
        else:
            while not hasattr(run, "drive") or run.hub.is_closed:
                await trio.lowlevel.checkpoint()
        run.drive.cancel("somebody")

    assert run.state.status is RunStatus.CANCELLED
    assert [event.attempt for event in run.events(ev.AttemptCancelled)] == [1]
    assert works.ended + run.ended == [("a", 1)]
    assert works.began == [("a", 1)]


async def test_an_output_that_does_not_fit_fails_it(killed, works, autojump_clock) -> None:
    run = await killed(ONE % ", output_schema: {type: integer}")
    works.finish("a", 1, "no number")

    state = await run.run(outliving=[finished()])

    assert state.tasks["a"].error.kind == "invalid_output"


async def test_a_run_actor_that_crashes_before_it_has_taken_anything_up_takes_it_over_all_the_same(
    killed, works, autojump_clock, monkeypatch
) -> None:
    run = await killed()
    take_up, crashed = RunActor._take_up, []

    async def once(self: RunActor) -> None:
        if not crashed:
            crashed.append(1)
            raise RuntimeError("a mistake of ours")
        await take_up(self)

    monkeypatch.setattr(RunActor, "_take_up", once)
    works.finish("a", 1, "done")

    state = await run.run(outliving=[finished()])

    assert crashed
    assert state.status is RunStatus.SUCCESS
    assert works.began == [("a", 1)]


async def test_a_run_actor_that_crashes_later_finds_it_in_the_host(killed, works, autojump_clock) -> None:
    run = await killed()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(run_with, run, running())
        await wait_all_tasks_blocked()
        run.drive._runtime.ref(DRIVER).tell_nowait("nonsense", reserved=True)
        await wait_all_tasks_blocked()
        works.finish("a", 1, "done")

    assert run.state.status is RunStatus.SUCCESS
    assert (works.began, works.reattached) == ([("a", 1)], [("a", 1)])
    assert run.events(ev.AttemptLost) == []


async def test_a_second_crash_and_a_third_cost_nothing_either(killed, works, autojump_clock) -> None:
    run = await killed()
    for _ in range(5):
        async with trio.open_nursery() as nursery:
            nursery.start_soon(run_with, run, running())
            await wait_all_tasks_blocked()
            before = len(run.disk.records)
            nursery.cancel_scope.cancel()
        run.disk = run.disk.cut(before)
    works.finish("a", 1, "done")

    state = await run.run(outliving=[finished()])

    assert state.status is RunStatus.SUCCESS
    assert (works.began, len(works.reattached)) == ([("a", 1)], 6)
    assert state.tasks["a"].lost == 0


async def test_a_success_rests_on_what_was_asked_when_it_began(killed, works, autojump_clock) -> None:
    run = await killed()
    noted = read_begun(run.folder / "a" / "1").asked
    works.finish("a", 1, "done")

    state = await run.run(outliving=[finished(asked="of another day")])

    assert ":" in noted
    assert state.tasks["a"].fingerprint == "of another day"


async def test_a_cancellation_by_another_process_is_answered_while_it_is_waited_for(
    killed, works, autojump_clock
) -> None:
    run = await killed()

    async with trio.open_nursery() as nursery:
        nursery.start_soon(run_with, run, running())
        await wait_all_tasks_blocked()
        run.drive._runtime.ref(DRIVER).tell_nowait(CancelRun("me", "request"), reserved=True)

    assert run.state.status is RunStatus.CANCELLED
    assert works.ended == [("a", 1)]


async def test_it_is_asked_with_the_session_that_it_began_with_not_with_the_one_that_it_has_opened_since(
    killed, works, autojump_clock
) -> None:
    run = await killed()
    run.record(ev.SessionOpened("a", 1, "opened"))
    works.finish("a", 1, "done")

    left = as_begun({("a", 1): finished(session="of nobody")}, run.disk.records)
    await run.run(outliving=left.values())

    assert run.state.tasks["a"].session_id == "opened"
    assert works.sessions == [None]

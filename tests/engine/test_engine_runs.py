from __future__ import annotations

import gc

import pytest
import trio
from trio.testing import wait_all_tasks_blocked

from actorflow.agents.interface import AgentResult
from actorflow.errors import AgentError
from actorflow.state import RunStatus
from actorflow.state import events as ev

CHAIN = """
name: chain
tasks:
  - {id: a, agent: scripted, parameters: {n: 1}}
  - {id: b, agent: scripted, dependencies: [a], parameters: {seen: "${a.output}"}}
"""


async def test_outputs_reach_the_tasks_that_name_them(rehearse, autojump_clock) -> None:
    run = rehearse(CHAIN)
    run.agent.script("a", {"deep": [1, 2]})

    state = await run.run()

    assert state.status is RunStatus.SUCCESS
    assert run.agent.requests[1].parameters == {"seen": {"deep": (1, 2)}}


async def test_an_attempt_is_recorded_before_its_agent_is_called(rehearse, autojump_clock) -> None:
    run = rehearse(CHAIN)
    gate = run.agent.hold("b")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(run.run)
        await gate.reached.wait()

        kinds = [type(recorded.event).__name__ for recorded in run.recorded]
        assert kinds[-3:] == ["AttemptSucceeded", "TaskSucceeded", "AttemptStarted"]

        gate.open()


async def test_an_outcome_and_what_follows_from_it_are_one_batch(rehearse, autojump_clock) -> None:
    run = rehearse(CHAIN)
    batches: list[int] = []

    async def watch(feed) -> None:
        async for update in feed:
            batches.append(len(update.events))

    await run.run(watch=watch)

    # the first driver's events; a's start; a's outcome with b's start; b's outcome with the end
    assert [n for n in batches if n] == [2, 1, 3, 4]


async def test_a_failed_attempt_waits_out_its_back_off_exactly(rehearse, autojump_clock) -> None:
    run = rehearse(
        "name: r\ntasks: [{id: a, agent: scripted, retry: {max_attempts: 3, delay: 7, backoff: fixed}}]"
    )
    run.agent.script("a", AgentError("exit_status", "no"), AgentError("exit_status", "no"), "done")

    state = await run.run()

    assert state.status is RunStatus.SUCCESS
    starts = run.times(ev.AttemptStarted, "a")
    fails = run.times(ev.AttemptFailed, "a")
    assert [round(start - fail, 6) for start, fail in zip(starts[1:], fails, strict=True)] == [7.0, 7.0]
    assert state.tasks["a"].attempts == 3


async def test_exponential_back_off_doubles_up_to_its_maximum(rehearse, autojump_clock) -> None:
    run = rehearse(
        "name: r\ntasks: [{id: a, agent: scripted, retry: {max_attempts: 5, delay: 4, backoff: exponential, max_delay: 10}}]"
    )
    run.agent.script("a", *[AgentError("exit_status", "no")] * 4, "done")

    await run.run()

    assert [event.delay_seconds for event in run.events(ev.RetryScheduled)] == [4.0, 8.0, 10.0, 10.0]


async def test_never_more_than_max_parallel_attempts_run(rehearse, autojump_clock) -> None:
    tasks = "".join(f"\n  - {{id: t{i}, agent: scripted}}" for i in range(20))
    run = rehearse(f"name: p\nsettings: {{max_parallel: 4}}\ntasks:{tasks}")
    gates = [run.agent.hold(f"t{i}") for i in range(20)]

    async with trio.open_nursery() as nursery:
        nursery.start_soon(run.run)
        for gate in gates:
            await wait_all_tasks_blocked()
            gate.open()

    assert run.agent.most_running == 4


async def test_a_task_that_waits_for_its_back_off_holds_no_slot(rehearse, autojump_clock) -> None:
    run = rehearse(
        """
name: slots
settings: {max_parallel: 1}
tasks:
  - {id: a, agent: scripted, retry: {max_attempts: 2, delay: 100, backoff: fixed}}
  - {id: b, agent: scripted}
"""
    )
    run.agent.script("a", AgentError("exit_status", "no"), "done")

    await run.run()

    assert [(r.task_id, r.attempt) for r in run.agent.requests] == [("a", 1), ("b", 1), ("a", 2)]


async def test_an_attempt_that_takes_too_long_fails_with_a_timeout(rehearse, autojump_clock) -> None:
    run = rehearse("name: t\ntasks: [{id: a, agent: scripted, timeout: 30}]")
    run.agent.hold("a")

    state = await run.run()

    assert state.status is RunStatus.FAILED
    assert state.tasks["a"].error.kind == "timeout"
    assert run.times(ev.AttemptFailed, "a")[0] - run.times(ev.AttemptStarted, "a")[0] == pytest.approx(30)
    assert run.agent.cancelled == [("a", 1)]


async def test_a_silent_agent_is_stopped_after_its_idle_timeout(rehearse, autojump_clock) -> None:
    run = rehearse("name: t\ntasks: [{id: a, agent: scripted, timeout: 300, idle_timeout: 20}]")
    run.agent.hold("a")

    state = await run.run()

    assert "nothing was heard" in state.tasks["a"].error.message
    assert run.times(ev.AttemptFailed, "a")[0] - run.times(ev.AttemptStarted, "a")[0] == pytest.approx(20)


async def test_an_agent_that_talks_all_the_time_is_told_that_it_took_too_long(
    rehearse, autojump_clock
) -> None:
    run = rehearse("name: t\ntasks: [{id: a, agent: talks, timeout: 30, idle_timeout: 20}]")

    state = await run.run()

    assert state.tasks["a"].error.message == "the attempt took longer than 30 s"


async def test_the_runs_timeout_cancels_what_is_left(rehearse, autojump_clock) -> None:
    run = rehearse(
        "name: t\nsettings: {timeout: 60}\ntasks: [{id: a, agent: scripted}, {id: b, agent: scripted, dependencies: [a]}]"
    )
    run.agent.hold("a")

    state = await run.run()

    assert (state.status, state.timed_out) == (RunStatus.FAILED, True)
    assert run.statuses() == {"a": "cancelled", "b": "cancelled"}
    assert state.failure.kind == "timeout"


async def test_time_in_which_everything_is_parked_does_not_count(rehearse, autojump_clock) -> None:
    run = rehearse("name: t\nsettings: {timeout: 60}\ntasks: [{id: a, agent: scripted}]")
    run.agent.script("a", AgentError("rate_limit", "later", retry_after_seconds=3600), "done")

    state = await run.run()

    assert state.status is RunStatus.SUCCESS
    assert state.tasks["a"].counted == 1
    assert state.tasks["a"].attempts == 2


async def test_the_time_after_a_retry_was_parked_counts_again(rehearse, autojump_clock) -> None:
    run = rehearse("name: t\nsettings: {timeout: 60}\ntasks: [{id: a, agent: scripted}]")
    run.agent.script("a", AgentError("rate_limit", "later", retry_after_seconds=3600), "done")
    first, second = run.agent.hold("a"), run.agent.hold("a")
    first.open()

    state = await run.run()

    assert second.reached.is_set()
    assert state.timed_out
    assert run.recorded[-1].at - run.recorded[0].at == pytest.approx(3660)


async def test_an_agent_that_raises_anything_fails_its_attempt_and_nothing_else(
    rehearse, autojump_clock
) -> None:
    run = rehearse(
        "name: t\nsettings: {on_failure: continue}\ntasks: [{id: a, agent: scripted}, {id: b, agent: scripted}]"
    )
    run.agent.script("a", ZeroDivisionError("oh"))

    state = await run.run()

    assert run.statuses() == {"a": "failed", "b": "success"}
    assert state.tasks["a"].error.kind == "crashed"
    assert "ZeroDivisionError: oh" in state.tasks["a"].error.message
    assert not run.events(ev.ActorRestarted)


async def test_an_output_that_does_not_fit_its_schema_fails_the_attempt(rehearse, autojump_clock) -> None:
    run = rehearse(
        """
name: s
tasks:
  - {id: a, agent: scripted, output_schema: {type: object, required: [n], properties: {n: {type: integer}}}, retry: {max_attempts: 2, delay: 1}}
"""
    )
    run.agent.script("a", {"n": "one"}, {"n": 1})

    state = await run.run()

    assert state.status is RunStatus.SUCCESS
    assert run.events(ev.AttemptFailed)[0].failure.kind == "invalid_output"


async def test_a_large_output_lives_in_a_blob_and_is_read_from_there(rehearse, autojump_clock) -> None:
    run = rehearse(
        """
name: blob
tasks:
  - {id: a, agent: scripted}
  - {id: b, agent: scripted, dependencies: [a], condition: size(a.output) > 100, parameters: {text: "${a.output}"}}
"""
    )
    text = "x" * 100_000
    run.agent.script("a", text)

    state = await run.run()

    event = run.events(ev.AttemptSucceeded)[0]
    assert state.status is RunStatus.SUCCESS
    assert event.output is None
    assert run.blobs.exists(event.blob.sha256)
    assert run.agent.requests[1].parameters == {"text": text}


async def test_a_secret_goes_to_the_environment_and_is_masked_everywhere_else(
    rehearse, autojump_clock
) -> None:
    run = rehearse(
        """
name: s
context: {secrets: {TOKEN: "env:TOKEN"}}
tasks: [{id: a, agent: scripted, env: {T: "${secrets.TOKEN}"}, on_failure: skip}]
""",
        secrets={"TOKEN": "hunter2-hunter2"},
    )
    run.agent.script("a", AgentError("exit_status", "said hunter2-hunter2", retryable=False))

    state = await run.run()

    assert state.status is RunStatus.SUCCESS
    assert run.events(ev.ActorRestarted) == []
    assert run.agent.requests[0].environment == {"T": "hunter2-hunter2"}
    assert b"hunter2" not in b"".join(record.body for record in run.disk.records)


async def test_a_hole_that_cannot_be_filled_fails_the_task_before_any_agent_is_called(
    rehearse, autojump_clock
) -> None:
    run = rehearse(
        "name: h\ntasks: [{id: a, agent: scripted}, {id: b, agent: scripted, dependencies: [a], parameters: {x: '${a.output.gone}'}}]"
    )
    run.agent.script("a", {"there": 1})

    state = await run.run()

    assert state.tasks["b"].error.kind == "interpolation"
    assert run.agent.attempts("b") == []


async def test_costs_and_tokens_add_up_over_attempts(rehearse, autojump_clock) -> None:
    run = rehearse("name: c\ntasks: [{id: a, agent: scripted}]")
    run.agent.script("a", AgentResult(output=1, cost_usd=0.25, tokens=10))

    state = await run.run()

    assert (state.tasks["a"].cost_usd, state.tasks["a"].tokens) == (0.25, 10)


async def test_hooks_run_in_order_and_read_the_outcome(rehearse, autojump_clock) -> None:
    run = rehearse(
        """
name: hooks
tasks: [{id: a, agent: scripted}]
hooks:
  on_start: [{id: s1, agent: scripted}, {id: s2, agent: scripted}]
  on_success: [{id: ok, agent: scripted, parameters: {status: "${run.status}"}}]
  on_failure: [{id: bad, agent: scripted, parameters: {failed: "${run.failed_tasks}", error: "${a.error.kind}"}}]
  on_complete: [{id: end, agent: scripted}]
"""
    )
    run.agent.script("a", AgentError("exit_status", "no"))

    state = await run.run()

    assert state.status is RunStatus.FAILED
    assert [r.task_id for r in run.agent.requests] == ["s1", "s2", "a", "bad", "end"]
    assert run.agent.requests[3].parameters == {"failed": ("a",), "error": "exit_status"}


async def test_a_hook_has_a_minute_unless_it_says_otherwise(rehearse, autojump_clock) -> None:
    run = rehearse(
        "name: h\ntasks: [{id: a, agent: scripted}]\nhooks: {on_complete: [{id: slow, agent: scripted}]}"
    )
    run.agent.hold("slow")

    state = await run.run()

    assert state.status is RunStatus.SUCCESS
    assert state.tasks["slow"].error.kind == "timeout"
    assert run.times(ev.AttemptFailed, "slow")[0] - run.times(ev.AttemptStarted, "slow")[0] == pytest.approx(
        60
    )


async def test_halves_of_characters_never_reach_the_journal(rehearse, autojump_clock) -> None:
    run = rehearse(
        "name: s\nsettings: {on_failure: continue}\ntasks: [{id: a, agent: scripted}, {id: b, agent: scripted}]"
    )
    run.agent.script("a", "half \ud800")
    run.agent.script("b", AgentError("exit_status", "half \ud800"))

    state = await run.run()

    assert state.status is RunStatus.FAILED
    assert run.statuses() == {"a": "failed", "b": "failed"}
    assert not run.events(ev.ActorRestarted)


async def test_tasks_leave_nothing_for_the_garbage_collector(rehearse, autojump_clock) -> None:
    """A cycle in each task would keep whole states alive, and a chain would spend a tenth of its time collecting them."""
    garbage = []
    for length in (10, 60):
        tasks = [
            f"{{id: t{i}, agent: echo, dependencies: [{f't{i - 1}' if i else ''}]}}" for i in range(length)
        ]
        run = rehearse(f"name: r\ntasks: [{', '.join(tasks)}]")
        gc.collect()
        gc.disable()
        try:
            await run.run()
            garbage.append(gc.collect())
        finally:
            gc.enable()

    assert garbage[1] - garbage[0] < 50  # less than one object a task


async def test_while_a_start_is_written_its_actor_is_ready_and_its_agent_is_not_called(
    rehearse, autojump_clock
) -> None:
    run = rehearse(CHAIN)
    seen: dict[str, tuple[str, int]] = {}

    async def slow_disk(records) -> None:
        await trio.sleep(1)
        seen[records[-1].kind] = run.drive.tree(), len(run.agent.requests)

    run.sync = slow_disk
    await run.run()

    tree, calls = seen["AttemptStarted"]  # of b; the outcome of a is in the same batch
    assert "task:b" in tree
    assert calls == 1


async def test_the_actors_of_finished_tasks_end_though_nothing_else_happens(rehearse, autojump_clock) -> None:
    run = rehearse(CHAIN)
    gate = run.agent.hold("b")
    async with trio.open_nursery() as nursery:
        nursery.start_soon(run.run)
        await trio.sleep(1)

        assert "task:b" in run.drive.tree()
        assert "task:a" not in run.drive.tree()

        gate.open()

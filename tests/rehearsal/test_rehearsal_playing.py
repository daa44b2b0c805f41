"""Runs played in memory on a virtual clock: the real engine's rules, in no time, the same each time."""

from __future__ import annotations

import time

from actorflow.api.playing import STARTED_AT
from actorflow.state import RunStatus, TaskStatus
from actorflow.state import events as ev

RETRIED = """
name: w
tasks:
  - {id: a, agent: planner, parameters: {task: x}, retry: {max_attempts: 4, delay: 60, max_delay: 100}}
"""


def test_an_hour_takes_no_time_and_is_the_same_each_time(played) -> None:
    text = "name: w\nsettings: {timeout: 2h}\ntasks: [{id: a, agent: planner, parameters: {task: x}}]"
    began = time.perf_counter()

    first, second = (played(text, "defaults: {delay: 1h}") for _ in range(2))

    assert time.perf_counter() - began < 30
    assert first.state.duration_seconds == 3600.0
    assert first.events == second.events
    assert first.events[0].at == STARTED_AT


def test_back_off_is_the_longest_it_can_be_and_round(played) -> None:
    run = played(RETRIED, "tasks: {a: {fail: [timeout, timeout, timeout]}}")

    delays = [r.event.delay_seconds for r in run.events if isinstance(r.event, ev.RetryScheduled)]
    assert delays == [60.0, 100.0, 100.0]
    assert run.state.duration_seconds == 260.0


def test_limits_send_an_attempt_back_and_use_none_up(played) -> None:
    run = played(
        RETRIED.replace("max_attempts: 4", "max_attempts: 1"),
        "tasks: {a: {fail: [{kind: rate_limit, retry_after: 30}, {kind: usage_limit, retry_after: 60}]}}",
    )

    task = run.state.tasks["a"]
    assert (task.status, task.attempts, run.state.duration_seconds) == (TaskStatus.SUCCESS, 3, 90.0)


def test_a_task_that_is_too_slow_times_out_and_is_paid_all_the_same(played) -> None:
    text = "name: w\ntasks: [{id: a, agent: planner, parameters: {task: x}, timeout: 5, idle_timeout: 2}]"

    run = played(text, "tasks: {a: {delay: 6, cost_usd: 0.25}}")

    task = run.state.tasks["a"]
    assert task.error is not None
    assert (task.error.kind, task.error.message) == ("timeout", "the attempt took longer than 5 s")
    assert (run.state.duration_seconds, task.cost_usd) == (5.0, 0.25)


def test_a_delay_is_no_silence(played) -> None:
    text = "name: w\ntasks: [{id: a, agent: planner, parameters: {task: x}, idle_timeout: 2}]"

    assert played(text, "tasks: {a: {delay: 100}}").state.status is RunStatus.SUCCESS


def test_the_timeout_of_the_run_ends_it(played) -> None:
    text = "name: w\nsettings: {timeout: 10}\ntasks: [{id: a, agent: planner, parameters: {task: x}}]"

    run = played(text, "tasks: {a: {delay: 100}}")

    assert (run.state.status, run.state.timed_out, run.state.duration_seconds) == (
        RunStatus.FAILED,
        True,
        10.0,
    )


def test_hooks_conditions_secrets_and_large_outputs_go_through_the_engine(played) -> None:
    text = """
name: w
context: {secrets: {TOKEN: "env:NO_SUCH_VARIABLE"}}
tasks:
  - {id: a, agent: python, parameters: {call: "m:f"}}
  - {id: b, agent: shell, dependencies: [a], condition: size(a.output) > 70000, env: {T: "${secrets.TOKEN}"}, parameters: {command: "echo ${a.output}"}}
hooks:
  on_complete: [{id: c, agent: echo, parameters: {seen: "${run.status}"}}]
"""
    run = played(text, f"tasks: {{a: {{output: {'x' * 80_000}}}}}")

    assert {t.id: t.status.value for t in run.state.tasks.values()} == dict.fromkeys("abc", "success")
    assert run.output("a") == "x" * 80_000
    assert run.output("c") == {"seen": "success"}
    assert [call.task_id for call in run.calls] == ["a", "b", "c"]


def test_sessions_are_handed_on(played) -> None:
    text = """
name: w
tasks:
  - {id: a, agent: planner, parameters: {task: x}}
  - {id: b, agent: planner, dependencies: [a], session: a, parameters: {task: y}}
"""
    assert played(text).calls[1].session == "rehearsed-a"


def test_only_what_succeeded_is_handed_over(played) -> None:
    text = """
name: w
tasks:
  - {id: a, agent: planner, parameters: {task: x}}
  - {id: b, agent: planner, condition: "false", parameters: {task: x}}
  - {id: c, agent: planner, on_failure: skip, parameters: {task: x}}
  - {id: d, agent: planner, dependencies: [a, b, c], parameters: {task: x}}
"""
    run = played(text, "tasks: {c: {fail: [timeout]}}")

    assert run.calls[-1].handoff == (("a", "rehearsed output of a"),)

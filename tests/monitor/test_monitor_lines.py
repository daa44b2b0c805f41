from __future__ import annotations

from datetime import timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorflow.ids import TaskId
from actorflow.monitor import line_for, lines_for
from actorflow.state import events as ev
from actorflow.state.status import RunStatus, SkipReason
from tests.monitor.run_histories import START, History, entry

A = TaskId("a")


def told(history: History, last: int = 1, **options: object) -> list[str]:
    return lines_for(history.recorded[-last:], history.state, **options)  # type: ignore[arg-type]


def test_a_line_has_the_time_the_task_and_what_became_of_it() -> None:
    assert told(History("a").start("a", at=7)) == ["18:48:07  a  started"]


def test_a_line_has_the_time_of_the_readers_zone() -> None:
    assert told(History("a").start("a", at=7), zone=timezone(timedelta(hours=2)))[0].startswith("20:48:07")


def test_a_retry_is_one_line_with_its_number_its_delay_and_the_reason() -> None:
    history = (
        History("a").start("a").add(ev.AttemptFailed(A, 1, ev.Failure("exit_status", "exit status 1\nmore")))
    )
    history.add(ev.RetryScheduled(A, 2, START + 8, 4.24))

    assert told(history, last=2, limits={A: 3}) == ["18:48:03  a  retry 2 of 3 in 4.2 s: exit status 1"]
    assert told(history, last=1) == ["18:48:03  a  retry 2 in 4.2 s: exit status 1"]


def test_the_reason_of_a_retry_is_told_even_when_the_task_has_succeeded_since() -> None:
    history = History("a").start("a").add(ev.AttemptFailed(A, 1, ev.Failure("exit_status", "exit status 1")))
    history.add(ev.RetryScheduled(A, 2, START + 3, 0.0)).start("a", 2).succeed("a", 2)

    assert [line[10:] for line in told(history, last=5)] == [
        "a  retry 2 in 0.00 s: exit status 1",
        "a  started, attempt 2",
        "a  success in 4.0 s",
    ]


def test_a_limit_parks_a_task_until_a_time_of_day() -> None:
    limit = ev.Failure("rate_limit", "too many requests")
    history = History("a").start("a").add(ev.AttemptRequeued(A, 1, START + 120, limit))
    history.add(ev.RetryScheduled(A, 2, START + 120, 118.0))

    assert told(history, last=2) == [
        "18:48:03  a  parked until 18:50:00: too many requests",
        "18:48:03  run  PARKED until 18:50:00 (limit of a service)",
    ]


def test_a_lost_attempt_is_told_once() -> None:
    history = History("a").start("a").add(ev.AttemptLost(A, 1)).add(ev.RetryScheduled(A, 2, START + 2, 0.0))

    assert told(history, last=2) == ["18:48:02  a  attempt 1 lost: its driver died while it ran"]


@pytest.mark.parametrize(
    ("event", "words"),
    [
        (ev.TaskSkipped(A, SkipReason.CONDITION_FALSE), "a  skipped: its condition is false"),
        (ev.TaskCancelled(A), "a  cancelled"),
        (ev.TaskFailed(A, ev.Failure("condition_error", "not a boolean")), "a  failed: not a boolean"),
        (ev.RunCancelRequested("ann"), "run  cancelling, asked for by ann"),
        (ev.RunCancelRequested(), "run  cancelling"),
        (ev.RunTimedOut(3600.0), "run  timed out after 1 h 00 m: everything left is cancelled"),
        (ev.RunPaused("disk full\nreally"), "run  paused: disk full"),
        (ev.RunResumed((A,)), "run  resumed: 1 task to do again"),
        (ev.RunResumed(()), "run  resumed: goes on"),
        (ev.ActorRestarted("run/driver", 2, "KeyError: 'x'"), "run  restarted run/driver after a crash (2): KeyError: 'x'"),
    ],
)  # fmt: skip
def test_every_change_of_a_run_has_a_line(event: ev.Event, words: str) -> None:
    history = History("a").add(event, at=5)

    assert told(history) == [f"18:48:05  {words}"]


@pytest.mark.parametrize(
    "event",
    [
        ev.DriverStarted(1, "host", 2),
        ev.ControlAnswered("id", "cancelling"),
    ],
)
def test_what_changes_nothing_for_a_reader_has_no_line(event: ev.Event) -> None:
    assert told(History("a").add(event)) == []


def test_the_end_of_a_run_is_told_once_with_its_duration() -> None:
    history = History("a").start("a").fail("a").finish(RunStatus.FAILED)

    assert [line[10:] for line in told(history, last=2)] == ["run  failed in 4.0 s"]


def test_a_run_that_fails_without_a_failed_task_says_why_when_it_is_settled() -> None:
    history = History("a").add(ev.TaskSkipped(A, SkipReason.WORKFLOW_STOPPED))
    history.add(ev.RunSettled(RunStatus.FAILED, ev.Failure("hook", "on_start failed")))

    assert told(history) == ["18:48:02  run  failing: on_start failed"]


def test_a_tolerated_failure_is_told_with_its_reason() -> None:
    history = History("a").start("a").fail("a").add(ev.TaskSkipped(A, SkipReason.TOLERATED_FAILURE))

    assert told(history)[0].endswith("skipped: it failed, which is tolerated: exit status 1")


def test_a_run_is_accepted_with_its_name_and_the_number_of_its_tasks() -> None:
    history = History(entry("a"), entry("b"), entry("h", hook="on_start"))

    assert told(history, last=2)[0].endswith("accepted: bugfix, 2 tasks")


def test_line_for_reads_the_reason_from_the_state_when_it_is_alone() -> None:
    history = History("a").start("a").add(ev.AttemptFailed(A, 1, ev.Failure("exit_status", "boom")))
    history.add(ev.RetryScheduled(A, 2, START + 9, 5.0))

    line = line_for(history.recorded[-1], history.state)

    assert line == "18:48:03  a  retry 2 in 5.0 s: boom"


@given(st.text())
def test_a_message_never_breaks_a_line(message: str) -> None:
    history = History("a").start("a").fail("a", message=message).add(ev.RunPaused(message))

    assert all(len(line.splitlines()) == 1 for line in told(history, last=3))

"""The attempts of a task, as its events tell them."""

from __future__ import annotations

from actorflow.ids import TaskId
from actorflow.monitor.attempts import attempt_report, attempts_of
from actorflow.state import AttemptStatus
from actorflow.state import events as ev
from actorflow.state.events import Failure
from actorflow.state.status import RunStatus
from tests.monitor.run_histories import START, History

A = TaskId("a")
LIMIT = Failure("rate_limit", "too many requests")


def test_every_attempt_has_its_error_and_the_delay_after_it() -> None:
    history = History("a", "b").start("a", at=1).start("b", at=1)
    history.add(ev.AttemptFailed(A, 1, Failure("exit_status", "exit status 1")), at=3)
    history.add(ev.RetryScheduled(A, 2, START + 7, 4.0), at=3).start("a", 2, at=7).succeed("a", 2, at=8)

    first, second = attempts_of(history.recorded, A)

    assert (first.status, first.duration_seconds, first.delay_seconds) == (AttemptStatus.FAILED, 2.0, 4.0)
    assert first.error is not None
    assert first.error.message == "exit status 1"
    assert (second.number, second.status, second.error) == (2, AttemptStatus.SUCCEEDED, None)
    assert second.delay_seconds is None


def test_lost_requeued_and_cancelled_attempts_say_so() -> None:
    history = History("a").start("a").add(ev.AttemptLost(A, 1)).add(ev.RetryScheduled(A, 2, START, 0.0))
    history.start("a", 2).add(ev.AttemptRequeued(A, 2, START + 60, LIMIT))
    history.add(ev.RetryScheduled(A, 3, START + 60, 55.0)).start("a", 3)
    history.add(ev.RunCancelRequested("me")).add(ev.AttemptCancelled(A, 3))

    attempts = attempts_of(history.recorded, A)

    assert [a.status.value for a in attempts] == ["lost", "requeued", "cancelled"]
    assert [a.error.kind if a.error else None for a in attempts] == ["lost", "rate_limit", None]


def test_attempts_after_a_resume_are_told_apart() -> None:
    history = History("a").start("a").fail("a").finish(RunStatus.FAILED)
    history.add(ev.RunResumed((A,))).add(ev.DriverStarted(2, "host", 2)).start("a", 2)

    assert [(a.number, a.resumes) for a in attempts_of(history.recorded, A)] == [(1, 0), (2, 1)]


def test_an_attempt_that_runs_has_no_end_yet() -> None:
    report = attempt_report(attempts_of(History("a").start("a", at=2).recorded, A)[0])

    assert report["status"] == "started"
    assert report["started_at"] == "2026-11-22T18:48:02.000000Z"
    assert [report[key] for key in ("finished_at", "duration", "error", "retry_at", "delay")] == [None] * 5


def test_a_task_that_never_started_has_none() -> None:
    assert attempts_of(History("a").recorded, A) == ()

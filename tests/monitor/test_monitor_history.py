"""How a run stands, from its last events alone, is how the fold of all of them says it stands."""

from __future__ import annotations

import pytest

from actorflow.ids import TaskId
from actorflow.monitor.history import PastRun, past_run_report, status_at_end
from actorflow.state import RunStatus, fold
from actorflow.state import events as ev
from tests.monitor.run_histories import RUN_ID, START, History

A = TaskId("a")


def paused() -> History:
    history = History("a").start("a").add(ev.RunPaused("no login"))
    return history.add(ev.AttemptLost(A, 1)).add(ev.RunCancelRequested("me"))


def resumed() -> History:
    history = History("a").start("a").fail("a").finish(RunStatus.FAILED).add(ev.ControlAnswered("x", "y"))
    history.add(ev.RunResumed((A,))).add(ev.DriverStarted(2, "host", 2)).start("a", 2).succeed("a", 2)
    return history.finish(RunStatus.SUCCESS).add(ev.ActorRestarted("run", 1, "boom"))


def cancelled() -> History:
    history = History("a").start("a").add(ev.RunCancelRequested("me")).add(ev.AttemptCancelled(A, 1))
    return history.add(ev.TaskCancelled(A)).finish(RunStatus.CANCELLED)


HISTORIES = {f.__name__: f().recorded for f in (paused, resumed, cancelled)}


@pytest.mark.parametrize(
    ("name", "count"), [(n, c) for n, r in HISTORIES.items() for c in range(1, len(r) + 1)]
)
def test_the_end_of_a_journal_tells_what_the_whole_of_it_does(name: str, count: int) -> None:
    recorded = HISTORIES[name][:count]
    state = fold((r.at, r.event) for r in recorded)

    assert status_at_end(reversed(recorded)) == (state.status, state.ended_at)


@pytest.mark.parametrize("count", [1, 2])
def test_events_that_leave_every_status_as_it_is_do_not_tell(count: int) -> None:
    recorded = HISTORIES["paused"][-count:]

    assert status_at_end(reversed(recorded)) is None


def test_a_run_that_goes_on_lasts_until_now() -> None:
    run = PastRun(run_id=RUN_ID, status="running", workflow="w", started_at=START)

    assert past_run_report(run, now=START + 2.5) == {
        "run_id": RUN_ID,
        "workflow": "w",
        "mode": None,
        "status": "running",
        "started_at": "2026-11-22T18:48:00.000000Z",
        "duration": 2.5,
        "cost_usd": None,
        "tokens": None,
        "silent_since": None,
    }


def test_of_a_run_that_cannot_be_read_nothing_is_made_up() -> None:
    report = past_run_report(PastRun(run_id=RUN_ID, status="damaged", problem="torn"), now=START)

    assert report == {
        "run_id": RUN_ID,
        "workflow": None,
        "mode": None,
        "status": "damaged",
        "started_at": None,
        "duration": None,
        "cost_usd": None,
        "tokens": None,
        "silent_since": None,
    }


def test_a_driver_that_is_silent_is_a_word_for_people_and_a_moment_for_machines() -> None:
    run = PastRun(run_id=RUN_ID, status="running", workflow="w", started_at=START, silent_since=START + 1)

    report = past_run_report(run, now=START + 2.5)

    assert run.word == "silent"
    assert (report["status"], report["silent_since"]) == ("running", "2026-11-22T18:48:01.000000Z")

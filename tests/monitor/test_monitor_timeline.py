"""When tasks worked and waited, told by events alone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorflow.ids import TaskId
from actorflow.monitor.timeline import Span, Timeline, ticks, timeline_of
from actorflow.state import events as ev
from actorflow.state.status import RunStatus, SkipReason
from tests.monitor.picture_runs import every_state
from tests.monitor.run_histories import START, History, entry

BROKEN = ev.Failure("exit_status", "exit status 1")


def told(history: History, *, until: float = 60, **options: int) -> Timeline:
    return timeline_of(history.recorded, history.state, until=START + until, **options)


def bars(timeline: Timeline, task: str) -> list[tuple[str, int, float, float]]:
    row = next(row for row in timeline.rows if row.task == task)
    return [(bar.phase, bar.attempt, bar.span.start - START, bar.span.end - START) for bar in row.bars]


def test_attempts_retries_and_waits_for_a_slot_follow_each_other() -> None:
    found = bars(told(every_state()), "build")

    assert found == [
        ("failed", 1, 4, 9),
        ("retry_wait", 0, 9, 14),
        ("waiting", 0, 14, 15),
        ("success", 2, 15, 30),
    ]


def test_what_has_not_ended_goes_on_until_the_picture_ends() -> None:
    timeline = told(every_state())

    assert bars(timeline, "repair") == [("running", 1, 34, 60)]
    assert bars(timeline, "integration")[-1] == ("retry_wait", 0, 40, 60)
    assert bars(timeline, "audit")[-1] == ("waiting", 0, 42, 60)
    assert bars(timeline, "review")[1:] == [("parked", 1, 32, 41), ("parked", 0, 41, 60)]


def test_a_task_waits_for_a_slot_from_the_end_of_its_last_dependency() -> None:
    history = History(entry("a"), entry("b"), entry("c", "a", "b"))
    history.start("a", at=0).start("b", at=0).succeed("a", at=5).succeed("b", at=7).start("c", at=20)

    assert bars(told(history), "c")[0] == ("waiting", 0, 7, 20)


def test_hooks_wait_for_their_moment_and_the_first_tasks_for_the_hooks_of_the_start() -> None:
    history = History(entry("a"), entry("before", hook="on_start"), entry("after", hook="on_complete"))
    history.start("before", at=1).succeed("before", at=4).start("a", at=5).succeed("a", at=10)
    history.add(ev.RunSettled(RunStatus.SUCCESS), at=10).start("after", at=12).succeed("after", at=13)

    timeline = told(history)

    assert bars(timeline, "before")[0] == ("waiting", 0, 0, 1)
    assert bars(timeline, "a")[0] == ("waiting", 0, 4, 5)
    assert bars(timeline, "after")[0] == ("waiting", 0, 10, 12)


def test_tasks_that_never_ran_have_a_row_without_bars() -> None:
    history = History("a", "b").add(ev.TaskSkipped(TaskId("a"), SkipReason.CONDITION_FALSE))

    timeline = told(history)

    assert [(row.task, row.phase, row.bars) for row in timeline.rows] == [
        ("a", "skipped", ()),
        ("b", "pending", ()),
    ]


def test_a_lost_attempt_ends_where_its_driver_was_last_heard_of() -> None:
    history = History("a", "b").start("a", at=1).start("b", at=1).succeed("b", at=9)
    history.add(ev.DriverStarted(2, "host", 2), at=50).add(ev.AttemptLost(TaskId("a"), 1), at=50)
    history.add(ev.RetryScheduled(TaskId("a"), 2, START + 50, 0.0), at=50).start("a", 2, at=51)

    timeline = told(history)

    assert bars(timeline, "a")[:2] == [("waiting", 0, 0, 1), ("lost", 1, 1, 9)]
    assert bars(timeline, "a")[-1] == ("running", 2, 51, 60)
    assert timeline.gaps == (Span(START + 9, START + 50),)


def test_an_attempt_that_outlived_a_driver_ends_where_the_one_was_last_heard_of_that_it_died_with() -> None:
    history = History("a", "b").start("a", at=1).start("b", at=1).succeed("b", at=9)
    history.add(ev.DriverStarted(2, "host", 2, taken_over=(TaskId("a"),)), at=50)
    history.add(ev.ActorRestarted("task:a", 1, "a crash"), at=60)
    history.add(ev.AttemptLost(TaskId("a"), 1), at=90).add(ev.DriverStarted(3, "host", 3), at=90)
    history.add(ev.RetryScheduled(TaskId("a"), 2, START + 90, 0.0), at=90).start("a", 2, at=91)

    timeline = told(history)

    assert bars(timeline, "a")[:2] == [("waiting", 0, 0, 1), ("lost", 1, 1, 60)]
    assert timeline.gaps == (Span(START + 9, START + 50), Span(START + 60, START + 90))


def test_a_resume_does_not_turn_the_time_between_into_a_wait() -> None:
    history = History("a").start("a", at=0).add(ev.AttemptFailed(TaskId("a"), 1, BROKEN), at=3)
    history.add(ev.TaskFailed(TaskId("a"), BROKEN), at=3).finish(RunStatus.FAILED)
    history.add(ev.RunResumed((TaskId("a"),)), at=500).add(ev.DriverStarted(2, "host", 2), at=500)
    history.start("a", 2, at=501).succeed("a", 2, at=510).finish(RunStatus.SUCCESS)

    timeline = told(history)

    assert bars(timeline, "a") == [("failed", 1, 0, 3), ("success", 2, 501, 510)]
    assert timeline.span.start == START
    assert timeline.gaps == (Span(START + 5, START + 500),)


def test_the_curve_counts_attempts_that_run_at_the_same_time() -> None:
    history = History("a", "b", "c")
    history.start("a", at=0).start("b", at=2).succeed("a", at=4).start("c", at=4).succeed("b", at=6)
    history.succeed("c", at=9).finish(RunStatus.SUCCESS)

    timeline = told(history)

    assert [(at - START, count) for at, count in timeline.parallel] == [
        (0, 1),
        (2, 2),
        (4, 2),
        (6, 1),
        (9, 0),
    ]
    assert timeline.most_parallel == 2


def test_of_too_many_tasks_those_that_took_longest_are_kept_in_their_order() -> None:
    history = History(*(f"t{i}" for i in range(6)))
    for i, seconds in enumerate([1, 9, 2, 8, 3, 7]):
        history.start(f"t{i}", at=i * 10).succeed(f"t{i}", at=i * 10 + seconds)

    timeline = told(history, most_rows=3)

    assert [row.task for row in timeline.rows] == ["t3", "t4", "t5"]
    assert timeline.hidden == 3
    assert timeline.most_parallel == 1


def test_a_reason_is_told_with_its_attempt() -> None:
    row = next(row for row in told(every_state()).rows if row.task == "build")

    assert [bar.note for bar in row.bars] == ["exit status 1", "", "", ""]


def test_the_critical_path_is_marked() -> None:
    assert [row.task for row in told(every_state()).rows if row.is_critical] == ["fetch", "build", "review"]


@given(st.floats(0, 1e8), st.integers(2, 20))
def test_an_axis_has_round_marks_and_not_too_many(length: float, most: int) -> None:
    marks = ticks(Span(START, START + length), most)

    assert marks[0] == 0
    assert len(marks) <= most
    assert all(mark <= length * 1.001 + 1e-6 for mark in marks)


@pytest.mark.parametrize(
    ("length", "second"), [(0.015, 0.002), (9, 1), (60, 10), (600, 120), (86400, 3 * 3600)]
)
def test_an_axis_has_marks_that_people_count_by(length: float, second: float) -> None:
    assert ticks(Span(START, START + length), 10)[1] == second

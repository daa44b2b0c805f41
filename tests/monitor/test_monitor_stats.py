"""Statistics over runs whose numbers can be worked out by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorflow.ids import TaskId
from actorflow.monitor.stats import RunFigures, figures_of, percentile, stats_of, stats_report
from actorflow.state import events as ev
from actorflow.state.events import Failure
from actorflow.state.status import RunStatus, SkipReason
from tests.monitor.run_histories import START, History, entry

A, B, C = TaskId("a"), TaskId("b"), TaskId("c")
FAILURE = Failure("exit_status", "exit status 1")


def figures(history: History) -> RunFigures:
    return figures_of(history.recorded, history.state)


def chain(seconds_a: float, seconds_b: float, seconds_c: float) -> RunFigures:
    """A run of a, and then of b and c side by side."""
    history = History(entry("a"), entry("b", "a"), entry("c", "a"), entry("h", hook="on_complete"))
    history.start("a", at=0).succeed("a", at=seconds_a).start("b", at=seconds_a).start("c", at=seconds_a)
    first, second = sorted([(seconds_b, "b"), (seconds_c, "c")])
    history.succeed(first[1], at=seconds_a + first[0]).succeed(second[1], at=seconds_a + second[0])
    return figures(history.finish(RunStatus.SUCCESS))


def flaky() -> RunFigures:
    history = History("a").start("a", at=0).add(ev.AttemptFailed(A, 1, FAILURE), at=1)
    history.add(ev.RetryScheduled(A, 2, START + 2, 1.0), at=1).start("a", 2, at=2).succeed("a", 2, at=3)
    return figures(history.finish(RunStatus.SUCCESS))


def failed() -> RunFigures:
    return figures(History("a").start("a").fail("a").finish(RunStatus.FAILED))


def test_percentiles_lie_between_the_values() -> None:
    assert percentile([], 0.5) is None
    assert percentile([7.0], 0.95) == 7.0
    assert percentile([4.0, 1.0, 3.0, 2.0], 0.5) == 2.5
    assert percentile(map(float, range(101)), 0.95) == 95.0


@given(st.lists(st.floats(0, 1e6), min_size=1), st.floats(0, 1), st.floats(0, 1))
def test_a_larger_share_has_no_smaller_percentile(values: list[float], one: float, other: float) -> None:
    low, high = (percentile(values, share) for share in sorted((one, other)))

    assert low is not None
    assert high is not None
    assert min(values) <= low <= high * (1 + 1e-9)
    assert high <= max(values) * (1 + 1e-9)


def test_durations_are_the_medians_of_what_succeeded() -> None:
    stats = stats_of("w", [chain(1, 2, 3), chain(3, 2, 3), chain(2, 2, 9)])

    assert stats.tasks[A].p50 == 2.0
    assert stats.tasks[A].p95 == pytest.approx(2.9)
    assert stats.tasks[C].p50 == 3.0
    assert stats.failure_rate == 0.0


def test_the_critical_path_is_the_longest_chain_of_medians() -> None:
    stats = stats_of("w", [chain(1, 2, 3), chain(1, 2, 3), chain(1, 90, 3)])

    assert stats.critical_path == ("a", "c")
    assert stats.critical_seconds == 4.0


def test_parallelism_is_counted_without_hooks() -> None:
    stats = stats_of("w", [chain(1, 2, 2)])

    assert stats.most_parallel == 2
    assert stats.mean_parallel == pytest.approx(5 / 5)  # 5 s of work in a run of 3 s and 2 s of ending


def test_a_task_is_flaky_when_it_succeeds_after_a_failed_attempt() -> None:
    found = stats_of("w", [flaky(), flaky(), failed()]).tasks[A]

    assert (found.succeeded, found.failed, found.flaky) == (2, 1, 2)
    assert found.failure_rate == pytest.approx(1 / 3)
    assert found.flaky_rate == 1.0


def test_a_success_after_a_resume_is_not_flaky() -> None:
    history = History("a").start("a").fail("a").finish(RunStatus.FAILED).add(ev.RunResumed((A,)))
    history.add(ev.DriverStarted(2, "h", 2)).start("a", 2).succeed("a", 2).finish(RunStatus.SUCCESS)

    assert figures(history).flaky == frozenset()


def test_a_lost_attempt_is_no_failure_of_its_task() -> None:
    history = History("a").start("a").add(ev.AttemptLost(A, 1)).add(ev.RetryScheduled(A, 2, START, 0.0))
    history.start("a", 2).succeed("a", 2).finish(RunStatus.SUCCESS)

    assert figures(history).flaky == frozenset()


def test_tolerated_failures_count_as_failures_and_skips_as_neither() -> None:
    history = History("a", "b").start("a").fail("a")
    history.add(ev.TaskSkipped(A, SkipReason.TOLERATED_FAILURE))
    history.add(ev.TaskSkipped(B, SkipReason.CONDITION_FALSE)).finish(RunStatus.SUCCESS)

    tasks = stats_of("w", [figures(history)]).tasks

    assert (tasks[A].failed, tasks[A].skipped, tasks[A].failure_rate) == (1, 0, 1.0)
    assert (tasks[B].failed, tasks[B].skipped, tasks[B].failure_rate) == (0, 1, None)


def test_a_run_that_goes_on_counts_by_its_word_and_not_in_the_durations() -> None:
    running = figures_of((h := History("a").start("a")).recorded, h.state, status="interrupted")

    stats = stats_of("w", [running, chain(1, 2, 2)])

    assert stats.statuses == {"interrupted": 1, "success": 1}
    assert stats.p50 == 5.0


def test_a_chain_of_thousands_is_no_matter() -> None:
    history = History(entry("t0"), *(entry(f"t{i}", f"t{i - 1}") for i in range(1, 3000)))
    history.start("t0", at=0).succeed("t0", at=1)

    assert stats_of("w", [figures(history)]).critical_path[0] == "t0"


def test_the_report_says_null_where_there_is_nothing_to_count() -> None:
    history = History("a")

    report = stats_report(stats_of("w", [figures(history)]))

    assert report["failure_rate"] is None
    assert report["tasks"]["a"]["duration"] == {"p50": None, "p95": None}
    assert report["critical_path"] == {"tasks": [], "duration": 0.0}

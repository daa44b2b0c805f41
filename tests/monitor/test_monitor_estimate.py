"""What earlier runs let one expect of a run, and tasks as an outline."""

from __future__ import annotations

import pytest

from actorflow.ids import TaskId
from actorflow.monitor import Board
from actorflow.monitor.estimate import Estimate, estimate_of, seconds_left
from actorflow.monitor.order import depths_of, order_of
from actorflow.monitor.outline import outline_of
from actorflow.monitor.stats import figures_of, stats_of
from actorflow.state import events as ev
from actorflow.state.status import RunStatus
from tests.monitor.run_histories import START, History, entry


def left(history: History, *, at: float, run: float | None = None, **tasks: float) -> float | None:
    state = history.state
    depths = depths_of(state)
    estimate = Estimate(run_seconds=run, tasks={TaskId(t): s for t, s in tasks.items()}, runs=3)
    return seconds_left(estimate, state, START + at, sorted(order_of(state), key=depths.__getitem__))


def diamond() -> History:
    return History("a", entry("b", "a"), entry("c", "a"), entry("d", "b", "c"))


def test_before_anything_ran_it_is_the_longest_chain() -> None:
    assert left(diamond(), at=0, a=2, b=10, c=3, d=1) == 13


def test_what_is_done_counts_no_more_and_what_runs_counts_what_is_left_of_it() -> None:
    history = diamond().start("a", at=1).succeed("a", at=3).start("b", at=3).start("c", at=3)

    assert left(history, at=7, a=2, b=10, c=3, d=1) == 6 + 1


def test_a_task_that_takes_longer_than_ever_is_about_to_end() -> None:
    history = History("a", entry("b", "a")).start("a", at=0)

    assert left(history, at=100, a=5, b=2) == 2


def test_a_wait_for_a_retry_is_waited_out() -> None:
    history = History("a").start("a", at=0)
    history.add(ev.AttemptFailed(TaskId("a"), 1, ev.Failure("exit_status", "no")), at=10)
    history.add(ev.RetryScheduled(TaskId("a"), 2, START + 40, 30), at=10)

    assert left(history, at=15, a=5) == 25


@pytest.mark.parametrize(("at", "expected"), [(10, 20), (31, None)])
def test_without_tasks_that_are_known_the_run_has_to_do(at: float, expected: float | None) -> None:
    assert left(diamond().start("a", at=0), at=at, run=30) == expected


def test_nothing_is_known_of_a_workflow_that_never_ran() -> None:
    assert left(diamond(), at=0) is None


def test_medians_of_earlier_runs_are_what_is_expected() -> None:
    runs = []
    for seconds in (2, 4, 9):
        past = History("a").start("a", at=1).succeed("a", at=1 + seconds).finish(RunStatus.SUCCESS)
        runs.append(figures_of(past.recorded, past.state))

    found = estimate_of(stats_of("w", runs))

    assert found.tasks == {"a": 4}
    assert found.runs == 3


def test_the_board_gives_what_is_left_and_what_a_running_task_takes_as_a_rule() -> None:
    board = Board()
    board.absorb(diamond().start("a", at=1).update())
    assert board.overview(now=START + 2, rows=9).left_seconds is None

    board.estimate = Estimate(run_seconds=20, tasks={TaskId("a"): 5, TaskId("b"): 7}, runs=1)
    seen = board.overview(now=START + 2, rows=9)

    assert seen.left_seconds == 4 + 7
    assert {line.id: line.expected_seconds for line in seen.lines} == {
        "a": 5,
        "b": None,
        "c": None,
        "d": None,
    }


def test_an_outline_puts_a_task_below_the_one_that_it_will_have_waited_for() -> None:
    history = History("a", "x", entry("b", "a"), entry("c", "b"), entry("d", "x", "c"), entry("e", "x"))
    state = history.state

    assert list(outline_of(state, order_of(state, history.recorded)).items()) == [
        ("a", 0),
        ("b", 1),
        ("c", 2),
        ("d", 3),
        ("x", 0),
        ("e", 1),
    ]


def test_a_board_can_show_an_outline() -> None:
    board = Board(is_outline=True)
    board.absorb(History("a", "x", entry("b", "a")).update())

    assert [(line.id, line.depth) for line in board.overview(now=START, rows=9).lines] == [
        ("a", 0),
        ("b", 1),
        ("x", 0),
    ]


def test_a_chain_of_thousands_is_an_outline_too() -> None:
    chain = History("t0", *(entry(f"t{i}", f"t{i - 1}") for i in range(1, 5000)))

    assert list(outline_of(chain.state, order_of(chain.state)).values()) == list(range(5000))

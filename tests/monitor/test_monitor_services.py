"""What services and money mean for a run, in words and in JSON."""

from __future__ import annotations

from datetime import UTC

import pytest

from actorflow.monitor.history import spent_at_end
from actorflow.monitor.progress import Board
from actorflow.monitor.services import limits_text, money_text, parked_text, paused_report, spent_text
from actorflow.monitor.times import until_text
from actorflow.state import events as ev
from actorflow.views.style import Look
from actorflow.views.summary import Told, end_lines, status_lines
from tests.monitor.run_histories import START, History, entry
from tests.monitor.test_monitor_report import report

DAY = 86_400.0


def parked(kind: str = "usage_limit", seconds: float = 16_920.0) -> History:
    """A run whose only started task waits for its service; 18:48 and 4 h 42 m are 23:30."""
    history = History("a", entry("b"))
    history.add(ev.AttemptStarted("a", 1, "coder", "claude"), at=0)
    history.add(ev.AttemptRequeued("a", 1, START + seconds, ev.Failure(kind, "used up"), widest=4), at=0)
    return history.add(ev.RetryScheduled("a", 2, START + seconds, seconds), at=0)


def told(history: History, now: float = 10.0) -> Told:
    look = Look(has_colour=False, has_symbols=False, zone=UTC)
    return Told(order=tuple(history.state.tasks), now=START + now, folder="/runs/r", look=look)


@pytest.mark.parametrize(
    ("seconds", "text"), [(59.0, "18:48:59"), (16_920.0, "23:30"), (DAY, "2026-11-23 18:48")]
)
def test_a_moment_to_come_is_told_as_closely_as_it_is_near(seconds: float, text: str) -> None:
    assert until_text(START + seconds, START, UTC) == text


def test_a_parked_run_says_until_when_and_why_everywhere() -> None:
    history = parked()
    board = Board()

    board.absorb(history.update())
    status = "\n".join(status_lines(history.state, told(history)))

    assert parked_text(history.state, now=START) == "PARKED until 23:30 (usage limit of claude)"
    assert board.overview(now=START, rows=9).note == "PARKED until 23:30 (usage limit of claude)"
    assert "running: PARKED until 23:30 (usage limit of claude)" in status
    made = report(history)
    assert made["parked_until"] == "2026-11-22T23:30:00.000000Z"
    assert made["tasks"]["a"]["sub_state"] == "parked"  # type: ignore[index]
    assert made["tasks"]["a"]["due_at"] == "2026-11-22T23:30:00.000000Z"  # type: ignore[index]


def test_a_run_that_was_not_to_wait_says_how_to_go_on() -> None:
    history = parked().add(
        ev.RunPaused("parked by the usage limit of claude", "parked", START + 16_920), at=1
    )

    lines = "\n".join(end_lines(history.state, told(history)))

    assert "paused: PARKED until 23:30 (usage limit of claude)" in lines
    assert "--when-ready" in lines
    assert paused_report(history.state) == {
        "kind": "parked",
        "reason": "parked by the usage limit of claude",
    }


def test_a_run_at_its_budget_says_so_and_how_to_go_on() -> None:
    history = History("a").add(ev.RunPaused("budget.tokens: 9 of 9 are used", "budget"), at=1)

    lines = "\n".join(end_lines(history.state, told(history)))

    assert "paused: budget.tokens: 9 of 9 are used" in lines
    assert "--budget-tokens N" in lines


def test_a_narrow_pool_is_told_while_it_is_narrow() -> None:
    history = parked("rate_limit", 100.0)

    assert limits_text(history.state, now=START + 10) == "claude: 1 at a time, closed until 18:49:40"
    assert limits_text(history.state, now=START + 100) == "claude: 1 at a time"
    assert "limits    claude: 1 at a time, closed until 18:49:40" in "\n".join(
        status_lines(history.state, told(history))
    )


def test_what_is_spent_is_at_least_what_is_known() -> None:
    history = History("a", "b", "c")
    assert spent_text(history.state) == ""

    history.add(ev.AttemptStarted("a", 1, "coder", "claude"), at=0)
    assert spent_text(history.state) == "unknown"
    history.add(ev.AttemptSucceeded("a", 1, cost_usd=1.5, tokens=1200), at=0).add(ev.TaskSucceeded("a"), at=0)
    assert spent_text(history.state) == "1.50 USD, 1,200 tokens"
    history.add(ev.AttemptStarted("b", 1, "coder", "claude"), at=0).add(
        ev.AttemptSucceeded("b", 1, tokens=1), at=0
    )
    assert spent_text(history.state) == "at least 1.50 USD, 1,201 tokens"
    assert report(history)["unknown_costs"] == 1
    assert "spent: at least 1.50 USD" in "\n".join(end_lines(history.state, told(history)))


@pytest.mark.parametrize(("usd", "text"), [(0.0, "0.00 USD"), (0.0024, "0.0024 USD"), (12.5, "12.50 USD")])
def test_small_amounts_keep_the_digits_that_say_something(usd: float, text: str) -> None:
    assert money_text(usd) == text


def test_a_list_of_runs_learns_the_cost_from_the_end() -> None:
    history = History("a").start("a").add(ev.RunPaused("x", "budget", None, 2.5, 7), at=2)
    assert spent_at_end(reversed(history.recorded)) == (2.5, 7)

    history.add(ev.RunResumed(()), at=3).add(ev.DriverStarted(1, "h", 2), at=3)
    assert spent_at_end(reversed(history.recorded)) == (2.5, 7)
    assert spent_at_end(reversed(History("a").start("a").recorded)) == (None, None)

"""``settle``: one outcome and all that follows from it as one batch."""

from __future__ import annotations

import pytest

from actorflow.errors import InternalError
from actorflow.ids import TaskId
from actorflow.scheduling import Command, Facts, Frontier, decide, settle
from actorflow.scheduling.commands import ScheduleRetry, SkipTask, StartAttempt
from actorflow.state import EMPTY, IllegalTransition, RunState, SkipReason, fold
from actorflow.state import events as ev
from tests.strategies.plans import plan, task
from tests.strategies.plays import accepted, full_jitter

A = TaskId("a")
PLAN = plan(task("a"), task("b", "a"))
FACTS = Facts(PLAN, full_jitter)
BEGUN = fold([(0, accepted(PLAN)), (0, ev.DriverStarted(1, "host", 1))], EMPTY)


def by_decide(state: RunState, now: float) -> list[Command]:
    """The specification, as ``settle`` calls it."""
    return decide(FACTS, state, now)


def test_a_batch_holds_what_was_fed_in_and_what_follows_in_order() -> None:
    first = settle(BEGUN, (), 1.0, commands=by_decide)
    second = settle(first.state, [ev.AttemptSucceeded(A, 1)], 2.0, commands=by_decide)

    assert first.events == (ev.AttemptStarted(A, 1, "echo"),)
    assert second.events == (
        ev.AttemptSucceeded(A, 1),
        ev.TaskSucceeded(A),
        ev.AttemptStarted(TaskId("b"), 1, "echo"),
    )
    assert second.starts == (StartAttempt(TaskId("b"), 1, "echo"),)
    assert second.state == fold([(2.0, event) for event in second.events], first.state)


def test_when_nothing_follows_the_batch_is_empty_and_the_state_the_same() -> None:
    running = settle(BEGUN, (), 1.0, commands=by_decide).state

    settled = settle(running, (), 2.0, commands=by_decide)

    assert (settled.events, settled.starts) == ((), ())
    assert settled.state is running


def test_settling_does_not_change_the_state_it_was_given() -> None:
    before = BEGUN

    settle(BEGUN, (), 1.0, commands=by_decide)

    assert before.tasks[A].attempts == 0


def test_events_that_came_in_together_are_one_batch() -> None:
    made = plan(task("a"), task("b"), task("c", "a", "b"))
    facts = Facts(made, full_jitter)
    begun = fold([(0, accepted(made)), (0, ev.DriverStarted(1, "host", 1))], EMPTY)
    frontier = Frontier(facts, begun)
    running = settle(begun, (), 1.0, commands=frontier.commands, advance=frontier.advance).state

    both = [ev.AttemptSucceeded(TaskId(name), 1) for name in "ab"]
    settled = settle(running, both, 2.0, commands=frontier.commands, advance=frontier.advance)

    assert [start.task for start in settled.starts] == ["c"]
    assert len(settled.events) == 5


def test_an_event_that_does_not_fit_leaves_the_frontier_as_it_was() -> None:
    frontier = Frontier(FACTS, BEGUN)
    running = settle(BEGUN, (), 1.0, commands=frontier.commands, advance=frontier.advance).state
    late = ev.AttemptSucceeded(A, 7)

    with pytest.raises(IllegalTransition):
        settle(running, [late], 2.0, commands=frontier.commands, advance=frontier.advance)

    settled = settle(
        running, [ev.AttemptSucceeded(A, 1)], 3.0, commands=frontier.commands, advance=frontier.advance
    )
    assert [start.task for start in settled.starts] == ["b"]


def test_commands_that_never_end_are_a_bug_that_is_told() -> None:
    asked = 0

    def restless(state: RunState, now: float) -> list[Command]:
        nonlocal asked
        asked += 1
        step = state.tasks[A]
        if step.is_attempt_open:
            return [Failing(A, step.attempts, "echo")]
        if step.attempt is not None:
            return [ScheduleRetry(A, step.attempts + 1, now, 0.0)]
        return [StartAttempt(A, step.attempts + 1, "echo")]

    with pytest.raises(InternalError, match="does not come to rest"):
        settle(BEGUN, (), 1.0, commands=restless)
    assert asked < 100


class Failing(StartAttempt):
    """A command that no scheduling gives: it fails an attempt."""

    def events(self) -> tuple[ev.Event, ...]:
        return (ev.AttemptLost(self.task, self.attempt),)


def test_a_command_says_which_events_record_it() -> None:
    assert SkipTask(A, SkipReason.CONDITION_FALSE).events() == (
        ev.TaskSkipped(A, SkipReason.CONDITION_FALSE),
    )
    assert ScheduleRetry(A, 2, 9.0, 5.0).events() == (ev.RetryScheduled(A, 2, 9.0, 5.0),)

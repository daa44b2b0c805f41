"""Which of the attempts that have outlived their driver the next one goes on with, and which are LOST all the same."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actorflow.engine.recovery import Again, recovery_events, taken_over
from actorflow.ids import TaskId
from actorflow.state import events as ev
from actorflow.state.status import TaskStatus
from actorflow.workflow.model import HookPhase
from actorflow.workflow.plan import Plan
from tests.scheduling.test_scheduling_properties import bring_to_an_end, check, step, steps
from tests.strategies.plans import plan, plans, task
from tests.strategies.plays import Play

DRIVER = ev.DriverStarted(2, "host", 2)


def driver(*names: str) -> ev.DriverStarted:
    return ev.DriverStarted(2, "host", 2, taken_over=tuple(TaskId(name) for name in names))


START, BYE = HookPhase.ON_START, HookPhase.ON_COMPLETE
FAN = plan(task("a"), task("b"), task("c", "a", "b"))


def keys(play: Play, *names: str) -> frozenset[tuple[TaskId, int]]:
    return frozenset((TaskId(name), play.of(name).attempts) for name in names)


def resumed(play: Play, *outliving: str, again: Again = Again()) -> list[ev.Event]:  # noqa: B008 (frozen)
    return recovery_events(play.plan, play.state, DRIVER, again=again, outliving=keys(play, *outliving))


def asked(*names: str) -> Again:
    return Again(asked=frozenset(TaskId(name) for name in names))


def test_what_outlives_is_left_open_and_the_rest_is_lost() -> None:
    play = Play(FAN).begin()

    assert resumed(play, "a") == [ev.AttemptLost(TaskId("b"), 1), driver("a")]
    assert resumed(play, "b", "a") == [driver("a", "b")]


def test_what_is_taken_over_takes_a_slot_and_is_not_started_beside() -> None:
    play = Play(plan(task("a"), task("b"), task("c"), max_parallel=2)).begin()

    play.happens(*resumed(play, "a"))

    assert play.started == ["a", "b", "b"]
    assert play.running == ["a", "b"]


def test_another_attempt_than_the_open_one_is_nobodys() -> None:
    play = Play(FAN).begin()
    events = recovery_events(FAN, play.state, DRIVER, outliving=frozenset({(TaskId("a"), 2)}))

    assert ev.AttemptLost(TaskId("a"), 1) in events


def test_more_than_may_run_by_now_is_taken_over_and_nothing_starts_until_there_is_room() -> None:
    play = Play(FAN).begin()
    narrow = Play(plan(task("a"), task("b"), task("c", "a", "b"), max_parallel=1))
    narrow.state = play.state

    narrow.happens(*resumed(narrow, "a", "b"))
    narrow.rebuild()

    assert narrow.running == ["a", "b"]
    narrow.ok("a", "b")
    assert narrow.running == ["c"]


def test_what_was_asked_to_run_again_or_comes_after_it_is_lost() -> None:
    play = Play(plan(task("a"), task("b", "a"), task("c"))).begin()
    play.ok("a")

    assert taken_over(play.plan, play.state, keys(play, "b", "c"), again=asked("a")) == keys(play, "c")
    assert taken_over(play.plan, play.state, keys(play, "b", "c"), again=asked("c")) == keys(play, "b")


def test_what_builds_on_a_failure_that_is_repeated_is_lost() -> None:
    play = Play(plan(task("a"), task("mend", "a", run_if="one_failed"), on_failure="continue")).begin()
    play.fail("a")

    assert taken_over(play.plan, play.state, keys(play, "mend")) == frozenset()


def test_another_task_that_failed_is_repeated_beside_what_is_taken_over() -> None:
    play = Play(plan(task("a"), task("b"), on_failure="continue")).begin()
    play.fail("a")

    assert resumed(play, "b") == [ev.RunResumed((TaskId("a"),), "resume"), driver("b")]
    play.happens(*resumed(play, "b"))
    assert play.started == ["a", "b", "a"]


def test_what_a_cancellation_or_a_timeout_has_begun_to_stop_is_lost() -> None:
    for stop in (Play.cancel, Play.time_out):
        play = Play(FAN).begin()
        stop(play)

        assert taken_over(FAN, play.state, keys(play, "a", "b")) == frozenset()


def test_a_hook_of_the_start_is_taken_over() -> None:
    play = Play(plan(task("a"), task("hello", hook=START))).begin()

    assert resumed(play, "hello") == [driver("hello")]


def test_a_hook_of_the_end_is_taken_over_and_those_before_it_are_not_repeated() -> None:
    play = Play(plan(task("a"), task("one", hook=BYE), task("two", hook=BYE))).begin()
    play.ok("a", "one")

    assert resumed(play, "two") == [driver("two")]
    play.happens(driver("two"))
    play.ok("two")
    assert (play.end, play.started) == ("success", ["a", "one", "two"])


def test_a_hook_of_the_end_is_lost_when_the_run_ends_once_more() -> None:
    play = Play(plan(task("a"), task("one", hook=BYE))).begin()
    play.fail("a")

    assert resumed(play, "one") == [
        ev.AttemptLost(TaskId("one"), 1),
        ev.RunResumed((TaskId("a"), TaskId("one")), "resume"),
        DRIVER,
    ]


def test_under_another_spec_what_it_has_not_or_has_as_something_else_is_lost() -> None:
    play = Play(FAN).begin()
    new = plan(task("a"), task("b", hook=BYE), task("c", "a"))
    spec = ev.SpecChanged(
        tuple(
            ev.TaskEntry(t.id, t.spec.agents, t.dependencies, t.hook.value if t.hook else "")
            for t in new.tasks.values()
        ),
        "",
    )
    gone = plan(task("a"))

    assert taken_over(new, play.state, keys(play, "a", "b"), spec=spec) == keys(play, "a")
    assert taken_over(gone, play.state, keys(play, "a", "b")) == keys(play, "a")


@pytest.mark.slow
@given(plans(max_tasks=10), steps, st.data())
@settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large]
)
def test_any_run_goes_on_to_its_end_with_whatever_outlives(
    plan: Plan, history: list[tuple[str, int]], data: st.DataObject
) -> None:
    """Only what is repeated or was being stopped is lost although it outlives, and nothing that goes on is started again."""
    play = Play(plan).begin()
    for word, pick in history:
        play = step(play, word, pick) if play.end is None else play
    running = [name for name in play.plan.tasks if play.of(name).is_attempt_open]
    outliving = keys(play, *(name for name in running if data.draw(st.booleans(), name)))
    names = [name for name, planned in plan.tasks.items() if planned.hook is None]
    again = Again(frozenset(data.draw(st.lists(st.sampled_from(names), max_size=1))))

    before, known = play.state, len(play.events)
    events = recovery_events(plan, before, DRIVER, again=again, outliving=outliving)
    kept = taken_over(plan, before, outliving, again=again)
    play.rebuild()
    play.happens(*events)

    lost = {(e.task, e.attempt) for e in events if isinstance(e, ev.AttemptLost)}
    if events:
        assert lost == frozenset((TaskId(n), before.tasks[TaskId(n)].attempts) for n in running) - kept
    reset = {task for e in events if isinstance(e, ev.RunResumed) for task in e.tasks}
    stopped = before.is_cancelling or before.hooks_cancelled
    assert all(key[0] in reset or stopped for key in outliving - kept)
    assert {t for e in events if isinstance(e, ev.DriverStarted) for t in e.taken_over} == {
        t for t, _ in kept
    }
    assert all(play.of(task).is_attempt_open and play.of(task).attempts == n for task, n in kept)
    assert not {task for task, _ in kept} & reset
    bring_to_an_end(play)
    check(play)
    started = {
        (event.task, event.attempt)
        for _, event in play.events[known:]
        if isinstance(event, ev.AttemptStarted)
    }
    assert not started & kept
    assert all(play.of(task).status is not TaskStatus.PENDING for task in names)

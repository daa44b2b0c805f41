"""What a resume repeats, and why: by itself, and when somebody asks."""

from __future__ import annotations

from actorflow.engine.recovery import Again, recovery_events, repeats
from actorflow.ids import TaskId
from actorflow.state import events as ev
from actorflow.workflow.model import HookPhase
from tests.strategies.plans import plan, task
from tests.strategies.plays import Play

CHAIN = plan(
    task("a"), task("b", "a"), task("c", "b"), task("other"), task("bye", hook=HookPhase.ON_COMPLETE)
)
NOTHING = Again()
DRIVER = ev.DriverStarted(2, "host", 2)


def ended(**script: list[str]) -> Play:
    return Play(CHAIN).begin().play(script)


def told(play: Play, again: Again = NOTHING) -> dict[str, str]:
    return {
        task_id: repeat.cause.value + (f" of {repeat.because_of}" if repeat.because_of else "")
        for task_id, repeat in repeats(play.plan, play.state, again).items()
    }


def asked(*names: str) -> Again:
    return Again(asked=frozenset(TaskId(name) for name in names))


def test_a_plain_resume_repeats_what_failed_and_what_waits_for_it() -> None:
    assert told(ended(b=["fail"])) == {"b": "failed", "c": "upstream of b", "bye": "hook"}


def test_a_run_that_succeeded_has_nothing_to_repeat() -> None:
    assert told(ended()) == {}
    assert recovery_events(CHAIN, ended().state, DRIVER) == []


def test_from_repeats_a_task_and_all_that_comes_after_it_whatever_became_of_them() -> None:
    assert told(ended(), asked("b")) == {"b": "asked", "c": "upstream of b", "bye": "hook"}
    assert told(ended(), asked("c", "other")) == {"c": "asked", "other": "asked", "bye": "hook"}


def test_from_comes_on_top_of_what_a_resume_repeats_by_itself() -> None:
    play = Play(CHAIN, t=0).begin().play({"b": ["fail"], "other": ["ok"]})

    assert told(play, asked("other")) == {
        "b": "failed",
        "c": "upstream of b",
        "other": "asked",
        "bye": "hook",
    }


def test_a_changed_task_is_repeated_as_one_that_was_asked_for() -> None:
    assert told(ended(), Again(changed=frozenset({TaskId("a")}))) == {
        "a": "changed",
        "b": "upstream of a",
        "c": "upstream of b",
        "bye": "hook",
    }


def test_a_hook_can_be_asked_for() -> None:
    assert told(ended(), asked("bye")) == {"bye": "asked"}


def test_what_was_asked_for_is_in_the_event() -> None:
    events = recovery_events(CHAIN, ended().state, DRIVER, reason="resume --from b", again=asked("b"))

    assert events == [
        ev.RunResumed((TaskId("b"), TaskId("c"), TaskId("bye")), "resume --from b", (TaskId("b"),)),
        DRIVER,
    ]


def test_a_repeated_run_goes_on_to_its_end_and_leaves_the_rest_alone() -> None:
    play = ended()
    play.happens(*recovery_events(CHAIN, play.state, DRIVER, again=asked("b")))
    play.play()

    assert play.end == "success"
    assert play.started == ["a", "other", "b", "c", "bye", "b", "c", "bye"]
    assert play.of("b").attempts == 2


def test_a_success_after_a_failure_that_it_handles_is_not_repeated() -> None:
    tolerant = plan(task("a"), task("b", "a", run_if="all_done"))
    play = Play(tolerant).begin().play({"a": ["fail"]})

    assert told(play) == {"a": "failed"}
    assert told(play, asked("a")) == {"a": "failed", "b": "upstream of a"}

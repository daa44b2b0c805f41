"""What the simulation has found, each as the smallest case that shows it."""

from __future__ import annotations

import pytest

from actorflow.engine.records import read_records, records_of
from actorflow.engine.recovery import recovery_events
from actorflow.journal import Record
from actorflow.state import RunStatus, fold
from actorflow.state import events as ev
from actorflow.workflow.model import RetryPolicy
from tests.simulation.faults import Fault
from tests.simulation.workflows import Role, Scenario
from tests.simulation.world import simulate
from tests.strategies.plans import plan, task
from tests.strategies.plays import Play


def test_a_handler_that_was_running_waits_for_what_it_handles_when_that_runs_again() -> None:
    made = plan(task("build"), task("mend", "build", run_if="all_failed"), task("tell", "mend"))
    run = Play(made).begin()
    run.fail("build", retryable=False)
    assert run.running == ["mend"]

    events = recovery_events(made, run.state, ev.DriverStarted(2, "host", 2))

    state = fold([(1.0, event) for event in events], run.state)
    assert [e.tasks for e in events if isinstance(e, ev.RunResumed)] == [("build", "mend")]
    assert {name: task.status.value for name, task in state.tasks.items()} == {
        "build": "pending",
        "mend": "pending",
        "tell": "pending",
    }


@pytest.mark.parametrize("delay", [1 / 3, 19.0427992, 1.4e-6])
def test_what_is_decided_for_a_moment_is_the_same_moment_when_it_is_read_again(delay: float) -> None:
    made = plan(task("a", retry=RetryPolicy(max_attempts=2, delay_seconds=delay)))
    run = Play(made, t=1_800_000_000.0).begin()
    run.fail("a")
    due_at = run.of("a").due_at
    assert due_at is not None

    written = records_of([ev.AttemptStarted("a", 2, "echo")], due_at)[0]

    read = read_records([Record(1, written.recorded_at, 1, written.kind, written.body)])
    assert read[0].at == due_at


def test_a_replaced_driver_whose_run_actor_crashes_does_not_take_up_what_the_next_driver_has_started() -> (
    None
):
    scenario = Scenario(
        {"name": "one", "tasks": [{"id": "a", "agent": "sim"}]}, {"a": Role(seconds=9.0, outlives=False)}
    )
    replaced = Fault("replaced", "", 0, 0, 1.0)
    crash = Fault("run_actor_crash", "run._turn.before", 1, 1)

    seen = simulate(0, scenario=scenario, lives=[[replaced, crash]]).ledger.seen

    assert (seen["DriverStarted"], seen["AttemptStarted"], seen["AttemptLost"]) == (2, 2, 1)


def test_an_agent_that_opens_its_session_while_the_run_actor_crashes_is_not_failed_for_it() -> None:
    scenario = Scenario(
        {"name": "one", "tasks": [{"id": "a", "agent": "sim"}]}, {"a": Role(opens_session=True)}
    )
    crash = Fault("run_actor_crash", "run._turn.before", 1, 1)

    seen = simulate(0, scenario=scenario, lives=[[crash]]).ledger.seen

    assert (seen["ActorRestarted"], seen["SessionOpened"], seen["AttemptFailed"]) == (1, 1, 0)


def test_a_driver_that_was_replaced_does_not_take_the_attempts_of_its_successor_for_its_own() -> None:
    scenario = Scenario(
        {"name": "one", "tasks": [{"id": "a", "agent": "sim"}, {"id": "b", "agent": "sim"}]},
        {"a": Role(seconds=9.0, outlives=False), "b": Role(seconds=90.0, outlives=False)},
    )
    replaced = Fault("replaced", at=5.0)
    crash = Fault("run_actor_crash", "run._turn.before", 1, 1)  # when a's outcome of the first driver comes

    seen = simulate(0, scenario=scenario, lives=[[replaced, crash]]).ledger.seen

    assert seen["AttemptLost"] == 2


def test_work_that_outlives_driver_after_driver_is_begun_once() -> None:
    scenario = Scenario({"name": "one", "tasks": [{"id": "a", "agent": "sim"}]}, {"a": Role(seconds=500.0)})
    lives = [[Fault("kill_at_a_moment", at=3.0)] for _ in range(3)]
    worlds = (simulate(seed, scenario=scenario, lives=lives) for seed in range(80))

    world = next(w for w in worlds if w.ledger.seen["AttemptLost"] == 0 and w.fired["outlives"] == 3)

    assert world.ledger.state.status is RunStatus.SUCCESS
    assert world.ledger.seen["AttemptStarted"] == 1

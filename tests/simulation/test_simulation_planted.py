"""The test of the test: mistakes that a durable engine must not make, each planted into the real one and found by the simulation.

A planted mistake that no seed finds means that the ledger does not look, or that the faults do not reach the place.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from typing import Any

import msgspec
import pytest
import trio

from actorflow.engine import offline, recording, recovery, run_actor, taking
from actorflow.engine.attempts import Attempt, AttemptHost
from actorflow.engine.drive import Drive
from actorflow.engine.records import records_of
from actorflow.engine.run_actor import RunActor
from actorflow.engine.taking import Taken
from actorflow.engine.task_actor import TaskActor
from actorflow.engine.validity import Comparison
from actorflow.journal import MemoryBlobs, MemoryJournal, Record
from actorflow.scheduling import frontier, rules
from actorflow.state import RunState, TaskStatus, task_transitions, transitions
from actorflow.state import events as ev
from actorflow.state import services as state_services
from actorflow.state.limits import narrowed
from actorflow.state.services import ended
from tests.damage.test_damage_torn_log import accepts_a_torn_middle
from tests.simulation.ledger import Violation
from tests.simulation.world import Driver, simulate

MOST_SEEDS = 2000

Plant = Callable[[pytest.MonkeyPatch], None]


def acts_before_the_commit(plant: pytest.MonkeyPatch) -> None:
    carry = RunActor._carry

    def hasty(self: RunActor, start: Any, state: Any, durable: trio.Event) -> None:
        durable.set()
        carry(self, start, state, durable)

    plant.setattr(RunActor, "_carry", hasty)


def waits_for_a_commit_that_will_never_come(plant: pytest.MonkeyPatch) -> None:
    begin = AttemptHost.begin

    def loyal(self: AttemptHost, start: Any, *args: Any, **more: Any) -> None:
        if self.find(start.task, start.attempt) is None:
            begin(self, start, *args, **more)

    plant.setattr(AttemptHost, "begin", loyal)


def records_a_success_whose_output_is_not_durable(plant: pytest.MonkeyPatch) -> None:
    plant.setattr(MemoryBlobs, "put", lambda self, data: hashlib.sha256(data).hexdigest())


def starts_without_a_record(plant: pytest.MonkeyPatch) -> None:
    def without_starts(events: Iterable[ev.Event], at: float) -> Any:
        return records_of([e for e in events if not isinstance(e, ev.AttemptStarted)], at)

    plant.setattr(recording, "records_of", without_starts)


def forgets_how_often_a_task_has_failed(plant: pytest.MonkeyPatch) -> None:
    folded_again, read = run_actor.folded_again, Driver.read

    async def forgetful(session: Any) -> RunState:
        return _without_counters(await folded_again(session))

    plant.setattr(run_actor, "folded_again", forgetful)
    plant.setattr(Driver, "read", lambda self: _without_counters(read(self)))


def _without_counters(state: RunState) -> RunState:
    tasks = state.tasks
    for task in state.tasks.values():
        if task.status is TaskStatus.RUNNING:
            tasks = tasks.set(task.id, msgspec.structs.replace(task, counted=int(task.is_attempt_open)))
    return msgspec.structs.replace(state, tasks=tasks)


def lets_a_replaced_driver_write(plant: pytest.MonkeyPatch) -> None:
    def commit(self: MemoryJournal, records: list[Record]) -> int:
        head = len(self.disk.records)
        self.disk.records.extend(
            Record(head + i, r.recorded_at, r.epoch, r.kind, r.body) for i, r in enumerate(records, 1)
        )
        self._head = len(self.disk.records)
        return self._head

    plant.setattr(MemoryJournal, "_commit", commit)


def runs_again_what_succeeded(plant: pytest.MonkeyPatch) -> None:
    plant.setattr(recovery, "_is_to_repeat", lambda status, reason: status.is_terminal)


def fires_a_hook_twice(plant: pytest.MonkeyPatch) -> None:
    plant.setattr(
        recovery,
        "_hooks_to_repeat",
        lambda plan, state, ended: [h for hooks in plan.hooks.values() for h in hooks],
    )


def loses_the_wake_up_after_a_back_off(plant: pytest.MonkeyPatch) -> None:
    instruct = RunActor._instruct_running

    def forgetful(self: RunActor, task: Any) -> None:
        if task.due_at is None:
            instruct(self, task)

    plant.setattr(RunActor, "_instruct_running", forgetful)


def misses_a_task_in_back_off_when_it_cancels(plant: pytest.MonkeyPatch) -> None:
    cancellable = frontier._can_be_cancelled
    plant.setattr(
        frontier, "_can_be_cancelled", lambda state, task: task.due_at is None and cancellable(state, task)
    )


def gives_up_an_attempt_that_is_at_work(plant: pytest.MonkeyPatch) -> None:
    plant.setattr(RunActor, "_is_known", lambda self, task: False)


def carries_out_an_attempt_again_after_a_crash(plant: pytest.MonkeyPatch) -> None:
    def carry(self: TaskActor, message: Any) -> None:
        self._host.forget(self._task, message.start.attempt)
        self._host.begin(message.start, message.state, self._driver, durable=message.durable)

    plant.setattr(TaskActor, "_carry", carry)


def does_not_say_an_outcome_again(plant: pytest.MonkeyPatch) -> None:
    tell, told = Attempt.tell, set()

    def once(self: Attempt) -> None:
        if id(self) not in told:
            told.add(id(self))
            tell(self)

    plant.setattr(Attempt, "tell", once)


def does_not_wait_before_a_retry(plant: pytest.MonkeyPatch) -> None:
    plant.setattr(rules, "delay_before", lambda *_: 0.0)


def does_not_stop_what_runs_when_it_cancels(plant: pytest.MonkeyPatch) -> None:
    for name in ("stop", "stop_all"):
        plant.setattr(AttemptHost, name, lambda *_: None)


def stops_what_runs_only_when_the_disk_has_recorded_it(plant: pytest.MonkeyPatch) -> None:
    plant.setattr(AttemptHost, "stop_all", lambda self: None)


def calls_agents_while_a_cancellation_waits_for_the_disk(plant: pytest.MonkeyPatch) -> None:
    plant.setattr(Attempt, "_heed", lambda self: None)


def loses_a_cancellation_when_the_actor_crashes_over_it(plant: pytest.MonkeyPatch) -> None:
    plant.setattr(Drive, "_tell_wish", lambda self: None)


def asks_a_service_that_is_closed(plant: pytest.MonkeyPatch) -> None:
    plant.setattr(frontier, "is_open", lambda *_: True)


def does_not_narrow_a_pool(plant: pytest.MonkeyPatch) -> None:
    def wide(limits: Any, kind: str, **more: Any) -> Any:
        after = narrowed(limits, kind, **more)
        return (
            after
            if kind == "usage_limit"
            else after.set(more["pool"], replace(after[more["pool"]], allowed=99))
        )

    replace = msgspec.structs.replace
    plant.setattr(state_services, "narrowed", wide)


def starts_without_money(plant: pytest.MonkeyPatch) -> None:
    plant.setattr(frontier, "over_budget", lambda *_: "")


def does_not_pay_for_failed_attempts(plant: pytest.MonkeyPatch) -> None:
    def unpaid(state: Any, task: Any, event: Any, at: float) -> Any:
        if isinstance(event, ev.AttemptFailed):
            event = msgspec.structs.replace(event, cost_usd=0.0, tokens=0)
        return ended(state, task, event, at)

    plant.setattr(task_transitions, "ended", unpaid)


def lets_a_limit_use_up_an_attempt(plant: pytest.MonkeyPatch) -> None:
    handler = task_transitions.TASK_HANDLERS[ev.AttemptRequeued]

    def counting(state: Any, event: Any, at: float) -> Any:
        after = handler(state, event, at)
        task = after.tasks[event.task]
        counted = msgspec.structs.replace(task, counted=task.counted + 1)
        return msgspec.structs.replace(after, tasks=after.tasks.set(task.id, counted))

    plant.setitem(transitions._HANDLERS, ev.AttemptRequeued, counting)


def tries_the_first_agent_only(plant: pytest.MonkeyPatch) -> None:
    plant.setattr(rules, "next_agent", lambda *_: None)


def sleeps_through_the_end_of_a_limit(plant: pytest.MonkeyPatch) -> None:
    plant.setattr(RunActor, "_watch_limits", lambda self: None)


def runs_again_what_has_outlived_its_driver(plant: pytest.MonkeyPatch) -> None:
    def begin(self: AttemptHost, start: Any, *args: Any, **more: Any) -> None:
        self._outliving.pop((start.task, start.attempt), None)
        original(self, start, *args, **more)

    original = AttemptHost.begin
    plant.setattr(AttemptHost, "begin", begin)


def loses_what_has_outlived_its_driver(plant: pytest.MonkeyPatch) -> None:
    plant.setattr(recovery, "taken_over", lambda *_, **__: frozenset())


def starts_beside_what_is_lost_and_still_runs(plant: pytest.MonkeyPatch) -> None:
    plant.setattr(Attempt, "_go_on", Attempt._carry_out)


def throws_a_result_away_before_it_is_recorded(plant: pytest.MonkeyPatch) -> None:
    async def go_on(self: Attempt) -> Any:
        outcome = await self._carry_out()
        await self._session.end_survivors(self._start.task, self._start.attempt)
        return outcome

    plant.setattr(Attempt, "_go_on", go_on)


def takes_over_what_is_to_run_again(plant: pytest.MonkeyPatch) -> None:
    def careless(plan: Any, state: RunState, outliving: Any, **_: Any) -> Any:
        return frozenset((t.id, t.attempts) for t in state.tasks.values() if t.is_attempt_open) & outliving

    plant.setattr(recovery, "taken_over", careless)


def takes_over_what_is_asked_something_else_now(plant: pytest.MonkeyPatch) -> None:
    plant.setattr(Comparison, "is_still_asked", lambda *_: True)


def forgets_whom_it_was_to_go_on_with(plant: pytest.MonkeyPatch) -> None:
    plant.setattr(AttemptHost, "has_outlived", lambda *_: False)


def cancels_what_has_finished_and_is_paid_for(plant: pytest.MonkeyPatch) -> None:
    async def take_nothing(session: Any, found: Any, driver: Any) -> Taken:
        return Taken(session.initial)

    plant.setattr(offline, "take_finished", take_nothing)


def records_that_an_attempt_is_cancelled_before_its_run_is(plant: pytest.MonkeyPatch) -> None:
    take = taking.take_finished

    async def too_early(session: Any, found: Any, driver: Any) -> Taken:
        taken = await take(session, found, driver)
        state = taken.state
        for left in taken.left.values():
            await session.journal.append(records_of(left.events, max(session.clock(), state.updated_at)))
        return taken

    plant.setattr(offline, "take_finished", too_early)


PLANTED: dict[Plant, str] = {
    acts_before_the_commit: "not durable",
    waits_for_a_commit_that_will_never_come: "does not end",
    records_a_success_whose_output_is_not_durable: "recorded and not durable",
    starts_without_a_record: "not durable|not possible|not open",
    forgets_how_often_a_task_has_failed: "has failed . times and is started again|driver holds is not what the journal",
    lets_a_replaced_driver_write: "wrote after driver",
    runs_again_what_succeeded: "succeeded and is PENDING again",
    fires_a_hook_twice: "succeeded and is PENDING again",
    loses_the_wake_up_after_a_back_off: "does not end",
    misses_a_task_in_back_off_when_it_cancels: "although the run is cancelled|does not end",
    gives_up_an_attempt_that_is_at_work: "still at work",
    carries_out_an_attempt_again_after_a_crash: "carried out twice",
    does_not_say_an_outcome_again: "does not end",
    does_not_wait_before_a_retry: "and not at least",
    does_not_stop_what_runs_when_it_cancels: "after the cancellation|is asked to end|is called, and was stopped",
    stops_what_runs_only_when_the_disk_has_recorded_it: "after the cancellation|is asked to end",
    calls_agents_while_a_cancellation_waits_for_the_disk: "is asked to end|after the cancellation",
    loses_a_cancellation_when_the_actor_crashes_over_it: "nobody has cancelled the run|was asked to cancel|does not end",
    asks_a_service_that_is_closed: "is closed for",
    does_not_narrow_a_pool: "run in .*; at most",
    starts_without_money: "no money left",
    does_not_pay_for_failed_attempts: "no money left",
    lets_a_limit_use_up_an_attempt: "is given up after",
    tries_the_first_agent_only: "has not been asked",
    sleeps_through_the_end_of_a_limit: "does not end",
    runs_again_what_has_outlived_its_driver: "carried out twice",
    loses_what_has_outlived_its_driver: "is lost, and has outlived",
    starts_beside_what_is_lost_and_still_runs: "begins while",
    throws_a_result_away_before_it_is_recorded: "thrown away",
    takes_over_what_is_to_run_again: "not possible|are taken over",
    takes_over_what_is_asked_something_else_now: "is asked something else now",
    forgets_whom_it_was_to_go_on_with: "begins while|still at work",
    cancels_what_has_finished_and_is_paid_for: "was paid for",
    records_that_an_attempt_is_cancelled_before_its_run_is: "nobody has cancelled the run",
}
"""Each mistake, and what the ledger says about it."""


PROMISED = {
    "act before commit": acts_before_the_commit,
    "SUCCESS without its blob synced": records_a_success_whose_output_is_not_durable,
    "START not journaled": starts_without_a_record,
    "retry counter not journaled": forgets_how_often_a_task_has_failed,
    "epoch not checked": lets_a_replaced_driver_write,
    "resume re-runs SUCCESS": runs_again_what_succeeded,
    "hook fired twice": fires_a_hook_twice,
    "lost wake-up after back-off": loses_the_wake_up_after_a_back_off,
    "torn tail accepted in the middle": accepts_a_torn_middle,
    "cancel that misses a task in back-off": misses_a_task_in_back_off_when_it_cancels,
}
"""What every engine of this kind must not do. The torn tail is the journal's, and is planted where its files are damaged."""


def test_none_of_the_ten_is_missing() -> None:
    assert len(PROMISED) == 10
    assert set(PROMISED.values()) - {accepts_a_torn_middle} <= set(PLANTED)


@pytest.mark.slow
@pytest.mark.parametrize("mistake", PLANTED, ids=lambda mistake: mistake.__name__)
def test_a_planted_mistake_is_found(
    mistake: Plant, monkeypatch: pytest.MonkeyPatch, record_property, figure
) -> None:
    mistake(monkeypatch)

    with pytest.raises(Violation, match=PLANTED[mistake]) as found:
        for seed in range(MOST_SEEDS):
            simulate(seed)

    record_property("note", f"planted: {mistake.__name__}: found at seed {seed}: {found.value!s:.150}")
    figure("planted mistakes", tried=1, of="mistakes", found=1, what="found", promised="all", seed=seed)

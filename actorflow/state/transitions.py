"""``apply``: the only way the state of a run changes.

Takes a state, an event and the event's time, and gives the next state; looks up every status in the tables of
``status``. An event that the tables do not allow raises ``IllegalTransition`` and changes nothing. Recovery
is the same function folded over the journal. Must stay a pure function: no clock, no I/O.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Self

from msgspec.structs import replace
from pyrsistent import PMap, pmap

from actorflow.ids import RunId
from actorflow.state import events as ev
from actorflow.state.events import Event, Failure
from actorflow.state.flat_map import flat_map
from actorflow.state.run_state import EMPTY, RunState, TaskState
from actorflow.state.status import TaskStatus
from actorflow.state.task_transitions import (
    TASK_HANDLERS,
    IllegalTransition,
    lift_limits,
    record_of,
    renewed,
    reset_task,
    run_status_after,
)
from actorflow.values import freeze_mapping
from actorflow.workflow.budget import Budget

__all__ = ["IllegalTransition", "apply", "fold", "record_of"]


def apply(state: RunState, event: Event, at: float) -> RunState:
    """Return the state after ``event``, which was recorded at ``at`` (Unix seconds).

    Raises:
        IllegalTransition: the event does not fit.
    """
    after = _HANDLERS[type(event)](state, event, at)
    if after.sequence > state.sequence:  # the frequent events store everything in one go
        return after
    return replace(after, sequence=state.sequence + 1, updated_at=at)


def fold(
    events: Iterable[tuple[float, Event]], state: RunState = EMPTY, *, is_final: bool = False
) -> RunState:
    """Apply (time, event) pairs in order.

    Args:
        is_final: whether the state will only be looked at; its maps are quicker to read then.
    """
    known = tuple(events)
    if len(known) < _MANY:
        for at, event in known:
            state = apply(state, event, at)
        return state
    for at, event in known:
        tasks: object = state.tasks
        if not isinstance(tasks, _Draft):  # at first, and after what declares the tasks
            state = replace(state, tasks=_Draft(state.tasks), context=_Draft(state.context))
        state = apply(state, event, at)
    finished = flat_map if is_final else _persistent
    return replace(state, tasks=finished(state.tasks), context=finished(state.context))


def _persistent(items: Mapping[Any, Any]) -> PMap[Any, Any]:
    return pmap(dict(items))


_MANY = 200
"""Events from which on it is worth the while to copy the maps of a state."""


class _Draft(dict[Any, Any]):
    """A map inside one ``fold``: it answers as a persistent one does and is changed in place, because nobody sees the states in between.

    Otherwise a fold makes a map for each event, of which all but the last are thrown away.
    """

    def set(self, key: Any, value: Any) -> Self:
        self[key] = value
        return self

    def discard(self, key: Any) -> Self:
        self.pop(key, None)
        return self

    def evolver(self) -> Self:
        return self

    def persistent(self) -> Self:
        return self


_NOT_PAUSED: dict[str, Any] = {"paused_because": "", "paused_kind": "", "paused_until": None}

# --- the run -----------------------------------------------------------------------------------------------------


def _run_accepted(state: RunState, event: ev.RunAccepted, at: float) -> RunState:
    tasks = {
        entry.id: TaskState(
            id=entry.id,
            agents=entry.agents,
            dependencies=entry.dependencies,
            hook=entry.hook,
            agent=entry.agents[0],
        )
        for entry in event.tasks
    }
    return replace(
        state,
        run_id=RunId(event.run_id),
        workflow=event.workflow,
        status=run_status_after(state, event),
        mode=event.mode,
        project_root=event.project_root,
        tasks=pmap(tasks),
        context=pmap(freeze_mapping(event.values)),
        inputs=freeze_mapping(event.inputs),
        variables=freeze_mapping({k: v for k, v in event.values.items() if k not in event.inputs}),
        unfinished=sum(1 for task in tasks.values() if not task.hook),
        accepted_at=at,
        key_id=event.salvaged_from or event.run_id,
        spec_sequence=state.sequence + 1,
    )


def _spec_changed(state: RunState, event: ev.SpecChanged, _at: float) -> RunState:
    status = run_status_after(state, event)
    tasks = {entry.id: _following(state, entry) for entry in event.tasks}
    gone = {task_id: task for task_id, task in state.tasks.items() if task_id not in tasks}
    for task in gone.values():
        if task.is_attempt_open:
            raise IllegalTransition("SpecChanged", f"task {task.id}", "at work")
    kept: dict[str, Any] = {task.id: record_of(task) for task in tasks.values() if task.status.is_terminal}
    values = freeze_mapping(event.values)
    counted = [task for task in tasks.values() if not task.hook]
    return replace(
        state,
        status=status,
        tasks=pmap(tasks),
        removed=pmap({**{t: task for t, task in state.removed.items() if t not in tasks}, **gone}),
        context=pmap({**values, **kept}),
        inputs=freeze_mapping(event.inputs),
        variables=freeze_mapping({k: v for k, v in values.items() if k not in event.inputs}),
        unfinished=sum(1 for task in counted if not task.status.is_terminal),
        failed=sum(1 for task in counted if task.status is TaskStatus.FAILED),
        cancelled=sum(1 for task in counted if task.status is TaskStatus.CANCELLED),
        running=sum(1 for task in counted if task.is_attempt_open),
        spec_sequence=state.sequence + 1,
    )


def _following(state: RunState, entry: ev.TaskEntry) -> TaskState:
    """Return a task as the new spec has it: what was done stays, and what is new is PENDING."""
    known = state.tasks.get(entry.id)
    if known is None:
        fresh = TaskState(entry.id, entry.agents, entry.dependencies, entry.hook, agent=entry.agents[0])
        former = state.removed.get(entry.id)
        return fresh if former is None else renewed(fresh, former)
    if known.is_attempt_open and known.hook != entry.hook:
        raise IllegalTransition("SpecChanged", f"task {known.id}", "at work")
    agent = known.agent if known.attempts else entry.agents[0]
    return replace(known, agents=entry.agents, dependencies=entry.dependencies, hook=entry.hook, agent=agent)


def _driver_started(state: RunState, event: ev.DriverStarted, at: float) -> RunState:
    return replace(
        state,
        status=run_status_after(state, event),
        started_at=at if state.started_at is None else state.started_at,
        driver_started_at=at,
        epoch=event.epoch,
        **_NOT_PAUSED,
        no_room="",
    )


def _run_resumed(state: RunState, event: ev.RunResumed, at: float) -> RunState:
    status = run_status_after(state, event)
    for task_id in event.tasks:
        state = reset_task(state, task_id, event)
    if event.lifts_limits:
        state = lift_limits(state, at)
    return replace(
        state,
        status=status,
        outcome=None,
        failure=None,
        cancelled_by=None,
        hooks_cancelled=False,
        timed_out=False,
        settled_at=None,
        ended_at=None,
        driver_started_at=at,
        **_NOT_PAUSED,
    )


def _run_cancel_requested(state: RunState, event: ev.RunCancelRequested, _at: float) -> RunState:
    run_status_after(state, event)
    if state.outcome is not None:
        return replace(state, hooks_cancelled=True)
    return state if state.cancelled_by is not None else replace(state, cancelled_by=event.by)


def _run_timed_out(state: RunState, event: ev.RunTimedOut, _at: float) -> RunState:
    run_status_after(state, event)
    if state.is_cancelling or state.outcome is not None:
        return state
    failure = Failure("timeout", f"the run took longer than {event.timeout_seconds:g} s", retryable=False)
    return replace(state, timed_out=True, failure=failure)


def _run_paused(state: RunState, event: ev.RunPaused, _at: float) -> RunState:
    return replace(
        state,
        status=run_status_after(state, event),
        paused_because=event.reason,
        paused_kind=event.kind,
        paused_until=event.due_at,
    )


def _budget_changed(state: RunState, event: ev.BudgetChanged, _at: float) -> RunState:
    run_status_after(state, event)
    budget = Budget(usd=event.usd, tokens=event.tokens, agents=event.agents)
    return replace(state, budget=budget, account=state.account.accepted())


def _room_ran_out(state: RunState, event: ev.RoomRanOut, _at: float) -> RunState:
    run_status_after(state, event)
    return replace(state, no_room=event.reason)


def _room_found(state: RunState, event: ev.RoomFound, _at: float) -> RunState:
    run_status_after(state, event)
    return replace(state, no_room="")


def _run_settled(state: RunState, event: ev.RunSettled, at: float) -> RunState:
    run_status_after(state, event)
    if state.unfinished or state.outcome is not None:
        known = "settled already" if state.outcome is not None else f"waiting for {state.unfinished} tasks"
        raise IllegalTransition("RunSettled", f"run {state.run_id}", known)
    return replace(state, outcome=event.status, failure=event.failure, settled_at=at)


def _run_finished(state: RunState, event: ev.RunFinished, at: float) -> RunState:
    name = f"RunFinished({event.status.value})"
    status = run_status_after(state, event, name)
    if state.outcome is not status:
        known = "not settled" if state.outcome is None else f"settled as {state.outcome.value}"
        raise IllegalTransition(name, f"run {state.run_id}", known)
    return replace(state, status=status, ended_at=at)


def _note(state: RunState, event: Event, _at: float) -> RunState:
    run_status_after(state, event)
    return state


_HANDLERS: dict[type, Callable[[RunState, Any, float], RunState]] = {
    **TASK_HANDLERS,
    ev.RunAccepted: _run_accepted,
    ev.DriverStarted: _driver_started,
    ev.RunResumed: _run_resumed,
    ev.SpecChanged: _spec_changed,
    ev.RunCancelRequested: _run_cancel_requested,
    ev.RunTimedOut: _run_timed_out,
    ev.RunPaused: _run_paused,
    ev.BudgetChanged: _budget_changed,
    ev.RoomRanOut: _room_ran_out,
    ev.RoomFound: _room_found,
    ev.RunSettled: _run_settled,
    ev.RunFinished: _run_finished,
    ev.ActorRestarted: _note,
    ev.ControlAnswered: _note,
}

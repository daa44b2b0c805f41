"""What the attempts of agents that call a service leave behind besides their outcome: spend, sessions, limits.

Takes the state, the task as it was and the event, and gives what changes of the task and of the run; called by
``task_transitions``, which owns the statuses. Attempts without a backend (``shell``) change nothing here and
cost next to nothing. Pure.

**Sessions.** A task keeps the session that its latest attempt opened or went on with, and forgets it when the
attempt ended with an error in which the conversation itself is the trouble (``ENDS_SESSION``). What a session
has cost is kept by its id, because services tell what a whole session has cost; one that goes on under
another id has cost what it came from.
"""

from __future__ import annotations

from typing import Any, Final, TypeAlias

from actorflow.state import events as ev
from actorflow.state.account import sum_of
from actorflow.state.limits import RATE_LIMIT, USAGE_LIMIT, narrowed, widened
from actorflow.state.run_state import RunState, TaskState

__all__ = ["ENDS_SESSION", "LIMIT_KINDS", "SESSION_NOT_FOUND", "Changes", "begun", "ended", "session_opened"]

Changes: TypeAlias = "tuple[dict[str, Any], dict[str, Any]]"
"""What changes of the task, and of the run."""

Ended: TypeAlias = (
    ev.AttemptSucceeded | ev.AttemptFailed | ev.AttemptLost | ev.AttemptCancelled | ev.AttemptRequeued
)

SESSION_NOT_FOUND: Final = "session_not_found"

ENDS_SESSION: Final = frozenset(
    {
        SESSION_NOT_FOUND,
        "invalid_output",
        "invalid_parameters",
        "prompt_too_long",
        "refused",
        "request_too_large",
        "verify_failed",
    }
)
"""Kinds of errors after which another attempt begins a fresh session: the old one is gone, is full, or has talked itself into a corner."""

LIMIT_KINDS: Final = frozenset({RATE_LIMIT, USAGE_LIMIT})
"""Kinds of errors that are limits of a service, and no failure of a task."""


NOTHING: Final[Changes] = ({}, {})


def begun(state: RunState, task: TaskState, event: ev.AttemptStarted) -> Changes:
    """An attempt has started."""
    if not (event.backend or event.session or task.backend or task.session_id):
        return NOTHING
    is_own = event.session is not None and event.session == task.session_id
    changes = {
        "backend": event.backend,
        "pool": event.pool or event.backend,
        "session_id": event.session,
        "session_agent": task.session_agent if is_own else "",
    }
    return changes, {"account": state.account.started()} if event.backend else {}


def session_opened(state: RunState, task: TaskState, session_id: str) -> Changes:
    """The agent has told the id of its session."""
    changes = {"session_id": session_id, "session_agent": task.agent}
    known = state.session_costs.get(task.session_id or "")
    if known is None or task.session_id == session_id:
        return changes, {}
    return changes, {"session_costs": state.session_costs.set(session_id, known)}


def ended(state: RunState, task: TaskState, event: Ended, at: float) -> Changes:
    """An attempt has ended."""
    cost_usd, tokens = (None, None) if isinstance(event, ev.AttemptLost) else (event.cost_usd, event.tokens)
    if not task.backend and cost_usd is None and tokens is None and not _leaves_something(event):
        return NOTHING
    changes, run = _session_after(state, task, event, cost_usd)
    changes["cost_usd"], changes["tokens"] = sum_of(task.cost_usd, cost_usd), sum_of(task.tokens, tokens)
    changes["requeues"] = task.requeues + 1 if _is_limit(event) else 0
    if task.backend:
        is_requeued = type(event) is ev.AttemptRequeued
        runs_again = is_requeued or type(event) is ev.AttemptLost
        account = state.account.ended(cost_usd, tokens, runs_again=runs_again, is_requeued=is_requeued)
        run["limits"] = _limits_after(state, task, event, at)
    else:
        account = state.account.known(cost_usd, tokens)
    return changes, {**run, "account": account}


def _leaves_something(event: Ended) -> bool:
    """Whether an attempt that costs nothing leaves something all the same."""
    return type(event) is ev.AttemptRequeued or getattr(event, "session_id", None) is not None


def _session_after(state: RunState, task: TaskState, event: Ended, cost_usd: float | None) -> Changes:
    told = getattr(event, "session_id", None)
    changes, run = session_opened(state, task, told) if told else ({}, {})
    session = told or task.session_id
    if session is not None and cost_usd is not None:
        costs = run.get("session_costs", state.session_costs)
        run["session_costs"] = costs.set(session, costs.get(session, 0.0) + cost_usd)
    kind = event.failure.kind if isinstance(event, ev.AttemptFailed | ev.AttemptRequeued) else ""
    if kind in ENDS_SESSION:
        changes |= {"session_id": None, "session_agent": ""}
    if kind == SESSION_NOT_FOUND:
        changes["lost_session"] = session
    return changes, run


def _is_limit(event: Ended) -> bool:
    return type(event) is ev.AttemptRequeued and event.failure.kind in LIMIT_KINDS


def _limits_after(state: RunState, task: TaskState, event: Ended, at: float) -> Any:
    started_at = at if task.attempt_started_at is None else task.attempt_started_at
    if type(event) is ev.AttemptSucceeded:
        if not state.limits:
            return state.limits
        return widened(state.limits, backend=task.backend, pool=task.pool, started_at=started_at, at=at)
    if type(event) is not ev.AttemptRequeued or event.failure.kind not in LIMIT_KINDS:
        return state.limits
    return narrowed(
        state.limits,
        event.failure.kind,
        backend=task.backend,
        pool=task.pool,
        started_at=started_at,
        at=at,
        due_at=event.due_at,
        running=sum(1 for other in state.tasks.values() if other.is_attempt_open and other.pool == task.pool),
        widest=event.widest,
    )

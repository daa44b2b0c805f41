"""May a task start now, as far as services and money go, and with which agent session.

Looks at the limits that services have set, at the budget, and at the sessions that earlier attempts left; knows of
agents only what the plan says: the backend of each, "" for those that cost nothing, which are never held up
here. Pure; used by ``decide`` and ``Frontier`` alike.
"""

from __future__ import annotations

from actorflow.ids import TaskId
from actorflow.scheduling.commands import StartAttempt
from actorflow.state.limits import USAGE_LIMIT, Limit
from actorflow.state.run_state import RunState, TaskState
from actorflow.workflow.budget import Budget
from actorflow.workflow.plan import Plan, PlannedTask

__all__ = [
    "backend_of",
    "budget_of",
    "budget_share",
    "is_open",
    "limit_wait",
    "next_opening",
    "over_budget",
    "pool_of",
    "session_for",
    "start_of",
]


# --- limits ------------------------------------------------------------------------------------------------------


def backend_of(plan: Plan, task: TaskState) -> str:
    """Return the backend that the task's next attempt calls; "" when it costs nothing."""
    return plan.backends.get(task.agent, "")


def pool_of(task: PlannedTask, backend: str) -> str:
    """Return the pool whose limits an attempt keeps to.

    That is a resource pool of the workflow when the task takes one: the pool with the backend's name, or else
    the first that the task names. A task that takes none shares its backend's limits with all such tasks.
    """
    pools = task.spec.resources
    if not backend or not pools or backend in pools:
        return backend
    return next(iter(pools))


def is_open(state: RunState, backend: str, pool: str, running: int, now: float) -> bool:
    """Tell whether services let another attempt start in a pool.

    Args:
        running: the attempts that run in the pool now, hooks apart.
    """
    if not state.limits or not backend:
        return True
    limit = state.limits.get(pool)
    if limit is not None and (
        limit.opens_at > now or (limit.allowed is not None and running >= limit.allowed)
    ):
        return False
    closed = state.limits.get(backend)
    return closed is None or closed.opens_at <= now


def next_opening(state: RunState, now: float) -> float | None:
    """Return when the next closed pool opens, Unix seconds; None when none is closed."""
    limits: list[Limit] = list(state.limits.values())
    return min((limit.opens_at for limit in limits if limit.opens_at > now), default=None)


def limit_wait(retry_after_seconds: float | None, *, kind: str, times: int) -> float:
    """Return how long an attempt that has hit a limit waits, in seconds.

    As long as the service says, but longer from time to time: one that says too little is not asked for ever
    in a hot loop. One that says nothing is asked again after 15 s, 30 s, 60 s … up to a quarter of an hour; after a usage
    limit, which is over in hours, from 5 minutes up to an hour.

    Args:
        kind: ``rate_limit`` or ``usage_limit``.
        times: how often in a row the task has been sent back before.
    """
    doubled = 2.0 ** min(times, 16)
    if retry_after_seconds is not None:
        return max(retry_after_seconds, min(doubled, 60.0))
    return min(300.0 * doubled, 3600.0) if kind == USAGE_LIMIT else min(15.0 * doubled, 900.0)


# --- the budget --------------------------------------------------------------------------------------------------


def budget_of(plan: Plan, state: RunState) -> Budget:
    """Return what the run may spend: what a person has set last, or what the workflow says."""
    return plan.workflow.settings.budget if state.budget is None else state.budget


def over_budget(plan: Plan, state: RunState, starting: int = 0) -> str:
    """Return why no attempt that costs money may start, "" when it may.

    Args:
        starting: attempts that are started at this moment and not yet part of the state.
    """
    budget, account = budget_of(plan, state), state.account
    if budget.usd is not None:
        if account.cost_usd is not None and round(account.cost_usd, 9) >= budget.usd:
            return f"budget.usd: {_dollars(account.cost_usd)} of {_dollars(budget.usd)} is spent"
        if account.untold_costs and not state.is_rehearsal:
            return _untold(
                "usd", account.untold_costs, f"{_dollars(account.cost_usd or 0.0)} of {_dollars(budget.usd)}"
            )
    if budget.tokens is not None:
        if account.tokens is not None and account.tokens >= budget.tokens:
            return f"budget.tokens: {account.tokens} of {budget.tokens} are used"
        if account.untold_tokens and not state.is_rehearsal:
            return _untold("tokens", account.untold_tokens, f"{account.tokens or 0} of {budget.tokens}")
    if budget.agents is not None and account.attempts + starting >= budget.agents:
        return f"budget.agents: {account.attempts + starting} of {budget.agents} attempts are started"
    return ""


def budget_share(plan: Plan, state: RunState) -> float | None:
    """Return what an attempt that has just started may spend, in US dollars; None when there is no such budget.

    That is what is left, divided among all that run: ten at a time must not each spend all of it. One that
    stops at its share is not used up; it goes on with a share of what is left then.
    """
    usd = budget_of(plan, state).usd
    if usd is None:
        return None
    running = sum(1 for task in state.tasks.values() if task.is_attempt_open and task.backend)
    return max(0.0, usd - (state.account.cost_usd or 0.0)) / max(1, running)


def _dollars(amount: float) -> str:
    return f"${amount:.4f}" if 0 < amount < 0.1 else f"${amount:.2f}"


def _untold(which: str, count: int, known: str) -> str:
    attempts = "1 attempt" if count == 1 else f"{count} attempts"
    return f"budget.{which}: nobody knows what {attempts} spent, besides {known}"


# --- sessions ----------------------------------------------------------------------------------------------------


def session_for(plan: Plan, state: RunState, task: TaskState) -> str | None:
    """Return the agent session with which the task's next attempt goes on; None for a fresh one.

    | the task                                                                | its next attempt                  |
    | ----------------------------------------------------------------------- | --------------------------------- |
    | has a session of its own, opened by the agent that is next              | goes on with it                   |
    | had one, and ended with an error in which the conversation is the trouble | see below                       |
    | has one of another agent: a fallback takes over, or a resume goes back  | see below                         |
    | names another's in ``session:``, which has one of the same backend      | goes on with that, unless it was not found |
    | otherwise                                                               | begins a fresh one                |
    """
    if task.session_id is not None and task.session_agent == task.agent:
        return task.session_id
    named: TaskId | None = plan.tasks[task.id].spec.session
    if named is None:
        return None
    other = state.tasks[named]
    if other.session_id is None or other.session_id == task.lost_session:
        return None
    is_same_service = plan.backends.get(other.agent, "") == backend_of(plan, task)
    return other.session_id if is_same_service else None


def start_of(plan: Plan, state: RunState, task: TaskState) -> StartAttempt:
    """Return the command that starts the task's next attempt."""
    backend = backend_of(plan, task)
    if not backend:
        return StartAttempt(task.id, task.attempts + 1, task.agent)
    pool = pool_of(plan.tasks[task.id], backend)
    return StartAttempt(
        task.id,
        task.attempts + 1,
        task.agent,
        backend,
        "" if pool == backend else pool,
        session_for(plan, state, task),
    )

"""Is the run parked, and until when: nothing can go on before a service lifts a limit.

Takes a ``RunState``, gives a moment. What the run's own clock, the live view and ``status`` mean by PARKED is
decided here and nowhere else. Pure.
"""

from __future__ import annotations

from actorflow.state.run_state import RunState, TaskState
from actorflow.state.status import RunStatus, SubState, TaskStatus

__all__ = ["SHORT_WAIT_SECONDS", "parked_by", "parked_until"]

SHORT_WAIT_SECONDS = 60.0
"""A wait that is not longer is waited out also by those who would rather end than wait."""


def parked_until(state: RunState) -> float | None:
    """Return when the run can go on, Unix seconds; None when it is not parked.

    A run is parked when it has work left, no attempt runs, and every task that could go on waits for a limit.
    One that waits out a back-off is not parked, unless the back-off ends while its service is closed.
    """
    if not _is_idle(state):
        return None
    moments: list[float] = []
    for task in state.tasks.values():
        if task.status is TaskStatus.RUNNING:
            moment = _opens_for(state, task)
            if moment is None:
                return None
            moments.append(moment)
    if not moments:  # only tasks that have not begun, which would have if they could
        moments = [limit.opens_at for limit in state.limits.values() if limit.opens_at > state.updated_at]
    return min(moments, default=None)


def _is_idle(state: RunState) -> bool:
    is_going_on = state.status in (RunStatus.RUNNING, RunStatus.PAUSED) and not state.is_cancelling
    return is_going_on and state.outcome is None and not state.running and state.unfinished > 0


def _opens_for(state: RunState, task: TaskState) -> float | None:
    """Return when a started task can go on, if a limit is what it waits for."""
    if task.is_attempt_open or task.due_at is None:
        return None
    closed = [limit.opens_at for name in (task.pool, task.backend) if (limit := state.limits.get(name))]
    opens_at = max(closed, default=0.0)
    if task.waiting is SubState.PARKED:
        return max(task.due_at, opens_at)
    return opens_at if opens_at > max(task.due_at, state.updated_at) else None


def parked_by(state: RunState, until: float) -> str:
    """Say which limit the run waits for that is lifted at ``until``: ``usage limit of claude``."""
    for name, limit in sorted(state.limits.items()):
        if abs(limit.opens_at - until) < 0.001:  # what is due is rounded to what the journal can say
            return f"{limit.kind.replace('_', ' ')} of {name}"
    return "limit of a service"

"""The run's own clock: how much of its timeout is left.

Counts wall time since the driver began, less the time in which nothing could run because every started task
was parked. Takes the state and the time, gives seconds; holds no timer.
"""

from __future__ import annotations

from actorflow.state import RunState, SubState, TaskStatus

__all__ = ["RunClock"]


class RunClock:
    """Measures a run against its timeout.

    Args:
        timeout_seconds: the most that the run may take.
    """

    def __init__(self, timeout_seconds: float) -> None:
        self._timeout = timeout_seconds
        self._started = 0.0
        self._parked_since: float | None = None
        self._parked_seconds = 0.0

    def start(self, state: RunState, now: float) -> None:
        """Begin to count, from the moment the present driver began."""
        self._started = now if state.driver_started_at is None else state.driver_started_at
        self.note(state, now)

    def note(self, state: RunState, now: float) -> None:
        """Take note of a new state."""
        parked = _is_parked(state)
        if parked and self._parked_since is None:
            self._parked_since = now
        elif not parked and self._parked_since is not None:
            self._parked_seconds += now - self._parked_since
            self._parked_since = None

    def seconds_left(self, now: float) -> float:
        """Return how long the run may still take; 0 or less when its time is up."""
        parked = self._parked_seconds + (0.0 if self._parked_since is None else now - self._parked_since)
        return self._timeout - (now - self._started - parked)


def _is_parked(state: RunState) -> bool:
    """Whether nothing can run before a limit is lifted."""
    if state.running or not state.unfinished:
        return False
    started = [task for task in state.tasks.values() if task.status is TaskStatus.RUNNING]
    return bool(started) and all(task.waiting is SubState.PARKED for task in started)

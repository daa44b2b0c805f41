"""The run's own clock: how much of its timeout is left.

Counts wall time since the driver began, less the time in which nothing could run because every started task
was parked. Takes the state and the time, gives seconds; holds no timer.
"""

from __future__ import annotations

from actorflow.state import RunState
from actorflow.state.parking import parked_until

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
        parked = parked_until(state) is not None
        if parked and self._parked_since is None:
            self._parked_since = now
        elif not parked and self._parked_since is not None:
            self._parked_seconds += now - self._parked_since
            self._parked_since = None

    def seconds_left(self, now: float) -> float:
        """Return how long the run may still take; 0 or less when its time is up."""
        parked = self._parked_seconds + (0.0 if self._parked_since is None else now - self._parked_since)
        return self._timeout - (now - self._started - parked)

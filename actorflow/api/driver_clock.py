"""The clock of one driver: the time of day as it was when the driver began, and from then on the machine's steady clock.

Whoever sets the machine's clock, by hand or because it was wrong, changes nothing for a run that is being driven:
waits are as long as they were meant to be, and the run's timeout counts what has gone by. The time in which the machine
sleeps counts, as far as the system tells (Linux, macOS). A driver never begins before what the one before it has
recorded: had the clock been set back in between, a wait of seconds would take hours.
"""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["DriverClock"]


def _steady() -> float:
    """Seconds that nobody can set, sleep included."""
    boot_time = getattr(
        time, "CLOCK_BOOTTIME", None
    )  # Linux; what others call monotonic counts the sleep, or cannot
    return time.monotonic() if boot_time is None else time.clock_gettime(boot_time)


class DriverClock:
    """Gives Unix seconds to the microsecond, as the journal keeps them, so that a live state and a folded one are the same.

    Args:
        not_before: what the journal has recorded last, Unix seconds.
        wall: gives Unix seconds.
        steady: gives seconds from some moment on.
    """

    def __init__(
        self,
        not_before: float = 0.0,
        *,
        wall: Callable[[], float] = time.time,
        steady: Callable[[], float] = _steady,
    ) -> None:
        self._steady = steady
        self._offset = max(wall(), not_before) - steady()

    def __call__(self) -> float:
        """Return the time."""
        return round((self._offset + self._steady()) * 1e6) / 1e6

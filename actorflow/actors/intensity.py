"""Restart intensity: a sliding window over a supervisor's restarts, which says when restarting no longer helps.

Takes the moments of failures on trio's clock; says whether one more restart is allowed. As in OTP, a failure
exactly ``within_seconds`` old still counts. Never holds more than ``max_restarts`` moments.
"""

from __future__ import annotations

from collections import deque
from typing import final

__all__ = ["RestartIntensity"]


@final
class RestartIntensity:
    """Allows at most ``max_restarts`` restarts in any ``within_seconds``."""

    __slots__ = ("_max_restarts", "_moments", "_within_seconds")

    def __init__(self, max_restarts: int, within_seconds: float) -> None:
        self._max_restarts = max_restarts
        self._within_seconds = within_seconds
        self._moments: deque[float] = deque()

    def admit(self, now: float) -> bool:
        """Count a failure at this moment, and say whether it may be answered by a restart."""
        while self._moments and now - self._moments[0] > self._within_seconds:
            self._moments.popleft()
        if len(self._moments) >= self._max_restarts:
            return False
        self._moments.append(now)
        return True

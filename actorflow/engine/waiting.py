"""Waiting for a moment of the driver's clock.

A timer counts the time in which the machine runs. A laptop that sleeps for three hours would wake up three hours
late for a limit that is lifted at 23:30; so the clock, which counts the sleep, is looked at again from time to time.
"""

from __future__ import annotations

from collections.abc import Callable

import trio

__all__ = ["LOOK_SECONDS", "sleep_until"]

LOOK_SECONDS = 30.0
"""How late a wait may end when the machine has slept meanwhile."""


async def sleep_until(moment: float, clock: Callable[[], float]) -> None:
    """Sleep until ``clock`` says ``moment`` (Unix seconds) or later; at least a checkpoint."""
    await trio.lowlevel.checkpoint()
    while (left := moment - clock()) > 0:  # noqa: ASYNC110 (what is waited for is time)
        await trio.sleep(min(left, LOOK_SECONDS))

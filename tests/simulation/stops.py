"""The ledger's books about stopping: who is to leave off when, once somebody wants the run to end or its time is up.

What somebody asks for needs no record before it is heeded, as an agent may end at any moment: what works leaves off at the very moment of the wish, and nothing is called until
the wish is recorded. What the engine decides by itself (the run's time is up) is heeded at the very moment in which it is durable. No second of a slow disk, nor of actors that crash, is in it.
"""

from __future__ import annotations

from dataclasses import dataclass, field

Attempt = tuple[str, int]
Call = tuple[int, str, int]
"""An attempt, for one of the drivers that may have to do with it: a replaced one is asked for itself."""
EARLY = 1e-5


@dataclass
class Stops:
    """All times are those of the world's clock.

    Attributes:
        asked_at: driver -> when it was asked to cancel, as long as it has not recorded that.
        since: the calls that are to leave off, and from when.
    """

    asked_at: dict[int, float] = field(default_factory=dict)
    since: dict[Call, float] = field(default_factory=dict)

    def asked(self, driver: int, working: dict[str, int], now: float) -> None:
        """Take note that somebody asks a driver to cancel, and what works for it."""
        self.asked_at.setdefault(driver, now)
        self.leave_off(driver, working, now)

    def recorded(self, driver: int) -> None:
        """Take note that the wish is durable."""
        self.asked_at.pop(driver, None)

    def leave_off(self, driver: int, working: dict[str, int], now: float) -> None:
        """Take note that these, which work for a driver, are to leave off now."""
        for task, attempt in working.items():
            self.since.setdefault((driver, task, attempt), now)

    def why_not_called(self, driver: int, attempt: Attempt) -> str:
        """Say why an agent may not be called; "" when it may."""
        if driver in self.asked_at:
            return f"the agent of {attempt} is called although the run is asked to end"
        is_stopped = (driver, *attempt) in self.since
        return f"the agent of {attempt} is called, and was stopped before" if is_stopped else ""

    def why_not_working(self, driver: int, attempt: Attempt, now: float) -> str:
        """Say why an agent that leaves off now should have done so before; "" when all is well."""
        late = now - self.since.get((driver, *attempt), now)
        return (
            f"the agent of {attempt} was at work for {late:g} s after the cancellation"
            if late > EARLY
            else ""
        )

    def why_not_over(self, driver: int, decided_at: float) -> str:
        """Say what is wrong with a drive that is over; "" when all is well.

        Args:
            decided_at: when the last that is recorded was decided.
        """
        asked_at = self.asked_at.get(driver)
        if asked_at is None or decided_at <= asked_at + EARLY:
            return ""
        return f"driver {driver} was asked to cancel {decided_at - asked_at:g} s before the end, and has not recorded it"

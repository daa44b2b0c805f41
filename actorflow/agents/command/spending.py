"""What an attempt has cost and used, over all its calls of a program.

A channel that a call reports to, and that passes everything on: cost and tokens as the sum of all calls of the
attempt, that the program has started only once. Some programs report the total of a whole session: what the
session had used before, as far as this process knows, is taken off.
"""

from __future__ import annotations

from dataclasses import dataclass

from actorflow.agents.command.rules import OutputRules, Rule
from actorflow.agents.interface import AttemptChannel, Progress

__all__ = ["SessionTotal", "Spending"]


@dataclass(frozen=True, slots=True)
class SessionTotal:
    """What a session had cost and used when it was last heard of."""

    cost_usd: float = 0.0
    tokens: int = 0


class Spending:
    """See the module.

    Args:
        totals: session -> what is known of it; kept up to date.

    Attributes:
        cost_usd: of this attempt; None when unknown.
        tokens: of this attempt; None when unknown.
        is_taken_up: whether a driver that is gone had begun it; then a program may have cost something.
    """

    def __init__(self, channel: AttemptChannel, rules: OutputRules, totals: dict[str, SessionTotal]) -> None:
        self.cost_usd: float | None = None
        self.tokens: int | None = None
        self._channel = channel
        self._rules = rules
        self._totals = totals
        self.is_taken_up = False
        self._has_started = False
        self._offset = SessionTotal()
        self._said = SessionTotal()

    @property
    def known(self) -> tuple[float | None, int | None]:
        """What the attempt has cost and used; nothing before a program was started, which is no secret."""
        has_started = self._has_started or self.is_taken_up
        return (self.cost_usd, self.tokens) if has_started else (0.0, 0)

    def begin_call(self, session: str) -> tuple[str, ...]:
        """Count what follows on top of what was before; returns a note when it will be too much.

        Args:
            session: that is gone on with; "" when the call begins a fresh one.
        """
        known = self._totals.get(session, SessionTotal()) if session else SessionTotal()
        cost = (self.cost_usd or 0.0) - (known.cost_usd if _is_of_session(self._rules.cost_usd) else 0.0)
        tokens = (self.tokens or 0) - (known.tokens if _is_of_session(self._rules.tokens) else 0)
        self._offset, self._said = SessionTotal(cost, tokens), SessionTotal()
        counts_twice = _is_of_session(self._rules.cost_usd) or _is_of_session(self._rules.tokens)
        if session and counts_twice and session not in self._totals:
            return ("what is counted is what the whole session has used",)
        return ()

    def end_call(self, session: str) -> None:
        """Remember what the session has used up to now."""
        if session and self._said != SessionTotal():
            self._totals[session] = self._said

    def report(self, progress: Progress) -> None:
        """Pass it on."""
        is_start = progress.kind == "started"
        if not (is_start and self._has_started):
            self._channel.report(progress)
        self._has_started = self._has_started or is_start

    async def session_opened(self, session_id: str) -> None:
        """Pass it on."""
        await self._channel.session_opened(session_id)

    def spent(self, *, cost_usd: float | None = None, tokens: int | None = None) -> None:
        """Pass on the sum."""
        if cost_usd is not None:
            self.cost_usd = max(0.0, cost_usd + self._offset.cost_usd)
        if tokens is not None:
            self.tokens = max(0, tokens + self._offset.tokens)
        self._said = SessionTotal(cost_usd or self._said.cost_usd, tokens or self._said.tokens)
        self._channel.spent(cost_usd=self.cost_usd, tokens=self.tokens)


def _is_of_session(rule: Rule | None) -> bool:
    return rule is not None and rule.total == "session"

"""What one attempt has spent, from whoever said so last.

Agents may say it while they work (``AttemptChannel.spent``) and when they end (in their result or error); the
end has the last word, and where it says nothing the way there counts. Unknown is None and never zero; what is
no number, or negative, or not finite, says nothing.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from actorflow.agents.interface import AgentResult
from actorflow.errors import AgentError

__all__ = ["Spend"]


@dataclass(frozen=True, slots=True)
class Spend:
    """What is known of it; None: nothing."""

    cost_usd: float | None = None
    tokens: int | None = None

    def updated(self, cost_usd: object, tokens: object) -> Spend:
        """Return what is known after somebody has said this."""
        cost, count = _amount(cost_usd), _amount(tokens)
        return Spend(self.cost_usd if cost is None else cost, self.tokens if count is None else int(count))

    def of(self, end: AgentResult | AgentError) -> Spend:
        """Return what is known after the attempt has ended like this."""
        return self.updated(end.cost_usd, end.tokens)


def _amount(said: object) -> float | None:
    if isinstance(said, bool) or not isinstance(said, int | float):
        return None
    return said if math.isfinite(said) and said >= 0 else None

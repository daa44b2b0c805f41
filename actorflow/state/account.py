"""The account of a run: what its attempts have spent, failed ones included, over all resumes.

Takes what each event says and gives the next account. What is not known is counted and never taken for zero:
``unknown`` is what a person should see, ``untold`` what a budget cannot go on with (an attempt ended in our hands and
its agent did not say). Attempts of agents without a backend cost nothing and are not counted. Pure.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec.structs import replace

__all__ = ["Account", "sum_of"]


class Account(msgspec.Struct, frozen=True, gc=False):
    """What has been spent.

    Attributes:
        attempts: attempts of agents that may cost money, those that a limit sent back not counted.
        cost_usd: known cost of all attempts; None when nothing is known.
        tokens: likewise.
        unknown_costs: attempts that have ended and whose cost is not known; ``unknown_tokens`` likewise.
        untold_costs: of these, the attempts that succeeded, failed or were cancelled since a budget was last
            set by a person. The rest was lost with its driver, or sent back by a limit, and runs again.
    """

    attempts: int = 0
    cost_usd: float | None = None
    tokens: int | None = None
    unknown_costs: int = 0
    unknown_tokens: int = 0
    untold_costs: int = 0
    untold_tokens: int = 0

    def started(self) -> Account:
        """An attempt has started."""
        return replace(self, attempts=self.attempts + 1)

    def ended(
        self,
        cost_usd: float | None,
        tokens: int | None,
        *,
        runs_again: bool = False,
        is_requeued: bool = False,
    ) -> Account:
        """An attempt has ended.

        Args:
            runs_again: it was not the agent's fault that it ended, so that it need not have said what it spent.
            is_requeued: it does not count as an attempt.
        """
        no_cost, no_tokens = cost_usd is None, tokens is None
        return Account(
            attempts=self.attempts - is_requeued,
            cost_usd=sum_of(self.cost_usd, cost_usd),
            tokens=sum_of(self.tokens, tokens),
            unknown_costs=self.unknown_costs + no_cost,
            unknown_tokens=self.unknown_tokens + no_tokens,
            untold_costs=self.untold_costs + (no_cost and not runs_again),
            untold_tokens=self.untold_tokens + (no_tokens and not runs_again),
        )

    def known(self, cost_usd: float | None, tokens: int | None) -> Account:
        """An attempt that costs nothing as far as we know has said what it cost all the same."""
        return replace(self, cost_usd=sum_of(self.cost_usd, cost_usd), tokens=sum_of(self.tokens, tokens))

    def accepted(self) -> Account:
        """A person has set a budget, knowing that what is untold cannot be counted."""
        return replace(self, untold_costs=0, untold_tokens=0)


def sum_of(known: Any, more: Any) -> Any:
    """Add what may be unknown: unknown and a number is the number."""
    if known is None or more is None:
        return more if known is None else known
    return known + more

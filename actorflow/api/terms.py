"""On what terms a run is driven: what it may spend instead of what its workflow says, and who waits for a parked run.

Takes what a person asked for and the state from which a driver goes on; gives the events that record it, or
refuses to drive a run of which nothing can go on before a limit is lifted. Changes nothing itself.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from msgspec.structs import replace

from actorflow.errors import RunParked
from actorflow.monitor.times import until_text
from actorflow.scheduling import Facts, Frontier, settle
from actorflow.scheduling.services import budget_of
from actorflow.state import RunState, RunStatus, apply
from actorflow.state import events as ev
from actorflow.state.parking import SHORT_WAIT_SECONDS, parked_by, parked_until
from actorflow.workflow.plan import Plan

__all__ = ["DEFAULT_TERMS", "Terms"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What a person asked for besides the run itself.

    Attributes:
        budget_usd: what the run may cost in all, from its beginning; None leaves it as it is, infinity takes the
            limit away. ``budget_tokens`` and ``budget_agents`` likewise.
        exit_when_parked: end the drive instead of waiting for a limit that lasts longer than a minute.
        when_ready: wait for a limit that a run is parked at when it is gone on with.
        try_now: forget the limits that were met before; whoever says so knows that they are lifted.
    """

    budget_usd: float | None = None
    budget_tokens: float | None = None
    budget_agents: float | None = None
    exit_when_parked: bool = False
    when_ready: bool = False
    try_now: bool = False

    def extended(
        self, facts: Facts, state: RunState, first: Sequence[ev.Event], *, now: float
    ) -> list[ev.Event]:
        """Return what a driver records first, with what these terms add to it.

        Args:
            state: the state that the journal holds.
            first: what is recorded anyway; nothing is added to nothing.
            now: Unix seconds.

        Raises:
            RunParked: a resume would only wait, and nobody said that it shall.
        """
        if not first:
            return []
        if self.try_now:
            first = _lifting(first)
        after = state
        for event in first:
            after = apply(after, event, now)
        events = [*first, *self._budget_events(facts.plan, after)]
        if state.sequence and not self.when_ready:
            _refuse_to_wait(facts, after, events[len(first) :], now)
        return events

    def _budget_events(self, plan: Plan, state: RunState) -> list[ev.Event]:
        asked = (self.budget_usd, self.budget_tokens, self.budget_agents)
        if asked == (None, None, None):
            return []
        budget = budget_of(plan, state)
        usd, tokens, agents = (
            known if amount is None else None if math.isinf(amount) else amount
            for amount, known in zip(asked, (budget.usd, budget.tokens, budget.agents), strict=True)
        )
        whole = [None if amount is None else int(amount) for amount in (tokens, agents)]
        return [ev.BudgetChanged(usd, *whole)]


DEFAULT_TERMS = Terms()


def _lifting(first: Sequence[ev.Event]) -> list[ev.Event]:
    """Have the resume among these events, or one more, lift the limits."""
    if any(isinstance(event, ev.RunResumed) for event in first):
        return [
            replace(event, lifts_limits=True) if isinstance(event, ev.RunResumed) else event
            for event in first
        ]
    return [*first, ev.RunResumed((), "resume --try-now", lifts_limits=True)]


def _refuse_to_wait(facts: Facts, state: RunState, more: Sequence[ev.Event], now: float) -> None:
    if not state.limits and parked_until(state) is None:
        return
    settled = settle(state, more, now, commands=Frontier(facts, state).commands)
    until = parked_until(settled.state)
    is_over = settled.state.status is not RunStatus.RUNNING
    if is_over or settled.starts or until is None or until - now <= SHORT_WAIT_SECONDS:
        return
    zone = datetime.now().astimezone().tzinfo
    when = until_text(until, now, zone)
    raise RunParked(state.run_id, until, when, parked_by(settled.state, until))

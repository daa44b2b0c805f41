"""What services and money mean for a run, in words: PARKED until when, which pools are narrow, what was spent.

Takes a ``RunState``, gives short plain text on one line, "" when there is nothing to say. What is not known is
said to be unknown, never zero. Must not ask for the time or the machine's zone.
"""

from __future__ import annotations

from datetime import UTC, tzinfo
from typing import Any

from actorflow.monitor.times import rfc3339, until_text
from actorflow.state.parking import parked_by, parked_until
from actorflow.state.run_state import RunState

__all__ = [
    "budget_report",
    "limits_report",
    "limits_text",
    "money_text",
    "parked_report",
    "parked_text",
    "paused_report",
    "spending_report",
    "spent_text",
    "wanted_text",
]


def parked_text(state: RunState, *, now: float, zone: tzinfo | None = UTC) -> str:
    """Return ``PARKED until 23:30 (usage limit of claude)``; "" when the run is not parked."""
    until = parked_until(state)
    if until is None:
        return ""
    return f"PARKED until {until_text(until, now, zone)} ({parked_by(state, until)})"


def wanted_text(state: RunState) -> str:
    """Say what a task that could start waits for: ``a slot``, ``a larger budget``, ``the usage limit of claude``."""
    if state.paused_kind == "budget":
        return "a larger budget"
    closed = [limit.opens_at for limit in state.limits.values() if limit.opens_at > state.updated_at]
    if closed and not state.running:
        return f"the {parked_by(state, min(closed))}"
    return "a slot"


def limits_text(state: RunState, *, now: float, zone: tzinfo | None = UTC) -> str:
    """Say what services allow: ``claude: 2 at a time, closed until 12:03:10``."""
    parts = []
    for name, limit in sorted(state.limits.items()):
        words = [] if limit.allowed is None else [f"{limit.allowed} at a time"]
        words += [f"closed until {until_text(limit.opens_at, now, zone)}"] if limit.opens_at > now else []
        parts += [f"{name}: {', '.join(words)}"] if words else []
    return "; ".join(parts)


def spent_text(state: RunState) -> str:
    """Return ``1.25 USD, 3,410 tokens``, with ``at least`` where an attempt's spend is not known."""
    account = state.account
    parts = []
    if account.cost_usd is not None:
        least = "at least " if account.unknown_costs else ""
        parts.append(f"{least}{money_text(account.cost_usd)}")
    if account.tokens is not None:
        parts.append(f"{'at least ' if account.unknown_tokens else ''}{account.tokens:,} tokens")
    if not parts and (account.unknown_costs or account.attempts):
        return "unknown"
    return ", ".join(parts)


def money_text(usd: float) -> str:
    """Return an amount in US dollars; small ones with the digits that say something."""
    return f"{usd:.4f} USD" if 0 < usd < 0.1 else f"{usd:.2f} USD"


def spending_report(state: RunState) -> dict[str, Any]:
    """Return the run's spend as ``--json`` gives it."""
    account = state.account
    return {
        "cost_usd": account.cost_usd,
        "tokens": account.tokens,
        "unknown_costs": account.unknown_costs,
    }


def paused_report(state: RunState) -> dict[str, Any] | None:
    """Return why the run has paused, as ``--json`` gives it; None when it has not."""
    if not state.paused_because:
        return None
    return {"kind": state.paused_kind or "failure", "reason": state.paused_because}


def parked_report(state: RunState) -> dict[str, Any]:
    """Return until when the run is parked, and by what, as ``--json`` gives it."""
    until = parked_until(state)
    if until is None:
        return {"parked_until": None, "parked_by": None}
    return {"parked_until": rfc3339(until), "parked_by": parked_by(state, until)}


def limits_report(state: RunState) -> dict[str, Any]:
    """Return what services allow, as ``--json`` gives it: pool -> how many at a time, and until when it is closed."""
    return {
        name: {"allowed": limit.allowed, "opens_at": rfc3339(limit.opens_at) if limit.opens_at else None}
        for name, limit in sorted(state.limits.items())
    }


def budget_report(state: RunState) -> dict[str, Any] | None:
    """Return what a person has allowed the run to spend, as ``--json`` gives it; None when nobody has said."""
    budget = state.budget
    return None if budget is None else {"usd": budget.usd, "tokens": budget.tokens, "agents": budget.agents}

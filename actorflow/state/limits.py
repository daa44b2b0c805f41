"""Limits that services have set to a run: what is left of the parallelism of a pool, and until when it is closed.

A limit has the name of a pool: of a resource pool of the workflow, or of an agents' backend when its tasks
take none. A ``rate_limit`` narrows a pool to half of what ran in it, but not below one, and closes it until
the service said; each success widens it again: by one when as many attempts have succeeded as may run at a time,
until it is as wide as the run and the limit is gone (additive increase, multiplicative decrease). Attempts
that had started before a pool was narrowed neither narrow it once more (what they ran into is the same jam) nor widen it. A
``usage_limit`` closes the whole backend until the limit is reset, and leaves it as wide as it was. Pure;
folded from the journal by ``task_transitions``.
"""

from __future__ import annotations

import msgspec
from msgspec.structs import replace
from pyrsistent import PMap

__all__ = ["RATE_LIMIT", "USAGE_LIMIT", "Limit", "Limits", "narrowed", "widened"]

RATE_LIMIT = "rate_limit"
USAGE_LIMIT = "usage_limit"


class Limit(msgspec.Struct, frozen=True, gc=False):
    """What a service allows in one pool.

    Attributes:
        allowed: how many attempts may run in it at a time; None when it is not narrowed.
        widest: how many there may be when the limit is gone; 0 when that is not known.
        successes: attempts that have succeeded since it was last narrowed or widened.
        narrowed_at: when it was last narrowed, Unix seconds.
        opens_at: nothing starts in it before, Unix seconds.
        kind: what closed it last: ``rate_limit`` or ``usage_limit``.
    """

    allowed: int | None = None
    widest: int = 0
    successes: int = 0
    narrowed_at: float = 0.0
    opens_at: float = 0.0
    kind: str = RATE_LIMIT


Limits = PMap[str, Limit]
"""Pool or backend -> its limit; those without one are not in it."""


def narrowed(
    limits: Limits,
    kind: str,
    *,
    backend: str,
    pool: str,
    started_at: float,
    at: float,
    due_at: float,
    running: int,
    widest: int,
) -> Limits:
    """Return the limits after an attempt has hit one.

    Args:
        kind: ``rate_limit`` or ``usage_limit``.
        started_at: when the attempt had started.
        due_at: when it may run again.
        running: how many attempts ran in the pool, this one counted.
    """
    if kind == USAGE_LIMIT:
        known = limits.get(backend, Limit())
        return limits.set(backend, replace(known, opens_at=max(known.opens_at, due_at), kind=kind))
    known = limits.get(pool, Limit())
    opens_at, widest = max(known.opens_at, due_at), max(known.widest, widest)
    if known.allowed is not None and started_at < known.narrowed_at:
        return limits.set(pool, replace(known, opens_at=opens_at, widest=widest, kind=kind))
    ran = running if known.allowed is None else min(running, known.allowed)
    return limits.set(
        pool,
        Limit(allowed=max(1, ran // 2), widest=widest, narrowed_at=at, opens_at=opens_at, kind=kind),
    )


def widened(limits: Limits, *, backend: str, pool: str, started_at: float, at: float) -> Limits:
    """Return the limits after an attempt has succeeded that had started at ``started_at``."""
    closed = limits.get(backend)
    if closed is not None and closed.allowed is None and at >= closed.opens_at:
        limits = limits.discard(backend)
    limit = limits.get(pool)
    if limit is None or limit.allowed is None or started_at < limit.narrowed_at:
        return limits
    if limit.successes + 1 < limit.allowed:
        return limits.set(pool, replace(limit, successes=limit.successes + 1))
    if 0 < limit.widest <= limit.allowed + 1 and at >= limit.opens_at:
        return limits.discard(pool)
    return limits.set(pool, replace(limit, allowed=limit.allowed + 1, successes=0))

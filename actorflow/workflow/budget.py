"""What a run may spend.

A module of its own, because the state of a run has one too, and whoever only looks at a run should not have
to load the whole model of workflows for it. Holds data only.
"""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Budget"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """The most that a run may spend; None is no limit."""

    usd: float | None = None
    tokens: int | None = None
    agents: int | None = None

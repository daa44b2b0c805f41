"""An event with its place in a journal: what is folded, shown and exported."""

from __future__ import annotations

import msgspec

from actorflow.state.events import Event

__all__ = ["Recorded"]


class Recorded(msgspec.Struct, frozen=True):
    """One event as it was recorded.

    Attributes:
        sequence: its number in the journal, from 1.
        at: when it was recorded, Unix seconds (UTC).
    """

    sequence: int
    at: float
    event: Event

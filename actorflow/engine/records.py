"""Between events and the journal's records: stamping, encoding, decoding.

The journal stores bytes with a time in microseconds; everybody else has events and Unix seconds. Must not
know what an event means.
"""

from __future__ import annotations

from collections.abc import Iterable

from actorflow.journal import NewRecord, Record
from actorflow.state.events import Event, decode, encode, kind_of
from actorflow.state.recorded import Recorded

__all__ = ["read_records", "records_of"]


def records_of(events: Iterable[Event], at: float) -> list[NewRecord]:
    """Encode events, all recorded at ``at`` (Unix seconds)."""
    recorded_at = round(at * 1_000_000)
    return [NewRecord(recorded_at, kind_of(event), encode(event)) for event in events]


def read_records(records: Iterable[Record]) -> tuple[Recorded, ...]:
    """Decode records, in order."""
    return tuple(Recorded(r.sequence, r.recorded_at / 1_000_000, decode(r.body)) for r in records)

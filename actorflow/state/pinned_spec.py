"""The spec that a run follows: its first event, with what a later ``SpecChanged`` says in the place of its own.

Takes events, or one of each kind, and gives a ``RunAccepted``. What readers of a journal want to know of the
workflow (its tasks, their order, its text) is asked of this, and not of the first event. Pure.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from msgspec.structs import replace

from actorflow.state.events import Event, RunAccepted, SpecChanged

__all__ = ["HasEvent", "pinned_spec", "with_spec"]


class HasEvent(Protocol):
    """A recorded event."""

    @property
    def event(self) -> Event:
        """The event itself."""
        ...


def with_spec(accepted: RunAccepted, changed: SpecChanged) -> RunAccepted:
    """Return ``accepted`` as if the run had begun with the spec of ``changed``."""
    return replace(
        accepted,
        tasks=changed.tasks,
        text=changed.text,
        format=changed.format,
        file=changed.file,
        inputs=changed.inputs,
        values=changed.values,
        capacity=changed.capacity,
    )


def pinned_spec(events: Iterable[HasEvent]) -> RunAccepted | None:
    """Return the spec that a run follows after ``events``; None when its first event is not among them."""
    spec: RunAccepted | None = None
    for recorded in events:
        event = recorded.event
        if type(event) is RunAccepted:
            spec = event
        elif type(event) is SpecChanged and spec is not None:
            spec = with_spec(spec, event)
    return spec

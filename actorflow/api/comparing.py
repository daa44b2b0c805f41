"""``diff``: what differs between two runs. Reads both journals whole; a large output that cannot be read is compared by its name."""

from __future__ import annotations

from actorflow.api.looking import Inspection, inspect
from actorflow.errors import InternalError, JournalError
from actorflow.monitor.differences import RunDifference, Side, run_difference
from actorflow.monitor.report import blob_reference
from actorflow.settings import Settings
from actorflow.state.events import BlobRef
from actorflow.state.pinned_spec import pinned_spec
from actorflow.values import JSONValue

__all__ = ["diff"]


def diff(first: str, second: str, *, settings: Settings) -> RunDifference:
    """Compare two runs.

    Args:
        first: an id, a unique prefix of one, or ``last``; so is ``second``.

    Raises:
        RunError: there is no such run.
        JournalError: a journal cannot be read or is damaged.
    """
    return run_difference(_side(inspect(first, settings=settings)), _side(inspect(second, settings=settings)))


def _side(seen: Inspection) -> Side:
    accepted = pinned_spec(seen.events)
    if accepted is None:
        raise InternalError(f"the first event of run {seen.run_id} is another one")

    def load(ref: BlobRef) -> JSONValue:
        try:
            return seen.output(ref)
        except JournalError:
            return blob_reference(ref)  # its name is the checksum of the output: equal names, equal outputs

    return Side(accepted, seen.events, seen.state, seen.standing.status, load)

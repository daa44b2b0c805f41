"""Who drives a run, put together with what its journal says: the one place where the two meet."""

from __future__ import annotations

from actorflow.journal import Driver
from actorflow.monitor.standing import RunStanding, standing_of
from actorflow.state import RunStatus

__all__ = ["standing_under"]


def standing_under(status: RunStatus | None, driver: Driver | None) -> RunStanding:
    """Return how a run stands.

    Args:
        status: what its journal says.
        driver: what ``who_drives`` said, before the journal was read.
    """
    silent_since = None if driver is None else driver.silent_since
    return standing_of(status, is_driven=driver is not None, silent_since=silent_since)

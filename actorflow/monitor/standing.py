"""How a run stands for whoever looks from outside: what its journal says, and what is known of its driver.

The journal alone calls a run ``running`` until its end is in it, whatever has become of its driver. Every view
takes the word from here: ``running``; ``silent``, when the driver is there and has not been heard of for too long;
``interrupted``, when there is none. In machine output ``status`` is never ``silent``: that is a key of its own. Must
not look at anything.
"""

from __future__ import annotations

import msgspec

from actorflow.state.status import RunStatus

__all__ = ["INTERRUPTED", "SILENT", "RunStanding", "standing_of"]

INTERRUPTED = "interrupted"
"""The status of a run that should be running and that nobody drives."""

SILENT = "silent"
"""The word for a run that should be running and whose driver is not heard of."""

_DRIVEN = (RunStatus.PENDING, RunStatus.RUNNING)


class RunStanding(msgspec.Struct, frozen=True):
    """How a run stands.

    Attributes:
        status: its status, or ``interrupted``; ``unknown`` when its journal says nothing.
        silent_since: when its driver was heard of last, Unix seconds; None while that is all right, and when there
            is nothing to drive.
    """

    status: str
    silent_since: float | None = None

    @property
    def word(self) -> str:
        """The word that people are shown."""
        return self.status if self.silent_since is None else SILENT


def standing_of(
    status: RunStatus | None, *, is_driven: bool, silent_since: float | None = None
) -> RunStanding:
    """Return how a run stands.

    Args:
        status: what its journal says.
        is_driven: whether a process drives it.
        silent_since: when that was heard of last, if that is too long ago.
    """
    if status not in _DRIVEN:
        return RunStanding("unknown" if status is None else status.value)
    return RunStanding(status.value, silent_since) if is_driven else RunStanding(INTERRUPTED)

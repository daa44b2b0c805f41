"""What there is still of an attempt whose driver is gone: its program runs, it has finished, or nothing can be known.

Takes an attempt's folder, looks at what was written there and at the system, and says which. RUNNING and
FINISHED are for ``Reattaches.reattach``; of what is GONE, ``process.end_survivors`` ends what may be left.
Only looks: it ends nothing, changes nothing, and costs a few small files.
"""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path

from actorflow.agents.process_record import ProcessRecord

__all__ = ["Remains", "remains_of"]


class Remains(StrEnum):
    """What there is of an attempt."""

    RUNNING = "running"
    """Its program runs: pid, start time and boot id agree."""

    FINISHED = "finished"
    """Its program has ended in this boot, and how it ended is written down."""

    GONE = "gone"
    """Anything else: it never began, the machine was started anew, or nobody knows how it ended."""


def remains_of(folder: Path, *, marker: str = "") -> Remains:
    """Say what there is of the attempt in ``folder``.

    Args:
        folder: the attempt's folder; it need not exist.
        marker: ``attempt_marker(…)`` of the attempt; a record that carries another one is none.
    """
    record = ProcessRecord.read(folder)
    if record is None or (marker and record.marker != marker):
        return Remains.GONE
    return Remains.RUNNING if record.find() is not None else Remains.GONE

"""What there is still of an attempt whose driver is gone: its program runs, it has finished, or nothing can be known.

Takes an attempt's folder, looks at what was written there and at the system, and says which. RUNNING and
FINISHED are for ``Reattaches.reattach``; of what is GONE, ``process.end_survivors`` ends what may be left.
Only looks: it ends nothing, changes nothing, and costs a few small files.
"""

from __future__ import annotations

from contextlib import suppress
from enum import StrEnum
from pathlib import Path

from actorflow.agents import process_table
from actorflow.agents.exit_file import EXIT_CUT, EXIT_FILE, EXIT_PART, is_forgotten, read_exit_code
from actorflow.agents.in_hand import had_in_hand
from actorflow.agents.input_mark import is_input_cut
from actorflow.agents.process_record import RECORD_FILE, ProcessRecord, call_name

__all__ = ["Remains", "ended_at", "is_given_up", "last_call", "remains_of"]


class Remains(StrEnum):
    """What there is of an attempt."""

    RUNNING = "running"
    """Its program runs: pid, start time and boot id agree."""

    FINISHED = "finished"
    """Its program has ended in this boot, and how it ended is written down."""

    GONE = "gone"
    """Anything else: it never began, the machine was started anew, nobody knows how it ended, or its output is not whole."""


def remains_of(folder: Path, *, marker: str = "") -> Remains:
    """Say what there is of the attempt in ``folder``.

    Args:
        folder: the attempt's folder; it need not exist.
        marker: ``attempt_marker(…)`` of the attempt; a record that carries another one is none.
    """
    folder = last_call(folder)
    record = ProcessRecord.read(folder)
    is_of_now = record is not None and record.boot_id == process_table.boot_id()
    if record is None or not is_of_now or (marker and record.marker != marker):
        return Remains.GONE
    is_torn = (folder / EXIT_CUT).exists() or had_in_hand(folder / "stdout") or had_in_hand(folder / "stderr")
    if is_torn or is_input_cut(folder):
        return Remains.GONE
    if record.find() is not None:
        return Remains.RUNNING
    if read_exit_code(folder / EXIT_FILE) is not None:
        return Remains.FINISHED
    is_draining = record.find_taker() is not None and read_exit_code(folder / EXIT_PART) is not None
    return Remains.FINISHED if is_draining else Remains.GONE


def is_given_up(folder: Path) -> bool:
    """Whether somebody has begun to end the attempt in ``folder``, so that nobody can know any more how its work would have ended."""
    folder = last_call(folder)
    return ProcessRecord.read(folder) is not None and is_forgotten(folder)


def ended_at(folder: Path) -> float | None:
    """Return when the last program of the attempt in ``folder`` ended, Unix seconds on the system's clock; None when nobody has written that down.

    The wrapper writes how it ended at that moment, and the file keeps its time when it gets its name.
    """
    folder = last_call(folder)
    for name in (EXIT_FILE, EXIT_PART):
        if read_exit_code(folder / name) is not None:
            with suppress(OSError):
                return (folder / name).stat().st_mtime
    return None


def last_call(folder: Path) -> Path:
    """Return where the files of the last program are: an agent may call several, one after the other."""
    number = 2
    last = folder
    while (next_one := folder / call_name(number) / RECORD_FILE).exists():
        last, number = next_one.parent, number + 1
    return last

"""``process.json``: who the program of an attempt is, for whoever comes after us if we are killed.

Written by the program's wrapper (``wrapper.sh``) before the program begins, in one piece, and read only on
recovery. A pid counts only together with the start time and the boot id. It is not synced: when the machine dies,
so does the process. Anything that cannot be read as a record is no record: without room on the disk there is none,
and the marker is enough to find the program.
"""

from __future__ import annotations

import json
from pathlib import Path

import msgspec

from actorflow.agents import process_table
from actorflow.agents.process_table import Process

__all__ = ["RECORD_FILE", "ProcessRecord", "call_name"]

RECORD_FILE = "process.json"


def call_name(number: int) -> str:
    """Return the name of the folder that an agent's second and later programs have in the attempt's."""
    return f"turn-{number}"


class ProcessRecord(msgspec.Struct, frozen=True, kw_only=True):
    """The program of an attempt.

    Attributes:
        pid: of its wrapper, which leads its session and lives as long.
        started: the wrapper's start time, in the system's own form.
        boot_id: of the system it runs in.
        program: the first item of its argv.
        marker: what all its processes carry in their environment.
        taker: the pid of who goes on with its output when the driver has died; 0 when there is none.
    """

    pid: int
    started: str
    boot_id: str
    program: str
    marker: str
    taker: int = 0

    @classmethod
    def read(cls, folder: Path) -> ProcessRecord | None:
        """Return the record in an attempt's folder, or None."""
        try:
            fields = json.loads((folder / RECORD_FILE).read_bytes())
            record = cls(**{**fields, "pid": int(fields["pid"])})
        except (OSError, ValueError, TypeError, KeyError):
            return None
        return record if record.pid > 1 else None

    def find(self) -> Process | None:
        """Return the program if it, and not just some process with its pid, is still there."""
        if self.boot_id != process_table.boot_id():
            return None
        process = process_table.look(self.pid)
        return (
            process if process is not None and process.is_alive and process.started == self.started else None
        )

    def find_taker(self) -> Process | None:
        """Return who goes on with its output, if that one is still there."""
        if not self.taker or self.boot_id != process_table.boot_id():
            return None
        taker = process_table.look(self.taker)
        return taker if taker is not None and taker.is_alive and taker.group == self.pid else None

"""``process.json``: who the program of an attempt is, for whoever comes after us if we are killed.

Written with rename right after the program was started and read only on recovery. A pid counts only together
with the start time and the boot id. It is not synced: when the machine dies, so does the process. Anything
that cannot be read as a record is no record.
"""

from __future__ import annotations

import errno
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from actorflow.agents import process_table
from actorflow.agents.process_table import Process

__all__ = ["ProcessRecord"]

_FILE = "process.json"
_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessRecord:
    """The program of an attempt.

    Attributes:
        started: its start time, in the system's own form.
        boot_id: of the system it runs in.
        program: the first item of its argv.
        marker: what all its processes carry in their environment.
    """

    pid: int
    started: str
    boot_id: str
    program: str
    marker: str

    @classmethod
    def of(cls, pid: int, *, program: str, marker: str) -> ProcessRecord:
        """Describe a child of ours that has not been reaped."""
        process = process_table.look(pid)
        started = process.started if process is not None else ""
        return cls(pid=pid, started=started, boot_id=process_table.boot_id(), program=program, marker=marker)

    @classmethod
    def read(cls, folder: Path) -> ProcessRecord | None:
        """Return the record in an attempt's folder, or None."""
        try:
            fields = json.loads((folder / _FILE).read_bytes())
            record = cls(**{**fields, "pid": int(fields["pid"])})
        except (OSError, ValueError, TypeError, KeyError):
            return None
        return record if record.pid > 1 else None

    def write(self, folder: Path) -> None:
        """Write the record into an attempt's folder, whole or not at all; only its owner can read it.

        Without room on the disk there is none: the program goes on, and its marker is enough to find it.
        """
        try:
            self._write(folder / f"{_FILE}.tmp", folder / _FILE)
        except OSError as error:
            if error.errno not in _NO_ROOM:
                raise

    def _write(self, temporary: Path, path: Path) -> None:
        file = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        with os.fdopen(file, "w", encoding="utf-8") as stream:
            json.dump(asdict(self), stream)
        temporary.replace(path)

    def find(self) -> Process | None:
        """Return the program if it, and not just some process with its pid, is still there."""
        if self.boot_id != process_table.boot_id():
            return None
        process = process_table.look(self.pid)
        return (
            process if process is not None and process.is_alive and process.started == self.started else None
        )

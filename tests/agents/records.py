"""Records of programs as a wrapper writes them, for tests of what reads them."""

from __future__ import annotations

from pathlib import Path

import msgspec

from actorflow.agents import process_table
from actorflow.agents.process_record import RECORD_FILE, ProcessRecord


def record_of(pid: int, *, program: str, marker: str) -> ProcessRecord:
    """Describe a process that runs."""
    process = process_table.look(pid)
    started = process.started if process is not None else ""
    return ProcessRecord(
        pid=pid, started=started, boot_id=process_table.boot_id(), program=program, marker=marker
    )


def write_record(record: ProcessRecord, folder: Path) -> None:
    """Write it into an attempt's folder."""
    (folder / RECORD_FILE).write_bytes(msgspec.json.encode(record))

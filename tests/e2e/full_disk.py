"""The command line with a disk that is full while a file ``full`` is in the project: where no small file system can be mounted.

``python full_disk.py run …``: every commit of events, and every output, is refused as SQLite and the kernel refuse it, except what the ballast has room for.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from actorflow.__main__ import main
from actorflow.journal import blobs, database, storage
from actorflow.journal.faults import full_error

FULL = Path("full")


def refuse_while_full() -> None:
    commit, write = database.Database._commit, blobs._write

    def commit_or_refuse(self: database.Database, rows: Any, *rest: Any) -> None:
        has_ballast = not (self.path.parent / "ballast").exists()  # it has been released
        if FULL.exists() and not (has_ballast and len(rows) == 1):
            raise full_error(self.path)
        commit(self, rows, *rest)

    def write_or_refuse(path: Path, chunks: Any) -> tuple[str, int]:
        if FULL.exists():
            raise OSError(next(iter(storage.NO_ROOM)), os.strerror(28))
        return write(path, chunks)

    database.Database._commit = commit_or_refuse  # type: ignore[method-assign]
    blobs._write = write_or_refuse


if __name__ == "__main__":
    refuse_while_full()
    main()

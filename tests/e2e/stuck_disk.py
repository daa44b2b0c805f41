"""The command line with a disk that does not answer while a file ``stuck`` is in the project."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

from actorflow.__main__ import main
from actorflow.api import stuck_disk
from actorflow.journal import database

STUCK = Path("stuck")

if __name__ == "__main__":
    commit = database.Database._commit

    def commit_or_hang(self: database.Database, *args: Any) -> None:
        while STUCK.exists():
            time.sleep(0.01)
        commit(self, *args)

    database.Database._commit = commit_or_hang  # type: ignore[method-assign]
    stuck_disk.SILENT_SECONDS = 0.3
    stuck_disk.LEAVE_SECONDS = 0.5
    main()

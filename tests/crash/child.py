"""The real command line in a process that kills itself at the k-th boundary of its storage.

``python child.py run file.yaml`` is ``actorflow run file.yaml``, with a failpoint before and after everything that makes something durable: a run's folder, a driver's number, a
batch of events, each step of a blob. ``CRASH_AT`` says at which one the process ends by SIGKILL (0: at none); how many there were is written to ``CRASH_COUNT`` at the end.
The product knows nothing of this.
"""

from __future__ import annotations

import functools
import os
import signal
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from actorflow.journal import blobs, runs
from actorflow.journal.database import Database


class Failpoints:
    """Counts boundaries, over all threads, and ends the process at one of them."""

    def __init__(self, crash_at: int) -> None:
        self._crash_at = crash_at
        self._lock = threading.Lock()
        self.count = 0

    def reach(self) -> None:
        with self._lock:
            self.count += 1
            if self.count == self._crash_at:
                os.kill(os.getpid(), signal.SIGKILL)

    def around(self, owner: Any, name: str) -> None:
        """Put a boundary before and one after a function."""
        original: Callable[..., Any] = getattr(owner, name)

        @functools.wraps(original)
        def wrapped(*args: Any, **options: Any) -> Any:
            self.reach()
            answer = original(*args, **options)
            self.reach()
            return answer

        setattr(owner, name, wrapped)


def main() -> int:
    failpoints = Failpoints(int(os.environ.get("CRASH_AT", "0")))
    failpoints.around(runs.RunStore, "create")
    for name in ("_take_over", "append", "checkpoint"):
        failpoints.around(Database, name)
    for name in ("_write", "sync_folder"):
        failpoints.around(blobs, name)
    from actorflow.__main__ import main as actorflow

    try:
        return int(actorflow() or 0)
    finally:
        Path(os.environ["CRASH_COUNT"]).write_text(str(failpoints.count), encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())

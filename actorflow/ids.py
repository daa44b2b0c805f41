"""Names of things: run ids, task ids, and how they are made and checked.

Run ids are ours (``20261122-184800-k3v9qd``: UTC second, then six random characters): they sort by time, are
safe as folder names on every file system, and a prefix usually names one. Task ids come from people and are
checked by ``TASK_ID``. Randomness and time come in as arguments.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import NewType

__all__ = ["RESERVED_NAMES", "RUN_ID", "TASK_ID", "RunId", "TaskId", "make_run_id"]

RunId = NewType("RunId", str)
TaskId = NewType("TaskId", str)

TASK_ID = re.compile(r"[A-Za-z_][A-Za-z0-9_-]{0,63}")
RUN_ID = re.compile(r"[0-9]{8}-[0-9]{6}-[a-z0-9]{6}")

RESERVED_NAMES = frozenset("tasks inputs vars run item secrets env fn true false null in and or not".split())
"""Names that no task, variable or input may have, because expressions give them a meaning."""

_ALPHABET = "abcdefghijkmnpqrstuvwxyz23456789"  # 32 characters; no l, o, 0 or 1, which people misread


def make_run_id(now_seconds: float, random_bits: int) -> RunId:
    """Make a run id.

    Args:
        now_seconds: Unix time.
        random_bits: at least 30 random bits; only the lowest 30 are used.
    """
    stamp = datetime.fromtimestamp(now_seconds, UTC).strftime("%Y%m%d-%H%M%S")
    tail = "".join(_ALPHABET[(random_bits >> shift) & 31] for shift in range(0, 30, 5))
    return RunId(f"{stamp}-{tail}")

"""Names of things: run ids, task ids, and how they are made and checked.

Run ids are ours (``20261122-184800-k3v9qd``: UTC second, three characters for the moment in it, three random
ones): they sort by time, also within a second, are safe as folder names on every file system, and a prefix
usually names one. Task ids come from people and are
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

_ALPHABET = (
    "23456789abcdefghijkmnpqrstuvwxyz"  # 32 characters in their order; no l, o, 0 or 1, which people misread
)
_PARTS = 32**3  # of a second: 31 microseconds each


def make_run_id(now_seconds: float, random_bits: int) -> RunId:
    """Make a run id.

    Args:
        now_seconds: Unix time.
        random_bits: at least 15 random bits; only the lowest 15 are used.
    """
    moment = datetime.fromtimestamp(now_seconds, UTC)
    part = moment.microsecond * _PARTS // 1_000_000
    number = part * 32**3 + (random_bits & 0x7FFF)
    tail = "".join(_ALPHABET[(number >> shift) & 31] for shift in range(25, -1, -5))
    return RunId(f"{moment:%Y%m%d-%H%M%S}-{tail}")

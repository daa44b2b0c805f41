"""The ballast: room that a run keeps for itself, so that on a full disk it can still record that the disk is full.

A file of real blocks in the run's folder, made when a driver begins and given back when it ends. Releasing it
makes room for a few events; it says nothing by being there or not. Keeping it is tried, never insisted on: a
disk too full for the ballast is not yet too full for the run. Must not raise for want of room.
"""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["BALLAST_BYTES", "Ballast"]

BALLAST_BYTES = 256 * 1024


class Ballast:
    """The ballast of one run, at ``path``."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def keep(self) -> bool:
        """Take the room, if it is not kept already; whether it is kept now."""
        try:
            descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        except OSError:
            return False
        try:
            _allocate(descriptor)
        except OSError:
            self.release()  # a part of it would only be in the way
            return False
        finally:
            os.close(descriptor)
        return True

    def release(self) -> bool:
        """Give the room back; whether there was any."""
        try:
            self._path.unlink()
        except OSError:
            return False
        return True


def _allocate(descriptor: int) -> None:
    if os.fstat(descriptor).st_blocks * 512 >= BALLAST_BYTES:
        return
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(descriptor, 0, BALLAST_BYTES)
        return
    zeros = bytes(BALLAST_BYTES)  # macOS
    written = 0
    while written < BALLAST_BYTES:
        written += os.pwrite(descriptor, zeros[written:], written)

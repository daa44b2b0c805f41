"""A bell that a thread rings and one task of the event loop hears.

What trio has for that, ``TrioToken.run_sync_soon``, wakes a task of trio's own first, which wakes ours in the next
round of the loop; a descriptor that our task waits for itself saves that round, 15 to 20 µs of a commit. A ring
that comes before anybody waits is kept; several are one. Must be closed after its last ring, and not before: the
number of its descriptor might be another file's by then.
"""

from __future__ import annotations

import os

import trio

__all__ = ["Bell"]

_RING = (1).to_bytes(8, "little")  # what an event descriptor counts; a pipe takes anything


class Bell:
    """One bell. All but ``ring`` is for the loop's thread only."""

    __slots__ = ("_heard", "_rung")

    def __init__(self) -> None:
        if hasattr(os, "eventfd"):  # Linux
            self._heard = self._rung = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        else:
            self._heard, self._rung = os.pipe()

    def ring(self) -> None:
        """Wake who waits, or the next who does. From any thread."""
        os.write(self._rung, _RING)

    async def wait(self) -> None:
        """Wait for a ring, or take one that has come before. Cancellable."""
        await trio.lowlevel.wait_readable(self._heard)
        os.read(self._heard, 4096)

    def close(self) -> None:
        """Give the descriptors back."""
        for descriptor in {self._heard, self._rung}:
            os.close(descriptor)

"""Writing an attempt's files also when the disk is full: it waits for room, as the journal does, instead of failing the attempt.

Takes a function that writes for us (a prompt, a folder, the files that a program's output goes to) and gives what
it gives, as soon as there is room. Invariant: what is called again has left nothing behind that matters, and only
"no room" is waited for. The engine is told by ``no_room`` and ``room_found``, so that everybody can see why
nothing happens and the attempt's time stands still. Whoever cancels the attempt ends the wait. Must not be used
for what an agent writes by itself: that is its own affair.
"""

from __future__ import annotations

import errno
from collections.abc import Callable
from typing import Any, TypeVar

import trio

from actorflow.agents.interface import AttemptChannel, Progress
from actorflow.values import FrozenDict

__all__ = ["NO_ROOM", "with_room"]

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})

_FIRST_PAUSE_SECONDS = 0.25
_LONGEST_PAUSE_SECONDS = 5.0
_DATA = FrozenDict(stream="files")

T = TypeVar("T")


async def with_room(channel: AttemptChannel, write: Callable[..., T], *args: Any) -> T:
    """Call ``write`` until there is room for what it writes; return what it returns. A checkpoint only when it waits.

    Raises:
        OSError: it cannot be written, for another reason.
    """
    try:
        return write(*args)
    except OSError as error:
        if error.errno not in NO_ROOM:
            raise
        reason = error.strerror or "no room"
    channel.report(Progress(kind="no_room", text=f"no room for the attempt's files: {reason}", data=_DATA))
    try:
        return await _again(write, *args)
    finally:
        channel.report(Progress(kind="room_found", data=_DATA))


async def _again(write: Callable[..., T], *args: Any) -> T:
    pause = _FIRST_PAUSE_SECONDS
    while True:
        await trio.sleep(pause)
        try:
            return write(*args)
        except OSError as error:
            if error.errno not in NO_ROOM:
                raise
        pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)

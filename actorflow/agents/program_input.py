"""What a program can read from its stdin.

Takes the data, writes what fits into the pipe before the program is started (up to a megabyte on Linux), and the
rest while it runs. As long as there is a rest, ``stdin.part`` says so: a program whose driver dies then reads an
end that is none, and what it makes of that is nobody's result. What the program does not want to read is its
business.
"""

from __future__ import annotations

import fcntl
import os
from contextlib import ExitStack, suppress
from pathlib import Path

import trio

from actorflow.agents.capture import open_private
from actorflow.agents.input_mark import INPUT_PART

__all__ = ["ProgramInput"]

_USUAL_BYTES = 64 * 1024
_MOST_BYTES = 1024 * 1024
"""How large a pipe anybody may make (Linux)."""


class ProgramInput:
    """A program's stdin. Not to be constructed: ``open`` does that.

    Attributes:
        childs_end: what the program is to read from; whoever opened this closes it.
    """

    def __init__(self, mark: Path, childs_end: int, ours: int | None = None, rest: bytes = b"") -> None:
        self.childs_end = childs_end
        self._mark = mark
        self._ours = ours
        self._rest = rest
        self._stream: trio.lowlevel.FdStream | None = None

    @classmethod
    def open(
        cls, data: bytes | None, folder: Path, *, childs_ends: ExitStack, on_failure: ExitStack
    ) -> ProgramInput:
        """Make a stdin that holds the beginning of ``data``.

        Args:
            data: None is an empty input that is no pipe.
            childs_ends: closes the program's end.
            on_failure: closes ours.
        """
        mark = folder / INPUT_PART
        mark.unlink(missing_ok=True)
        if data is None:
            nothing = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
            childs_ends.callback(os.close, nothing)
            return cls(mark, nothing)
        reading, ours = os.pipe()
        childs_ends.callback(os.close, reading)
        on_failure.callback(os.close, ours)
        rest = data[_fill(ours, data) :]
        if rest:
            os.close(open_private(mark))
        return cls(mark, reading, ours, rest)

    def begin(self, *, stays_open: bool) -> None:
        """Take over our end, now that the program is started; without a rest the program sees the end of its input, unless it is to stay open."""
        ours, self._ours = self._ours, None
        if ours is not None and (self._rest or stays_open):
            self._stream = trio.lowlevel.FdStream(ours)
        elif ours is not None:
            os.close(ours)

    async def feed(self) -> None:
        """Write what is left of the data; nothing is closed. Cancelled, it may have written a part."""
        if self._rest:
            await self.send(b"")

    async def send(self, data: bytes) -> None:
        """Write what is left, and then ``data``. Cancelled, it may have written a part."""
        if self._stream is None:
            return
        rest, self._rest = self._rest, b""
        with suppress(trio.BrokenResourceError, trio.ClosedResourceError):
            await self._stream.send_all(rest + data)
            if rest:
                self.forget()
            return
        self.close()

    def close(self) -> None:
        """End the input; nothing can be sent any more."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def forget(self) -> None:
        """Say no more that something is missing: all has been sent, or the program has exited and did not want it.

        A disk that does not let us costs no attempt: only if the driver dies before it has recorded this one, it is lost.
        """
        with suppress(OSError):
            self._mark.unlink(missing_ok=True)


def _fill(pipe: int, data: bytes) -> int:
    """Write as much as the pipe takes now; returns how much that is."""
    if len(data) > _USUAL_BYTES and hasattr(fcntl, "F_SETPIPE_SZ"):
        with suppress(OSError):  # the user's share of memory for pipes is used up
            fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, min(len(data), _MOST_BYTES))
    os.set_blocking(pipe, False)
    written = 0
    with suppress(BlockingIOError):
        while written < len(data):
            written += os.write(pipe, data[written:])
    return written

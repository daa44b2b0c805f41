"""``exit``: how the program of an attempt ended, for whoever comes after a driver that was killed.

The wrapper (``wrapper.sh``) writes the code into ``exit.part``, perhaps below a line of its shell about a signal.
The file gets its name ``exit`` from whoever has moved everything out of the program's pipes into its files: the
driver, or who has taken over from it. So ``exit`` alone says that the output is whole, and a rename needs no room
on a full disk; ``exit.cut`` says that something could not be taken in. Not synced: after a reboot nothing of it counts.
A program that its driver ends says nothing by its end: what is said of it is taken back before.
"""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path

__all__ = [
    "EXIT_CUT",
    "EXIT_FILE",
    "EXIT_PART",
    "forget_exit",
    "is_forgotten",
    "read_complaint",
    "read_exit_code",
    "seal",
]

EXIT_FILE = "exit"
EXIT_PART = "exit.part"
EXIT_CUT = "exit.cut"

_MOST_BYTES = 64 * 1024
_LONGEST_COMPLAINT = 500
_UNREPORTED = frozenset({signal.SIGINT, signal.SIGPIPE})
"""Signals that shells say nothing of."""


def read_exit_code(file: Path) -> int | None:
    """Return the exit code that is written there, minus the signal's number when a signal killed the program; None when there is none."""
    try:
        with file.open("rb") as stream:
            text = stream.read(_MOST_BYTES)
    except OSError:
        return None
    said, _, last = text.removesuffix(b"\n").rpartition(b"\n")
    if not text.endswith(b"\n") or not last.isdigit():
        return None
    return decode(int(last), was_reported=bool(said.strip()))


def read_complaint(file: Path) -> str:
    """Return what the wrapper's shell says instead of a code: it could not start the program (no process, no memory). "" when it says nothing."""
    try:
        text = file.read_bytes()[-_LONGEST_COMPLAINT:].decode("utf-8", "replace").strip()
    except OSError:
        return ""
    return "" if text.rpartition("\n")[2].isdigit() else text.rpartition("\n")[2]


def decode(code: int, *, was_reported: bool) -> int:
    """Return what a shell's number means: 128 + n is signal n if the shell has said so, or never does for this signal.

    With 256 + n ksh93 says so, and yash with 384 + n.
    """
    number = code - (384 if code > 384 else 256 if code > 255 else 128)
    is_signal = 0 < number < signal.NSIG and (was_reported or number in _UNREPORTED or code > 255)
    return -number if is_signal else code


def seal(folder: Path) -> None:
    """Say that all output is in the files. Without an ``exit.part`` there is nothing to say."""
    with suppress(OSError):
        os.rename(folder / EXIT_PART, folder / EXIT_FILE)


def is_forgotten(folder: Path) -> bool:
    """Whether ``forget_exit`` was called for a program; as long as it runs there is ``exit.part`` otherwise."""
    return not any((folder / name).exists() for name in (EXIT_PART, EXIT_FILE, EXIT_CUT))


def forget_exit(folder: Path) -> None:
    """Take back what was said, and what the wrapper is going to say: what comes of the attempt now is nobody's result."""
    for name in (EXIT_FILE, EXIT_PART, EXIT_CUT):
        with suppress(FileNotFoundError):
            (folder / name).unlink()

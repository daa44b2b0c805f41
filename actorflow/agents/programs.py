"""Finds the program that is to be started, and says what the system would say if it cannot be.

A shell stands between us and the program, so a program that is missing, or is none, would be no failed start but
a shell's exit code. Looks as ``execvp`` does: in the PATH of the program's own environment, from the folder that
it works in. Starts nothing. What changes between the look and the start is told by the shell after all (126, 127).
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Mapping
from pathlib import Path

__all__ = ["find_program"]

_HEAD_BYTES = 256
_MOST_INTERPRETERS = 4
"""A script's interpreter may be a script; the system follows about as many."""

_MACH_O = frozenset(
    bytes.fromhex(magic)
    for magic in (
        "feedface",
        "feedfacf",
        "cefaedfe",
        "cffaedfe",
        "cafebabe",
        "cafebabf",
        "bebafeca",
        "bfbafeca",
    )
)
_MORE_FORMATS = Path("/proc/sys/fs/binfmt_misc")
_NO_FORMATS = frozenset({"register", "status"})
_NOT_THERE = frozenset({errno.ENOENT, errno.ENOTDIR})


def find_program(name: str, environment: Mapping[str, str], cwd: Path) -> str:
    """Return the path of the program that ``name`` means.

    Raises:
        OSError: it cannot be started, for the reason that the system would give; its ``filename`` is the folder when
            nobody can work in there.
        ValueError: the name holds a NUL.
    """
    if not stat.S_ISDIR(os.stat(cwd).st_mode):
        raise _error(errno.ENOTDIR, str(cwd))
    if not os.access(cwd, os.X_OK):
        raise _error(errno.EACCES, str(cwd))
    folders = [""] if "/" in name else os.get_exec_path(environment)
    failure = _error(errno.ENOENT, name)
    for folder in folders if name else ():
        path = os.path.join(cwd, folder, name)
        try:
            _check(path, cwd, _MOST_INTERPRETERS)
        except OSError as error:
            # As the system: one that is there and cannot be started says more than those that are not there.
            if failure.errno in _NOT_THERE:
                failure = _error(error.errno or errno.ENOENT, name)
            continue
        return path
    raise failure


def _check(path: str, cwd: Path, depth: int) -> None:
    if not stat.S_ISREG(os.stat(path).st_mode) or not os.access(path, os.X_OK):
        raise _error(errno.EACCES, path)
    try:
        with open(path, "rb", buffering=0) as file:
            head = file.read(_HEAD_BYTES)
    except PermissionError:  # one may start what one cannot read
        return
    if head.startswith(b"#!"):
        words = head[2:].partition(b"\n")[0].split()
        if not words:
            raise _error(errno.ENOEXEC, path)
        if depth:
            _check(os.path.join(cwd, os.fsdecode(words[0])), cwd, depth - 1)
    elif not _is_binary(head):
        raise _error(errno.ENOEXEC, path)


def _is_binary(head: bytes) -> bool:
    if sys.platform == "darwin":
        return head[:4] in _MACH_O
    return head.startswith(b"\x7fELF") or _has_more_formats()


def _has_more_formats() -> bool:
    """Say whether somebody has taught the system to start other files (Windows programs under WSL, Java): then we cannot know."""
    try:
        return bool(set(os.listdir(_MORE_FORMATS)) - _NO_FORMATS)
    except OSError:
        return False


def _error(number: int, path: str) -> OSError:
    return OSError(number, os.strerror(number), path)

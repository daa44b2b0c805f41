"""Makes the operations on files of a traced process fail: no room, an error of the disk, a write that comes only half through.

Takes a process that waits to be traced, the folder whose files count, and the fault; runs the process to its end. Linux, x86-64 and arm64: at the entry of a system call its number is
replaced by one that does not exist, and at its exit the error takes the place of the answer, so that the process cannot tell it from a real one.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from tests.power_loss.recorder import Recorder, ptrace

POKE_USER, SET_REGISTERS, GET_REGISTERS = 6, 0x4205, 0x4204
X86_ANSWER, X86_THIRD_ARGUMENT, X86_NUMBER = 10 * 8, 12 * 8, 15 * 8
GENERAL_REGISTERS, ARM_SYSTEM_CALL = 1, 0x404
IS_X86 = platform.machine() == "x86_64"

SYNCS, GROWING = ("sync",), ("write", "create", "mkdir", "truncate", "rename")
JOURNAL = ("journal.db", "journal.db-wal")


@dataclass(frozen=True)
class Fault:
    """What fails.

    Attributes:
        kind: no room (whatever needs some), an error of the disk (whatever it is), a sync that fails, or a write that writes half of what it should and is out of room when the rest comes.
        first: the number of the first operation that fails, from 1, of those that can.
        last: the number of the last one; all that can fail in between do.
    """

    kind: Literal["full", "error", "sync", "short"]
    first: int
    last: int

    def can_hit(self, operation: str) -> bool:
        match self.kind:
            case "full":
                return operation in GROWING
            case "error":
                return True
            case "sync":
                return operation in SYNCS
        return operation == "write"


class Injector(Recorder):
    """Traces a process and makes some of its operations fail.

    Attributes:
        tried: every operation that could fail, in order.
        hit: the first operation that failed.
        after: what was done, or tried, on the files of the journal after that.
    """

    def __init__(self, folder: Path, fault: Fault) -> None:
        super().__init__(folder, Path(os.devnull))
        self._fault = fault
        self.tried: list[str] = []
        self.hit = ""
        self.after: list[str] = []

    def entered(self, thread: int, kind: str, path: str, third: int) -> int:
        """See ``Recorder``."""
        if path.endswith("-shm"):
            return 0  # an index in memory; its loss is no loss
        if self.hit and Path(path).name in JOURNAL:
            self.after.append(f"{kind} {path}")
        if not self._fault.can_hit(kind):
            return 0
        self.tried.append(f"{kind} {path}")
        number = len(self.tried)
        if not self._fault.first <= number <= self._fault.last:
            return 0
        self.hit = self.hit or f"{kind} {path}"
        if self._fault.kind == "short" and number == self._fault.first:
            _write_half(thread, third)
            return 0
        _do_nothing(thread)
        return errno.ENOSPC if self._fault.kind in ("full", "short") else errno.EIO

    def failed(self, thread: int, error: int) -> None:
        """See ``Recorder``."""
        if IS_X86:
            ptrace(POKE_USER, thread, X86_ANSWER, -error & 0xFFFFFFFFFFFFFFFF)
        else:
            _set_arm_register(thread, 0, -error)


def inject(pid: int, folder: Path, fault: Fault, timeout_seconds: float) -> dict[str, Any]:
    """Run a process that waits to be traced to its end, or kill it after the time; say what became of it."""
    injector = Injector(folder, fault)
    hangs = False

    def give_up(*_: object) -> None:
        nonlocal hangs
        hangs = True
        os.kill(pid, signal.SIGKILL)

    before = signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, timeout_seconds)
    try:
        status = injector.trace(pid)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    return {
        "status": status,
        "hangs": hangs,
        "tried": injector.tried,
        "hit": injector.hit,
        "after": injector.after,
    }


def _do_nothing(thread: int) -> None:
    if IS_X86:
        ptrace(POKE_USER, thread, X86_NUMBER, 0xFFFFFFFFFFFFFFFF)
    else:
        _registers(SET_REGISTERS, thread, ARM_SYSTEM_CALL, ctypes.c_int(-1))


def _write_half(thread: int, size: int) -> None:
    """Halve the third argument, which is how much is to be written."""
    if IS_X86:
        ptrace(POKE_USER, thread, X86_THIRD_ARGUMENT, max(1, size // 2))
    else:
        _set_arm_register(thread, 2, max(1, size // 2))


def _set_arm_register(thread: int, number: int, value: int) -> None:
    registers = (ctypes.c_uint64 * 34)()
    _registers(GET_REGISTERS, thread, GENERAL_REGISTERS, registers)
    registers[number] = value & 0xFFFFFFFFFFFFFFFF
    _registers(SET_REGISTERS, thread, GENERAL_REGISTERS, registers)


class _Vector(ctypes.Structure):
    _fields_ = (("base", ctypes.c_void_p), ("length", ctypes.c_size_t))


def _registers(request: int, thread: int, which: int, values: Any) -> None:
    vector = _Vector(ctypes.addressof(values), ctypes.sizeof(values))
    ptrace(request, thread, which, ctypes.addressof(vector))

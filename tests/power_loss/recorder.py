"""Records everything that a program does to the files below a folder, in order: ``python recorder.py FOLDER MARKS OUT program arguments...``.

Takes a program and gives, in OUT, the list of its operations (see ``Recorder``), and what it wrote to the file MARKS in between, in the same order: this is how a program says what it
has acknowledged. It traces system calls with ptrace(2), which needs no compiler and nothing but Linux on x86-64 or arm64, since 5.3; all threads of the program are traced, the programs
that it starts are not. Invariant: an operation that would be recorded wrongly (one that this file does not know) ends the program and the recording; none is left out silently.

What is written through shared memory is not seen. Only SQLite's ``-shm`` file is written that way, and it is an index that the next program to open the database makes anew.
"""

from __future__ import annotations

import ctypes
import os
import platform
import signal
import stat
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

import msgspec

NUMBERS = {
    "x86_64": {
        "write": 1, "open": 2, "mmap": 9, "pwrite64": 18, "writev": 20, "sendfile": 40, "fsync": 74, "fdatasync": 75, "truncate": 76, "ftruncate": 77,
        "rename": 82, "mkdir": 83, "rmdir": 84, "creat": 85, "link": 86, "unlink": 87, "symlink": 88, "openat": 257, "mkdirat": 258, "unlinkat": 263,
        "renameat": 264, "linkat": 265, "symlinkat": 266, "fallocate": 285, "pwritev": 296, "renameat2": 316, "copy_file_range": 326, "pwritev2": 328,
        "openat2": 437,
    },
    "aarch64": {
        "write": 64, "mmap": 222, "pwrite64": 68, "writev": 66, "sendfile": 71, "fsync": 82, "fdatasync": 83, "truncate": 45, "ftruncate": 46,
        "openat": 56, "mkdirat": 34, "unlinkat": 35, "renameat": 38, "linkat": 37, "symlinkat": 36, "fallocate": 47, "pwritev": 70, "renameat2": 276,
        "copy_file_range": 285, "pwritev2": 287, "openat2": 437,
    },
}  # fmt: skip

CAN_TRACE = sys.platform == "linux" and platform.machine() in NUMBERS
"""Whether programs can be traced here."""

TRACEME, CONT_SYSCALL, SETOPTIONS, GET_SYSCALL_INFO = 0, 24, 0x4200, 0x420E
SYSGOOD, TRACE_CLONE, TRACE_EXEC, EXIT_KILL = 1, 8, 0x10, 0x100000
WALL = 0x40000000
ENTRY, EXIT = 1, 2
AT_FDCWD = -100
AT_REMOVEDIR = 0x200
MAP_SHARED, PROT_WRITE = 1, 2
FALLOC_KEEP_SIZE = 1


class SyscallInfo(ctypes.Structure):
    """What PTRACE_GET_SYSCALL_INFO answers: number and arguments at the entry, the result at the exit."""

    _fields_ = (
        ("op", ctypes.c_uint8),
        ("pad", ctypes.c_uint8 * 3),
        ("arch", ctypes.c_uint32),
        ("instruction", ctypes.c_uint64),
        ("stack", ctypes.c_uint64),
        ("data", ctypes.c_uint64 * 8),
    )


libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = (ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p)
libc.ptrace.restype = ctypes.c_long


def ptrace(request: int, pid: int, address: int = 0, data: int = 0) -> int:
    answer: int = libc.ptrace(request, pid, address, data)
    if answer < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"ptrace({request:#x}): {os.strerror(number)}")
    return answer


def be_traced() -> None:
    """Stop this process and have its parent trace it."""
    ptrace(TRACEME, 0)
    os.kill(os.getpid(), signal.SIGSTOP)


@dataclass
class Call:
    """A system call between its entry and its exit: what to record if it succeeds, and with which error it is made to fail."""

    operations: Callable[[int], list[tuple[Any, ...]]]
    error: int = 0


class Recorder:
    """Traces one program.

    Attributes:
        operations: ``(kind, path below the folder, ...)``. The kinds: ``create path``, ``mkdir path``, ``write path offset data``, ``truncate path size``, ``rename path new``,
            ``unlink path``, ``rmdir path``, ``sync path`` (a file or a folder), and ``mark text``.
    """

    def __init__(self, folder: Path, marks: Path) -> None:
        self._folder = str(folder.resolve())
        self._marks = str(marks.resolve())
        self._names = {number: name for name, number in NUMBERS[platform.machine()].items()}
        self._calls: dict[int, Call] = {}
        self.operations: list[tuple[Any, ...]] = []

    def run(self, command: list[str]) -> int:
        """Run ``command`` to its end and return its exit status, -N if signal N has ended it."""
        pid = os.fork()
        if pid == 0:
            be_traced()
            os.execvp(command[0], command)
        return self.trace(pid)

    def trace(self, pid: int) -> int:
        """Trace a child that has called ``be_traced`` to its end and return its exit status."""
        os.waitpid(pid, WALL)
        ptrace(SETOPTIONS, pid, 0, SYSGOOD | TRACE_CLONE | TRACE_EXEC | EXIT_KILL)
        ptrace(CONT_SYSCALL, pid)
        while True:
            thread, status = os.waitpid(-1, WALL)
            if not os.WIFSTOPPED(status):
                if thread == pid:
                    return os.waitstatus_to_exitcode(status)
                continue
            try:
                ptrace(CONT_SYSCALL, thread, 0, self._stopped(thread, status))
            except ProcessLookupError:
                continue  # the thread has ended meanwhile

    def _stopped(self, thread: int, status: int) -> int:
        """Look at what has stopped a thread; return the signal to deliver."""
        reason = os.WSTOPSIG(status)
        if reason == signal.SIGTRAP | 0x80:
            self._at_syscall(thread)
            return 0
        if status >> 16 or reason == signal.SIGSTOP:  # an event, or a new thread
            return 0
        return reason

    def _at_syscall(self, thread: int) -> None:
        info = SyscallInfo()
        ptrace(GET_SYSCALL_INFO, thread, ctypes.sizeof(info), ctypes.addressof(info))
        if info.op == ENTRY:
            name = self._names.get(info.data[0])
            if name is not None:
                call = getattr(self, f"_{name}")(thread, *(info.data[i] for i in range(1, 7)))
                if call is not None:
                    self._calls[thread] = Call(call, self.entered(thread, *call(0)[0][:2], info.data[3]))
        elif info.op == EXIT and (known := self._calls.pop(thread, None)) is not None:
            result = ctypes.c_int64(info.data[0]).value
            if known.error:
                self.failed(thread, known.error)
            elif result >= 0:
                self.operations += known.operations(result)

    def entered(self, thread: int, kind: str, path: str, third: int) -> int:
        """Decide about a call that is to be recorded, with its third argument: return an error number after having seen to it that it does nothing, or 0."""
        return 0

    def failed(self, thread: int, error: int) -> None:
        """Let a call that was made to do nothing answer with an error."""

    # --- what the calls mean; each one answers with a function from the result to the operations ------------------

    def _write(self, thread: int, fd: int, address: int, size: int, *_: int) -> Any:
        path = self._of_descriptor(thread, fd)
        if path is None:
            return None
        data = self._memory(thread, address, size)
        if path == self._marks:
            return lambda _: [("mark", data.decode())]
        offset = self._position(thread, fd)
        return lambda written: [("write", self._below(path), offset, data[:written])]

    def _pwrite64(self, thread: int, fd: int, address: int, size: int, offset: int, *_: int) -> Any:
        path = self._of_descriptor(thread, fd)
        if path is None:
            return None
        data = self._memory(thread, address, size)
        return lambda written: [("write", self._below(path), offset, data[:written])]

    def _writev(self, thread: int, fd: int, *_: int) -> Any:
        return self._unknown("a gathered write", self._of_descriptor(thread, fd))

    _pwritev = _pwritev2 = _writev

    def _sendfile(self, thread: int, fd: int, *_: int) -> Any:
        return self._unknown("sendfile", self._of_descriptor(thread, fd))

    def _copy_file_range(self, thread: int, _in: int, _offset: int, fd: int, *_: int) -> Any:
        return self._unknown("copy_file_range", self._of_descriptor(thread, fd))

    def _mmap(
        self, thread: int, _address: int, _size: int, protection: int, flags: int, fd: int, *_: int
    ) -> Any:
        if flags & MAP_SHARED and protection & PROT_WRITE and ctypes.c_int32(fd).value >= 0:
            path = self._of_descriptor(thread, fd)
            if path is not None and not path.endswith("-shm"):
                self._unknown("a shared mapping", path)
        return None

    def _fsync(self, thread: int, fd: int, *_: int) -> Any:
        path = self._of_descriptor(thread, fd)
        return None if path is None else lambda _: [("sync", self._below(path))]

    _fdatasync = _fsync

    def _ftruncate(self, thread: int, fd: int, size: int, *_: int) -> Any:
        path = self._of_descriptor(thread, fd)
        return None if path is None else lambda _: [("truncate", self._below(path), size)]

    def _truncate(self, thread: int, address: int, size: int, *_: int) -> Any:
        path = self._at(thread, AT_FDCWD, address)
        return None if path is None else lambda _: [("truncate", self._below(path), size)]

    def _fallocate(self, thread: int, fd: int, mode: int, offset: int, size: int, *_: int) -> Any:
        path = self._of_descriptor(thread, fd)
        if path is None or mode == FALLOC_KEEP_SIZE:
            return None
        if mode:
            self._unknown(f"fallocate with mode {mode}", path)
        end = max(offset + size, os.stat(path).st_size)
        return lambda _: [("truncate", self._below(path), end)]

    def _openat(self, thread: int, folder: int, address: int, flags: int, *_: int) -> Any:
        if not flags & (os.O_CREAT | os.O_TRUNC):
            return None
        path = self._at(thread, folder, address)
        if path is None or path == self._marks:
            return None
        if flags & os.O_TMPFILE == os.O_TMPFILE:
            self._unknown("a file without a name", path)
        if not os.path.lexists(path):
            return lambda _: [("create", self._below(path))]
        return (lambda _: [("truncate", self._below(path), 0)]) if flags & os.O_TRUNC else None

    def _open(self, thread: int, address: int, flags: int, *_: int) -> Any:
        return self._openat(thread, AT_FDCWD, address, flags)

    def _creat(self, thread: int, address: int, *_: int) -> Any:
        return self._openat(thread, AT_FDCWD, address, os.O_CREAT | os.O_TRUNC)

    def _openat2(self, thread: int, folder: int, address: int, *_: int) -> Any:
        return self._unknown("openat2", self._at(thread, folder, address))

    def _mkdirat(self, thread: int, folder: int, address: int, *_: int) -> Any:
        path = self._at(thread, folder, address)
        return None if path is None else lambda _: [("mkdir", self._below(path))]

    def _mkdir(self, thread: int, address: int, *_: int) -> Any:
        return self._mkdirat(thread, AT_FDCWD, address)

    def _unlinkat(self, thread: int, folder: int, address: int, flags: int, *_: int) -> Any:
        path = self._at(thread, folder, address)
        kind = "rmdir" if flags & AT_REMOVEDIR else "unlink"
        return None if path is None else lambda _: [(kind, self._below(path))]

    def _unlink(self, thread: int, address: int, *_: int) -> Any:
        return self._unlinkat(thread, AT_FDCWD, address, 0)

    def _rmdir(self, thread: int, address: int, *_: int) -> Any:
        return self._unlinkat(thread, AT_FDCWD, address, AT_REMOVEDIR)

    def _renameat2(
        self, thread: int, folder: int, address: int, to: int, new_address: int, flags: int, *_: int
    ) -> Any:
        path, new = self._at(thread, folder, address), self._at(thread, to, new_address)
        if path is None and new is None:
            return None
        if path is None or new is None or flags & ~1:  # RENAME_NOREPLACE is the only one known
            return self._unknown("a rename over the border of the folder", path or new)
        return lambda _: [("rename", self._below(path), self._below(new))]

    def _renameat(self, thread: int, folder: int, address: int, to: int, new_address: int, *_: int) -> Any:
        return self._renameat2(thread, folder, address, to, new_address, 0)

    def _rename(self, thread: int, address: int, new_address: int, *_: int) -> Any:
        return self._renameat2(thread, AT_FDCWD, address, AT_FDCWD, new_address, 0)

    def _linkat(self, thread: int, folder: int, address: int, to: int, new_address: int, *_: int) -> Any:
        return self._unknown("a link", self._at(thread, to, new_address))

    def _link(self, thread: int, address: int, new_address: int, *_: int) -> Any:
        return self._unknown("a link", self._at(thread, AT_FDCWD, new_address))

    def _symlinkat(self, thread: int, _target: int, folder: int, address: int, *_: int) -> Any:
        return self._unknown("a symbolic link", self._at(thread, folder, address))

    def _symlink(self, thread: int, _target: int, address: int, *_: int) -> Any:
        return self._unknown("a symbolic link", self._at(thread, AT_FDCWD, address))

    # --- the program's side --------------------------------------------------------------------------------------

    def _of_descriptor(self, thread: int, fd: int) -> str | None:
        """Return the path of an open file if it is ours to record; what has no name any more is not."""
        try:
            return self._ours(os.readlink(f"/proc/{thread}/fd/{ctypes.c_int32(fd).value}"))
        except OSError:
            return None  # the call is about to fail

    def _at(self, thread: int, folder: int, address: int) -> str | None:
        path = self._text(thread, address)
        number = ctypes.c_int32(folder).value
        start = os.readlink(f"/proc/{thread}/" + ("cwd" if number == AT_FDCWD else f"fd/{number}"))
        joined = os.path.normpath(os.path.join(start, path))
        parent, name = os.path.split(joined)
        return self._ours(os.path.join(os.path.realpath(parent), name))

    def _ours(self, path: str) -> str | None:
        inside = path == self._folder or path.startswith(f"{self._folder}/") or path == self._marks
        return path if inside and not path.endswith(" (deleted)") else None

    def _below(self, path: str) -> str:
        return path[len(self._folder) + 1 :]

    def _memory(self, thread: int, address: int, size: int) -> bytes:
        with open(f"/proc/{thread}/mem", "rb", buffering=0) as memory:
            memory.seek(address)
            data = bytearray()
            while len(data) < size:
                data += memory.read(size - len(data))
            return bytes(data)

    def _text(self, thread: int, address: int) -> str:
        text = b""
        while b"\0" not in text:  # never over the end of a page, which may be the last one
            piece = 4096 - (address + len(text)) % 4096
            text += self._memory(thread, address + len(text), piece)
        return os.fsdecode(text[: text.index(b"\0")])

    def _position(self, thread: int, fd: int) -> int:
        """Return where the next write goes."""
        with open(f"/proc/{thread}/fdinfo/{fd}", encoding="ascii") as lines:
            facts = dict(line.rstrip().split(":\t", 1) for line in lines if ":\t" in line)
        if int(facts["flags"], 8) & os.O_APPEND:
            return os.stat(f"/proc/{thread}/fd/{fd}").st_size
        return int(facts["pos"])

    def _unknown(self, what: str, path: str | None) -> None:
        if path is not None:
            raise NotImplementedError(f"{what} on {path} cannot be recorded")


def main() -> NoReturn:
    folder, marks, out, *command = sys.argv[1:]
    assert stat.S_ISDIR(os.stat(folder).st_mode)
    recorder = Recorder(Path(folder), Path(marks))
    status = recorder.run(command)
    Path(out).write_bytes(msgspec.msgpack.encode(recorder.operations))
    sys.exit(status if status >= 0 else 128 - status)


if __name__ == "__main__":
    main()

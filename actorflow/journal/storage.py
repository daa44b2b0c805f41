"""Private, durable files and folders, and what to say when the disk refuses.

Takes paths and gives folders of mode 0700, files of mode 0600 and directory entries that survive a power cut.
Inside a state folder no symbolic link is followed. Invariant: whatever an ``OSError`` says becomes one
``JournalError`` that names the path and what the reader can do. Must not know what the files hold.
"""

from __future__ import annotations

import errno
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from actorflow.errors import JournalError, JournalFull

__all__ = [
    "NO_ROOM",
    "file_system_of",
    "make_private_folder",
    "no_link",
    "refuse_network_folder",
    "storage_error",
    "storage_errors",
    "sync_file",
    "sync_folder",
]

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})

_HINTS = {
    errno.ENOSPC: "free some room on that disk, then try again",
    errno.EDQUOT: "your disk quota is used up: free some room, then try again",
    errno.EROFS: "the file system is read-only: choose another state folder",
    errno.EACCES: "you may not write there: choose another state folder, or change its owner",
    errno.EPERM: "you may not write there: choose another state folder, or change its owner",
    errno.ENOTDIR: "a file is where a folder should be: move it away, or choose another state folder",
    errno.EEXIST: "a file is where a folder should be: move it away, or choose another state folder",
    errno.EMFILE: "too many files are open: raise the limit with 'ulimit -n'",
}
_LINK_HINT = "no symbolic link is followed inside a state folder: put the real file or folder there"

# SQLite's write-ahead log shares memory between processes and flock must be seen by all of them; neither holds when
# two hosts see the folder. These are refused by name, so that a local file system nobody thought of is not. 9p and
# virtiofs are left out: containers and virtual machines show their one host's disk that way.
_NETWORK = frozenset(
    "nfs nfs4 cifs smb3 smbfs afs ceph glusterfs lustre gpfs beegfs fuse.sshfs fuse.glusterfs fuse.s3fs".split()
)


def storage_error(error: OSError, doing: str, path: Path) -> JournalError:
    """Return ``error`` as ours: ``cannot <doing> <path>: <reason>``, with a hint where there is one."""
    kind = JournalFull if error.errno in NO_ROOM else JournalError
    hint = _HINTS.get(error.errno or 0, "")
    if doing == "read" and error.errno in (errno.EACCES, errno.EPERM):
        hint = "it belongs to somebody else: ask its owner, or change its owner"
    if error.errno == errno.ELOOP:
        hint = _LINK_HINT
    return kind(f"cannot {doing} {path}: {error.strerror or error}", hint=hint)


@contextmanager
def storage_errors(doing: str, path: Path) -> Iterator[None]:
    """Let an ``OSError`` inside leave as a ``JournalError`` (see ``storage_error``)."""
    try:
        yield
    except OSError as error:
        raise storage_error(error, doing, path) from error


def no_link(path: Path) -> os.stat_result | None:
    """Return what ``path`` is, None when nothing is there.

    Raises:
        JournalError: it is a symbolic link.
    """
    try:
        found = os.lstat(path)
    except FileNotFoundError:
        return None
    if stat.S_ISLNK(found.st_mode):
        raise JournalError(f"{path} is a symbolic link", hint=_LINK_HINT)
    return found


def make_private_folder(path: Path, *, durable: bool = True) -> bool:
    """Make sure that ``path`` is a folder, making it (0700) if it is missing.

    Args:
        durable: whether one that is made must be there after power was lost.

    Returns:
        Whether it was made now.
    """
    if no_link(path) is None:
        with suppress(FileExistsError):  # another process was faster; the check below looks at what it made
            path.mkdir(mode=0o700)
            if durable:
                sync_folder(path.parent)
            return True
    found = no_link(path)
    if found is None or not stat.S_ISDIR(found.st_mode):
        raise NotADirectoryError(errno.ENOTDIR, os.strerror(errno.ENOTDIR), str(path))
    return False


def sync_file(descriptor: int) -> None:
    """Make what was written to ``descriptor`` durable."""
    if sys.platform == "darwin":
        import fcntl

        fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)  # macOS's fsync stops at the drive's cache
    else:
        os.fsync(descriptor)


def sync_folder(path: Path) -> None:
    """Make the names in the folder ``path`` durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def refuse_network_folder(path: Path) -> None:
    """Refuse a folder that other hosts may see too.

    Raises:
        JournalError: ``path`` lies on a network file system; its name is in the message. Only Linux can tell.
    """
    kind = file_system_of(path)
    if kind in _NETWORK:
        raise JournalError(
            f"{path} is on a network file system ({kind})",
            hint="two hosts cannot share a journal: choose a state folder on a local disk",
        )


def file_system_of(path: Path, mounts: Path = Path("/proc/self/mountinfo")) -> str:
    """Return the type of the file system that ``path`` is on, "" when the system does not say."""
    try:
        lines = mounts.read_text(errors="surrogateescape").splitlines()
        device = os.stat(path).st_dev
    except OSError:
        return ""
    wanted = f"{os.major(device)}:{os.minor(device)}"
    for line in lines:
        before, _, after = line.partition(" - ")
        if before.split()[2:3] == [wanted] and after:
            return after.split()[0]
    return ""

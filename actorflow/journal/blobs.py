"""Outputs too large for an event, kept under the SHA-256 of their bytes.

Takes bytes or a file and gives the name; takes the name and gives the bytes, verified. Invariant: a name that
``put`` has returned is durable and whole, or ``get`` says so by a named error; an event that refers to a blob
is appended after ``put`` returned. A crash leaves at most a ``.tmp-`` file, which ``sweep`` removes.
Synchronous: the engine calls it in a thread. Must not hold a large file in memory while storing it.
"""

from __future__ import annotations

import hashlib
import itertools
import os
import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from actorflow.errors import BlobDamaged, BlobMissing
from actorflow.journal.storage import make_private_folder, no_link, storage_errors, sync_file, sync_folder

__all__ = ["BlobStore", "Blobs", "MemoryBlobs"]

_NAME = re.compile(r"[0-9a-f]{64}")
_CHUNK = 1 << 20
_TEMPORARY = ".tmp-"


class Blobs(ABC):
    """A place for blobs. Safe to use from several threads."""

    @abstractmethod
    def put(self, data: bytes) -> str:
        """Store ``data`` durably and return its SHA-256 in lower-case hex. Storing it again changes nothing.

        Raises:
            JournalFull: there is no room; nothing is left behind.
            JournalError: it could not be stored.
        """

    @abstractmethod
    def put_file(self, path: Path) -> str:
        """Store what the file ``path`` holds, as ``put`` does, without holding it in memory.

        What is stored is what was read: a file that grows meanwhile is cut somewhere, but its name fits.

        Raises:
            JournalError: as ``put``; also when ``path`` cannot be read or is a symbolic link.
        """

    @abstractmethod
    def get(self, sha256: str) -> bytes:
        """Return the bytes named ``sha256``.

        Raises:
            BlobMissing: there is no such blob.
            BlobDamaged: what is there has another checksum.
            JournalError: it could not be read.
        """

    @abstractmethod
    def exists(self, sha256: str) -> bool:
        """Whether there is such a blob; its content is not looked at."""


class BlobStore(Blobs):
    """Blobs as files of one folder, which is made when it is first needed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = itertools.count(1)

    def put(self, data: bytes) -> str:
        """See ``Blobs``."""
        return self._store((data,))

    def put_file(self, path: Path) -> str:
        """See ``Blobs``."""
        return self._store(_chunks(path))

    def get(self, sha256: str) -> bytes:
        """See ``Blobs``."""
        path = self._path(sha256)
        if no_link(path) is None:
            raise BlobMissing(str(path))
        with storage_errors("read the blob", path):
            data = path.read_bytes()
        found = hashlib.sha256(data).hexdigest()
        if found != sha256:
            raise BlobDamaged(str(path), f"its SHA-256 is {found}")
        return data

    def exists(self, sha256: str) -> bool:
        """See ``Blobs``."""
        return no_link(self._path(sha256)) is not None

    def sweep(self) -> int:
        """Remove what interrupted puts have left and return how many files that were.

        Only the driver of the run may call it, before it stores anything: it cannot tell a put that is at
        work.
        """
        removed = 0
        with storage_errors("clean up", self._folder):
            if no_link(self._folder) is not None:
                for path in self._folder.glob(f"{_TEMPORARY}*"):
                    path.unlink()
                    removed += 1
        return removed

    def _store(self, chunks: Iterable[bytes]) -> str:
        with storage_errors("store a blob in", self._folder):
            make_private_folder(self._folder)
            temporary = self._folder / f"{_TEMPORARY}{os.getpid()}-{next(self._numbers)}"
            try:
                name, size = _write(temporary, chunks)
                if not self._holds(name, size):
                    os.rename(temporary, self._folder / name)
            finally:
                with suppress(FileNotFoundError):
                    temporary.unlink()
            # Also for one that was there: whoever put it may not have come this far.
            sync_folder(self._folder)
        return name

    def _holds(self, name: str, size: int) -> bool:
        """Whether the blob is there and has the right size; a wrong one (a damaged disk) is replaced."""
        found = no_link(self._folder / name)
        return found is not None and found.st_size == size

    def _path(self, sha256: str) -> Path:
        path = self._folder / sha256
        if not _NAME.fullmatch(sha256):  # a damaged reference must not become a path to somewhere else
            raise BlobMissing(f"{self._folder}/{sha256!r}")
        return path


class MemoryBlobs(Blobs):
    """Blobs in a dict, for simulations and tests.

    Attributes:
        content: SHA-256 in hex -> the bytes; a test may remove or change them.
    """

    def __init__(self) -> None:
        self.content: dict[str, bytes] = {}

    def put(self, data: bytes) -> str:
        """See ``Blobs``."""
        name = hashlib.sha256(data).hexdigest()
        self.content[name] = data
        return name

    def put_file(self, path: Path) -> str:
        """See ``Blobs``."""
        return self.put(b"".join(_chunks(path)))

    def get(self, sha256: str) -> bytes:
        """See ``Blobs``."""
        if not self.exists(sha256):
            raise BlobMissing(f"memory/{sha256}")
        data = self.content[sha256]
        found = hashlib.sha256(data).hexdigest()
        if found != sha256:
            raise BlobDamaged(f"memory/{sha256}", f"its SHA-256 is {found}")
        return data

    def exists(self, sha256: str) -> bool:
        """See ``Blobs``."""
        return sha256 in self.content


def _write(path: Path, chunks: Iterable[bytes]) -> tuple[str, int]:
    """Write a new file durably; return the SHA-256 and the size of what it holds."""
    digest, size = hashlib.sha256(), 0
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    try:
        for chunk in chunks:
            digest.update(chunk)
            size += len(chunk)
            _write_all(descriptor, chunk)
        sync_file(descriptor)
    finally:
        os.close(descriptor)
    return digest.hexdigest(), size


def _write_all(descriptor: int, chunk: bytes) -> None:
    rest = memoryview(chunk)
    while rest:  # a disk that fills up writes less than asked before it says so
        rest = rest[os.write(descriptor, rest) :]


def _chunks(path: Path) -> Iterator[bytes]:
    with storage_errors("read", path):
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            while chunk := os.read(descriptor, _CHUNK):
                yield chunk
        finally:
            os.close(descriptor)

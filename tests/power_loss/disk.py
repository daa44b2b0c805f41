"""What a disk may hold after power was lost, as folders.

Takes the operations that ``recorder`` wrote down, one after the other, and makes images: what was synced is there; of what was not, any part. Contents: any subset of the sectors (512
bytes or 4 KiB) of writes that their file was not synced after, and each change of size or not. Names: each file made, renamed or removed, or not, until its folder was synced. This is
what POSIX promises and no more; file systems keep more of it in order, so that a program that survives these images survives theirs. Pure, apart from ``Image.write``.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

Operation: TypeAlias = tuple[Any, ...]
Keeps: TypeAlias = Callable[[], bool]


@dataclass(eq=False)
class File:
    """A file: what is durable of it, and what was done since, in order: ``(offset, data)``, or ``(size, None)`` for a change of size."""

    durable: bytes = b""
    pending: list[tuple[int, bytes | None]] = field(default_factory=list)

    def sync(self) -> None:
        if self.pending:
            self.durable = self.after(len(self.pending), lambda: True, 1 << 30)
            self.pending = []

    def after(self, count: int, keeps: Keeps, sector: int) -> bytes:
        """Return what the file holds when of the first ``count`` changes the sectors have survived that ``keeps`` says."""
        content = bytearray(self.durable)
        for offset, data in self.pending[:count]:
            if data is None:
                if keeps():
                    content[:] = content[:offset].ljust(offset, b"\0")
                continue
            at, end = offset, offset + len(data)
            while at < end:
                stop = min(end, at - at % sector + sector)
                if keeps():
                    if len(content) < at:
                        content.extend(bytes(at - len(content)))
                    content[at:stop] = data[at - offset : stop - offset]
                at = stop
        return bytes(content)


@dataclass(eq=False)
class Folder:
    """A folder: the names in it that are durable, and the names that programs see."""

    durable: dict[str, Node] = field(default_factory=dict)
    live: dict[str, Node] = field(default_factory=dict)


Node: TypeAlias = File | Folder


@dataclass(eq=False)
class Naming:
    """A change of names that is not durable yet: each of these names comes to mean that node, or nothing; all of them or none."""

    changes: tuple[tuple[Folder, str, Node | None], ...]

    def touches(self, folder: Folder) -> bool:
        return any(changed is folder for changed, _, _ in self.changes)


@dataclass(frozen=True)
class Image:
    """What the disk holds: path -> content, None for a folder."""

    files: dict[str, bytes | None]

    def write(self, folder: Path) -> None:
        folder.mkdir()
        for path, content in self.files.items():  # folders come before what is in them
            if content is None:
                (folder / path).mkdir()
            else:
                (folder / path).write_bytes(content)


class Disk:
    """A disk to which operations are done.

    Attributes:
        marks: what the program has said so far.
    """

    def __init__(self) -> None:
        self._root = Folder()
        self._namings: list[Naming] = []
        self.marks: list[str] = []

    def do(self, operation: Operation) -> None:
        kind, *rest = operation
        getattr(self, f"_{kind}")(*rest)

    def image(self, rng: random.Random) -> Image:
        """Draw one of the images that a loss of power at this moment may leave."""
        names, contents, sector = _draw_survival(rng)
        entries: dict[int, dict[str, Node]] = {}
        for naming in self._namings:
            if names():
                for folder, name, node in naming.changes:
                    seen = entries.setdefault(id(folder), dict(folder.durable))
                    if node is None:
                        seen.pop(name, None)
                    else:
                        seen[name] = node
        return Image(dict(self._walk(self._root, "", entries, contents, sector)))

    def _walk(
        self, folder: Folder, prefix: str, entries: dict[int, dict[str, Node]], keeps: Keeps, sector: int
    ) -> Iterator[tuple[str, bytes | None]]:
        for name, node in sorted(entries.get(id(folder), folder.durable).items()):
            path = f"{prefix}{name}"
            if isinstance(node, File):
                yield path, node.after(len(node.pending), keeps, sector)
            else:
                yield path, None
                yield from self._walk(node, f"{path}/", entries, keeps, sector)

    # --- the operations ------------------------------------------------------------------------------------------

    def _mark(self, text: str) -> None:
        self.marks += text.splitlines()

    def _create(self, path: str) -> None:
        self._name((path, File()))

    def _mkdir(self, path: str) -> None:
        self._name((path, Folder()))

    def _unlink(self, path: str) -> None:
        self._name((path, None))

    _rmdir = _unlink

    def _rename(self, path: str, new: str) -> None:
        self._name((path, None), (new, self._find(path)))

    def _write(self, path: str, offset: int, data: bytes) -> None:
        self._file(path).pending.append((offset, data))

    def _truncate(self, path: str, size: int) -> None:
        self._file(path).pending.append((size, None))

    def _sync(self, path: str) -> None:
        node = self._find(path)
        if isinstance(node, File):
            node.sync()
            return
        for naming in [naming for naming in self._namings if naming.touches(node)]:
            self._namings.remove(naming)
            for folder, name, named in naming.changes:
                if named is None:
                    folder.durable.pop(name, None)
                else:
                    folder.durable[name] = named

    def _name(self, *changes: tuple[str, Node | None]) -> None:
        placed = []
        for path, node in changes:
            folder, name = self._place(path)
            placed.append((folder, name, node))
            if node is None:
                del folder.live[name]
            else:
                folder.live[name] = node
        self._namings.append(Naming(tuple(placed)))

    def _place(self, path: str) -> tuple[Folder, str]:
        parent, _, name = path.rpartition("/")
        folder = self._find(parent)
        assert isinstance(folder, Folder), path
        return folder, name

    def _find(self, path: str) -> Node:
        node: Node = self._root
        for name in path.split("/") if path else ():
            assert isinstance(node, Folder), path
            node = node.live[name]
        return node

    def _file(self, path: str) -> File:
        node = self._find(path)
        assert isinstance(node, File), path
        return node


def _draw_survival(rng: random.Random) -> tuple[Keeps, Keeps, int]:
    """Draw how names and how contents survive, and in what pieces: everything, nothing, the first of them, or chance."""
    sector = rng.choice((512, 4096))
    kind = rng.choice(("nothing", "all", "names", "contents", "first", "chance", "chance", "chance"))
    match kind:
        case "nothing":
            return _never, _never, sector
        case "all":
            return _always, _always, sector
        case "names":
            return _always, _never, sector
        case "contents":
            return _never, _always, sector
        case "first":
            return _first(rng.randrange(1, 8)), _first(rng.choice((1, 2, 3, 8, 9, 17, 40))), sector
    return _chance(rng), _chance(rng), sector


def _always() -> bool:
    return True


def _never() -> bool:
    return False


def _first(count: int) -> Keeps:
    left = iter(range(count))
    return lambda: next(left, None) is not None


def _chance(rng: random.Random) -> Keeps:
    share = rng.choice((0.05, 0.5, 0.95))
    return lambda: rng.random() < share


def images(operations: Sequence[Operation], count: int, seed: int) -> Iterator[tuple[int, list[str], Image]]:
    """Cut the power ``count`` times, evenly over the operations; give the moment, what the program had said by then, and an image."""
    rng = random.Random(seed)
    disk = Disk()
    done = 0
    for number in range(count):
        cut = (number * len(operations) + rng.randrange(len(operations))) // count
        while done <= cut and done < len(operations):
            disk.do(operations[done])
            done += 1
        yield cut, list(disk.marks), disk.image(rng)

"""From paths in a document back to places in its text.

``locate`` walks the document's events once for all paths that are wanted and keeps places only for those, so
that a million values cost no memory. A path that is not there (a missing key) gets the place of the nearest
thing around it. Only called when there is something to show.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from actorflow.workflow.document import Document, document_events
from actorflow.workflow.events import END, MAPPING, SCALAR, SEQUENCE, UNUSABLE, ReadingStopped
from actorflow.workflow.report import Path

__all__ = ["Place", "Places", "locate"]


@dataclass(slots=True)
class Place:
    """Where a value and its key stand; offsets in the decoded text.

    Attributes:
        key: start and end of the key, or None for an element of a sequence.
        style: of a scalar, see ``events``; None for collections.
        text: a scalar's content.
    """

    key: tuple[int, int] | None
    start: int
    end: int
    style: str | None = None
    text: str = ""


class Places:
    """The places that were wanted."""

    def __init__(self, found: Mapping[Path, Place]) -> None:
        self._found = found

    def exact(self, path: Path) -> Place | None:
        """Return the place of ``path`` itself."""
        return self._found.get(path)

    def nearest(self, path: Path) -> tuple[Place, bool]:
        """Return the place of ``path``, or of the nearest thing around it; and whether it is the thing itself."""
        for length in range(len(path), -1, -1):
            place = self._found.get(path[:length])
            if place is not None:
                return place, length == len(path)
        return Place(None, 0, 0), False


def locate(document: Document, wanted: Iterable[Path]) -> Places:
    """Find the places of ``wanted`` and of what is around them."""
    trie: dict[Any, Any] = {}
    left = set(wanted)
    for path in left:
        node = trie
        for step in path:
            node = node.setdefault(step, {})
    walker = _Walker(trie)
    try:
        for event in document_events(document):
            found = walker.take(*event)
            if found is not None:
                left.discard(found)
                if not left:
                    break
    except ReadingStopped:
        pass  # the first reading has said so; what stands before that point has its places
    return Places(walker.found)


class _Walker:
    """Follows the events with the path of each value, where the trie of wanted paths wants it."""

    def __init__(self, trie: dict[Any, Any]) -> None:
        self.found: dict[Path, Place] = {}
        self._trie: dict[Any, Any] | None = trie
        self._open: list[_Open] = []

    def take(self, kind: int, start: int, end: int, text: str, style: str) -> Path | None:
        """Follow one event; return the path of what it found, if any."""
        here = self._open[-1] if self._open else None
        if kind == END:
            self._open.pop()
            return None
        if here is not None and here.is_mapping and not here.has_key:
            here.key = (text, start, end)
            here.has_key = True
            if kind in (MAPPING, SEQUENCE):  # no key at all, which the reading has said
                self._open.append(_Open(None, None, kind == MAPPING))
            return None
        path, node = self._step(here)
        is_new = node is not None and path is not None and path not in self.found
        if is_new and path is not None:
            key = here.key[1:] if here is not None and here.is_mapping else None
            is_scalar = kind in (SCALAR, UNUSABLE)
            self.found[path] = Place(key, start, end, style if is_scalar else None, text)
        if kind in (MAPPING, SEQUENCE):
            self._open.append(_Open(path, node, kind == MAPPING))
        return path if is_new else None

    def _step(self, here: _Open | None) -> tuple[Path | None, dict[Any, Any] | None]:
        """Return path and trie node of the value that comes now; None where nothing is wanted."""
        if here is None:
            return (), self._trie
        step: str | int = here.key[0] if here.is_mapping else here.count
        here.count += 1
        here.has_key = False
        if here.node is None or here.path is None or step not in here.node:
            return None, None
        return (*here.path, step), here.node[step]


@dataclass(slots=True)
class _Open:
    path: Path | None
    node: dict[Any, Any] | None
    is_mapping: bool
    key: tuple[str, int, int] = ("", 0, 0)
    has_key: bool = False
    count: int = 0

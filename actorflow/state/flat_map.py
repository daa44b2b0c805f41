"""A persistent map that nobody will change, as a plain dict: made and read many times as quickly.

Whoever only looks at a run has one state of it, with thousands of tasks, and changes nothing. ``FlatMap``
answers as ``pyrsistent.PMap`` does; an operation that would give a changed map gives a ``PMap``. Invariant: it
never changes itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

from pyrsistent import PMap, pmap

from actorflow.values import FrozenDict

__all__ = ["flat_map"]


def flat_map(items: Mapping[Any, Any]) -> PMap[Any, Any]:
    """Return a map of ``items`` that is quick to read and slow to change."""
    return cast("PMap[Any, Any]", FlatMap(items))


class FlatMap(FrozenDict):
    """A finished map; see ``flat_map``."""

    __slots__ = ()

    def _persistent(self) -> PMap[Any, Any]:
        return pmap(dict(self))

    def set(self, key: Any, value: Any) -> PMap[Any, Any]:
        return self._persistent().set(key, value)

    def update(self, *others: Mapping[Any, Any]) -> PMap[Any, Any]:  # type: ignore[override]
        more: PMap[Any, Any] = self._persistent().update(*others)
        return more

    def remove(self, key: Any) -> PMap[Any, Any]:
        without: PMap[Any, Any] = self._persistent().remove(key)
        return without

    def discard(self, key: Any) -> PMap[Any, Any]:
        return self._persistent().discard(key)

    def evolver(self) -> Any:
        return self._persistent().evolver()

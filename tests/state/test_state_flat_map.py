"""A flat map answers as a persistent one does, and never changes."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyrsistent import PMap, pmap

from actorflow.state.flat_map import flat_map

KEYS = st.text("abc", max_size=2)
MAPS = st.dictionaries(KEYS, st.integers())


@given(MAPS, KEYS, st.integers(), MAPS)
def test_it_answers_as_a_persistent_map(
    items: dict[str, int], key: str, value: int, more: dict[str, int]
) -> None:
    flat, usual = flat_map(items), pmap(items)

    assert flat == usual
    assert usual == flat
    assert (flat.get(key), key in flat, len(flat)) == (usual.get(key), key in usual, len(usual))
    assert dict(flat.items()) == dict(usual.items())
    changed = [m.set(key, value) for m in (flat, usual)]
    changed += [m.update(more) for m in (flat, usual)]
    changed += [m.discard(key) for m in (flat, usual)]
    for made in (flat, usual):
        evolver = made.evolver()
        evolver[key] = value
        changed.append(evolver.persistent())
    assert all(isinstance(one, PMap) for one in changed)
    assert changed[0::2] == changed[1::2]
    assert dict(flat) == items


@given(MAPS, KEYS)
def test_taking_away_what_is_not_there_fails_alike(items: dict[str, int], key: str) -> None:
    if key in items:
        assert flat_map(items).remove(key) == pmap(items).remove(key)
    else:
        with pytest.raises(KeyError):
            flat_map(items).remove(key)


def test_nothing_changes_it() -> None:
    flat = flat_map({"a": 1})
    for change in (lambda: flat.__setitem__("a", 2), lambda: flat.__delitem__("a"), flat.clear):
        with pytest.raises(TypeError):
            change()
    assert flat == {"a": 1}

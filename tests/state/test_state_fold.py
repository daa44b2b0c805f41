"""A fold of many events changes its maps in place: the same states and the same errors as one event after the other, and nothing of it is seen."""

from __future__ import annotations

import pickle
from collections.abc import Sequence
from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorflow.state import EMPTY, IllegalTransition, RunState, apply, fold, transitions
from actorflow.state.events import Event
from tests.simulation.world import simulate

Pairs = Sequence[tuple[float, Event]]

SEEDS = st.integers(5000, 5019)


@pytest.fixture(autouse=True, scope="module")
def _short_folds_on_drafts_too() -> object:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(transitions, "_MANY", 1)
        yield


@cache
def log_of(seed: int) -> Pairs:
    return tuple((recorded.at, recorded.event) for recorded in simulate(seed).ledger.recorded)


@st.composite
def logs(draw: st.DrawFn) -> Pairs:
    """Logs of simulated runs in which events were left out, told twice or exchanged: some can happen, most cannot."""
    pairs = list(log_of(draw(SEEDS)))
    for _ in range(draw(st.integers(0, 3))):
        here, there = (draw(st.integers(0, len(pairs) - 1)) for _ in range(2))
        match draw(st.sampled_from(["left out", "twice", "exchanged"])):
            case "left out" if len(pairs) > 1:
                del pairs[here]
            case "twice":
                pairs.insert(there, pairs[here])
            case _:
                pairs[here], pairs[there] = pairs[there], pairs[here]
    return pairs


def one_by_one(pairs: Pairs, state: RunState) -> RunState:
    for at, event in pairs:
        state = apply(state, event, at)
    return state


def seen(state: RunState) -> bytes:
    """Return everything that a state shows, in any order of its maps."""
    return repr(
        [sorted(map(repr, state.tasks.items())), sorted(map(repr, state.context.items())), state.removed]
    ).encode()


def good_part(pairs: Pairs) -> tuple[Pairs, IllegalTransition | None]:
    """Return the events up to the first one that does not fit, and what is wrong with that one."""
    state = EMPTY
    for number, (at, event) in enumerate(pairs):
        try:
            state = apply(state, event, at)
        except IllegalTransition as error:
            return pairs[:number], error
    return pairs, None


@given(logs(), st.data(), st.booleans())
def test_a_fold_gives_what_each_event_gives_and_refuses_what_it_refuses(pairs, data, is_final) -> None:
    good, error = good_part(pairs)
    cut = data.draw(st.integers(0, len(good)))
    begun = fold(good[:cut], is_final=is_final)
    before = seen(begun)

    if error is not None:
        with pytest.raises(IllegalTransition) as caught:
            fold(pairs[cut:], begun)
        assert str(caught.value) == str(error)
        assert seen(begun) == before, "what came before the refused event was seen"

    end = fold(good[cut:], begun)
    assert end == one_by_one(good, EMPTY) == one_by_one(good[cut:], begun)
    assert seen(begun) == before, "a state that was given away has changed"


@given(SEEDS, st.data())
def test_a_state_that_was_folded_never_changes_and_has_no_map_that_can(seed, data) -> None:
    pairs = log_of(seed)
    cut = data.draw(st.integers(0, len(pairs)))
    is_final = data.draw(st.booleans())
    begun = fold(pairs[:cut], is_final=is_final)
    before = seen(begun)

    fold(pairs[cut:], begun)
    one_by_one(pairs[cut:], begun)

    assert seen(begun) == before
    for name in RunState.__struct_fields__:
        assert not isinstance(getattr(begun, name), transitions._Draft), name
    assert pickle.loads(pickle.dumps(begun)) == begun

"""Ids of runs sort by time, also those of one second: the last one is the last that was begun."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from actorflow.ids import RUN_ID, make_run_id

_BITS = st.integers(0, 2**30 - 1)


@given(st.integers(0, 4_000_000_000_000_000), st.integers(31, 5_000_000), _BITS, _BITS)
def test_a_later_run_has_the_greater_id_whatever_chance_says(
    at: int, later: int, one: int, other: int
) -> None:
    first, second = make_run_id(at / 1e6, one), make_run_id((at + later) / 1e6, other)

    assert first < second
    assert RUN_ID.fullmatch(first)


def test_runs_of_one_moment_differ_by_chance() -> None:
    assert len({make_run_id(1e9, bits) for bits in range(32**3)}) == 32**3


def test_an_id_has_no_characters_that_people_misread() -> None:
    tails = "".join(make_run_id(1e9 + n / 1000, n * 7919)[-6:] for n in range(1000))

    assert not set(tails) & set("lo01")

"""JSON for people is what the standard library writes, character for character but for exponents, whatever is in it."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorflow.cli.output import json_text

SAFE = st.text(st.characters(codec="ascii", categories=["L", "N", "P", "Z"]))
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
SCALARS = st.none() | st.booleans() | st.integers() | SAFE


def values(scalars: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.recursive(
        scalars,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(SAFE, inner, max_size=4),
        max_leaves=20,
    )


@given(values(SCALARS | FLOATS))
def test_whatever_value_is_in_it_comes_back(value) -> None:
    assert json.loads(json_text(value)) == value


@given(values(SCALARS | FLOATS.filter(lambda number: "e" not in repr(number))))
def test_it_is_indented_as_the_standard_library_does(value) -> None:
    assert json_text(value) == json.dumps(value, ensure_ascii=False, indent=2)


@given(st.text(st.characters()))
def test_whatever_text_is_in_it_comes_back(text) -> None:
    assert json.loads(json_text({text: [text]}, is_ascii=True)) == {text: [text]}


@pytest.mark.parametrize("text", ["\ud800", "a\udfffb"])
def test_half_of_a_pair_of_surrogates_is_written_too(text) -> None:
    assert json.loads(json_text([text], is_ascii=True)) == [text]
    assert json.loads(json_text([text])) == [text]

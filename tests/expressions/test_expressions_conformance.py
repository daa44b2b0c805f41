"""The conformance table: every line of data/conformance.txt."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from actorflow import expressions as ex
from actorflow.values import freeze

DATA = Path(__file__).parent / "data"
CONTEXT = json.loads((DATA / "context.json").read_text("utf-8"))


def cases() -> list[tuple[str, str]]:
    lines = (DATA / "conformance.txt").read_text("utf-8").splitlines()
    rows = [line.rpartition(" ==> ") for line in lines if " ==> " in line and not line.startswith("#")]
    return [(source, expected) for source, _, expected in rows]


def same(left: Any, right: Any) -> bool:
    """Compare exactly: 1, 1.0 and true are three values."""
    if isinstance(left, list | tuple) and isinstance(right, list | tuple):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return list(left) == list(right) and all(same(left[key], right[key]) for key in left)
    if isinstance(left, float) and math.isnan(left):
        return isinstance(right, float) and math.isnan(right)
    return type(left) is type(right) and bool(left == right)


@pytest.mark.parametrize(("source", "expected"), cases())
def test_case_gives_its_value_or_error(source: str, expected: str) -> None:
    for snapshot in (CONTEXT, freeze(CONTEXT)):
        if expected.startswith("!"):
            with pytest.raises(ex.ExpressionFailure) as caught:
                ex.Environment().compile(source).evaluate(snapshot)  # type: ignore[arg-type]  # a frozen map is a mapping
            assert caught.value.code == expected[1:]
        else:
            value = ex.Environment().compile(source).evaluate(snapshot)  # type: ignore[arg-type]  # a frozen map is a mapping
            assert same(value, json.loads(expected)), value


def test_table_has_enough_cases() -> None:
    assert len(set(cases())) >= 300

"""The two readers, and the fast and the slow way to read JSON, agree; the pure YAML parser serves when the C one is missing."""

from __future__ import annotations

import json

import pytest
import yaml
from hypothesis import example, given, settings
from hypothesis import strategies as st

from actorflow.workflow.document import _Builder, read_document
from actorflow.workflow.events import ReadingStopped, ReadLimits
from actorflow.workflow.floods import is_json_flood, is_yaml_flood
from actorflow.workflow.json_reader import NOT_SURE, json_events, json_value
from actorflow.workflow.numbers import core_scalar, json_literal
from actorflow.workflow.positions import locate
from actorflow.workflow.yaml_reader import yaml_events
from tests.workflow.broken_files import READING

LIMITS = ReadLimits()
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(
        st.characters(
            codec="utf-8",
            exclude_categories=["Cc", "Cs"],
            exclude_characters="\ufffe\uffff\ufeff\u2028\u2029",
        )
    ),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text("abc", min_size=1, max_size=3), inner, max_size=4)
    ),
    max_leaves=12,
)


def _read(data: bytes, file: str):
    return read_document(data, file=file, limits=LIMITS)


def _slowly(data: bytes):
    document = _read(b'{"a": 1}', "x.json")
    return _Builder(document, LIMITS, json_literal).build(json_events(data.decode()))


@settings(max_examples=150, deadline=None)
@given(VALUES.filter(lambda value: value is not None))
def test_json_is_read_the_same_in_both_ways(value):
    data = json.dumps(value, ensure_ascii=False).encode()

    assert json_value(data, LIMITS) == value
    assert _slowly(data) == value
    assert _slowly(json.dumps(value, indent=2).encode()) == value


@settings(max_examples=100, deadline=None)
@given(VALUES.filter(lambda value: value is not None), st.booleans())
def test_yaml_gives_back_what_was_written(value, flow):
    text = yaml.safe_dump(value, allow_unicode=True, default_flow_style=flow)
    document = _read(text.encode(), "x.yaml")

    assert document.faults == []
    assert document.value == value


@settings(max_examples=300, deadline=None)
@given(st.text(st.sampled_from('{}[]",:0123456789.eE+-tfn\\u \n/'), max_size=30))
def test_the_slow_way_accepts_just_what_the_fast_one_does(text):
    fast = json_value(text.encode(), LIMITS)
    try:
        slow = _slowly(text.encode())
    except ReadingStopped:
        slow = NOT_SURE

    if fast is not NOT_SURE:
        assert slow == fast


@settings(max_examples=300, deadline=None)
@given(
    st.binary(max_size=60)
    | st.text(st.sampled_from("ab:-[]{}#&*!|>'\"%@`,?~<. \n\t\r"), max_size=60).map(str.encode),
    st.sampled_from(["x.yaml", "x.json", "x"]),
)
@example(b"{}:", "x.yaml")
@example(b"{[a, {b: c}]: d}", "x.yaml")
def test_no_bytes_raise_anything(data, file):
    document = _read(data, file)

    assert document.is_readable or document.faults
    assert all(0 <= fault.start <= len(document.text) for fault in document.faults)
    locate(document, [("a", 0), ()])


@pytest.mark.parametrize("broken", READING, ids=lambda broken: broken.name)
def test_the_pure_parser_finds_the_same_faults(broken):
    document = _read(broken.data, "x.yaml")
    if any(fault.code in ("E501", "E502", "E503", "E504", "E514") for fault in document.faults):
        return
    other = _read(b"a: 1", "x.yaml")
    builder = _Builder(other, LIMITS, core_scalar)
    try:
        value = builder.build(
            yaml_events(document.data, builder.fault, parser=lambda data: yaml.Loader(data.decode()))
        )
    except ReadingStopped as stopped:
        other.add(stopped.fault)
        value = None

    assert [fault.code for fault in other.faults] == [fault.code for fault in document.faults]
    assert value == document.value
    if document.faults and document.faults[0].code != "E505":
        assert [fault.start for fault in other.faults] == [fault.start for fault in document.faults]


@pytest.mark.parametrize(
    "data",
    [
        b"a: 1\n" * 10,
        b"k: |\n" + b"  a, b: [c\n" * 400_000,
        b"[ #]\n" * 300_000,
        b'["]",' * 300_000,
        b"a: '" + b"b,[\n" * 400_000 + b"'",
    ],
    ids=["small", "text", "comments", "quotes", "a quoted text"],
)
def test_an_ordinary_or_deep_file_is_no_flood(data):
    assert not is_yaml_flood(data, 500_000)


def test_a_flood_in_a_text_is_none():
    assert not is_json_flood(b'{"a": "' + b"a,b,c,[]," * 400_000 + b'"}', 500_000)
    assert is_json_flood(b'{"a": [' + b"[]," * 400_000 + b"1]}", 500_000)


def test_positions_are_found_for_repeated_and_missing_paths():
    document = _read(b"a:\n  - b: 1\n  - c: 2\n", "x.yaml")
    places = locate(document, [("a", 1, "c"), ("a", 1, "d"), ("a", 1, "c"), ("z",)])

    place = places.exact(("a", 1, "c"))
    assert place is not None
    assert (place.key, place.start, place.text) == ((16, 17), 19, "2")
    assert places.exact(("a", 1, "d")) is None
    assert places.nearest(("a", 1, "d"))[0].start == 16
    assert not places.nearest(("z",))[1]

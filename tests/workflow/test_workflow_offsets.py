"""An offset inside a scalar's content is found again in the file, through quotes, escapes, indentation and folding."""

from __future__ import annotations

import json

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from actorflow.workflow.document import read_document
from actorflow.workflow.events import ReadLimits
from actorflow.workflow.positions import locate
from actorflow.workflow.scalar_offsets import source_offsets

TEXTS = st.text(st.sampled_from("ab c'\"\\:#-\n\t${}é😀"), min_size=1, max_size=40)


def _scalar(data: bytes, file: str):
    document = read_document(data, file=file, limits=ReadLimits())
    assert not document.faults
    place = locate(document, [("k",)]).exact(("k",))
    assert place is not None
    return place, document.text[place.start : place.end]


def _offsets(data: bytes, file: str = "x.yaml"):
    place, raw = _scalar(data, file)
    offsets = source_offsets(raw, place.style, place.text)
    return place.text, raw, [None] * len(place.text) if offsets is None else offsets[:-1]


@settings(max_examples=150)
@given(text=TEXTS, style=st.sampled_from([None, "'", '"', "|", ">"]), width=st.sampled_from([20, 1000]))
def test_an_offset_is_exact_or_not_given(text, style, width):
    data = yaml.safe_dump({"k": text}, default_style=style, allow_unicode=True, width=width).encode()
    content, raw, offsets = _offsets(data)

    for character, offset in zip(content, offsets, strict=True):
        if offset is not None and character not in "\n ":
            assert raw[offset] in (character, "\\")  # an escape is pointed to by its backslash


@settings(max_examples=100)
@given(text=TEXTS)
def test_every_offset_in_json_text_is_given(text):
    content, raw, offsets = _offsets(json.dumps({"k": text}).encode(), "x.json")

    assert content == text
    assert None not in offsets
    assert all(raw[offset] in (character, "\\") for character, offset in zip(content, offsets, strict=True))


@settings(max_examples=100)
@given(
    text=st.text(st.sampled_from("abc ${}é😀'\\"), min_size=1, max_size=30), style=st.sampled_from(["'", '"'])
)
def test_every_offset_in_quoted_text_of_one_line_is_given(text, style):
    data = yaml.safe_dump({"k": text}, default_style=style, allow_unicode=True, width=1000).encode()
    _, _, offsets = _offsets(data)

    assert None not in offsets
    assert offsets == sorted(offsets)


@pytest.mark.parametrize(
    ("text", "needle", "expected"),
    [
        ("k: ab X c", "X", (1, 7)),
        ("k: 'it''s X'", "X", (1, 11)),
        ('k: "a\\tb\\u00e9 X"', "X", (1, 16)),
        ("k: |\n  one\n  two X", "X", (3, 7)),
        ("k: |2-\n   one\n  two X", "X", (3, 7)),
        ("k: |-  # note\n\n\n    one\n      X\n", "X", (5, 7)),
        ("k: >\n  one\n  two X\n", "X", (3, 7)),
        ("k: >-\n  one\n\n  two X\n\n   more Y\n  end", "Y", (6, 9)),
        ("k: >-\n  one\n\n  two X\n\n   more Y\n  end Z", "Z", (7, 7)),
        ("k: one\n  two X", "X", (2, 7)),
        ("k: 'one\n\n  two X'", "X", (3, 7)),
        ('k: "one \\\n  two X"', "X", (2, 7)),
        ("k: |\r\n  one\r\n  two X\r\n", "X", (3, 7)),
        ("k: >\r\n  one\r\n  two X\r\n", "X", (3, 7)),
        ('k: "one\r\n  two X"', "X", (2, 7)),
        ('k: "\\U0001F600\\x41 X"', "X", (1, 20)),
    ],
)
def test_places_in_every_style(text, needle, expected):
    content, _, offsets = _offsets(text.encode())
    place, _ = _scalar(text.encode(), "x.yaml")
    offset = offsets[content.index(needle)]

    assert offset is not None
    before = text[: place.start + offset]
    assert (before.count("\n") + 1, place.start + offset - (before.rfind("\n") + 1) + 1) == expected


def test_the_end_of_a_text_has_an_offset_too():
    place, raw = _scalar(b'k: "abc"', "x.yaml")

    assert source_offsets(raw, place.style, place.text) == [1, 2, 3, 4]


def test_a_surrogate_pair_in_json_is_one_character():
    _, raw, offsets = _offsets(b'{"k": "\\ud83d\\ude00X"}', "x.json")

    assert raw[offsets[1]] == "X"

"""What is written as YAML is read back as it was, whatever it is."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from actorflow.rehearsal.yaml_text import comment_lines, yaml_lines
from actorflow.workflow.document import read_document
from actorflow.workflow.events import ReadLimits

_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20) | st.sampled_from(
    [
        "yes",
        "null",
        "1.0",
        "~",
        "- x",
        "a: b",
        "# no",
        "*x",
        "<<",
        "\u2028",
        "\x85",
        "\x7f",
        "\ufeff",
        "\U000e0001",
        "'\"\\",
    ]
)
_NUMBERS = st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False, allow_infinity=False)
_VALUES = st.recursive(
    st.none() | st.booleans() | _NUMBERS | _TEXT,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXT.filter(bool), inner, max_size=3),
    max_leaves=8,
)


def read(text: str) -> object:
    document = read_document(text.encode(), file="s.yaml", limits=ReadLimits())
    assert document.faults == []
    return document.value


@given(_VALUES, st.integers(0, 3))
def test_a_value_comes_back(value: object, indent: int) -> None:
    around = "".join(f"{'  ' * level}k{level}:\n" for level in range(indent))

    found = read(around + "\n".join(yaml_lines("output", value, indent)) + "\n")

    for level in range(indent):
        found = found[f"k{level}"]
    assert found == {"output": value}


@given(_TEXT)
def test_a_comment_is_one(text: str) -> None:
    assert read("\n".join(["a: 1", *comment_lines(text, 1), "b: 2"])) == {"a": 1, "b": 2}

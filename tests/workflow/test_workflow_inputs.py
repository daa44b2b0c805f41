"""Inputs of a run: read by type, all that is wrong told at once, defaults filled in."""

from __future__ import annotations

import pytest

from actorflow.errors import InputError
from actorflow.values import FrozenDict
from actorflow.workflow import load_workflow, read_inputs
from tests.workflow.agents_catalog import CATALOG

INPUTS = """\
  s: {}
  i: {type: integer, required: false}
  n: {type: number, required: false}
  b: {type: boolean, default: false}
  l: {type: list, required: false}
  o: {type: object, required: false}
  e: {enum: [small, large], default: small}
"""


def _workflow(inputs: str = INPUTS):
    text = f"name: x\ninputs:\n{inputs}tasks: [{{id: a, agent: echo}}]\n"
    return load_workflow(text.encode(), file="w.yaml", catalog=CATALOG).workflow


def _read(*assignments: str, given=None, inputs: str = INPUTS) -> FrozenDict:
    return read_inputs(_workflow(inputs), assignments, given or {})


@pytest.mark.parametrize(
    ("assignment", "name", "value"),
    [
        ("s=text", "s", "text"),
        ("s=5", "s", "5"),
        ("s=true", "s", "true"),
        ("s=", "s", ""),
        ("s= a = b ", "s", " a = b "),
        ("i=5", "i", 5),
        ("i=-5", "i", -5),
        ("i= 7 ", "i", 7),
        ("n=1.5", "n", 1.5),
        ("n=2", "n", 2),
        ("n=1e3", "n", 1000.0),
        ("b=true", "b", True),
        ("b=No", "b", False),
        ("b=1", "b", True),
        ('l=["a", 1]', "l", ("a", 1)),
        ("l=a, b,c", "l", ("a", "b", "c")),
        ("l=", "l", ()),
        ('o={"a": [1]}', "o", FrozenDict(a=(1,))),
        ("e=large", "e", "large"),
    ],
)
def test_text_is_read_by_the_declared_type(assignment, name, value):
    values = _read("s=x", assignment)

    assert values[name] == value
    assert type(values[name]) is type(value)


def test_defaults_fill_what_was_not_given():
    assert _read("s=x") == {"s": "x", "i": None, "n": None, "b": False, "l": None, "o": None, "e": "small"}


def test_the_command_line_wins_over_the_file_and_the_last_over_the_first():
    assert _read("s=two", "s=three", given={"s": "one"})["s"] == "three"


def test_values_from_a_file_keep_their_types():
    values = _read(
        given={"s": "x", "i": 5.0, "n": 1, "b": True, "l": [1, {"a": 2}], "o": {"k": None}, "e": "large"}
    )

    assert values == {"s": "x", "i": 5, "n": 1, "b": True, "l": (1, {"a": 2}), "o": {"k": None}, "e": "large"}
    assert type(values["i"]) is int


def test_null_in_a_file_means_the_default():
    assert _read(given={"s": "x", "b": None, "i": None})["b"] is False


@pytest.mark.parametrize(
    ("assignment", "word"),
    [
        ("i=abc", "'i' must be a whole number"),
        ("i=1.5", "'i' must be a whole number"),
        ("i=99999999999999999999", "'i' must be a whole number"),
        ("i=true", "'i' must be a whole number"),
        ("n=one", "'n' must be a number"),
        ("n=.nan", "'n' must be a number"),
        ("b=maybe", "'b' must be true or false"),
        ("l=[1", "'l' must be a list"),
        ("o=[]", "'o' must be a mapping"),
        ("o=" + "[" * 100_000, "'o' must be a mapping"),
        ("e=medium", "'e' must be one of small, large"),
        ("e=lage", "did you mean 'large'"),
        ("x=1", "unknown input 'x'"),
        ("flag", "'flag' is not an assignment"),
    ],
)
def test_wrong_text_is_refused(assignment, word):
    with pytest.raises(InputError) as error:
        _read("s=x", assignment)
    assert word in str(error.value)


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ({"s": 5}, "'s' must be text, not a number"),
        ({"s": "x", "i": "5"}, "'i' must be a whole number, not text"),
        ({"s": "x", "i": True}, "'i' must be a whole number, not true or false"),
        ({"s": "x", "n": [1]}, "'n' must be a number, not a list"),
        ({"s": "x", "b": "true"}, "'b' must be true or false, not text"),
        ({"s": "x", "o": [1]}, "'o' must be a mapping"),
        ({"s": "x", "e": "huge"}, "'e' must be one of"),
        ({"s": "x", "n": float("nan")}, "nan"),
        ({"s": None}, "'s' must be text, not empty"),
    ],
)
def test_wrong_values_are_refused(given, word):
    with pytest.raises(InputError) as error:
        _read(given=given)
    assert word in str(error.value)


def test_everything_wrong_is_told_at_once():
    inputs = (
        "  feature_name: {description: What to build}\n  size: {type: integer}\n  kind: {enum: [web, api]}\n"
    )

    with pytest.raises(InputError) as error:
        _read("size=abc", "feture_name=x", "nothing=1", inputs=inputs)

    text = str(error.value)
    assert "input 'size' must be a whole number" in text
    assert "unknown input 'feture_name' (did you mean 'feature_name'?)" in text
    assert "unknown input 'nothing' (the inputs are: feature_name, size, kind)" in text
    assert "missing inputs: feature_name, kind" in text
    assert "--set feature_name=... --set kind=web" in text
    assert "feature_name: What to build" in text
    assert error.value.exit_code == 2


def test_a_workflow_without_inputs_says_so():
    workflow = load_workflow(
        b"name: x\ntasks: [{id: a, agent: echo}]", file="w.yaml", catalog=CATALOG
    ).workflow

    with pytest.raises(InputError, match="the workflow has no inputs"):
        read_inputs(workflow, ["a=1"], {})


def test_values_never_get_into_a_message():
    with pytest.raises(InputError) as error:
        _read("s=x", "i=hunter2", given={"b": "hunter2"})

    assert "hunter2" not in str(error.value)

"""Examples of schemas, and guesses at outputs that have none."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actorflow.agents.registry import AgentRegistry
from actorflow.rehearsal.examples import NoExample, example_of
from actorflow.rehearsal.guesses import guessed_outputs
from actorflow.workflow import load_workflow
from actorflow.workflow.json_schema import check_schema_value

OBJECT = {
    "type": "object",
    "required": ["a"],
    "properties": {
        "a": {"type": "integer", "minimum": 3},
        "b": {"enum": ["x", "y"]},
        "c": {"type": "array", "minItems": 2, "items": {"type": "string", "pattern": "^v[0-9]"}},
    },
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("schema", "example"),
    [
        (OBJECT, {"a": 3, "b": "x", "c": ("v1.2.3", "v1.2.3")}),
        ({"type": ["null", "string"]}, None),
        ({"const": 7}, 7),
        ({"type": "string", "default": "d"}, "d"),
        ({"type": "string", "examples": [3, "e"]}, "e"),
        ({"type": "boolean"}, True),
        ({"anyOf": [{"type": "integer"}, {"type": "string"}]}, 1),
        ({"type": "number", "exclusiveMinimum": 0, "maximum": 0.5}, 0.5),
        ({"type": "integer", "multipleOf": 7, "minimum": 10}, 14),
        ({"type": "string", "minLength": 6}, "textte"),
        ({"type": "array", "uniqueItems": True, "minItems": 2, "items": {"type": "string"}}, ("text", "a")),
        (
            {
                "$ref": "#/$defs/n",
                "$defs": {
                    "n": {"properties": {"next": {"anyOf": [{"type": "null"}, {"$ref": "#/$defs/n"}]}}}
                },
            },
            {"next": None},
        ),
        (
            {
                "allOf": [{"properties": {"a": {"type": "boolean"}}}, {"required": ["a", "b"]}],
                "type": "object",
            },
            {"a": True, "b": "text"},
        ),
        (True, "text"),
    ],
)
def test_the_example_fits_and_is_the_plainest(schema, example):
    assert example_of(schema) == example


@pytest.mark.parametrize(
    "schema", [False, {"type": "string", "pattern": "^x1y2$"}, {"type": "string", "not": {}}, {"$ref": "#/x"}]
)
def test_what_nothing_is_found_for_is_said(schema):
    with pytest.raises(NoExample):
        example_of(schema)


_LEAVES = st.sampled_from(
    [
        {"type": "string"},
        {"type": "integer", "minimum": -5, "maximum": 5},
        {"type": "number"},
        {"type": "boolean"},
        {"type": "null"},
        {"enum": ["a", 1, None]},
        {"type": "string", "minLength": 3, "maxLength": 4},
    ]
)
_SCHEMAS = st.recursive(
    _LEAVES,
    lambda inner: st.one_of(
        st.builds(
            lambda items, n: {"type": "array", "items": items, "minItems": n}, inner, st.integers(0, 3)
        ),
        st.dictionaries(st.sampled_from("abcd"), inner, max_size=3).map(
            lambda p: {
                "type": "object",
                "properties": p,
                "required": sorted(p),
                "additionalProperties": False,
            }
        ),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: {"anyOf": parts}),
    ),
    max_leaves=5,
)


@settings(suppress_health_check=[HealthCheck.too_slow])  # on a busy machine making them is slow
@given(_SCHEMAS)
def test_an_example_is_found_for_every_ordinary_schema(schema):
    assert check_schema_value(schema, example_of(schema)) == []


def guesses(**tasks: str) -> dict[str, object]:
    """Guess the output of ``a``, which the other tasks read: a keyword is a condition, or a hole with a $."""
    listed = [{"id": "a", "agent": "python", "parameters": {"call": "m:f"}}]
    for name, text in tasks.items():
        task = {"id": name, "agent": "echo", "dependencies": ["a"], "parameters": {}}
        task |= {"parameters": {"x": text}} if "$" in text else {"condition": text}
        listed.append(task)
    import json

    data = json.dumps({"name": "w", "tasks": listed}).encode()
    workflow = load_workflow(data, file="w.json", catalog=AgentRegistry.built_in().catalog()).workflow
    return dict(guessed_outputs(workflow))


@pytest.mark.parametrize(
    ("read", "guess"),
    [
        ("a.output.kind == 'bug'", {"kind": "bug"}),
        ("'bug' == a.output.kind", {"kind": "bug"}),
        ("a.output == 'bug'", "bug"),
        ("a.output.rain", {"rain": True}),
        ("!a.output.rain", {"rain": False}),
        ("a.output.n > 5 && a.output.m", {"n": 6, "m": True}),
        ("a.output.kind in ['x', 'y']", {"kind": "x"}),
        ("${a.output.deep.er.still}", {"deep": {"er": {"still": "text"}}}),
        ("${a.output.list[1].name}", {"list": ("text", {"name": "text"})}),
        ("${a.output.list.map(x, x)}", {"list": ("text",)}),
        ("${tasks['a'].output.k ?? ''}", {"k": "text"}),
        ("${a?.output?.text ?? 'none'}", {"text": "text"}),
        ("${a.output.n * 2}", {"n": 1}),
        ("${a.output}", None),
        ("a.status == 'failed'", None),
    ],
)
def test_a_guess_has_what_is_read(read, guess):
    assert guesses(b=read) == ({} if guess is None else {"a": guess})


def test_what_several_expressions_read_is_put_together():
    assert guesses(b="a.output.kind == 'bug'", c="a.output.kind == 'feature'", d="${a.output.n}") == {
        "a": {"kind": "bug", "n": "text"}
    }

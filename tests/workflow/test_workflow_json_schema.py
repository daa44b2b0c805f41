"""The validator of outputs agrees with the standard on its part of JSON Schema, and is safe with what agents give."""

from __future__ import annotations

import jsonschema
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actorflow.values import freeze
from actorflow.workflow import check_schema_value
from actorflow.workflow.json_schema import schema_mistakes

VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-3, 3)
    | st.sampled_from([0.5, 1.0, -2.5])
    | st.sampled_from(["", "a", "ab", "b1"]),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "c1"]), inner, max_size=3)
    ),
    max_leaves=6,
)
SMALL = st.integers(0, 3)
TYPES = st.sampled_from(["null", "boolean", "integer", "number", "string", "array", "object"])


def _some(schemas: st.SearchStrategy) -> st.SearchStrategy:
    return st.fixed_dictionaries(
        {},
        optional={
            "type": TYPES | st.lists(TYPES, min_size=1, max_size=2, unique=True),
            "enum": st.lists(VALUES, min_size=1, max_size=3),
            "const": VALUES,
            "properties": st.dictionaries(st.sampled_from(["a", "b"]), schemas, max_size=2),
            "patternProperties": st.dictionaries(st.sampled_from(["^a", "[0-9]$"]), schemas, max_size=1),
            "additionalProperties": schemas,
            "propertyNames": schemas,
            "required": st.lists(st.sampled_from(["a", "b"]), max_size=2, unique=True),
            "minProperties": SMALL,
            "maxProperties": SMALL,
            "items": schemas,
            "prefixItems": st.lists(schemas, min_size=1, max_size=2),
            "minItems": SMALL,
            "maxItems": SMALL,
            "uniqueItems": st.booleans(),
            "minLength": SMALL,
            "maxLength": SMALL,
            "pattern": st.sampled_from(["^a", "b", "[0-9]"]),
            "minimum": st.integers(-2, 2),
            "maximum": st.integers(-2, 2),
            "exclusiveMinimum": st.integers(-2, 2),
            "exclusiveMaximum": st.integers(-2, 2),
            "multipleOf": st.sampled_from([1, 2, 0.5]),
            "anyOf": st.lists(schemas, min_size=1, max_size=2),
            "oneOf": st.lists(schemas, min_size=1, max_size=2),
            "allOf": st.lists(schemas, min_size=1, max_size=2),
            "not": schemas,
            "if": schemas,
            "then": schemas,
            "else": schemas,
        },
    )


SCHEMAS = st.recursive(st.booleans() | st.fixed_dictionaries({"type": TYPES}), _some, max_leaves=5)


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(schema=SCHEMAS, value=VALUES)
def test_it_agrees_with_a_full_validator(schema, value):
    expected = jsonschema.Draft202012Validator(schema).is_valid(value)

    assert schema_mistakes(schema) == []
    assert (check_schema_value(schema, value) == []) is expected
    assert (check_schema_value(freeze(schema), freeze(value)) == []) is expected


@pytest.mark.parametrize(
    ("schema", "value", "message"),
    [
        ({"type": "string"}, 5, "$: must be string, not integer"),
        ({"type": ["string", "null"]}, 1.5, "$: must be string or null, not number"),
        ({"required": ["a"]}, {}, "$: the key 'a' is missing"),
        ({"properties": {"a": {"items": {"minimum": 3}}}}, {"a": [5, 1]}, "$.a[1]: must be at least 3"),
        ({"properties": {}, "additionalProperties": False}, {"z": 1}, "$.z: the schema has no such key"),
        ({"enum": [1, 2]}, 3, "$: is not one of the 2 values that the schema allows"),
        ({"pattern": "^a"}, "b", "$: does not match the pattern ^a"),
        ({"$ref": "#/$defs/n", "$defs": {"n": {"type": "null"}}}, 1, "$: must be null, not integer"),
        ({"definitions": {"a/b~c": False}, "$ref": "#/definitions/a~1b~0c"}, 1, "$: nothing is allowed here"),
        (
            {"anyOf": [{"type": "null"}, {"minimum": 9}]},
            5,
            "$: fits none of the 2 alternatives; the nearest says:",
        ),
        ({"oneOf": [{}, {}]}, 5, "$: fits 2 of the alternatives, and only one may fit"),
        ({"const": True}, 1, "$: is not the one value that the schema allows"),
        ({"propertyNames": {"maxLength": 1}}, {"ab": 1}, "$.ab: a key of this name is not allowed"),
    ],
)
def test_messages_say_where_and_what(schema, value, message):
    assert check_schema_value(schema, value)[0] == message


def test_a_value_is_never_in_a_message():
    schema = {"properties": {"a": {"type": "integer"}, "b": {"enum": ["x"]}, "c": {"pattern": "^z"}}}

    messages = check_schema_value(schema, {"a": "hunter2", "b": "hunter2", "c": "hunter2"})

    assert len(messages) == 3
    assert "hunter2" not in "".join(messages)


def test_a_recursive_schema_follows_the_value():
    tree = {
        "type": "object",
        "properties": {"kids": {"type": "array", "items": {"$ref": "#"}}},
        "required": ["name"],
    }

    assert check_schema_value(tree, {"name": "a", "kids": [{"name": "b", "kids": []}]}) == []
    assert check_schema_value(tree, {"name": "a", "kids": [{"kids": []}]}) == [
        "$.kids[0]: the key 'name' is missing"
    ]


def test_a_reference_to_itself_ends():
    assert "levels deep" in check_schema_value({"$ref": "#"}, 1)[0]


def test_exponential_work_is_cut_off(monkeypatch):
    monkeypatch.setattr("actorflow.workflow.json_schema._MOST_STEPS", 10_000)
    definitions = {f"d{i}": {"anyOf": [{"$ref": f"#/$defs/d{i + 1}"}] * 2} for i in range(40)}
    schema = {"$ref": "#/$defs/d0", "$defs": {**definitions, "d40": {"type": "null"}}}

    assert "too many steps" in check_schema_value(schema, 1)[0]


def test_a_deep_value_is_refused_and_not_walked():
    value: object = 1
    for _ in range(5000):
        value = [value]

    assert "levels deep" in check_schema_value({"items": {"$ref": "#"}}, value)[0]
    assert check_schema_value({"type": "array"}, value) == []
    assert "levels deep" in check_schema_value({"enum": [1]}, value)[0]
    assert "levels deep" in check_schema_value({"uniqueItems": True}, [value])[0]


def test_a_large_wrong_value_gives_few_messages():
    assert len(check_schema_value({"items": {"type": "null"}}, list(range(100_000)))) == 20


@pytest.mark.parametrize(
    "schema",
    [{"typ": "string"}, {"type": "text"}, {"items": [1]}, {"$ref": "#/x"}, 5, None, {"contains": {}}],
)
def test_what_cannot_be_checked_is_a_mistake(schema):
    assert schema_mistakes(schema)


def test_annotations_are_taken():
    assert (
        schema_mistakes(
            {"title": "t", "description": "d", "format": "date", "examples": [1], "x-own": 1, "default": 0}
        )
        == []
    )

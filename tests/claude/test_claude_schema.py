"""A schema of anything becomes one that a tool can be called with, and what comes out is what was asked for."""

from __future__ import annotations

from actorflow.agents.claude.schema import tool_schema, unwrapped
from actorflow.values import freeze
from actorflow.workflow.json_schema import check_schema_value


def test_a_mapping_is_asked_for_as_it_is():
    schema = freeze({"type": "object", "properties": {"a": {"type": "integer"}}})

    assert tool_schema(schema) == (schema, False)


def test_anything_else_is_put_under_a_key():
    for schema in (
        {"type": "array"},
        {"enum": [1]},
        {"type": "object", "anyOf": [{}]},
        {"$ref": "#/$defs/a", "$defs": {"a": {}}},
    ):
        wrapped, is_wrapped = tool_schema(freeze(schema))
        assert is_wrapped
        assert wrapped["required"] == ["value"]
    assert unwrapped(freeze({"value": [1]})) == (1,)
    assert unwrapped(freeze([1])) == (1,)


def test_references_still_point_to_what_they_did():
    schema = freeze(
        {
            "type": "array",
            "items": {"$ref": "#/$defs/n"},
            "$defs": {"n": {"type": "integer"}},
            "default": {"$ref": "#/x"},
        }
    )

    wrapped, _ = tool_schema(schema)

    assert wrapped["properties"]["value"]["items"] == {"$ref": "#/properties/value/$defs/n"}
    assert wrapped["properties"]["value"]["default"] == {"$ref": "#/x"}
    assert check_schema_value(wrapped, {"value": [1]}) == []
    assert check_schema_value(wrapped, {"value": ["x"]}) != []

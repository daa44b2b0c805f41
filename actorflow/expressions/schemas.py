"""What a JSON Schema says about selecting from a value.

Takes schemas as plain mappings and steps of a path; gives the schema of what lies there, or what is wrong with the step. Only what a
schema says in so many words counts: combinations and references are left open. Must not validate values.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from actorflow.expressions.failures import Diagnostic, suggestion
from actorflow.expressions.inference import SCHEMA_KINDS

__all__ = ["inner_schema", "no_field", "wrong_step"]


def no_field(name: str, owner: str, known: Iterable[str], start: int) -> Diagnostic:
    """Return the finding that ``owner`` has no field of that name, with the nearest it has."""
    fields = sorted(known)
    near = suggestion(name, fields)
    listed = ", ".join(fields[:12]) + (", …" if len(fields) > 12 else "")
    hint = (f"did you mean '{near}'? " if near else "") + f"(fields: {listed})"
    return Diagnostic("E205", f"{owner} has no field '{name}'", start, start + len(name), hint)


def inner_schema(schema: Mapping[str, Any], key: str | int) -> Any:
    """Return the schema of what lies under ``key``, None if the schema does not say."""
    if isinstance(key, int):
        return schema.get("items")
    properties = schema.get("properties")
    return properties.get(key) if isinstance(properties, Mapping) else None


def wrong_step(schema: Mapping[str, Any], key: str | int, start: int) -> Diagnostic | None:
    """Return what is wrong with selecting ``key`` from a value of that schema."""
    if any(word in schema for word in ("$ref", "anyOf", "oneOf", "allOf", "patternProperties")):
        return None
    name = schema.get("type")
    wanted, word = ("object", "fields") if isinstance(key, str) else ("array", "elements")
    if isinstance(name, str) and name != wanted and not (isinstance(key, int) and name == "object"):
        return Diagnostic(
            "E205", f"{SCHEMA_KINDS.get(name, name)} has no {word}", start, start + len(str(key))
        )
    properties = schema.get("properties")
    if (
        isinstance(key, str)
        and isinstance(properties, Mapping)
        and key not in properties
        and not schema.get("additionalProperties")
    ):
        return no_field(key, "the value", properties, start)
    return None

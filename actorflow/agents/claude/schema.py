"""The schema of an output, as Claude Code takes it.

Structured output is what a tool is called with, and a tool is called with a mapping: a schema of anything
else, or one that begins with alternatives, is put under the key ``value`` of a mapping, and the output is taken
out again. Pure.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from actorflow.values import Frozen, FrozenDict

__all__ = ["WRAPPED_KEY", "tool_schema", "unwrapped"]

WRAPPED_KEY: Final = "value"

_DATA: Final = frozenset({"enum", "const", "default", "examples"})
_ALTERNATIVES: Final = frozenset({"anyOf", "oneOf", "allOf", "not", "if", "$ref"})


def tool_schema(schema: FrozenDict) -> tuple[dict[str, Any], bool]:
    """Return the schema to ask for, and whether the output is wrapped in it."""
    if schema.get("type") == "object" and not _ALTERNATIVES & schema.keys():
        return dict(schema), False
    wrapped = {
        "type": "object",
        "properties": {WRAPPED_KEY: _moved(schema)},
        "required": [WRAPPED_KEY],
        "additionalProperties": False,
    }
    return wrapped, True


def unwrapped(output: Frozen) -> Frozen:
    """Return what is in the wrapping; what has none is given back as it is."""
    return output[WRAPPED_KEY] if isinstance(output, FrozenDict) and WRAPPED_KEY in output else output


def _moved(value: Any) -> Any:
    """Return ``value`` with its references pointing to where it now stands."""
    if isinstance(value, Mapping):
        return {key: _moved_entry(key, entry) for key, entry in value.items()}
    if isinstance(value, tuple | list):
        return [_moved(item) for item in value]
    return value


def _moved_entry(key: str, entry: Any) -> Any:
    if key == "$ref" and isinstance(entry, str) and entry.startswith("#"):
        return f"#/properties/{WRAPPED_KEY}{entry[1:]}"
    return entry if key in _DATA else _moved(entry)

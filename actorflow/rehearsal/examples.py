"""A valid example of a JSON Schema: what is played for a task with an ``output_schema`` and no output of its own.

Takes a schema of the part that outputs are checked against, gives a value that fits it, the same one each
time; it has every key that the schema names, because conditions may read them. What the schema itself offers
(``const default examples enum``) comes first. ``NoExample`` when none is found: patterns and ``not`` can ask
for anything. The result has been checked, so a wrong guess is never given.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from actorflow.values import Frozen, freeze
from actorflow.workflow.json_schema import check_schema_value
from actorflow.workflow.patterns import is_found
from actorflow.workflow.schema_form import resolve_reference

__all__ = ["NoExample", "example_of"]

_MOST_TRIED = 60
_MOST_LEVELS = 12
_TEXTS = (
    *("text", "a", "A", "1", "12", "abc", "a-b", "A-1", "AB-12", "a1b2c3d", "1.0", "1.2.3", "v1.2.3"),
    *("2026-01-01", "2026-01-01T00:00:00Z", "12:00", "https://example.com/", "https://github.com/o/r/pull/1"),
    *("name@example.com", "src/main.py", "src/main.py:10", "#123", "#1a2b3c", "0" * 40, "main", "feature/x"),
)


class NoExample(LookupError):
    """No value was found that fits the schema."""


def example_of(schema: Any) -> Frozen:
    """Return a value that fits ``schema``.

    Raises:
        NoExample: none was found.
    """
    try:
        for value in islice(_values(schema, schema, 0), _MOST_TRIED):
            if not check_schema_value(schema, value):
                return freeze(value)
    except LookupError:  # a reference to a part of the schema that is not among its definitions
        pass
    raise NoExample


def _values(schema: Any, root: Any, level: int) -> Iterator[Any]:
    """Yield values that may fit, the best first."""
    if level > _MOST_LEVELS:
        return
    if not isinstance(schema, Mapping):
        if schema is not False:
            yield "text"
        return
    yield from _offered(schema)
    if "$ref" in schema:
        yield from _values(resolve_reference(root, schema["$ref"]), root, level + 1)
    for keyword in ("oneOf", "anyOf"):
        for alternative in schema.get(keyword, ()):
            yield from _values(_both(schema, alternative, keyword), root, level + 1)
    if "allOf" in schema:
        merged: Mapping[str, Any] = {key: value for key, value in schema.items() if key != "allOf"}
        for part in schema["allOf"]:
            merged = _both(merged, _resolved(part, root), "allOf")
        yield from _values(merged, root, level + 1)
    for kind in _kinds(schema):
        yield from _of_kind(kind, schema, root, level)


def _offered(schema: Mapping[str, Any]) -> Iterator[Any]:
    for keyword in ("const", "default"):
        if keyword in schema:
            yield schema[keyword]
    for keyword in ("examples", "enum"):
        values = schema.get(keyword, ())
        yield from values if isinstance(values, list | tuple) else ()


def _resolved(schema: Any, root: Any) -> Any:
    return (
        resolve_reference(root, schema["$ref"])
        if isinstance(schema, Mapping) and "$ref" in schema
        else schema
    )


def _both(schema: Mapping[str, Any], part: Any, keyword: str) -> Mapping[str, Any]:
    """Return one schema that says what ``schema`` says without ``keyword``, and what ``part`` says."""
    rest = {key: value for key, value in schema.items() if key != keyword}
    if not isinstance(part, Mapping):
        return rest
    properties = {**rest.get("properties", {}), **part.get("properties", {})}
    required = [*rest.get("required", ()), *part.get("required", ())]
    together = {**rest, **part}
    return (
        together
        | ({"properties": properties} if properties else {})
        | ({"required": required} if required else {})
    )


def _kinds(schema: Mapping[str, Any]) -> tuple[str, ...]:
    named = schema.get("type")
    if named is not None:
        return tuple(named) if isinstance(named, list | tuple) else (named,)
    if any(key in schema for key in ("properties", "required", "additionalProperties", "minProperties")):
        return ("object",)
    if any(key in schema for key in ("items", "prefixItems", "minItems")):
        return ("array",)
    if any(
        key in schema for key in ("minimum", "maximum", "multipleOf", "exclusiveMinimum", "exclusiveMaximum")
    ):
        return ("number",)
    return ("string",)


def _of_kind(kind: str, schema: Mapping[str, Any], root: Any, level: int) -> Iterator[Any]:
    match kind:
        case "object":
            yield from _objects(schema, root, level)
        case "array":
            yield from _arrays(schema, root, level)
        case "string":
            yield from _texts(schema)
        case "integer" | "number":
            yield from _numbers(schema, is_whole=kind == "integer")
        case "boolean":
            yield from (True, False)
        case _:
            yield None


def _first(schema: Any, root: Any, level: int) -> Any:
    """Return the first value that fits a part of the whole schema.

    Raises:
        NoExample: there is none.
    """
    whole = schema
    if isinstance(schema, Mapping) and isinstance(root, Mapping):
        whole = {**schema, **{key: root[key] for key in ("$defs", "definitions") if key in root}}
    for value in islice(_values(schema, root, level + 1), _MOST_TRIED):
        if not check_schema_value(whole, value):
            return value
    raise NoExample


def _objects(schema: Mapping[str, Any], root: Any, level: int) -> Iterator[Any]:
    required = tuple(schema.get("required", ()))
    named = schema.get("properties", {})
    others = schema.get("additionalProperties", True)
    for keys in (dict.fromkeys((*named, *required)), dict.fromkeys(required)):
        value = {}
        for key in keys:
            try:
                value[key] = _first(named.get(key, others), root, level)
            except LookupError:
                if key in required:
                    return
        for number in range(schema.get("minProperties", 0) - len(value)):
            value[f"key{number + 1}"] = _first(others, root, level)
        yield value


def _arrays(schema: Mapping[str, Any], root: Any, level: int) -> Iterator[Any]:
    try:
        first = [_first(part, root, level) for part in schema.get("prefixItems", ())]
        count = max(schema.get("minItems", 0), min(1, schema.get("maxItems", 1)), len(first))
        element = schema.get("items", True)
        more = count - len(first)
        if more > 1 and schema.get("uniqueItems"):
            yield [*first, *islice(_unlike(element, root, level), more)]
        else:
            yield [*first, *([_first(element, root, level)] * more)]
    except NoExample:
        pass
    yield []


def _unlike(schema: Any, root: Any, level: int) -> Iterator[Any]:
    """Yield values that differ from each other."""
    seen = []
    for value in _values(schema, root, level + 1):
        if value not in seen and not check_schema_value(schema, value):
            seen.append(value)
            yield value
    for number in range(1, 100):
        for value in (f"text {number}", number):
            if not check_schema_value(schema, value):
                yield value


def _texts(schema: Mapping[str, Any]) -> Iterator[str]:
    least, most, pattern = schema.get("minLength", 0), schema.get("maxLength"), schema.get("pattern")
    for text in _TEXTS:
        fitted = text if len(text) >= least else (text * (least // len(text) + 1))[:least]
        fitted = fitted if most is None else fitted[:most]
        if pattern is None or is_found(pattern, fitted):
            yield fitted


def _numbers(schema: Mapping[str, Any], *, is_whole: bool) -> Iterator[float]:
    step = schema.get("multipleOf", 1)
    least = schema.get("minimum", schema.get("exclusiveMinimum"))
    most = schema.get("maximum", schema.get("exclusiveMaximum"))
    starts = [value for value in (1, least, most, 0) if value is not None]
    for start in starts:
        nearest = round(start / step) * step
        for value in (nearest, nearest + step, nearest - step, start):
            yield int(value) if float(value).is_integer() else value
    if not is_whole and least is not None and most is not None:
        yield (least + most) / 2

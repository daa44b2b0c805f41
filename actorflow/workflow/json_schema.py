"""Checks a JSON value against a JSON Schema of the part that ``schema_form`` allows.

Takes a schema without mistakes and a value, plain or frozen, and gives what does not fit, in words. Messages
name places, types and keys of the schema, never the value: it may be large or hold a secret. Work and depth
are limited, because the value comes from an agent and a schema with ``$ref`` and ``anyOf`` can ask for
exponential work. Pure.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Hashable, Mapping
from typing import Any, Final

from actorflow.workflow.patterns import is_found
from actorflow.workflow.schema_form import SchemaMistake, resolve_reference, schema_mistakes

__all__ = ["SchemaMistake", "check_schema_value", "schema_mistakes"]

_MOST_MESSAGES: Final = 20
_MOST_STEPS: Final = 1_000_000
_MOST_LEVELS: Final = 200


class _TooMuch(Exception):
    """The check would take too long or go too deep."""


def _too_deep() -> _TooMuch:
    return _TooMuch(f"the value or its schema is nested more than {_MOST_LEVELS} levels deep")


def check_schema_value(schema: Any, value: Any) -> list[str]:
    """Return what about ``value`` does not fit ``schema``; empty when it fits.

    Each text starts with the place (``$.items[3].name``). At most twenty are given. A value that cannot be
    checked within the limits does not fit.
    """
    checker = _Checker(schema)
    try:
        messages = checker.check(schema, value, "$", 0)
    except _TooMuch as reason:
        return [f"$: {reason}"]
    return messages[:_MOST_MESSAGES]


class _Checker:
    def __init__(self, root: Any) -> None:
        self._root = root
        self._steps = 0

    def check(self, schema: Any, value: Any, where: str, level: int) -> list[str]:
        self._steps += 1
        if self._steps > _MOST_STEPS:
            raise _TooMuch("checking this value against its schema takes too many steps")
        if level > _MOST_LEVELS:
            raise _too_deep()
        if isinstance(schema, bool):
            return [] if schema else [f"{where}: nothing is allowed here"]
        messages: list[str] = []
        for keyword, rule in _RULES.items():
            if keyword in schema:
                messages += rule(self, schema, value, where, level + 1)
                if len(messages) >= _MOST_MESSAGES:
                    break
        return messages

    def fits(self, schema: Any, value: Any, level: int) -> bool:
        return not self.check(schema, value, "$", level)

    def reference(self, schema: Any, value: Any, where: str, level: int) -> list[str]:
        return self.check(resolve_reference(self._root, schema["$ref"]), value, where, level)

    def type_(self, schema: Any, value: Any, where: str, _level: int) -> list[str]:
        names = schema["type"] if isinstance(schema["type"], list | tuple) else [schema["type"]]
        if any(_is_a(value, name) for name in names):
            return []
        return [f"{where}: must be {' or '.join(names)}, not {_type_of(value)}"]

    def enum(self, schema: Any, value: Any, where: str, _level: int) -> list[str]:
        mine = _comparable(value)
        if any(mine == _comparable(allowed) for allowed in schema["enum"]):
            return []
        return [f"{where}: is not one of the {len(schema['enum'])} values that the schema allows"]

    def const(self, schema: Any, value: Any, where: str, _level: int) -> list[str]:
        is_same = _comparable(value) == _comparable(schema["const"])
        return [] if is_same else [f"{where}: is not the one value that the schema allows"]

    def object_(self, schema: Any, value: Any, where: str, level: int) -> list[str]:
        """All keywords about the keys of an object; only called for the first of them that is there."""
        if not isinstance(value, Mapping):
            return []
        messages = [
            f"{where}: the key '{name}' is missing"
            for name in schema.get("required", ())
            if name not in value
        ]
        for name, element in value.items():
            messages += self._entry(schema, name, element, where, level)
            if len(messages) >= _MOST_MESSAGES:
                break
        return messages

    def _entry(self, schema: Any, name: str, element: Any, where: str, level: int) -> list[str]:
        here = f"{where}.{name[:80]}"
        messages: list[str] = []
        if "propertyNames" in schema and not self.fits(schema["propertyNames"], name, level):
            messages.append(f"{here}: a key of this name is not allowed")
        rules = [schema["properties"][name]] if name in schema.get("properties", ()) else []
        rules += [
            rule for pattern, rule in schema.get("patternProperties", {}).items() if is_found(pattern, name)
        ]
        if not rules and "additionalProperties" in schema:
            if schema["additionalProperties"] is False:
                return [*messages, f"{here}: the schema has no such key"]
            rules = [schema["additionalProperties"]]
        for rule in rules:
            messages += self.check(rule, element, here, level)
        return messages

    def array(self, schema: Any, value: Any, where: str, level: int) -> list[str]:
        if not isinstance(value, list | tuple):
            return []
        first = schema.get("prefixItems", ())
        messages: list[str] = []
        for index, element in enumerate(value):
            rule = first[index] if index < len(first) else schema.get("items", True)
            messages += self.check(rule, element, f"{where}[{index}]", level)
            if len(messages) >= _MOST_MESSAGES:
                break
        return messages

    def unique(self, schema: Any, value: Any, where: str, _level: int) -> list[str]:
        if not schema["uniqueItems"] or not isinstance(value, list | tuple):
            return []
        is_unique = len({_comparable(element) for element in value}) == len(value)
        return [] if is_unique else [f"{where}: has the same element twice"]

    def pattern(self, schema: Any, value: Any, where: str, _level: int) -> list[str]:
        if not isinstance(value, str) or is_found(schema["pattern"], value):
            return []
        return [f"{where}: does not match the pattern {schema['pattern']}"]

    def multiple(self, schema: Any, value: Any, where: str, _level: int) -> list[str]:
        if not _is_a(value, "number"):
            return []
        parts = value / schema["multipleOf"]
        is_whole = math.isfinite(parts) and math.isclose(parts, round(parts), rel_tol=1e-12, abs_tol=1e-12)
        return [] if is_whole else [f"{where}: must be a multiple of {schema['multipleOf']}"]

    def all_of(self, schema: Any, value: Any, where: str, level: int) -> list[str]:
        return [message for rule in schema["allOf"] for message in self.check(rule, value, where, level)]

    def any_of(self, schema: Any, value: Any, where: str, level: int) -> list[str]:
        tried = [self.check(rule, value, where, level) for rule in schema["anyOf"]]
        if not all(tried):
            return []
        # The alternative that complains least is most likely the one that was meant.
        return [
            f"{where}: fits none of the {len(tried)} alternatives; the nearest says:",
            *min(tried, key=len),
        ]

    def one_of(self, schema: Any, value: Any, where: str, level: int) -> list[str]:
        tried = [self.check(rule, value, where, level) for rule in schema["oneOf"]]
        fitting = sum(not messages for messages in tried)
        if fitting == 1:
            return []
        if fitting:
            return [f"{where}: fits {fitting} of the alternatives, and only one may fit"]
        return [
            f"{where}: fits none of the {len(tried)} alternatives; the nearest says:",
            *min(tried, key=len),
        ]

    def not_(self, schema: Any, value: Any, where: str, level: int) -> list[str]:
        return [f"{where}: fits what the schema excludes"] if self.fits(schema["not"], value, level) else []

    def if_(self, schema: Any, value: Any, where: str, level: int) -> list[str]:
        branch = "then" if self.fits(schema["if"], value, level) else "else"
        return self.check(schema[branch], value, where, level) if branch in schema else []


_Rule = Callable[[_Checker, Any, Any, str, int], list[str]]

_OBJECT_KEYWORDS = ("properties", "patternProperties", "additionalProperties", "propertyNames", "required")
_ARRAY_KEYWORDS = ("items", "prefixItems")


def _limit(
    keyword: str, kind: str, measure: Callable[[Any], Any], fits: Callable[[Any, Any], bool], text: str
) -> _Rule:
    def rule(_: _Checker, schema: Any, value: Any, where: str, _level: int) -> list[str]:
        if not _is_a(value, kind) or fits(measure(value), schema[keyword]):
            return []
        return [f"{where}: {text.format(schema[keyword])}"]

    return rule


def _once(keywords: tuple[str, ...], keyword: str, rule: _Rule) -> _Rule:
    """Return ``rule``, silent when an earlier one of ``keywords`` is in the schema and has called it."""
    before = keywords[: keywords.index(keyword)]

    def first_only(checker: _Checker, schema: Any, value: Any, where: str, level: int) -> list[str]:
        return [] if any(other in schema for other in before) else rule(checker, schema, value, where, level)

    return first_only


def _at_least(a: Any, b: Any) -> bool:
    return bool(a >= b)


def _at_most(a: Any, b: Any) -> bool:
    return bool(a <= b)


def _itself(value: Any) -> Any:
    return value


_RULES: dict[str, _Rule] = {
    "$ref": _Checker.reference,
    "type": _Checker.type_,
    "enum": _Checker.enum,
    "const": _Checker.const,
    **{keyword: _once(_OBJECT_KEYWORDS, keyword, _Checker.object_) for keyword in _OBJECT_KEYWORDS},
    "minProperties": _limit("minProperties", "object", len, _at_least, "must have at least {} keys"),
    "maxProperties": _limit("maxProperties", "object", len, _at_most, "must have at most {} keys"),
    **{keyword: _once(_ARRAY_KEYWORDS, keyword, _Checker.array) for keyword in _ARRAY_KEYWORDS},
    "minItems": _limit("minItems", "array", len, _at_least, "must have at least {} elements"),
    "maxItems": _limit("maxItems", "array", len, _at_most, "must have at most {} elements"),
    "uniqueItems": _Checker.unique,
    "minLength": _limit("minLength", "string", len, _at_least, "must have at least {} characters"),
    "maxLength": _limit("maxLength", "string", len, _at_most, "must have at most {} characters"),
    "pattern": _Checker.pattern,
    "minimum": _limit("minimum", "number", _itself, _at_least, "must be at least {}"),
    "maximum": _limit("maximum", "number", _itself, _at_most, "must be at most {}"),
    "exclusiveMinimum": _limit(
        "exclusiveMinimum", "number", _itself, lambda a, b: bool(a > b), "must be more than {}"
    ),
    "exclusiveMaximum": _limit(
        "exclusiveMaximum", "number", _itself, lambda a, b: bool(a < b), "must be less than {}"
    ),
    "multipleOf": _Checker.multiple,
    "allOf": _Checker.all_of,
    "anyOf": _Checker.any_of,
    "oneOf": _Checker.one_of,
    "not": _Checker.not_,
    "if": _Checker.if_,
}


def _type_of(value: Any) -> str:
    for name in ("null", "boolean", "integer", "number", "string", "array"):
        if _is_a(value, name):
            return name
    return "object"


def _is_a(value: Any, name: str) -> bool:
    if isinstance(value, bool):
        return name == "boolean"
    match name:
        case "null":
            return value is None
        case "integer":
            return isinstance(value, int) or (isinstance(value, float) and value.is_integer())
        case "number":
            return isinstance(value, int | float)
        case "string":
            return isinstance(value, str)
        case "array":
            return isinstance(value, list | tuple)
        case _:
            return name == "object" and isinstance(value, Mapping)


def _comparable(value: Any, level: int = 0) -> Hashable:
    """Return something equal for equal JSON values only: ``1`` and ``1.0`` are, ``1`` and ``true`` are not."""
    if level > _MOST_LEVELS:
        raise _too_deep()
    if isinstance(value, bool):
        return ("boolean", value)
    if isinstance(value, list | tuple):
        return ("array", tuple(_comparable(element, level + 1) for element in value))
    if isinstance(value, Mapping):
        return ("object", frozenset((key, _comparable(element, level + 1)) for key, element in value.items()))
    return value  # type: ignore[no-any-return]  # None, a number or text

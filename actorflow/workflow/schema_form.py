"""Is a mapping a JSON Schema of the part that outputs can be checked against?

The part: types, ``properties required additionalProperties patternProperties propertyNames``, ``items
prefixItems``, sizes and ranges, ``enum const pattern``, ``anyOf oneOf allOf not``, ``if then else``, ``$ref``
within the schema. Annotations (``title``, ``format`` …) are taken and not checked. Any other keyword is a
mistake: a check that is silently left out would be worse. Tells every mistake with its path.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from actorflow.workflow.patterns import pattern_mistake
from actorflow.workflow.suggest import Suggester

__all__ = ["TYPES", "SchemaMistake", "resolve_reference", "schema_mistakes"]

TYPES: Final = ("null", "boolean", "integer", "number", "string", "array", "object")

_MOST = 50


@dataclass(frozen=True, slots=True)
class SchemaMistake:
    """One thing that is wrong with a schema; ``path`` starts at the schema."""

    path: tuple[str | int, ...]
    message: str
    hint: str = ""
    at_key: bool = False


def schema_mistakes(schema: Any) -> list[SchemaMistake]:
    """Return what is wrong with ``schema``, the first fifty."""
    form = _Form(schema)
    form.check(schema, ())
    return form.mistakes[:_MOST]


def resolve_reference(root: Any, reference: str) -> Any:
    """Return the schema inside ``root`` that ``#/…`` names.

    Raises:
        LookupError: there is none.
    """
    if not (reference == "#" or reference.startswith("#/")):
        raise LookupError(reference)
    here = root
    for step in reference.split("/")[1:]:
        key = step.replace("~1", "/").replace("~0", "~")
        if isinstance(here, list | tuple):
            here = here[int(key)] if key.isdecimal() and int(key) < len(here) else None
        else:
            here = here.get(key) if isinstance(here, Mapping) else None
        if here is None:
            raise LookupError(reference)
    if isinstance(here, bool | Mapping):
        return here
    raise LookupError(reference)


class _Form:
    def __init__(self, root: Any) -> None:
        self.root = root
        self.mistakes: list[SchemaMistake] = []
        self._suggester = Suggester(20_000)

    def wrong(self, path: tuple[str | int, ...], message: str, hint: str = "") -> None:
        self.mistakes.append(SchemaMistake(path, message, hint))

    def check(self, schema: Any, path: tuple[str | int, ...]) -> None:
        if isinstance(schema, bool):
            return
        if not isinstance(schema, Mapping):
            self.wrong(path, "a schema must be a mapping, true or false", "for example {type: string}")
            return
        for keyword, value in schema.items():
            rule = _RULES.get(keyword)
            if rule is not None:
                rule(self, value, (*path, keyword))
            elif keyword not in _ANNOTATIONS and not keyword.startswith("x-"):
                hint = (
                    self._suggester.hint(keyword, [*_RULES, *_ANNOTATIONS])
                    or "see the reference for those that can"
                )
                message = f"the schema keyword '{keyword[:80]}' cannot be checked"
                self.mistakes.append(SchemaMistake((*path, keyword), message, hint, at_key=True))

    def schemas_by_name(self, value: Any, path: tuple[str | int, ...]) -> None:
        if not isinstance(value, Mapping):
            self.wrong(path, f"{path[-1]} must be a mapping from names to schemas")
            return
        for name, schema in value.items():
            self.check(schema, (*path, name))

    def schemas_by_pattern(self, value: Any, path: tuple[str | int, ...]) -> None:
        self.schemas_by_name(value, path)
        for name in value if isinstance(value, Mapping) else ():
            self.pattern(name, (*path, name))

    def schemas(self, value: Any, path: tuple[str | int, ...]) -> None:
        if not isinstance(value, list | tuple) or not value:
            self.wrong(path, f"{path[-1]} must be a list of at least one schema")
            return
        for index, schema in enumerate(value):
            self.check(schema, (*path, index))

    def type_names(self, value: Any, path: tuple[str | int, ...]) -> None:
        names = value if isinstance(value, list | tuple) else [value]
        if not names:
            self.wrong(path, "type must not be empty")
        for name in names:
            if name not in TYPES:
                known = ", ".join(TYPES)
                near = self._suggester.hint(name, TYPES) if isinstance(name, str) else ""
                self.wrong(path, f"type must be one of {known}", near)

    def names(self, value: Any, path: tuple[str | int, ...]) -> None:
        if not isinstance(value, list | tuple) or not all(isinstance(name, str) for name in value):
            self.wrong(path, f"{path[-1]} must be a list of names")

    def values(self, value: Any, path: tuple[str | int, ...]) -> None:
        if not isinstance(value, list | tuple) or not value:
            self.wrong(path, "enum must be a list of at least one value")

    def count(self, value: Any, path: tuple[str | int, ...]) -> None:
        if isinstance(value, bool) or not isinstance(value, int) or value < 0:
            self.wrong(path, f"{path[-1]} must be a whole number, 0 or more")

    def number(self, value: Any, path: tuple[str | int, ...]) -> None:
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.wrong(path, f"{path[-1]} must be a number")
        elif path[-1] == "multipleOf" and value <= 0:
            self.wrong(path, "multipleOf must be more than 0")

    def flag(self, value: Any, path: tuple[str | int, ...]) -> None:
        if not isinstance(value, bool):
            self.wrong(path, f"{path[-1]} must be true or false")

    def pattern(self, value: Any, path: tuple[str | int, ...]) -> None:
        mistake = pattern_mistake(value) if isinstance(value, str) else "it must be text"
        if mistake:
            self.wrong(
                path,
                f"this pattern cannot be used: {mistake}",
                "patterns are RE2: no look-around, no back-references",
            )

    def anything(self, value: Any, path: tuple[str | int, ...]) -> None:
        """Every value is right (``const``)."""

    def reference(self, value: Any, path: tuple[str | int, ...]) -> None:
        try:
            resolve_reference(self.root, value if isinstance(value, str) else "")
        except LookupError:
            self.wrong(path, "$ref must name a schema inside this one", 'for example "#/$defs/name"')


_Rule = Callable[[_Form, Any, tuple[str | int, ...]], None]

_RULES: dict[str, _Rule] = {
    "type": _Form.type_names,
    "enum": _Form.values,
    "const": _Form.anything,
    "properties": _Form.schemas_by_name,
    "patternProperties": _Form.schemas_by_pattern,
    "additionalProperties": _Form.check,
    "propertyNames": _Form.check,
    "required": _Form.names,
    "minProperties": _Form.count,
    "maxProperties": _Form.count,
    "items": _Form.check,
    "prefixItems": _Form.schemas,
    "minItems": _Form.count,
    "maxItems": _Form.count,
    "uniqueItems": _Form.flag,
    "minLength": _Form.count,
    "maxLength": _Form.count,
    "pattern": _Form.pattern,
    "minimum": _Form.number,
    "maximum": _Form.number,
    "exclusiveMinimum": _Form.number,
    "exclusiveMaximum": _Form.number,
    "multipleOf": _Form.number,
    "anyOf": _Form.schemas,
    "oneOf": _Form.schemas,
    "allOf": _Form.schemas,
    "not": _Form.check,
    "if": _Form.check,
    "then": _Form.check,
    "else": _Form.check,
    "$ref": _Form.reference,
    "$defs": _Form.schemas_by_name,
    "definitions": _Form.schemas_by_name,
}

_ANNOTATIONS = frozenset(
    "title description default examples format deprecated readOnly writeOnly $schema $id $comment"
    " contentMediaType contentEncoding".split()
)

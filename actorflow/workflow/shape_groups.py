"""Shapes made of other shapes: lists, mappings with free names, mappings with a closed set of keys, alternatives.

As in ``shapes``, each decodes and gives its JSON Schema. An element that is wrong is reported and left out,
and the rest goes on, so that one reading finds everything.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from actorflow.values import FrozenDict
from actorflow.workflow.report import Path, Report, spelled
from actorflow.workflow.shapes import INVALID, Shape

__all__ = ["Either", "Items", "Key", "Named", "Object"]


@dataclass(frozen=True)
class Items(Shape):
    """A list of one shape; gives a tuple of those that are right. An empty value counts as an empty list.

    Attributes:
        least: how many there must be.
        no_twice: refuse an entry that is there already.
    """

    noun = "a list"
    item: Shape
    least: int = 0
    no_twice: bool = False

    def _decode(self, value: Any, path: Path, report: Report) -> Any:
        if value is None and self.least == 0:
            return ()
        if not isinstance(value, list):
            hint = f"write [{value}]" if isinstance(value, str) and len(value) < 40 else ""
            return self.refuse(value, path, report, hint)
        if len(value) < self.least:
            report.error(path, "E607", f"{spelled(path)} is empty", "it needs at least one entry")
            return INVALID
        taken: list[Any] = []
        seen: set[tuple[type, Any]] = set()
        for index, element in enumerate(value):
            decoded = self.item.decode(element, (*path, index), report)
            if decoded is INVALID:
                continue
            if self.no_twice and (type(decoded), decoded) in seen:
                shown = f"'{decoded[:80]}'" if isinstance(decoded, str) else "this value"
                report.error((*path, index), "E707", f"{shown} is in {spelled(path)} twice")
                continue
            taken.append(decoded)
            if self.no_twice:
                seen.add((type(decoded), decoded))
        return tuple(taken)

    def _schema(self) -> dict[str, Any]:
        rules: dict[str, Any] = {
            "type": "array" if self.least else ["array", "null"],
            "items": self.item.schema(),
        }
        if self.least:
            rules["minItems"] = self.least
        if self.no_twice:
            rules["uniqueItems"] = True
        return rules


@dataclass(frozen=True)
class Either(Shape):
    """The first shape whose Python type fits.

    Attributes:
        cases: (type, shape); the last shape also tells what is wrong with a value of no listed type.
    """

    cases: tuple[tuple[type, Shape], ...]

    def _decode(self, value: Any, path: Path, report: Report) -> Any:
        for kind, shape in self.cases:
            if type(value) is kind:
                return shape.decode(value, path, report)
        return self.cases[-1][1].decode(value, path, report)

    def _schema(self) -> dict[str, Any]:
        return {"anyOf": [shape.schema() for _, shape in self.cases]}


@dataclass(frozen=True)
class Named(Shape):
    """A mapping from names that the author chooses to one shape. An empty value counts as an empty mapping.

    Attributes:
        name: what a name must look like.
        what: a name in words, for messages ("an input").
        check: looks at one name more closely; returns False after reporting it.
    """

    noun = "a mapping"
    item: Shape
    name: re.Pattern[str]
    what: str
    name_rule: str
    check: Callable[[str, Path, Report], bool] | None = None

    def _decode(self, value: Any, path: Path, report: Report) -> Any:
        if value is None:
            return FrozenDict()
        if not isinstance(value, dict):
            return self.refuse(value, path, report)
        taken: dict[str, Any] = {}
        for name, element in value.items():
            here = (*path, name)
            if not self.name.fullmatch(name):
                message = f"'{name[:80]}' cannot be the name of {self.what}"
                report.error(here, "E609", message, self.name_rule, at_key=True)
                continue
            if self.check is not None and not self.check(name, here, report):
                continue
            decoded = self.item.decode(element, here, report)
            if decoded is not INVALID:
                taken[name] = decoded
        return FrozenDict(taken)

    def _schema(self) -> dict[str, Any]:
        return {
            "type": ["object", "null"],
            "propertyNames": {"pattern": f"^(?:{self.name.pattern})$"},
            "additionalProperties": self.item.schema(),
        }


@dataclass(frozen=True)
class Key:
    """One key of an ``Object``.

    Attributes:
        text: what it means, shown by editors.
    """

    shape: Shape
    text: str
    required: bool = False


@dataclass(frozen=True)
class Object(Shape):
    """A mapping with a closed set of keys. ``x-…`` keys are for the author and are ignored; any other unknown key is an error.

    Attributes:
        what: it, in words ("a task").
        keys: the table.
        build: makes the result from the decoded keys, or gives ``INVALID`` after reporting.
        forbidden: keys that exist elsewhere but not here -> why.
        may_be_empty: an empty value counts as a mapping without keys.
    """

    noun = "a mapping"
    what: str
    keys: dict[str, Key]
    build: Callable[[dict[str, Any], Path, Report], Any]
    forbidden: dict[str, str] = field(default_factory=dict)
    may_be_empty: bool = True

    def _decode(self, value: Any, path: Path, report: Report) -> Any:
        if value is None and self.may_be_empty:
            value = {}
        if not isinstance(value, dict):
            return self.refuse(value, path, report)
        taken: dict[str, Any] = {}
        meant: set[str] = set()
        keys = self.keys
        for name, element in value.items():
            key = keys.get(name)
            if key is None:
                meant.add(self._unknown(name, path, report))
                continue
            decoded = key.shape.decode(element, (*path, name), report)
            if decoded is not INVALID:
                taken[name] = decoded
        for name in self._required:
            if name not in value and name not in meant:
                report.error(path, "E603", f"{self.what} needs the key '{name}'")
        return self.build(taken, path, report)

    @cached_property
    def _required(self) -> tuple[str, ...]:
        return tuple(name for name, key in self.keys.items() if key.required)

    def _unknown(self, name: str, path: Path, report: Report) -> str:
        """Report a key that is not in the table; return the key that was probably meant, or ""."""
        if name.startswith("x-"):
            return ""
        here = (*path, name)
        if name in self.forbidden:
            report.error(here, "E610", f"{self.what} cannot have '{name}'", self.forbidden[name], at_key=True)
            return ""
        near = report.nearest(name, self.keys)
        hint = (
            f"did you mean '{near}'?"
            if near
            else f"known keys: {', '.join(self.keys)}; your own start with 'x-'"
        )
        report.error(here, "E602", f"{self.what} has no key '{name[:80]}'", hint, at_key=True)
        return near

    def _schema(self) -> dict[str, Any]:
        rules: dict[str, Any] = {
            "type": ["object", "null"] if self.may_be_empty else "object",
            "properties": {
                name: {"description": key.text, **key.shape.schema()} for name, key in self.keys.items()
            },
            "patternProperties": {"^x-": {}},
            "additionalProperties": False,
        }
        return {**rules, "required": list(self._required)} if self._required else rules

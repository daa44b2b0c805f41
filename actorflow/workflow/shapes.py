"""The shapes that values of a workflow file can have, each for two uses: decoding and the JSON Schema for editors.

A shape takes a plain value and its path and gives the decoded value, or writes what is wrong into the report
and gives ``INVALID``. Both uses come from one object, so the schema that ``actorflow schema`` prints cannot
drift from what is read. Shapes know nothing of tasks or agents; the tables of keys are in the ``decode_*``
modules, lists and mappings of shapes in ``shape_groups``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Final

from actorflow.values import FrozenDict, freeze
from actorflow.workflow.durations import DURATION_PATTERN, LONGEST_SECONDS, duration_seconds
from actorflow.workflow.report import Path, Report, spelled
from actorflow.workflow.sizes import LARGEST_BYTES, SIZE_PATTERN, size_bytes, size_text

__all__ = [
    "INVALID",
    "NOTHING_GIVEN",
    "Choice",
    "Data",
    "Duration",
    "Flag",
    "Integer",
    "Number",
    "Shape",
    "Size",
    "Text",
    "described",
]

INVALID: Final = object()
"""What a shape gives for a value about which it has reported an error."""

NOTHING_GIVEN = "nothing is given for it: remove the key, or write a value"


def described(value: object) -> str:
    """Return what kind of value ``value`` is, in the words of a YAML writer."""
    match value:
        case None:
            return "empty"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "text"
        case list():
            return "a list"
        case _:
            return "a mapping"


class Shape(ABC):
    """One kind of value. Subclasses say how it is decoded and what its JSON Schema is."""

    noun = ""

    def decode(self, value: Any, path: Path, report: Report) -> Any:
        """Return the decoded ``value``, or ``INVALID`` after reporting what is wrong with it."""
        return self._decode(value, path, report)

    def schema(self) -> dict[str, Any]:
        """Return the JSON Schema of what ``decode`` takes."""
        return self._schema()

    @abstractmethod
    def _decode(self, value: Any, path: Path, report: Report) -> Any: ...

    @abstractmethod
    def _schema(self) -> dict[str, Any]: ...

    def refuse(self, value: Any, path: Path, report: Report, hint: str = "") -> Any:
        """Report a value of the wrong type."""
        hint = hint or (NOTHING_GIVEN if value is None else "")
        report.error(path, "E601", f"{spelled(path)} must be {self.noun}, not {described(value)}", hint)
        return INVALID


@dataclass(frozen=True)
class Text(Shape):
    """Text.

    Attributes:
        is_line: one line of at most ``longest`` characters that is not blank.
    """

    noun = "text"
    may_be_blank: bool = False
    is_line: bool = False
    longest: int = 200

    def _decode(self, value: Any, path: Path, report: Report) -> Any:
        if not isinstance(value, str):
            quotable = isinstance(value, bool | int | float)
            return self.refuse(value, path, report, "quote it to make it text" if quotable else "")
        if not self.may_be_blank and not value.strip():
            report.error(path, "E607", f"{spelled(path)} is empty")
            return INVALID
        if self.is_line and (len(value) > self.longest or not value.isprintable()):
            message = f"{spelled(path)} must be one line of at most {self.longest} characters"
            odd = next((character for character in value if not character.isprintable()), "")
            report.error(
                path, "E618", message, f"it has U+{ord(odd):04X}, which cannot be seen" if odd else ""
            )
            return INVALID
        return value

    def _schema(self) -> dict[str, Any]:
        rules: dict[str, Any] = {"type": "string"}
        if not self.may_be_blank:
            rules["pattern"] = r"\S"
        if self.is_line:
            rules["maxLength"] = self.longest
        return rules


@dataclass(frozen=True)
class Flag(Shape):
    """True or false."""

    noun = "true or false"

    def _decode(self, value: Any, path: Path, report: Report) -> Any:
        if isinstance(value, bool):
            return value
        words = {"yes": "true", "on": "true", "no": "false", "off": "false"}
        word = words.get(value.lower()) if isinstance(value, str) else None
        return self.refuse(value, path, report, f"write {word}" if word else "")

    def _schema(self) -> dict[str, Any]:
        return {"type": "boolean"}


@dataclass(frozen=True)
class Integer(Shape):
    """A whole number of at least ``least``."""

    noun = "a whole number"
    least: int | None = None
    hint: str = ""

    def _decode(self, value: Any, path: Path, report: Report) -> Any:
        if isinstance(value, float) and value.is_integer():
            value = int(value)
        if isinstance(value, bool) or not isinstance(value, int):
            quoted = isinstance(value, str) and value.strip().lstrip("-+").isdecimal()
            return self.refuse(value, path, report, "remove the quotes" if quoted else "")
        if self.least is not None and value < self.least:
            report.error(
                path, "E605", f"{spelled(path)} must be at least {self.least}, not {value}", self.hint
            )
            return INVALID
        return value

    def _schema(self) -> dict[str, Any]:
        return {"type": "integer"} if self.least is None else {"type": "integer", "minimum": self.least}


@dataclass(frozen=True)
class Number(Shape):
    """A number above zero."""

    noun = "a number"

    def _decode(self, value: Any, path: Path, report: Report) -> Any:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return self.refuse(value, path, report)
        if value <= 0:
            report.error(path, "E605", f"{spelled(path)} must be more than 0, not {value}")
            return INVALID
        return float(value)

    def _schema(self) -> dict[str, Any]:
        return {"type": "number", "exclusiveMinimum": 0}


@dataclass(frozen=True)
class Duration(Shape):
    """How long, in seconds."""

    may_be_zero: bool = False

    def _decode(self, value: Any, path: Path, report: Report) -> Any:
        seconds = duration_seconds(value)
        if seconds is None:
            given = f"'{value[:40]}'" if isinstance(value, str) else described(value)
            message = f"{spelled(path)} must be a duration, not {given}"
            report.error(path, "E606", message, 'seconds, or text such as "90s", "5m", "1h30m", "500ms"')
            return INVALID
        if seconds < 0 or (seconds == 0 and not self.may_be_zero):
            least = "0 or more" if self.may_be_zero else "more than 0"
            report.error(path, "E605", f"{spelled(path)} must be {least}, not {value}")
            return INVALID
        if seconds > LONGEST_SECONDS:
            report.error(path, "E605", f"{spelled(path)} is longer than ten years", "a number is seconds")
            return INVALID
        return seconds

    def _schema(self) -> dict[str, Any]:
        least = {"minimum": 0} if self.may_be_zero else {"exclusiveMinimum": 0}
        number = {"type": "number", **least, "maximum": LONGEST_SECONDS}
        return {"anyOf": [number, {"type": "string", "pattern": DURATION_PATTERN}]}


@dataclass(frozen=True)
class Size(Shape):
    """How much, in bytes."""

    least: int = 0

    def _decode(self, value: Any, path: Path, report: Report) -> Any:
        size = size_bytes(value)
        if size is None:
            given = f"'{value[:40]}'" if isinstance(value, str) else described(value)
            message = f"{spelled(path)} must be a size, not {given}"
            report.error(path, "E606", message, 'bytes, or text such as "256MiB", "1.5 GiB"')
            return INVALID
        if not self.least <= size <= LARGEST_BYTES:
            bound = (
                f"at least {size_text(self.least)}"
                if size < self.least
                else f"at most {size_text(LARGEST_BYTES)}"
            )
            report.error(path, "E605", f"{spelled(path)} must be {bound}, not {value}", "a number is bytes")
            return INVALID
        return size

    def _schema(self) -> dict[str, Any]:
        number = {"type": "integer", "minimum": self.least, "maximum": LARGEST_BYTES}
        return {"anyOf": [number, {"type": "string", "pattern": SIZE_PATTERN}]}


@dataclass(frozen=True)
class Choice(Shape):
    """One of a closed set of words."""

    words: tuple[str, ...]
    make: Callable[[str], Any] = str

    @classmethod
    def of(cls, members: type[StrEnum]) -> Choice:
        """Return the choice between the members of an enumeration."""
        return cls(tuple(member.value for member in members), members)

    def _decode(self, value: Any, path: Path, report: Report) -> Any:
        if isinstance(value, str) and value in self.words:
            return self.make(value)
        allowed = ", ".join(self.words)
        given = f"'{value[:80]}'" if isinstance(value, str) else described(value)
        near = report.suggestion(value, self.words) if isinstance(value, str) else ""
        report.error(path, "E604", f"{spelled(path)} must be one of {allowed}, not {given}", near)
        return INVALID

    def _schema(self) -> dict[str, Any]:
        return {"enum": list(self.words)}


@dataclass(frozen=True)
class Data(Shape):
    """A value for somebody else: kept as it is, frozen.

    Attributes:
        is_mapping: it must be a mapping; then an empty value counts as an empty one.
    """

    noun = "a mapping"
    is_mapping: bool = False

    def _decode(self, value: Any, path: Path, report: Report) -> Any:
        if self.is_mapping:
            if value is None:
                return FrozenDict()
            if not isinstance(value, dict):
                return self.refuse(value, path, report)
        return freeze(value)

    def _schema(self) -> dict[str, Any]:
        return {"type": ["object", "null"]} if self.is_mapping else {}

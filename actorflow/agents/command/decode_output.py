"""The parts of a description that say what a program's output and its errors mean: their tables of keys.

Takes plain values through the shapes of workflow files; gives rules. Rules of one description are laid over those
that it extends, so a part is a mapping here: key -> what was decoded.
"""

from __future__ import annotations

import re
from typing import Any, Final, Literal

from actorflow.agents.command.definition import ErrorRule
from actorflow.agents.command.kinds import KINDS
from actorflow.agents.command.rules import Filter, Rule
from actorflow.values import FrozenDict
from actorflow.workflow.patterns import pattern_mistake
from actorflow.workflow.report import Path, Report, spelled
from actorflow.workflow.shape_groups import Either, Items, Key, Named, Object
from actorflow.workflow.shapes import INVALID, Choice, Flag, Shape

__all__ = ["ERRORS", "OUTPUT"]

_TOTALS: Final[dict[bool | str, Literal["", "call", "session"]]] = {True: "call", False: ""}
_PATH: Final = re.compile(r"[^.\s]+(\.[^.\s]+)*")
_PATH_RULE: Final = "keys with dots between them, as in item.text; a number is an element of a list"
_CODE: Final = re.compile(r"-?[0-9]{1,4}")


class _Place(Shape):
    """A path into JSON."""

    noun = "a path"

    def _decode(self, value: Any, path: Path, report: Report) -> Any:
        if not isinstance(value, str):
            return self.refuse(value, path, report)
        if len(value) > 200 or not _PATH.fullmatch(value):
            report.error(path, "E604", f"{spelled(path)} must be a path into JSON", _PATH_RULE)
            return INVALID
        return value

    def _schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": f"^{_PATH.pattern}$"}


class _Value(Shape):
    """What a filter compares with."""

    noun = "text, a number, true, false or null"

    def _decode(self, value: Any, path: Path, report: Report) -> Any:
        if isinstance(value, dict | list):
            return self.refuse(value, path, report)
        return value

    def _schema(self) -> dict[str, Any]:
        return {"type": ["string", "number", "boolean", "null"]}


class _Pattern(Shape):
    """A regular expression that is searched for in linear time."""

    noun = "text"

    def _decode(self, value: Any, path: Path, report: Report) -> Any:
        if not isinstance(value, str) or not value:
            return self.refuse(value, path, report)
        mistake = pattern_mistake(value)
        if mistake:
            hint = "look-around and back-references are not supported"
            report.error(path, "E834", f"this pattern cannot be searched for: {mistake}", hint)
            return INVALID
        return value

    def _schema(self) -> dict[str, Any]:
        return {"type": "string", "minLength": 1}


_VALUES: Final = Either(((list, Items(_Value(), least=1)), (object, _Value())))
_FILTER: Final = Named(_VALUES, _PATH, "a place", _PATH_RULE)
_PLACES: Final = Either(((list, Items(_Place(), least=1)), (object, _Place())))


def _filter(decoded: Any) -> Filter:
    return {path: value if isinstance(value, tuple) else (value,) for path, value in decoded.items()}


def _build_rule(keys: dict[str, Any], path: Path, report: Report) -> Any:
    if "take" not in keys:
        return INVALID
    if "restart" in keys and not keys.get("join"):
        hint = "without 'join' the last text counts anyway"
        report.warning((*path, "restart"), "W821", "restart has no effect without join", hint, at_key=True)
    return Rule(
        take=keys["take"] if isinstance(keys["take"], tuple) else (keys["take"],),
        when=_filter(keys.get("when", {})),
        is_joined=keys.get("join", False),
        restart=_filter(keys.get("restart", {})),
        total=_TOTALS.get(keys.get("total", False), "session"),
        zero_is_unknown=keys.get("zero_is_unknown", False),
    )


class _ShortRule(Shape):
    """A rule that only says where."""

    def _decode(self, value: Any, path: Path, report: Report) -> Any:
        place = _Place().decode(value, path, report)
        return INVALID if place is INVALID else Rule(take=(place,))

    def _schema(self) -> dict[str, Any]:
        return _Place().schema()


def _rule(**more: Key) -> Shape:
    keys = {
        "take": Key(_PLACES, "Where the value is: a path, or a list of paths.", required=True),
        "when": Key(
            _FILTER, "Which objects are meant: path -> the value, or a list of values, that is there."
        ),
        **more,
    }
    return Either(((str, _ShortRule()), (object, Object("a rule", keys, _build_rule, may_be_empty=False))))


_TEXT: Final = _rule(
    join=Key(Flag(), "Pieces are put together; else the last text counts."),
    restart=Key(_FILTER, "With join: objects after which what was put together is forgotten."),
)
_AMOUNT: Final = _rule(
    total=Key(
        Either(((bool, Flag()), (object, Choice(("session",))))),
        "true: each number is the total of this call so far; session: of the whole session. Else all are added up.",
    ),
    zero_is_unknown=Key(Flag(), "0 is what the program says when it does not know."),
)


def _as_mapping(keys: dict[str, Any], _path: Path, _report: Report) -> FrozenDict:
    return FrozenDict(keys)


OUTPUT: Final = Object(
    "output",
    {
        "format": Key(Choice(("text", "json", "jsonl")), "What stdout is. Default: text."),
        "text": Key(_TEXT, "What the agent says: shown live, and the last of it is the answer."),
        "result": Key(_rule(), "The answer, where the program says it separately."),
        "session": Key(_rule(), "The id of the session."),
        "tokens": Key(_AMOUNT, "How many tokens were used; several places are added up."),
        "cost_usd": Key(_AMOUNT, "What it has cost, in US dollars."),
        "error": Key(_rule(), "Why the program has failed; where there is one, it has."),
        "tool": Key(_rule(), "What the agent is doing: shown live."),
    },
    _as_mapping,
)


def _build_message(keys: dict[str, Any], _path: Path, _report: Report) -> Any:
    if not {"pattern", "kind"} <= keys.keys():
        return INVALID
    return ErrorRule(pattern=keys["pattern"], kind=keys["kind"], in_output=keys.get("in_output", False))


_KIND: Final = Choice(tuple(KINDS))

ERRORS: Final = Object(
    "errors",
    {
        "exit": Key(Named(_KIND, _CODE, "an exit code", "a number"), "Exit code -> the kind of error."),
        "match": Key(
            Items(
                Object(
                    "a message",
                    {
                        "pattern": Key(_Pattern(), "A regular expression.", required=True),
                        "kind": Key(_KIND, "The kind of error.", required=True),
                        "in_output": Key(Flag(), "Also searched for in the end of stdout, and an error even with exit code 0."),
                    },
                    _build_message,
                    may_be_empty=False,
                )
            ),
            "Messages that mean a kind of error; the first that is found counts.",
        ),
    },
    _as_mapping,
)  # fmt: skip

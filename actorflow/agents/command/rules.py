"""Where in a program's JSON the things are that matter: small paths, small filters, nothing that computes.

A ``Rule`` picks values out of one JSON object: ``when`` says which objects it is about, ``take`` where the value
is. Paths are keys with dots between them, and numbers for the elements of a list. Pure, and total: what is not
there is not found, and nothing raises.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, TypeAlias

__all__ = ["NOT_THERE", "Filter", "JSONPath", "OutputRules", "Rule", "at_path", "fits"]

JSONPath: TypeAlias = str
"""``a.b.0``"""

Filter: TypeAlias = Mapping[JSONPath, tuple[Any, ...]]
"""path -> the values of which it must have one"""

NOT_THERE: Final = object()


def at_path(value: Any, path: JSONPath) -> Any:
    """Return what is at ``path``, or ``NOT_THERE``."""
    for step in path.split("."):
        if isinstance(value, dict):
            value = value.get(step, NOT_THERE)
        elif isinstance(value, list) and step.isdecimal() and len(step) < 9 and int(step) < len(value):
            value = value[int(step)]
        else:
            return NOT_THERE
    return value


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """Where one thing is.

    Attributes:
        take: one place, or several.
        when: which objects are meant; empty is all.
        is_joined: of text: pieces are put together; else the last one counts.
        restart: objects after which the collected text is forgotten, so that only what follows counts.
        total: of numbers: each is the total so far of this call of the program, or of the whole session, so the
            last one counts; "" adds them up.
        zero_is_unknown: of numbers: 0 is what the program says when it does not know.
    """

    take: tuple[JSONPath, ...]
    when: Filter = field(default_factory=dict)
    is_joined: bool = False
    restart: Filter = field(default_factory=dict)
    total: Literal["", "call", "session"] = ""
    zero_is_unknown: bool = False

    def values(self, thing: Any) -> Iterator[Any]:
        """Yield what is at the places of ``thing``, if the rule is about it; places that are empty give nothing."""
        if fits(self.when, thing):
            for path in self.take:
                value = at_path(thing, path)
                if value is not NOT_THERE and value is not None:
                    yield value


def fits(condition: Filter, thing: Any) -> bool:
    """Say whether ``thing`` has one of the wanted values at each path. True and 1 are two values."""
    return all(
        any(type(found) is type(value) and found == value for value in values)
        for path, values in condition.items()
        for found in (at_path(thing, path),)
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputRules:
    """What a program's stdout means.

    Attributes:
        format: ``text``: all of it is the answer. ``json``: one document. ``jsonl``: one object a line.
        text: what the agent says; shown live, and the last of it is the answer.
        result: the answer itself, where the program says it separately.
        session: the id of the session.
        tokens: how many were used.
        cost_usd: what it has cost.
        error: why it has failed. That there is one means that it has.
        tool: what it is doing; shown live.
    """

    format: Literal["text", "json", "jsonl"] = "text"
    text: Rule | None = None
    result: Rule | None = None
    session: Rule | None = None
    tokens: Rule | None = None
    cost_usd: Rule | None = None
    error: Rule | None = None
    tool: Rule | None = None

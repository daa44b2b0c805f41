"""The table of keys of a file of stubs.

Takes plain values with their paths and gives ``Stub``s; what needs the workflow (does the task exist, does
the output fit) is checked afterwards, in ``stub_checks``. The same table reads the ``stubs:`` of a test.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from actorflow.ids import TASK_ID
from actorflow.rehearsal.kinds import KINDS
from actorflow.rehearsal.stubs import Failing, Stub, Stubs
from actorflow.values import FrozenDict, freeze
from actorflow.workflow.report import Path, Report, spelled
from actorflow.workflow.shape_groups import Either, Items, Key, Named, Object
from actorflow.workflow.shapes import INVALID, Data, Duration, Flag, Integer, Shape, Text

__all__ = ["AGENT_NAME", "STUBS", "Amount", "Kind"]

AGENT_NAME = re.compile(r"\S(?:.{0,198}\S)?")
"""What an agent can be called."""

_KIND = re.compile(r"[a-z][a-z0-9_]*")


@dataclass(frozen=True)
class Amount(Shape):
    """A number that is 0 or more."""

    noun = "a number"

    def _decode(self, value: Any, path: Path, report: Report) -> Any:
        if isinstance(value, bool) or not isinstance(value, int | float):
            return self.refuse(value, path, report)
        if value < 0:
            report.error(path, "E605", f"{spelled(path)} must be 0 or more, not {value}")
            return INVALID
        return float(value)

    def _schema(self) -> dict[str, Any]:
        return {"type": "number", "minimum": 0}


@dataclass(frozen=True)
class Kind(Shape):
    """The kind of an error; its form only when it need not be a known one."""

    noun = "the kind of an error"
    is_open: bool = False

    def _decode(self, value: Any, path: Path, report: Report) -> Any:
        if not isinstance(value, str):
            return self.refuse(value, path, report)
        if value in KINDS or (self.is_open and _KIND.fullmatch(value)):
            return value
        return unknown_kind(value, path, report)

    def _schema(self) -> dict[str, Any]:
        return {"type": "string"} if self.is_open else {"enum": list(KINDS)}


def unknown_kind(kind: str, path: Path, report: Report) -> Any:
    """Report a kind that nobody knows."""
    near = report.suggestion(kind, KINDS)
    hint = near or f"known kinds: {', '.join(KINDS)}"
    own = "for a plug-in's own kind write {kind: …, retryable: true} (or false)"
    report.error(path, "E962", f"there is no kind of error '{kind[:80]}'", f"{hint}\n{own}")
    return INVALID


def _build_failing(keys: dict[str, Any], path: Path, report: Report) -> Any:
    kind = keys.get("kind")
    if kind is None:
        return INVALID
    if kind not in KINDS and "retryable" not in keys:
        return unknown_kind(kind, (*path, "kind"), report)
    return Failing(
        kind=kind,
        message=keys.get("message"),
        hint=keys.get("hint", ""),
        retryable=keys.get("retryable"),
        retry_after_seconds=keys.get("retry_after"),
    )


@dataclass(frozen=True)
class _Kind(Kind):
    """A failure of which only the kind is given."""

    def _decode(self, value: Any, path: Path, report: Report) -> Any:
        kind = super()._decode(value, path, report)
        return kind if kind is INVALID else Failing(kind=kind)


_FAILING = Object(
    "a failure",
    {
        "kind": Key(Kind(is_open=True), "The kind of the error.", required=True),
        "message": Key(Text(), "What the attempt says; something suitable by default."),
        "hint": Key(Text(may_be_blank=True), "What can be done about it."),
        "retryable": Key(Flag(), "Whether another attempt can help; as the kind has it by default."),
        "retry_after": Key(Duration(may_be_zero=True), "The earliest moment for another attempt."),
    },
    _build_failing,
    may_be_empty=False,
)


def _build_stub(keys: dict[str, Any], _path: Path, _report: Report) -> Stub:
    return Stub(
        has_output="output" in keys,
        output=keys.get("output"),
        fail=keys.get("fail"),
        delay_seconds=keys.get("delay"),
        cost_usd=keys.get("cost_usd"),
        tokens=keys.get("tokens"),
    )


_STUB = Object(
    "a stub",
    {
        "output": Key(Data(), "What a successful attempt gives. Made up by default."),
        "fail": Key(
            Items(Either(((str, _Kind()), (dict, _FAILING), (object, _Kind())))),
            "How the first attempts fail: a kind, or a mapping, for each. None by default.",
        ),
        "delay": Key(Duration(may_be_zero=True), 'How long an attempt takes: seconds, or "5m". Default: 0.'),
        "cost_usd": Key(Amount(), "What an attempt costs, however it ends. Unknown by default."),
        "tokens": Key(Integer(0), "How many tokens an attempt uses. Unknown by default."),
    },
    _build_stub,
)


def _build_stubs(keys: dict[str, Any], _path: Path, _report: Report) -> Stubs:
    return Stubs(
        tasks=keys.get("tasks", {}), agents=keys.get("agents", {}), defaults=keys.get("defaults", Stub())
    )


@dataclass(frozen=True)
class _Stubs(Object):
    """All stubs, with what they were read from."""

    def _decode(self, value: Any, path: Path, report: Report) -> Any:
        decoded = super()._decode(value, path, report)
        if not isinstance(decoded, Stubs):
            return decoded
        kept = {key: value[key] for key in self.keys if isinstance(value, Mapping) and value.get(key)}
        return Stubs(
            tasks=decoded.tasks,
            agents=decoded.agents,
            defaults=decoded.defaults,
            source=FrozenDict({key: freeze(block) for key, block in kept.items()}),
        )


STUBS = _Stubs(
    "a file of stubs",
    {
        "tasks": Key(
            Named(_STUB, TASK_ID, "a task", "it is the id of a task of the workflow"),
            "Task id -> what is played for it.",
        ),
        "agents": Key(
            Named(_STUB, AGENT_NAME, "an agent", "it is the name of an agent"),
            "Agent -> what is played for its tasks, where their own stubs leave it open.",
        ),
        "defaults": Key(_STUB, "What is played where neither the task's stub nor the agent's says it."),
    },
    _build_stubs,
)
"""A file of stubs; gives ``Stubs``."""

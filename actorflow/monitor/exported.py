"""Every event of a run as one line: for machines a JSON object of a versioned form, for people a sentence without grammar.

``events --json`` prints the objects; their form is a contract (docs/reference/machine-output.md). ``version``
grows when a key of the envelope changes its meaning; new types of events and new keys in ``data`` may come at
any time. Times are RFC 3339. Nothing is left out and nothing shortened in an object; a line for people is
short, and may hold characters that a terminal obeys: whoever prints it must escape it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, tzinfo
from typing import Any, Final

import msgspec

from actorflow.monitor.times import clock_text, rfc3339
from actorflow.state.events import Event, kind_of
from actorflow.state.recorded import Recorded
from actorflow.values import thaw

__all__ = ["EVENTS_VERSION", "event_line", "event_object", "task_of"]

EVENTS_VERSION: Final = 1
"""The version of the form of ``event_object``."""

_LONGEST_VALUE = 120
_LEFT_OUT = frozenset({"text", "values"})  # of a line for people: they are long, and other commands show them


def event_object(recorded: Recorded, *, run_id: str) -> dict[str, Any]:
    """Return an event as ``events --json`` gives it."""
    return {
        "version": EVENTS_VERSION,
        "run_id": run_id,
        "sequence": recorded.sequence,
        "at": rfc3339(recorded.at),
        "type": kind_of(recorded.event),
        "task": task_of(recorded.event),
        "data": {name: value for name, value in _fields(recorded.event).items() if name != "task"},
    }


def task_of(event: Event) -> str | None:
    """Return the task that an event is about, None when it is about the run."""
    task: str | None = getattr(event, "task", None)
    return task


def event_line(recorded: Recorded, zone: tzinfo = UTC) -> str:
    """Return an event on one line: its number, the time of day, its type, its task, and what else it holds."""
    event = recorded.event
    pairs = [f"{name}={_short(value)}" for name, value in _fields(event).items() if _is_told(name, value)]
    subject = task_of(event) or "run"
    return f"{recorded.sequence:>6}  {clock_text(recorded.at, zone)}  {kind_of(event):<18}  {subject}  {' '.join(pairs)}".rstrip()


def _is_told(name: str, value: object) -> bool:
    return name != "task" and name not in _LEFT_OUT and value not in (None, "", {}, [])


def _short(value: object) -> str:
    if isinstance(value, list) and len(value) > 4:
        return f"({len(value)})"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    text = f"{text[:_LONGEST_VALUE]}…" if len(text) > _LONGEST_VALUE else text
    return json.dumps(text, ensure_ascii=False) if isinstance(value, str) and " " in text else text


def _fields(record: msgspec.Struct) -> dict[str, Any]:
    """Return all fields of a record, those that have their default too; moments as text."""
    return {
        name: _moment(value) if name.endswith("_at") else _plain(value)
        for name, value in msgspec.structs.asdict(record).items()
    }


def _moment(value: float | None) -> str | None:
    return None if value is None else rfc3339(value)


def _plain(value: Any) -> Any:
    if isinstance(value, msgspec.Struct):
        return _fields(value)
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    if isinstance(value, Mapping):
        return thaw(value)
    return value.value if hasattr(value, "value") else value

"""Read models of a run: what people and machines are told, folded from events. Pure: time and outputs come in as arguments.

Names are loaded on first use.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from actorflow.monitor.feed import RecordedEvent as RecordedEvent
    from actorflow.monitor.feed import Said as Said
    from actorflow.monitor.feed import UpdateOfRun as UpdateOfRun
    from actorflow.monitor.limits import attempt_limits as attempt_limits
    from actorflow.monitor.lines import line_for as line_for
    from actorflow.monitor.lines import lines_for as lines_for
    from actorflow.monitor.order import order_of as order_of
    from actorflow.monitor.progress import Board as Board
    from actorflow.monitor.progress import Overview as Overview
    from actorflow.monitor.progress import TaskLine as TaskLine
    from actorflow.monitor.progress import task_line as task_line
    from actorflow.monitor.report import run_report as run_report

_MODULES = {
    "Board": "progress",
    "Overview": "progress",
    "RecordedEvent": "feed",
    "Said": "feed",
    "TaskLine": "progress",
    "UpdateOfRun": "feed",
    "attempt_limits": "limits",
    "line_for": "lines",
    "lines_for": "lines",
    "order_of": "order",
    "run_report": "report",
    "task_line": "progress",
}

__all__ = [
    "Board",
    "Overview",
    "RecordedEvent",
    "Said",
    "TaskLine",
    "UpdateOfRun",
    "attempt_limits",
    "line_for",
    "lines_for",
    "order_of",
    "run_report",
    "task_line",
]


def __getattr__(name: str) -> object:
    try:
        module = import_module(f"{__name__}.{_MODULES[name]}")
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
    value: object = getattr(module, name)
    globals()[name] = value
    return value

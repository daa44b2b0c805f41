"""Read models of a run: what people and machines are told, folded from events. Pure: time and outputs come in as arguments."""

from __future__ import annotations

from actorflow.monitor.feed import RecordedEvent, Said, UpdateOfRun
from actorflow.monitor.limits import attempt_limits
from actorflow.monitor.lines import line_for, lines_for
from actorflow.monitor.order import order_of
from actorflow.monitor.progress import Board, Overview, TaskLine, task_line
from actorflow.monitor.report import run_report

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

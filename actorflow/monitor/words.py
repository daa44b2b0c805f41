"""The words for states, reasons and failures that people read, in one place.

Takes states and gives short plain text on one line, without a final stop. Text from agents goes through
unchanged apart from line breaks: whoever shows it must escape it. Must not colour or align anything.
"""

from __future__ import annotations

from actorflow.state.events import Failure
from actorflow.state.run_state import LIVE, TaskState
from actorflow.state.status import SkipReason

__all__ = ["attempt_text", "failure_text", "first_line", "mode_mark", "phase_of", "skip_text"]

_SKIPPED = {
    SkipReason.CONDITION_FALSE: "its condition is false",
    SkipReason.UPSTREAM_FAILED: "a task before it failed",
    SkipReason.UPSTREAM_SKIPPED: "everything before it was skipped",
    SkipReason.TOLERATED_FAILURE: "it failed, which is tolerated",
    SkipReason.WORKFLOW_STOPPED: "the workflow stopped at a failure",
}


def mode_mark(mode: str | None) -> str:
    """Return what is put behind the name of a run that called no agents: `` (rehearsal)``; "" for others."""
    return "" if mode in (None, LIVE) else f" ({mode})"


def phase_of(task: TaskState) -> str:
    """Return the state of a task, or its sub-state while it is between attempts: ``running``, ``retry_wait``."""
    return task.status.value if task.waiting is None else task.waiting.value


def skip_text(reason: SkipReason | None) -> str:
    """Say why a task was skipped."""
    return "" if reason is None else _SKIPPED[reason]


def failure_text(failure: Failure | None) -> str:
    """Return the first line of a failure's message."""
    return "" if failure is None else first_line(failure.message) or failure.kind.replace("_", " ")


def first_line(text: str) -> str:
    """Return the first line of ``text`` that is not blank, without surrounding space."""
    for line in text.splitlines():
        if line.strip():
            return line.strip()
    return ""


def attempt_text(attempt: int, limit: int | None) -> str:
    """Return ``2 of 3``, or ``2`` when the limit is not known."""
    return str(attempt) if limit is None else f"{attempt} of {max(attempt, limit)}"

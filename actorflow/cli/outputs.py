"""The JSON report of a run with its large outputs put in.

A large output that is missing or damaged does not hide the rest of the report: a reference stands in its
place, and stderr says what is wrong.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from actorflow import api
from actorflow.cli.streams import say
from actorflow.errors import JournalError
from actorflow.ids import TaskId
from actorflow.monitor.report import blob_reference, run_report
from actorflow.state.events import BlobRef
from actorflow.values import JSONValue
from actorflow.views.escape import escape_lines

__all__ = ["report_of"]


def report_of(seen: api.Inspection | api.Glance, *, order: Sequence[TaskId], status: str) -> dict[str, Any]:
    """Return the report of a run.

    Args:
        order: all tasks as the workflow declares them.
        status: the run's status in words, or "" for what its state says.
    """

    def load(ref: BlobRef) -> JSONValue:
        try:
            return seen.output(ref)
        except JournalError as error:
            say(escape_lines(f"warning: {error}"), to_stderr=True)
            return blob_reference(ref)

    report = run_report(seen.state, now=time.time(), order=order, status=status, load=load)
    outliving = seen.outliving() if isinstance(seen, api.Glance) else ()
    report["outliving"] = [
        {
            "task": found.task,
            "attempt": found.attempt,
            "finished": found.has_finished,
            "pid": found.pid or None,
        }
        for found in outliving
    ]
    return report

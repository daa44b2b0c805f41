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
from actorflow.journal import Driver
from actorflow.monitor.report import blob_reference, run_report
from actorflow.monitor.times import rfc3339
from actorflow.state.events import BlobRef
from actorflow.values import JSONValue
from actorflow.views.escape import escape_lines

__all__ = ["report_of"]


def report_of(
    seen: api.Inspection | api.Glance, *, order: Sequence[TaskId], is_over: bool = False
) -> dict[str, Any]:
    """Return the report of a run.

    Args:
        order: all tasks as the workflow declares them.
        is_over: whether this process has just driven it: then its state alone says how it stands.
    """
    outputs = seen.outputs(order) if isinstance(seen, api.Glance) else None

    def load(ref: BlobRef) -> JSONValue:
        try:
            return seen.output(ref)
        except JournalError as error:
            say(escape_lines(f"warning: {error}"), to_stderr=True)
            return blob_reference(ref)

    standing = seen.standing
    status = "" if is_over else standing.status
    report = run_report(seen.state, now=time.time(), order=order, status=status, load=load, outputs=outputs)
    report["silent_since"] = None if standing.silent_since is None else rfc3339(standing.silent_since)
    report["driver"] = _driver(seen.driver)
    report["folder"] = str(seen.folder)
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


def _driver(driver: Driver | None) -> dict[str, Any] | None:
    """Say who drives the run; None when nobody does."""
    if driver is None:
        return None
    since = rfc3339(driver.acquired_at / 1_000_000) if driver.acquired_at else None
    return {"pid": driver.pid or None, "host": driver.host or None, "since": since}

"""What runs of one workflow have in common: ``stats`` over all of them, ``estimate`` from the latest.

Reads each run that counts; those that cannot be read are named by ``stats`` and left out.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from itertools import islice

from actorflow.api.listing import Wanted, history
from actorflow.api.looking import inspect
from actorflow.errors import InputError, JournalError, RunError
from actorflow.ids import RunId
from actorflow.journal import RunStore
from actorflow.monitor.estimate import Estimate, estimate_of
from actorflow.monitor.stats import RunFigures, WorkflowStats, figures_of, stats_of
from actorflow.settings import Settings
from actorflow.state import LIVE, RunStatus

__all__ = ["Statistics", "estimate", "stats"]

_LOOKED_AT = 200  # runs of any workflow
_COUNTED = 10
_MOST_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Statistics:
    """The statistics of a workflow, and the runs of which nothing is known: id -> what is wrong with them."""

    figures: WorkflowStats
    unreadable: dict[str, str]


def stats(workflow: str, *, settings: Settings, last: int | None = None) -> Statistics:
    """Count over the runs of a workflow; rehearsals say nothing about agents and are left out.

    Args:
        workflow: its name.
        last: only so many, the newest ones.

    Raises:
        InputError: no run of that workflow is there.
        JournalError: the state folder cannot be read.
    """
    runs: list[RunFigures] = []
    unreadable: dict[str, str] = {}
    for run in history(settings=settings, wanted=Wanted(workflow=workflow, mode=LIVE)):
        if last is not None and len(runs) >= last:
            break
        try:
            seen = inspect(run.run_id, settings=settings)
        except (JournalError, RunError) as error:
            unreadable[run.run_id] = error.message
            continue
        runs.append(figures_of(seen.events, seen.state, status=seen.standing.status))
    if not runs and not unreadable:
        raise InputError(f"there is no run of a workflow {workflow!r}", hint=_known(workflow, settings))
    return Statistics(stats_of(workflow, runs), unreadable)


def estimate(workflow: str, *, settings: Settings, leave_out: str = "") -> Estimate | None:
    """Return what the latest successful runs of a workflow let one expect; None when there are none.

    Reads a few runs at most and none that is huge, so that it takes a moment even where there are thousands.

    Args:
        leave_out: the id of a run that does not count, being the one that is asked for.

    Raises:
        JournalError: the state folder cannot be read.
    """
    runs: list[RunFigures] = []
    for run in islice(history(settings=settings), _LOOKED_AT):  # rehearsals take as long as their stubs say
        if (run.workflow, run.status, run.mode) != (
            workflow,
            RunStatus.SUCCESS,
            "live",
        ) or run.run_id == leave_out:
            continue
        try:
            if _size_of(run.run_id, settings) <= _MOST_BYTES:
                seen = inspect(run.run_id, settings=settings)
                runs.append(figures_of(seen.events, seen.state))
        except (JournalError, RunError):
            continue
        if len(runs) >= _COUNTED:
            break
    return estimate_of(stats_of(workflow, runs)) if runs else None


def _size_of(run_id: str, settings: Settings) -> int:
    try:
        return RunStore(settings.state_dir).open(RunId(run_id)).journal.stat().st_size
    except OSError:
        return _MOST_BYTES + 1


def _known(workflow: str, settings: Settings) -> str:
    runs = list(history(settings=settings))
    if any(run.workflow == workflow for run in runs):
        return "there are rehearsals of it, which are not counted"
    names = sorted({run.workflow for run in runs if run.workflow is not None})
    if not names:
        return f"there are no runs in {settings.state_dir}"
    close = difflib.get_close_matches(workflow, names, n=1)
    return f"did you mean {close[0]!r}?" if close else f"there are runs of: {', '.join(names[:10])}"

"""``stats``: what all runs of one workflow have in common. Reads every one of them; those that cannot be read are named and left out."""

from __future__ import annotations

import difflib
from dataclasses import dataclass

from actorflow.api.listing import Wanted, history
from actorflow.api.looking import inspect
from actorflow.errors import InputError, JournalError, RunError
from actorflow.monitor.stats import RunFigures, WorkflowStats, figures_of, stats_of
from actorflow.settings import Settings
from actorflow.state import LIVE

__all__ = ["Statistics", "stats"]


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
        runs.append(figures_of(seen.events, seen.state, status=seen.status_word))
    if not runs and not unreadable:
        raise InputError(f"there is no run of a workflow {workflow!r}", hint=_known(workflow, settings))
    return Statistics(stats_of(workflow, runs), unreadable)


def _known(workflow: str, settings: Settings) -> str:
    runs = list(history(settings=settings))
    if any(run.workflow == workflow for run in runs):
        return "there are rehearsals of it, which are not counted"
    names = sorted({run.workflow for run in runs if run.workflow is not None})
    if not names:
        return f"there are no runs in {settings.state_dir}"
    close = difflib.get_close_matches(workflow, names, n=1)
    return f"did you mean {close[0]!r}?" if close else f"there are runs of: {', '.join(names[:10])}"

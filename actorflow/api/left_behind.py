"""What a driver that is gone has left behind: attempts that still run, that have finished, and that are lost.

Takes a run's folder and state, and looks at the processes that outlive their driver; gives what there is to
tell. Looks only. Nothing is looked at while the run is driven.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from actorflow.ids import RunId, TaskId
from actorflow.journal import Driver
from actorflow.state import RunState

if TYPE_CHECKING:
    from actorflow.engine.outliving import Outliving
    from actorflow.monitor.open_ends import OpenEnd

__all__ = ["ends_left", "outliving_of"]


def outliving_of(
    folder: Path, run_id: RunId, state: RunState, driver: Driver | None
) -> tuple[Outliving, ...]:
    """Return the attempts that have outlived the driver; none while one drives."""
    if driver is not None or not any(task.is_attempt_open for task in state.tasks.values()):
        return ()
    from actorflow.engine.outliving import look_for_outliving  # few runs have been left by a driver

    return tuple(look_for_outliving(folder, run_id, state).values())


def ends_left(
    folder: Path,
    run_id: RunId,
    state: RunState,
    driver: Driver | None,
    *,
    now: float,
    outliving: Iterable[Outliving] | None = None,
) -> dict[TaskId, OpenEnd]:
    """Return what the open attempts have come to of a run that nobody drives; of others nothing.

    Args:
        now: Unix seconds.
        outliving: what ``outliving_of`` gave, when that is known already.
    """
    if driver is not None or not any(task.is_attempt_open for task in state.tasks.values()):
        return {}
    from actorflow.monitor.open_ends import open_ends

    found = outliving_of(folder, run_id, state, driver) if outliving is None else outliving
    return open_ends(state, {left.task: left.ended_at for left in found}, now=now)

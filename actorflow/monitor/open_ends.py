"""What the open attempts of a run that nobody drives have come to, for pictures: the journal only says that they began.

Takes the state and what was found to have outlived the driver; gives, for each task with an open attempt, the state in
which it is drawn, what is said of it, and until when it is known to have worked. Pure: what outlives is an argument.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from actorflow.ids import TaskId
from actorflow.state.run_state import RunState
from actorflow.state.task_transitions import ended_between

__all__ = ["OpenEnd", "open_ends"]


class OpenEnd(msgspec.Struct, frozen=True):
    """The end, up to now, of an attempt that has lost its driver.

    Attributes:
        phase: ``running`` while it works, ``waiting`` when its result waits to be taken, ``lost`` otherwise.
        words: what is said of it.
        prospect: what a resume does with it.
        until: Unix seconds; until then it is known to have worked.
    """

    phase: Literal["running", "waiting", "lost"]
    words: str
    prospect: str
    until: float

    @property
    def came_to(self) -> Literal["running", "finished", "lost"]:
        """What has become of the attempt, in a word for machines."""
        return "finished" if self.phase == "waiting" else self.phase


def open_ends(
    state: RunState, outliving: Mapping[TaskId, float | None], *, now: float
) -> dict[TaskId, OpenEnd]:
    """Return task -> what its open attempt has come to, of a run that nobody drives.

    Args:
        outliving: of what has outlived the driver, task -> when it ended, Unix seconds; None while it runs.
        now: Unix seconds.
    """
    found = {}
    for task in state.tasks.values():
        if not task.is_attempt_open:
            continue
        if task.id not in outliving:
            found[task.id] = OpenEnd("lost", "interrupted", "a resume runs it again", state.updated_at)
        elif (ended_at := outliving[task.id]) is None:
            found[task.id] = OpenEnd("running", "running without a driver", "a resume waits for it", now)
        else:  # as a resume will record it: that moment is the time of a file, and clocks are set
            until = ended_between(task.attempt_started_at, ended_at, now)
            found[task.id] = OpenEnd(
                "waiting", "finished without a driver", "a resume takes its result", until
            )
    return found

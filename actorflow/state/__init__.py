"""What a run is: events, the state folded from them, and the context snapshots that expressions see. Pure."""

from __future__ import annotations

from actorflow.state.recorded import Recorded
from actorflow.state.run_state import EMPTY, LIVE, REHEARSAL, RunState, TaskState
from actorflow.state.status import AttemptStatus, RunStatus, SkipReason, SubState, TaskStatus
from actorflow.state.transitions import IllegalTransition, apply, fold

__all__ = [
    "EMPTY",
    "LIVE",
    "REHEARSAL",
    "AttemptStatus",
    "IllegalTransition",
    "Recorded",
    "RunState",
    "RunStatus",
    "SkipReason",
    "SubState",
    "TaskState",
    "TaskStatus",
    "apply",
    "fold",
]

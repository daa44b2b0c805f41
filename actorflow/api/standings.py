"""How the dependencies of a task stand, in the words of ``explain``.

Takes states; gives the fact about a dependency that a rule counted. Needs neither the
workflow's text nor the language of expressions, and must not import them: ``explain RUN`` answers without.
"""

from __future__ import annotations

from actorflow.monitor.explanation import Counting, DependencyFact
from actorflow.monitor.words import phase_of
from actorflow.state import TaskState
from actorflow.state.counting import Standing, standing

__all__ = ["dependency_fact"]

_COUNTING: dict[Standing, Counting] = {
    Standing.OK: "ok",
    Standing.FAILED: "failed",
    Standing.STOPPED: "stopped",
    Standing.SKIPPED: "skipped",
}


def dependency_fact(task: TaskState, *, is_overruled: bool = False) -> DependencyFact:
    """Say how a dependency stands and how the rules count it."""
    counts_as: Counting = _COUNTING[standing(task)] if task.status.is_terminal else "unfinished"
    reason = None if task.reason is None else task.reason.value
    return DependencyFact(task.id, phase_of(task), reason, counts_as, is_overruled)

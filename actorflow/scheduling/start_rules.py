"""Trigger rules: which states of its direct dependencies let a task start.

The words are Airflow's; how each dependency counts is in ``state.counting``. Pure tables; the condition of a
task is evaluated elsewhere, and only when its rule lets it start.
"""

from __future__ import annotations

from collections.abc import Iterable

from actorflow.state.counting import Standing, standing
from actorflow.state.run_state import TaskState
from actorflow.state.status import SkipReason
from actorflow.workflow.model import RunIf
from actorflow.workflow.plan import StartRule

__all__ = ["blocked_by_rule"]


def blocked_by_rule(rule: StartRule, dependencies: Iterable[TaskState]) -> SkipReason | None:
    """Return why the rule keeps a task from starting, or None when it may start.

    Args:
        dependencies: its direct dependencies, all of them done.
    """
    tasks = tuple(dependencies)
    if not tasks:
        return None
    if rule.run_if is not None:
        return _blocked(rule.run_if, {standing(task) for task in tasks})
    standings = {standing(task) for task in tasks if task.id not in rule.overruled}
    return _blocked(RunIf.NONE_FAILED_MIN_ONE_SUCCESS if rule.needs_success else RunIf.NONE_FAILED, standings)


def _blocked(rule: RunIf, among: set[Standing]) -> SkipReason | None:
    """Look up the rule; which standings are ``among`` the dependencies is all that any rule asks."""
    match rule:
        case RunIf.ALWAYS | RunIf.ALL_DONE:
            return None
        case RunIf.ALL_SUCCESS:
            return None if among == {Standing.OK} else _for_want_of_success(among)
        case RunIf.ONE_SUCCESS:
            return None if Standing.OK in among else _for_want_of_success(among)
        case RunIf.NONE_FAILED:
            return SkipReason.UPSTREAM_FAILED if Standing.FAILED in among else None
        case RunIf.NONE_FAILED_MIN_ONE_SUCCESS:
            is_met = Standing.OK in among and Standing.FAILED not in among
            return None if is_met else _for_want_of_success(among)
        case RunIf.ALL_FAILED:
            return None if among == {Standing.FAILED} else SkipReason.CONDITION_FALSE
        case _:  # ONE_FAILED
            return None if Standing.FAILED in among else SkipReason.CONDITION_FALSE


def _for_want_of_success(among: set[Standing]) -> SkipReason:
    if Standing.FAILED in among:
        return SkipReason.UPSTREAM_FAILED
    return SkipReason.WORKFLOW_STOPPED if Standing.STOPPED in among else SkipReason.UPSTREAM_SKIPPED

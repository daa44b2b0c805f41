"""Which states of its dependencies let a task start: read from its ``run_if`` and its condition.

The author decides: a condition that reads ``.status``, ``.reason`` or ``.error`` of a direct dependency
replaces the default rule for that dependency, one that calls ``success()``, ``failure()`` or ``always()``
replaces it for all. Known statically, so that ``explain`` can show it. The table of rules and states itself
is ``scheduling``'s.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from actorflow.ids import TaskId
from actorflow.workflow.model import RunIf
from actorflow.workflow.plan import StartRule

if TYPE_CHECKING:
    from actorflow import expressions as ex

__all__ = ["STATUS_FIELDS", "start_rule", "status_reads"]

STATUS_FIELDS = frozenset({"status", "reason", "error"})
"""Fields of a task that say how it ended."""

_ACCEPT_FAILURE = frozenset(
    {RunIf.ALL_FAILED, RunIf.ALL_DONE, RunIf.ONE_SUCCESS, RunIf.ONE_FAILED, RunIf.ALWAYS}
)

_DEFAULT = StartRule()


def start_rule(
    run_if: RunIf | None, condition: ex.Expression | None, dependencies: Sequence[TaskId]
) -> StartRule:
    """Return the rule of a task.

    Args:
        condition: compiled; None when there is none or it is a literal.
        dependencies: the direct ones; only they count.
    """
    if run_if is not None:
        return StartRule(run_if=run_if, needs_success=False, handles_failure=run_if in _ACCEPT_FAILURE)
    if condition is None:
        return _DEFAULT
    from actorflow.workflow.environment import STATUS_FUNCTIONS  # loads the language, as the condition has

    functions = STATUS_FUNCTIONS.intersection(condition.functions)
    read = status_reads(condition) & frozenset(dependencies)
    if not functions and not read:
        return _DEFAULT
    overruled = frozenset(dependencies) if functions else read
    return StartRule(
        overruled=overruled, needs_success=False, handles_failure=bool(read) or functions != {"success"}
    )


def status_reads(expression: ex.Expression) -> frozenset[TaskId]:
    """Return the names whose ``.status``, ``.reason`` or ``.error`` an expression reads (of tasks, as far as they are some)."""
    read: set[TaskId] = set()
    for reference in expression.references:
        path = (reference.root, *reference.path)
        if path[0] == "tasks":
            path = path[1:]
        if len(path) > 1 and isinstance(path[0], str) and path[1] in STATUS_FIELDS:
            read.add(TaskId(path[0]))
    return frozenset(read)

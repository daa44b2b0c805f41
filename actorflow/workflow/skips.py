"""Which tasks may be skipped, and which are sure to have succeeded when another one runs.

Behind the warning for an output that may not be there. Takes the tasks of a workflow and their start rules;
says, for a reader and a producer, whether the reader can run although the producer gave no output. Errs on
the side of silence only where a rule makes it sure; one pass in topological order, over bit sets of the tasks
that can be skipped at all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import reduce
from operator import and_, or_

from actorflow.ids import TaskId
from actorflow.workflow.graph import topological_order
from actorflow.workflow.model import OnTaskFailure, RunIf, TaskSpec
from actorflow.workflow.plan import StartRule

__all__ = ["Skips"]

_NEEDS_ALL = frozenset({RunIf.ALL_SUCCESS})
_NEEDS_ONE = frozenset({RunIf.ONE_SUCCESS, RunIf.NONE_FAILED_MIN_ONE_SUCCESS})


class Skips:
    """What can be known of skipping before a workflow runs.

    Args:
        tasks: the tasks of the workflow, without hooks.
        rules: task id -> its start rule.
    """

    def __init__(self, tasks: Sequence[TaskSpec], rules: Mapping[TaskId, StartRule]) -> None:
        self._specs = {spec.id: spec for spec in tasks}
        self._rules = rules
        self._order = topological_order({spec.id: spec.dependencies for spec in tasks})
        self._absent = self._find_absent()
        self._sure: dict[TaskId, int] | None = None
        self._bits: dict[TaskId, int] = {}

    def may_be_missing(self, reader: TaskId, producer: TaskId) -> str:
        """Say why ``producer`` may have no output when ``reader`` runs, or "" when it is sure to have one."""
        spec = self._specs[producer]
        if not self._absent.get(producer) and producer not in self._rules[reader].overruled:
            return ""
        if self._sure is None:
            self._bits = {
                task: 1 << i for i, task in enumerate(t for t, absent in self._absent.items() if absent)
            }
            self._sure = self._find_sure()
        if self._sure.get(reader, 0) & self._bits.get(producer, 0):
            return ""
        if spec.on_failure is OnTaskFailure.SKIP:
            return "its failure is tolerated"
        return "it may be skipped" if self._absent.get(producer) else "it may have failed"

    def _find_absent(self) -> dict[TaskId, bool]:
        """Return, for each task, whether it may end without an output in a run that goes on."""
        skippable: dict[TaskId, bool] = {}
        for task in self._order:
            skippable[task] = self._may_be_skipped(task, skippable)
        return {
            t: skipped or self._specs[t].on_failure is OnTaskFailure.SKIP for t, skipped in skippable.items()
        }

    def _may_be_skipped(self, task: TaskId, skippable: Mapping[TaskId, bool]) -> bool:
        spec, rule = self._specs[task], self._rules[task]
        if spec.condition is not None and spec.condition is not True:
            return True
        before = [skippable[d] for d in spec.dependencies if d in skippable]
        match rule.run_if:
            case RunIf.ALWAYS | RunIf.ALL_DONE | RunIf.NONE_FAILED:
                return False
            case RunIf.ALL_FAILED | RunIf.ONE_FAILED:
                return True
            case RunIf.ALL_SUCCESS:
                return any(before)
        return bool(before) and all(before)

    def _find_sure(self) -> dict[TaskId, int]:
        """Return, for each task, which of the tasks that may be absent have surely succeeded when it runs."""
        sure: dict[TaskId, int] = {}
        for task in self._order:
            sure[task] = self._surely_before(task, sure)
        return sure

    def _surely_before(self, task: TaskId, sure: Mapping[TaskId, int]) -> int:
        rule = self._rules[task]
        behind = [
            (dependency, sure[dependency] | self._own_bit(dependency))
            for dependency in self._specs[task].dependencies
            if dependency in sure and dependency not in rule.overruled
        ]
        if not behind or (rule.run_if is not None and rule.run_if not in _NEEDS_ALL | _NEEDS_ONE):
            return 0
        if rule.run_if in _NEEDS_ALL:
            return reduce(or_, (bits for _, bits in behind))
        always = reduce(or_, (bits for task_id, bits in behind if not self._skipped(task_id)), 0)
        if rule.run_if is None and not rule.needs_success:
            return always
        return always | reduce(and_, (bits for _, bits in behind))

    def _own_bit(self, task: TaskId) -> int:
        return 0 if self._specs[task].on_failure is OnTaskFailure.SKIP else self._bits.get(task, 0)

    def _skipped(self, task: TaskId) -> bool:
        """Whether the task may be skipped without having run."""
        return self._absent[task] and self._may_be_skipped(task, self._absent)

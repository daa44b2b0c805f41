"""What the spec of a run says of when a task starts: its rule, its condition, the slots that it takes.

Takes the run's first event and gives a task's start rule and compiled condition, without compiling the others.
The entries of the event say all of it; in journals that are older than these, the workflow's text is read
(``pinned_text``). It was valid when the run began, so that nothing is checked again here. The language of
expressions is loaded for a task that has a condition, and YAML for an older journal, and not before.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING

import msgspec

from actorflow.ids import TaskId
from actorflow.state.events import Capacity, RunAccepted, TaskEntry
from actorflow.workflow.model import RunIf
from actorflow.workflow.plan import StartRule
from actorflow.workflow.start_rule import start_rule

if TYPE_CHECKING:
    from actorflow.api.pinned_text import PinnedText
    from actorflow.expressions import Expression

__all__ = ["PinnedSpec", "PinnedTask"]


class PinnedTask(msgspec.Struct, frozen=True):
    """What decides whether a task starts.

    Attributes:
        condition: None when there is none.
        reads: the tasks whose records the condition reads.
        resources: pool -> how many of it an attempt takes.
    """

    rule: StartRule
    condition: Expression | None
    reads: frozenset[TaskId]
    resources: Mapping[str, int]


class PinnedSpec:
    """The spec of one run.

    Args:
        entries: task -> its entry in ``accepted``.
    """

    def __init__(self, accepted: RunAccepted, entries: Mapping[TaskId, TaskEntry]) -> None:
        self._accepted = accepted
        self._entries = entries

    @cached_property
    def capacity(self) -> Capacity:
        """How many attempts may run at once, and the sizes of the pools, as the workflow says."""
        return self._accepted.capacity or self._text.capacity

    def task(self, task: TaskId) -> PinnedTask | None:
        """Return what is said of a task; None when it cannot be read any more."""
        is_said = self._accepted.capacity is not None
        entry = self._entries.get(task) if is_said else self._text.entry(task)
        if entry is None:
            return None
        condition, reads = self._condition(entry.condition)
        run_if = RunIf(entry.run_if) if entry.run_if else None
        return PinnedTask(
            start_rule(run_if, condition, entry.dependencies), condition, reads, entry.resources
        )

    @cached_property
    def _text(self) -> PinnedText:
        from actorflow.api.pinned_text import PinnedText

        return PinnedText(self._accepted)

    def _condition(self, source: str) -> tuple[Expression | None, frozenset[TaskId]]:
        if not source:
            return None, frozenset()
        from actorflow.workflow.templates import TemplateCompiler

        compiler = TemplateCompiler(self._entries)
        condition = compiler.expression(source)
        return condition, compiler.reads(condition)

"""The spec of a run whose journal does not say in its entries when a task starts: read from the text that it keeps.

Journals have said it since there is ``Capacity``; older ones are read for ever. Takes the run's first event;
gives entries with what the workflow says, one at a time, because decoding all of ten thousand takes a second.
The text was valid when the run began; nothing is checked.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

from actorflow.api.pinning import capacity_of, entry_of
from actorflow.ids import TaskId
from actorflow.state.events import Capacity, RunAccepted, TaskEntry
from actorflow.workflow import ReadLimits
from actorflow.workflow.decode import decode_workflow
from actorflow.workflow.document import read_document
from actorflow.workflow.model import HookPhase, Settings
from actorflow.workflow.report import Report

__all__ = ["PinnedText"]


class PinnedText:
    """The workflow of one run, read but not compiled."""

    def __init__(self, accepted: RunAccepted) -> None:
        self._accepted = accepted

    @cached_property
    def capacity(self) -> Capacity:
        """What the settings of the workflow say."""
        kept = {key: self._value[key] for key in ("name", "settings") if key in self._value}
        draft = decode_workflow({**kept, "tasks": []}, Report())
        return capacity_of(Settings() if draft is None else draft.workflow.settings)

    def entry(self, task: TaskId) -> TaskEntry | None:
        """Return an entry with what the workflow says of a task; None when it cannot be read any more."""
        raw = self._raw.get(task)
        draft = None if raw is None else decode_workflow({"name": "one task", **raw}, Report())
        specs = () if draft is None else (*draft.workflow.tasks, *draft.workflow.hooks)
        return entry_of(specs[0]) if specs else None

    @cached_property
    def _value(self) -> dict[str, Any]:
        document = read_document(self._accepted.text.encode(), file=self._accepted.file, limits=ReadLimits())
        return document.value if isinstance(document.value, dict) else {}

    @cached_property
    def _raw(self) -> dict[str, dict[str, Any]]:
        """Task -> a document that holds only this task."""
        return dict(self._documents())

    def _documents(self) -> Iterator[tuple[str, dict[str, Any]]]:
        for task in _tasks_in(self._value.get("tasks")):
            yield task["id"], {"tasks": [task]}
        hooks = self._value.get("hooks")
        if not isinstance(hooks, dict):
            return
        for phase in HookPhase:
            for task in _tasks_in(hooks.get(phase.value)):
                yield task["id"], {"tasks": [], "hooks": {phase.value: [task]}}


def _tasks_in(value: object) -> Iterator[dict[str, Any]]:
    for task in value if isinstance(value, list) else ():
        if isinstance(task, dict) and isinstance(task.get("id"), str):
            yield task

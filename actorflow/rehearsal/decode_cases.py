"""The table of keys of a file of tests.

Takes plain values with their paths and gives a ``CaseFile``; what needs the workflow is checked afterwards,
in ``case_checks``.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from actorflow.ids import TASK_ID
from actorflow.rehearsal.cases import Case, CaseFile, Expected, ExpectedTask, Range
from actorflow.rehearsal.decode_stubs import STUBS, Amount
from actorflow.rehearsal.stubs import Stubs
from actorflow.state.status import RunStatus, SkipReason, TaskStatus
from actorflow.values import FrozenDict
from actorflow.workflow.report import Path, Report
from actorflow.workflow.shape_groups import Either, Items, Key, Named, Object
from actorflow.workflow.shapes import INVALID, Choice, Data, Duration, Integer, Shape, Text

__all__ = ["CASES"]

_RUN_STATES = (
    *(status.value for status in RunStatus if status.is_terminal),
    RunStatus.PAUSED.value,  # a budget is used up
)
_TASK_STATES = (
    *(status.value for status in TaskStatus if status.is_terminal),
    TaskStatus.PENDING.value,  # a hook that did not come round, or what a paused run has left
)
_REASONS = tuple(reason.value for reason in SkipReason)


def _range(number: Shape, what: str) -> Shape:
    """Return a shape that takes a number or ``{least, most}``."""

    @dataclass(frozen=True)
    class _Exactly(Shape):
        def _decode(self, value: Any, path: Path, report: Report) -> Any:
            decoded = number.decode(value, path, report)
            return decoded if decoded is INVALID else Range(decoded, decoded)

        def _schema(self) -> dict[str, Any]:
            return number.schema()

    def build(keys: dict[str, Any], path: Path, report: Report) -> Any:
        found = Range(keys.get("least"), keys.get("most"))
        if found == Range():
            report.error(path, "E607", f"{what} says neither least nor most")
            return INVALID
        return found

    limits = Object(
        what,
        {"least": Key(number, "It is at least this."), "most": Key(number, "It is at most this.")},
        build,
        may_be_empty=False,
    )
    return Either(((dict, limits), (object, _Exactly())))


_SECONDS = _range(Duration(may_be_zero=True), "a duration")


def _build_task(keys: dict[str, Any], _path: Path, _report: Report) -> ExpectedTask:
    return ExpectedTask(has_output="output" in keys, **keys)


_TASK = Object(
    "what is expected of a task",
    {
        "status": Key(Choice(_TASK_STATES), "How it ends."),
        "reason": Key(Choice(_REASONS), "Why it is skipped."),
        "error": Key(Text(is_line=True), "The kind of its error."),
        "message": Key(Text(), "Part of the message of its error."),
        "attempts": Key(Integer(0), "How many attempts were begun."),
        "agent": Key(Text(is_line=True), "Who made its latest attempt."),
        "output": Key(Data(), "Its output; of mappings only the keys that are given count."),
        "parameters": Key(
            Data(is_mapping=True),
            "Rendered parameters of its latest attempt: a text is part of the parameter's text, a list of texts are several parts.",
        ),
        "handoff": Key(Items(Text(is_line=True)), "Whose outputs its latest attempt was handed."),
        "duration": Key(_SECONDS, "How long it took on the virtual clock, waits between attempts included."),
    },
    _build_task,
    may_be_empty=False,
)


@dataclass(frozen=True)
class _Status(Choice):
    """A task of which only the state is expected."""

    def _decode(self, value: Any, path: Path, report: Report) -> Any:
        status = super()._decode(value, path, report)
        return status if status is INVALID else ExpectedTask(status=status)


@dataclass(frozen=True)
class _One(Text):
    """A step of one task."""

    def _decode(self, value: Any, path: Path, report: Report) -> Any:
        task = super()._decode(value, path, report)
        return task if task is INVALID else (task,)


_ID = Text(is_line=True)
_STEPS = Items(
    Either(((str, _One(is_line=True)), (list, Items(_ID, least=1)), (object, _One(is_line=True)))), least=2
)


@dataclass(frozen=True)
class _Groups(Shape):
    """One group of tasks, or a list of groups."""

    noun = "a list of tasks, or of such lists"

    def _decode(self, value: Any, path: Path, report: Report) -> Any:
        if isinstance(value, list) and value and all(isinstance(item, list) for item in value):
            return Items(Items(_ID, least=2)).decode(value, path, report)
        group = Items(_ID, least=2).decode(value, path, report)
        return group if group is INVALID else (group,)

    def _schema(self) -> dict[str, Any]:
        group = Items(_ID, least=2)
        return {"anyOf": [group.schema(), Items(group).schema()]}


def _build_expected(keys: dict[str, Any], _path: Path, _report: Report) -> Expected:
    return Expected(**keys)


_EXPECT = Object(
    "what is expected",
    {
        "status": Key(Choice(_RUN_STATES), "How the run ends. Default: success."),
        "error": Key(Text(is_line=True), "The kind of the run's own error: timeout, on_start …"),
        "duration": Key(_SECONDS, "How long the run took on the virtual clock."),
        "cost_usd": Key(_range(Amount(), "a cost"), "What all attempts together have cost."),
        "tasks": Key(
            Named(
                Either(((str, _Status(_TASK_STATES)), (dict, _TASK), (object, _Status(_TASK_STATES)))),
                TASK_ID,
                "a task",
                "it is the id of a task of the workflow",
            ),
            "Task id -> its state, or more than that; tasks of hooks too.",
        ),
        "order": Key(
            _STEPS, "Each begins when the one before has ended; in place of a task a list of tasks may stand."
        ),
        "together": Key(_Groups(), "Tasks that all ran at the same time, or a list of such groups."),
    },
    _build_expected,
)


def _build_case(keys: dict[str, Any], path: Path, _report: Report) -> Any:
    if "name" not in keys:
        return INVALID
    return Case(
        name=keys["name"],
        path=path,
        inputs=keys.get("inputs", FrozenDict()),
        stubs=keys.get("stubs", Stubs()),
        max_parallel=keys.get("max_parallel"),
        expect=keys.get("expect", Expected()),
    )


_CASE = Object(
    "a test",
    {
        "name": Key(Text(is_line=True), "What is tested, in one line.", required=True),
        "inputs": Key(Data(is_mapping=True), "The inputs of the run."),
        "stubs": Key(STUBS, "What the agents give, as in a file of stubs."),
        "max_parallel": Key(Integer(1), "Instead of the workflow's own."),
        "expect": Key(_EXPECT, "What must come of it. Default: the run succeeds."),
    },
    _build_case,
    may_be_empty=False,
)


def _build_file(keys: dict[str, Any], _path: Path, _report: Report) -> CaseFile:
    return CaseFile(
        workflow=keys.get("workflow", ""),
        inputs=keys.get("inputs", FrozenDict()),
        stubs=keys.get("stubs", Stubs()),
        cases=keys.get("tests", ()),
    )


CASES = Object(
    "a file of tests",
    {
        "workflow": Key(
            Text(is_line=True),
            "The path of the workflow, relative to this file. Default: NAME.yaml for NAME.tests.yaml.",
        ),
        "inputs": Key(Data(is_mapping=True), "Inputs of all tests, unless they say otherwise."),
        "stubs": Key(STUBS, "Stubs of all tests; those of a test win, key by key."),
        "tests": Key(Items(_CASE, least=1), "The tests.", required=True),
    },
    _build_file,
    may_be_empty=False,
)
"""A file of tests; gives a ``CaseFile``."""

"""Do tests fit their workflow? Tasks, agents and inputs exist, stubs fit, expectations can be met.

Takes a file's tests and a workflow and reports everything at once, so that a test never fails for a
misspelled name at the end of a long run of tests.
"""

from __future__ import annotations

from collections.abc import Iterable

from actorflow.errors import InputError
from actorflow.rehearsal.cases import Case, CaseFile, Expected, ExpectedTask
from actorflow.rehearsal.stub_checks import check_made_up, check_stubs
from actorflow.values import FrozenDict
from actorflow.workflow.inputs import read_inputs
from actorflow.workflow.model import TaskSpec, Workflow
from actorflow.workflow.report import Path, Report

__all__ = ["check_cases", "inputs_of"]


def inputs_of(case: Case, file: CaseFile, workflow: Workflow) -> FrozenDict:
    """Return the values of all inputs of a test's run.

    Raises:
        InputError: they do not fit the workflow.
    """
    return read_inputs(workflow, (), file.inputs | case.inputs)


def check_cases(file: CaseFile, workflow: Workflow, report: Report) -> None:
    """Report what is wrong with the tests of a file."""
    check_stubs(file.stubs, workflow, ("stubs",), report)
    are_known = _check_input_names(file.inputs, ("inputs",), workflow, report)
    names: dict[str, Path] = {}
    for case in file.cases:
        if case.name in names:
            report.error((*case.path, "name"), "E707", f"there is a test '{case.name}' already")
        names[case.name] = case.path
        check_stubs(case.stubs, workflow, (*case.path, "stubs"), report)
        check_made_up(case.stubs.over(file.stubs), workflow, case.path, report)
        here = (*case.path, "inputs")
        if _check_input_names(case.inputs, here, workflow, report) and are_known:
            _check_inputs(case, file, workflow, report)
        _Expectations(workflow, (*case.path, "expect"), report).check(case.expect)


def _check_input_names(inputs: FrozenDict, path: Path, workflow: Workflow, report: Report) -> bool:
    known = {spec.name for spec in workflow.inputs}
    unknown = sorted(inputs.keys() - known)
    for name in unknown:
        hint = report.suggestion(name, known) or f"its inputs are: {', '.join(sorted(known)) or 'none'}"
        message = f"the workflow has no input '{name[:80]}'"
        report.error((*path, name), "E966", message, hint, at_key=True)
    return not unknown


def _check_inputs(case: Case, file: CaseFile, workflow: Workflow, report: Report) -> None:
    try:
        inputs_of(case, file, workflow)
    except InputError as error:
        path = (*case.path, "inputs") if case.inputs else case.path
        message = "; ".join(line.strip() for line in error.message.splitlines())
        report.error(
            path, "E966", message, error.hint and "they stand below inputs: in a test, or in the file"
        )


class _Expectations:
    """Checks what one test expects."""

    def __init__(self, workflow: Workflow, path: Path, report: Report) -> None:
        self._specs: dict[str, TaskSpec] = {s.id: s for s in (*workflow.tasks, *workflow.hooks)}
        self._path = path
        self._report = report

    def check(self, expect: Expected) -> None:
        for task, expected in expect.tasks.items():
            here = (*self._path, "tasks", task)
            if self._is_known(task, here, at_key=True):
                self._task(self._specs[task], expected, here, is_paused=expect.status == "paused")
        for key, groups in (("order", expect.order), ("together", expect.together)):
            for tasks in groups:
                for task in tasks:
                    self._is_known(task, (*self._path, key))

    def _is_known(self, task: str, path: Path, *, at_key: bool = False) -> bool:
        if task in self._specs:
            return True
        hint = self._hint(task, self._specs)
        self._report.error(path, "E961", f"the workflow has no task '{task[:80]}'", hint, at_key=at_key)
        return False

    def _task(self, spec: TaskSpec, expected: ExpectedTask, path: Path, *, is_paused: bool) -> None:
        if expected.agent is not None and expected.agent not in spec.agents:
            message = f"task '{spec.id}' never asks an agent '{expected.agent}'"
            self._report.error((*path, "agent"), "E964", message, self._hint(expected.agent, spec.agents))
        if expected.reason is not None and expected.status not in (None, "skipped"):
            message = "only a task that is skipped has a reason"
            self._report.error((*path, "reason"), "E968", message, "status: skipped")
        if expected.status == "pending" and spec.hook is None and not is_paused:
            message = (
                "a run does not end while a task is pending; only a hook that did not come round stays so"
            )
            self._report.error((*path, "status"), "E968", message)
        for task in expected.handoff or ():
            if task not in spec.dependencies:
                message = f"'{task[:80]}' is no dependency of '{spec.id}'"
                self._report.error((*path, "handoff"), "E968", message, self._hint(task, spec.dependencies))

    def _hint(self, name: str, known: Iterable[str]) -> str:
        names = list(known)
        return self._report.suggestion(name, names) or f"there are: {', '.join(names[:12]) or 'none'}"

"""Do stubs fit their workflow? Tasks and agents exist, outputs fit, and nothing is left that cannot be made up.

Takes stubs, where they stand in a document, and a workflow; reports everything at once. What is merely
useless (a stub for an agent that another one always overrules) is no mistake.
"""

from __future__ import annotations

from collections.abc import Iterable

from actorflow.rehearsal.examples import NoExample, example_of
from actorflow.rehearsal.stubs import Stub, Stubs
from actorflow.workflow.json_schema import check_schema_value
from actorflow.workflow.model import TaskSpec, Workflow
from actorflow.workflow.report import Path, Report

__all__ = ["check_made_up", "check_stubs"]

_SHOWN = 12


def check_stubs(stubs: Stubs, workflow: Workflow, path: Path, report: Report) -> None:
    """Report what is wrong with ``stubs``, which stand at ``path``."""
    specs = {spec.id: spec for spec in (*workflow.tasks, *workflow.hooks)}
    known = [str(task) for task in specs]
    for task, stub in stubs.tasks.items():
        spec = specs.get(task)  # type: ignore[call-overload]  # any text may be asked for
        if spec is None:
            _unknown((*path, "tasks", task), "E961", f"the workflow has no task '{task}'", known, report)
        else:
            _check_output(stub, spec, (*path, "tasks", task, "output"), report)
    agents = list(dict.fromkeys(name for spec in specs.values() for name in spec.agents))
    for agent, stub in stubs.agents.items():
        here = (*path, "agents", agent)
        if agent not in agents:
            _unknown(here, "E964", f"no task of the workflow has the agent '{agent}'", agents, report)
        users = [spec for spec in specs.values() if agent in spec.agents]
        _check_outputs(stub, _not_overruled(users, stubs), (*here, "output"), report)
    others = [s for s in specs.values() if not any(_gives(stubs.agents.get(name)) for name in s.agents)]
    _check_outputs(stubs.defaults, _not_overruled(others, stubs), (*path, "defaults", "output"), report)


def check_made_up(stubs: Stubs, workflow: Workflow, path: Path, report: Report) -> None:
    """Report tasks whose output neither stands in the stubs nor can be made up."""
    for spec in (*workflow.tasks, *workflow.hooks):
        if spec.output_schema is None or all(stubs.for_task(spec.id, a).has_output for a in spec.agents):
            continue
        try:
            example_of(spec.output_schema)
        except NoExample:
            message = f"no output that fits the output_schema of '{spec.id}' can be made up"
            report.error(path, "E965", message, f"write one: tasks: {{{spec.id}: {{output: …}}}}")


def _unknown(path: Path, code: str, message: str, known: list[str], report: Report) -> None:
    name = str(path[-1])
    shown = ", ".join(known[:_SHOWN]) + (" …" if len(known) > _SHOWN else "")
    hint = report.suggestion(name, known) or f"there are: {shown}"
    report.error(path, code, message, hint, at_key=True)


def _gives(stub: Stub | None) -> bool:
    return stub is not None and stub.has_output


def _not_overruled(specs: Iterable[TaskSpec], stubs: Stubs) -> list[TaskSpec]:
    return [spec for spec in specs if not _gives(stubs.tasks.get(spec.id))]


def _check_outputs(stub: Stub, specs: Iterable[TaskSpec], path: Path, report: Report) -> None:
    for spec in specs:
        _check_output(stub, spec, path, report)


def _check_output(stub: Stub, spec: TaskSpec, path: Path, report: Report) -> None:
    if not stub.has_output or spec.output_schema is None:
        return
    for problem in check_schema_value(spec.output_schema, stub.output)[:5]:
        where, _, what = problem.partition(": ")
        inside = where.removeprefix("$")
        message = f"the output of '{spec.id}' does not fit its output_schema: {f'{inside}: ' if inside else ''}{what}"
        report.error((*path, *_steps(inside)), "E963", message)


def _steps(place: str) -> Path:
    """Return the path that ``.items[3].name`` spells; a name with odd characters ends it."""
    steps: list[str | int] = []
    for part in place.replace("[", ".[").split(".")[1:]:
        index = part[1:-1] if part.startswith("[") and part.endswith("]") else ""
        steps.append(int(index) if index.isdecimal() else part)
    return tuple(steps)

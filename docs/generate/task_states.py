"""Writes docs/reference/task-states.md from the tables of ``actorflow.state.status``.

``python docs/generate/task_states.py`` writes the page; a test fails when the page is not what ``page`` gives. The sentences about the states are the
docstrings of the enumerations' members, which only the source knows, so it is read with ``ast``; the sentences about the arrows are here.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

from actorflow.state import status
from actorflow.state.status import (
    ATTEMPT_TRANSITIONS,
    NOTES,
    RUN_TRANSITIONS,
    TASK_EVENTS,
    TASK_TRANSITIONS,
    AttemptStatus,
    RunStatus,
    SkipReason,
    SubState,
    TaskStatus,
)

PAGE = Path(__file__).resolve().parents[1] / "reference" / "task-states.md"

CAUSES = {
    "ActorRestarted": "a supervisor replaced an actor that had crashed",
    "AttemptCancelled": "the agent was stopped because the run was",
    "AttemptFailed": "the agent failed, timed out, or its result is not valid",
    "AttemptLost": "the driver died while the attempt ran",
    "AttemptRequeued": "a limit, the budget or a lost session sent the attempt back",
    "AttemptStarted": "an attempt starts",
    "AttemptSucceeded": "the agent gave a valid result",
    "ControlAnswered": "a request of another process was answered",
    "DriverStarted": "a process begins to drive the run",
    "RetryScheduled": "another attempt follows, now or after a delay",
    "RoomFound": "there is room on the disk again",
    "RoomRanOut": "the disk is full, and the driver waits",
    "RunAccepted": "the run is recorded with its workflow and inputs",
    "RunCancelRequested": "somebody asks to cancel the run",
    "RunFinished(cancelled)": "all hooks are done, and a task was cancelled",
    "RunFinished(failed)": "all hooks are done, and a task or an `on_start` hook failed or the run timed out",
    "RunFinished(success)": "all hooks are done, and no task failed",
    "RunPaused": "the run cannot go on by itself",
    "BudgetChanged": "a person has set what the run may spend",
    "RunResumed": "a resume runs it again",
    "RunSettled": "all tasks are done; the end hooks follow",
    "RunTimedOut": "the run's own timeout has passed",
    "SessionOpened": "the agent tells the id of its session",
    "SpecChanged": "a resume follows the current text of the workflow",
    "TaskCancelled": "the run is cancelled or has timed out, and no attempt runs",
    "TaskFailed": "its attempts are used up, or it could not be started",
    "TaskSkipped": "it is not to run: its rule, its condition or a stop says so",
    "TaskSkipped(tolerated_failure)": "it failed, and its `on_failure` is `skip`",
    "TaskSucceeded": "its attempt succeeded",
}
"""Name of an event in the tables -> when it happens, for people."""

Table = Mapping[Any, StrEnum | None]
"""(state or None, name of an event) -> next state or None."""


def member_docstrings() -> dict[str, dict[str, str]]:
    """Return enumeration -> member's value -> its docstring in one line."""
    found: dict[str, dict[str, str]] = {}
    for node in ast.parse(inspect.getsource(status)).body:
        if isinstance(node, ast.ClassDef):
            found[node.name] = dict(_members(node))
    return found


def _members(node: ast.ClassDef) -> Iterable[tuple[str, str]]:
    for assigned, text in zip(node.body, node.body[1:], strict=False):
        match assigned, text:
            case (
                ast.Assign(value=ast.Constant(value=str(value))),
                ast.Expr(value=ast.Constant(value=str(docstring))),
            ):
                yield value, " ".join(docstring.split()).replace("``", "`")


def page() -> str:
    """Return the whole page."""
    sentences = member_docstrings()
    of_runs = {key: after for key, after in RUN_TRANSITIONS.items() if key[1] not in (*TASK_EVENTS, *NOTES)}
    return "\n".join(
        [
            "<!-- Written by docs/generate/task_states.py from actorflow/state/status.py. Do not edit. -->",
            "",
            "# The states of runs, tasks and attempts",
            "",
            "Every change of a state is an event in the journal. The tables say which event leads from which state to which; an event that they do",
            "not have is refused and changes nothing. The words are those that journals, `--json` and expressions use.",
            "",
            "## Tasks",
            "",
            *_states(TaskStatus, sentences),
            "",
            *_picture(TASK_TRANSITIONS, "pending"),
            "",
            *_arrows(TASK_TRANSITIONS),
            "",
            "While no attempt runs, a RUNNING task says what it waits for:",
            "",
            *_states(SubState, sentences),
            "",
            "A SKIPPED task has a reason:",
            "",
            *_states(SkipReason, sentences),
            "",
            "## Attempts",
            "",
            "Each try of a task is an attempt with a number: 1 for the first, and so on over retries, crashes and resumes.",
            "",
            *_states(AttemptStatus, sentences),
            "",
            *_picture(ATTEMPT_TRANSITIONS, None),
            "",
            *_arrows(ATTEMPT_TRANSITIONS),
            "",
            "## Runs",
            "",
            *_states(RunStatus, sentences),
            "",
            *_picture(of_runs, None),
            "",
            *_arrows(of_runs),
            "",
            "Tasks and attempts move only while their run is RUNNING; only a LOST attempt is also recorded while it is PAUSED.",
            f"{' and '.join(f'`{note}`' for note in NOTES)} change no state and are possible in every one.",
            "",
        ]
    )


def _states(states: type[StrEnum], sentences: Mapping[str, Mapping[str, str]]) -> list[str]:
    lines = ["| state | meaning |", "|---|---|"]
    return lines + [f"| `{state.value}` | {sentences[states.__name__][state.value]} |" for state in states]


def _arrows(table: Table) -> list[str]:
    lines = ["| from | event | to | when |", "|---|---|---|---|"]
    return lines + [
        f"| {_shown(before)} | `{event}` | {_shown(after)} | {CAUSES[event]} |"
        for (before, event), after in table.items()
    ]


def _shown(state: StrEnum | None) -> str:
    return "none" if state is None else f"`{state.value}`"


def _picture(table: Table, first: str | None) -> list[str]:
    """Draw the arrows that change a state; those between the same two states share one line."""
    labels: dict[tuple[str, str], list[str]] = {}
    for (before, event), after in table.items():
        if before is not after:
            labels.setdefault((_node(before), _node(after)), []).append(event)
    start = [] if first is None else [f"    [*] --> {first}"]
    arrows = [f"    {before} --> {after}: {', '.join(events)}" for (before, after), events in labels.items()]
    return ["```mermaid", "stateDiagram-v2", *start, *arrows, "```"]


def _node(state: StrEnum | None) -> str:
    return "[*]" if state is None else state.value


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")

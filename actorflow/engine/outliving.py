"""Attempts that outlive their driver: what is left of those that are open in the journal of a run that nobody drives.

Takes the run's folder and its state; gives the attempts whose programs still run, or have ended and said how, with
what they were asked when they began. A resume, its dry run, ``status`` and ``cancel`` all ask here, so that they
see the same. Looks only: what becomes of them is decided by ``recovery``, from what this says.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import replace

from actorflow.agents.environment import ANCESTORS_VARIABLE, MARKER_VARIABLE, attempt_marker
from actorflow.agents.process_record import ProcessRecord
from actorflow.agents.process_table import all_processes, markers_of, own_line
from actorflow.agents.remains import Remains, ended_at, is_given_up
from actorflow.engine.begun import read_begun, what_remains
from actorflow.engine.records import read_records
from actorflow.ids import RunId, TaskId
from actorflow.journal import Record
from actorflow.state import RunState, TaskState
from actorflow.state import events as ev

if TYPE_CHECKING:
    from actorflow.agents.interface import Agent
    from actorflow.engine.recovery import AttemptKey
    from actorflow.engine.secrets import SecretMarks

__all__ = ["LOST", "Outliving", "as_begun", "attempt_path", "find_outliving", "look_for_outliving"]

LOST = "lost"
"""The kind of the error with which an agent says that nobody can know how an attempt has ended."""

_BEGINNING_SECONDS = 3.0
_LOOK_SECONDS = 0.02


class Outliving(msgspec.Struct, frozen=True):
    """An attempt that has outlived its driver.

    Attributes:
        has_finished: whether its program has ended and said how; otherwise it still runs.
        asked: the fingerprint of what it was asked; "" when that is not known.
        pid: of the process that stands for it.
        session: the agent session that it was begun with; see ``as_begun``.
        secrets: the marks of the secrets that it was begun with; None when they are not known.
        began_at: when its agent was called, in seconds since 1970; None when that is not known. Later than its
            recorded start by as long as the disk took to record that.
        ended_at: when it finished, likewise; None while it runs.
    """

    task: TaskId
    attempt: int
    has_finished: bool
    asked: str = ""
    pid: int = 0
    session: str | None = None
    secrets: SecretMarks | None = None
    began_at: float | None = None
    ended_at: float | None = None


def look_for_outliving(
    path: Path, run_id: RunId, state: RunState, agents: Mapping[str, Agent] | None = None
) -> dict[AttemptKey, Outliving]:
    """Return the attempts that have outlived their driver; none when the run has no open attempt.

    Args:
        path: the run's folder.
        agents: those by name that the run has now; only an attempt whose agent can go on with it counts. None when
            that is not asked.
    """
    return _look(path, run_id, _open_tasks(state, agents))


async def find_outliving(
    path: Path, run_id: RunId, state: RunState, agents: Mapping[str, Agent]
) -> dict[AttemptKey, Outliving]:
    """Return what ``look_for_outliving`` does, once it is clear what has become of attempts that begin at this very moment.

    Their processes are there and have not said yet who they are; this takes them milliseconds, and is waited for.
    """
    tasks = _open_tasks(state, agents)
    if not tasks:
        return {}
    import trio  # only here: who looks at a run from outside needs none

    with trio.move_on_after(_BEGINNING_SECONDS):
        while await trio.to_thread.run_sync(_any_begins, path, run_id, tasks):  # noqa: ASYNC110 (nobody tells us)
            await trio.sleep(_LOOK_SECONDS)
    return await trio.to_thread.run_sync(_look, path, run_id, tasks)


def _open_tasks(state: RunState, agents: Mapping[str, Agent] | None) -> list[TaskState]:
    tasks = [task for task in state.tasks.values() if task.is_attempt_open]
    if agents is None:
        return tasks
    from actorflow.agents.interface import Reattaches  # who only looks asks for no agent

    return [task for task in tasks if isinstance(agents.get(task.agent), Reattaches)]


def _look(path: Path, run_id: RunId, tasks: Iterable[TaskState]) -> dict[AttemptKey, Outliving]:
    inside = f"{os.environ.get(ANCESTORS_VARIABLE, '')} {os.environ.get(MARKER_VARIABLE, '')}".split()
    found: dict[AttemptKey, Outliving] = {}
    for task in tasks:
        marker = attempt_marker(run_id, task.id, task.attempts)
        if marker in inside:  # it would wait for us, and we for it
            continue
        folder = attempt_path(path, task.id, task.attempts)
        remains = what_remains(folder, marker=marker)
        if remains is Remains.RUNNING and is_given_up(folder):
            continue  # whoever began to end it was killed over that
        if remains is not Remains.GONE:
            record, begun = ProcessRecord.read(folder), read_begun(folder)
            found[task.id, task.attempts] = Outliving(
                task.id,
                task.attempts,
                remains is Remains.FINISHED,
                begun.asked,
                0 if record is None else record.pid,
                secrets=begun.secrets,
                began_at=begun.at,
                ended_at=ended_at(folder) if remains is Remains.FINISHED else None,
            )
    return found


def _any_begins(path: Path, run_id: RunId, tasks: Iterable[TaskState]) -> bool:
    """Whether one of these attempts has processes that have not said who they are."""
    markers = {
        attempt_marker(run_id, task.id, task.attempts)
        for task in tasks
        if ProcessRecord.read(attempt_path(path, task.id, task.attempts)) is None
    }
    if not markers:
        return False
    ours = own_line()
    others = (process for process in all_processes() if process.is_alive and process.pid not in ours)
    return any(markers & markers_of(process.pid) for process in others)


def as_begun(
    outliving: Mapping[AttemptKey, Outliving], records: Iterable[Record]
) -> dict[AttemptKey, Outliving]:
    """Return the attempts with the sessions that they were begun with: the state knows only those that they have opened since.

    Args:
        records: the run's journal.
    """
    found = dict(outliving)
    if not found:
        return found
    starts = [record for record in records if record.kind == "AttemptStarted"]
    for recorded in read_records(starts):
        event = recorded.event
        if isinstance(event, ev.AttemptStarted) and (event.task, event.attempt) in found:
            key = event.task, event.attempt
            found[key] = replace(found[key], session=event.session)
    return found


def attempt_path(path: Path, task: TaskId, attempt: int) -> Path:
    """Return the folder of an attempt below that of its run; it is not made."""
    return path / "attempts" / task / str(attempt)

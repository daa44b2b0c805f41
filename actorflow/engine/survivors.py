"""Ending what a dead driver left running of attempts, so that it does not run beside the next ones, or after a cancellation.

Takes a run's folder, with the lease held by the caller, and attempts of it. What runs is another folder's when this
one is a copy: nothing is ended then. Must not record anything.
"""

from __future__ import annotations

from collections.abc import Iterable

import trio

from actorflow.agents.environment import attempt_marker
from actorflow.agents.process import end_survivors
from actorflow.engine.begun import is_copied
from actorflow.engine.recovery import AttemptKey
from actorflow.errors import ActorflowError
from actorflow.ids import TaskId
from actorflow.journal import RunFolder

__all__ = ["end_attempt", "end_attempts"]


async def end_attempt(folder: RunFolder, task: TaskId, attempt: int) -> None:
    """End what is left of one attempt.

    Raises:
        AgentError: a process cannot be ended.
    """
    path = folder.attempt_dir(task, attempt)
    if not is_copied(path):
        await end_survivors(path, marker=attempt_marker(folder.run_id, task, attempt))


async def end_attempts(folder: RunFolder, attempts: Iterable[AttemptKey]) -> None:
    """End what is left of all these attempts, at once: each may take its whole grace.

    Raises:
        AgentError: a process cannot be ended; all others were.
    """
    failed: list[ActorflowError] = []

    async def end(task: TaskId, attempt: int) -> None:
        try:
            await end_attempt(folder, task, attempt)
        except ActorflowError as error:
            failed.append(error)

    async with trio.open_nursery() as nursery:
        for task, attempt in attempts:
            nursery.start_soon(end, task, attempt)
    if failed:
        raise failed[0]

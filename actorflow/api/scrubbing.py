"""Takes secrets out of what attempts wrote whose driver died before it came to do it.

A resume has all secrets. A cancellation of a run that nobody drives may not: it uses those that it can read
here and now, and never fails for want of one. What attempts wrote that ended under a driver has been scrubbed
by that driver.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path

import trio

from actorflow.agents.masking import Masker
from actorflow.agents.registry import AgentRegistry
from actorflow.api.checking import load_file
from actorflow.engine.outcomes import scrub
from actorflow.engine.recovery import AttemptKey
from actorflow.engine.secrets import find_secrets
from actorflow.errors import SpecErrors
from actorflow.ids import TaskId
from actorflow.journal import RunFolder
from actorflow.state import events as ev
from actorflow.workflow import Loaded, Workflow, load_workflow

__all__ = ["literals_again", "pinned", "scrub_lost", "secrets_at_hand"]


def pinned(accepted: ev.RunAccepted, registry: AgentRegistry) -> Loaded:
    """Read the workflow as it was when the run began.

    Raises:
        SpecErrors: an agent that it names is gone.
    """
    return load_workflow(accepted.text.encode(), file=accepted.file, catalog=registry.catalog())


def literals_again(
    accepted: ev.RunAccepted, workflow: Workflow, registry: AgentRegistry
) -> Mapping[str, str]:
    """Read secrets that were written into the file from there once more: they are not part of a run."""
    if not any(source.kind == "literal" for source in workflow.secrets):
        return {}
    try:
        return load_file(Path(accepted.file), registry=registry).secret_literals
    except SpecErrors:
        return {}


def secrets_at_hand(accepted: ev.RunAccepted, registry: AgentRegistry) -> list[str]:
    """Return the texts of those secrets of a run that can be read here and now."""
    try:
        workflow = pinned(accepted, registry).workflow
    except SpecErrors:
        return []
    literals = literals_again(accepted, workflow, registry)
    root = Path(accepted.project_root)
    found, _ = find_secrets(workflow, environment=os.environ, project_root=root, literals=literals)
    return list(found.values())


async def scrub_lost(
    folder: RunFolder,
    secrets: Iterable[str],
    events: Iterable[ev.Event],
    *,
    spared: Collection[AttemptKey] = (),
) -> None:
    """Mask ``secrets`` in the files of every attempt that is LOST, or still open, after ``events``; nobody may drive the run.

    Args:
        spared: attempts that still write, or whose files are still to be read.
    """
    texts = list(secrets)
    if not texts:
        return
    is_open: dict[TaskId, int] = {}
    lost: set[tuple[TaskId, int]] = set()
    for event in events:
        match event:
            case ev.AttemptStarted(task, attempt):
                is_open[task] = attempt
            case ev.AttemptLost(task, attempt):
                lost.add((task, attempt))
            case ev.AttemptSucceeded() | ev.AttemptFailed() | ev.AttemptCancelled() | ev.AttemptRequeued():
                is_open.pop(event.task, None)
    masker = Masker(texts)
    for task, attempt in sorted((lost | set(is_open.items())).difference(spared)):
        await trio.to_thread.run_sync(scrub, masker, folder.attempt_dir(task, attempt))

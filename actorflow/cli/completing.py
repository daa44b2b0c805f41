"""What a shell offers when the tab key is pressed: runs, tasks of a run, workflows of the project.

Each function is a ``shell_complete`` of click: takes what is typed so far, gives what it may become. Nothing is ever
an error here: what cannot be read is not offered. Reads only, and no more than it must, because a person waits.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from typing import TYPE_CHECKING

import click

from actorflow.settings import Settings

if TYPE_CHECKING:  # help loads click and nothing heavier
    from click.shell_completion import CompletionItem

__all__ = ["complete_run", "complete_run_or_task", "complete_task", "complete_workflow"]

_OFFERED_RUNS = 25


def complete_run(ctx: click.Context, parameter: click.Parameter, text: str) -> list[CompletionItem]:
    """Offer the newest runs, each with its workflow and how it stands, and ``last``."""
    del parameter
    from click.shell_completion import CompletionItem

    offered = [CompletionItem("last", help="the newest run")] if "last".startswith(text) else []
    with _quietly():
        from actorflow import api
        from actorflow.views.escape import escape

        runs = (run for run in api.history(settings=_settings(ctx)) if run.run_id.startswith(text))
        offered += [
            CompletionItem(run.run_id, help=escape(f"{run.workflow or '?'}: {run.status}"))
            for run in islice(runs, _OFFERED_RUNS)
        ]
    return offered


def complete_task(ctx: click.Context, parameter: click.Parameter, text: str) -> list[CompletionItem]:
    """Offer the tasks of the run that is named already, or else of the last one."""
    del parameter
    from click.shell_completion import CompletionItem

    offered: list[CompletionItem] = []
    with _quietly():
        from actorflow import api

        seen = api.glance(ctx.params.get("run") or "last", settings=_settings(ctx))
        tasks = sorted(task for task in seen.order if task.startswith(text))
        offered += [CompletionItem(task, help=seen.state.tasks[task].status.value) for task in tasks]
    return offered


def complete_run_or_task(ctx: click.Context, parameter: click.Parameter, text: str) -> list[CompletionItem]:
    """Offer runs, and the tasks of the last one, which a task alone means."""
    return [*complete_run(ctx, parameter, text), *complete_task(ctx, parameter, text)]


def complete_workflow(ctx: click.Context, parameter: click.Parameter, text: str) -> list[CompletionItem]:
    """Offer the workflows of the project, of the user and of the library by name, and files."""
    del parameter
    from click.shell_completion import CompletionItem

    names: Iterator[str] = iter(())
    with _quietly():
        from actorflow.library.finding import known_workflows

        names = iter(known_workflows(_settings(ctx)))
    return [
        *(CompletionItem(name) for name in names if name.startswith(text)),
        CompletionItem(text, type="file"),
    ]


def _settings(ctx: click.Context) -> Settings:
    from actorflow.cli.options import settings_for

    return settings_for(ctx.params.get("state_dir"))


@contextmanager
def _quietly() -> Iterator[None]:
    """Whatever goes wrong, the shell is told nothing: there is nothing to offer."""
    with suppress(Exception):
        yield

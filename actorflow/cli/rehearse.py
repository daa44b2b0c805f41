"""What ``run`` was asked about rehearsing: which file is the workflow, which the stubs, and which is to be written.

``--rehearse`` and ``--rehearse-init`` take a file or none, so that ``run --rehearse w.yaml`` leaves the
command without its FILE: what the option swallowed is then the workflow.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import click

from actorflow.cli.streams import say
from actorflow.settings import Settings

if TYPE_CHECKING:
    from actorflow import api
    from actorflow.library.finding import Found

__all__ = ["Asked", "sorted_out", "write_stubs"]


@dataclass(frozen=True, slots=True)
class Asked:
    """What was asked for; of the files of stubs "" means the one beside the workflow, None that there is none."""

    file: str
    stubs: str | None = None
    new_stubs: str | None = None

    def rehearsal(self, workflow: Found) -> api.Rehearsal | None:
        """Return how to rehearse, and say from what; None for a run that calls its agents."""
        if self.stubs is None:
            return None
        from actorflow import api

        beside = _default(workflow)
        if self.stubs:
            return api.Rehearsal(Path(self.stubs))
        if beside.is_file():
            say(f"rehearsed from {beside}", to_stderr=True)
            return api.Rehearsal(beside)
        say("rehearsed without stubs: outputs are made up (--rehearse-init writes stubs)", to_stderr=True)
        return api.Rehearsal()


def _default(workflow: Found) -> Path:
    """Return where stubs are when nobody says it: beside the workflow; of a template in the working directory."""
    from actorflow import api

    beside = api.stub_file_beside(workflow.path)
    return Path(beside.name) if workflow.origin == "library" else beside


def sorted_out(file: str | None, stubs: str | None, new_stubs: str | None) -> Asked:
    """Tell the workflow from the files of stubs.

    Raises:
        UsageError: no workflow was given.
    """
    if file is not None:
        return Asked(file, stubs, new_stubs)
    if new_stubs:
        return Asked(new_stubs, stubs, "")
    if stubs:
        return Asked(stubs, "", new_stubs)
    raise click.UsageError("Missing argument 'FILE'.")


def write_stubs(workflow: Found, asked: Asked, *, settings: Settings, force: bool, as_json: bool) -> None:
    """Write the file of stubs to begin with, and say what to do with it."""
    from actorflow import api
    from actorflow.views.escape import escape

    target = Path(asked.new_stubs or asked.stubs or _default(workflow))
    api.write_stub_file(workflow.path, target, settings=settings, name=asked.file, force=force)
    if as_json:
        from actorflow.cli.output import print_json

        print_json({"stubs": str(target), "workflow": str(workflow.path)})
        return
    say(str(target))
    command = shlex.join(["actorflow", "run", asked.file, "--rehearse", str(target)])
    say(f"change it as you like, then: {escape(command)}", to_stderr=True)

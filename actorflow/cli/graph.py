"""``actorflow graph``: the picture of a workflow, or of a run as it stands; read from the file or the journal, by Graphviz or without it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, get_args

import click

from actorflow.cli.completing import complete_workflow
from actorflow.cli.options import settings_for, state_dir_option
from actorflow.cli.pictures import deliver, open_option, output_option, seen_until, theme_option
from actorflow.cli.streams import say

if TYPE_CHECKING:
    from actorflow import api
    from actorflow.monitor.graph import Picture
    from actorflow.monitor.palette import Theme
    from actorflow.settings import Settings
    from actorflow.views.pictures import PictureFormat
    from actorflow.workflow.model import Workflow

__all__ = ["graph_command"]

_FORMATS = ("svg", "png", "pdf", "dot", "mmd")


@click.command("graph", short_help="Draw a workflow or a run.")
@click.argument("subject", metavar="FILE|RUN", shell_complete=complete_workflow)
@output_option
@click.option(
    "--format",
    "kind",
    type=click.Choice(_FORMATS),
    help="svg, png, pdf, dot (Graphviz) or mmd (Mermaid).  [default: the ending of PATH, else dot]",
)
@theme_option
@click.option(
    "--max-nodes",
    type=click.IntRange(min=10),
    default=1000,
    show_default=True,
    metavar="N",
    help="Tasks of a larger graph are drawn in groups.",
)
@open_option
@state_dir_option
def graph_command(
    *,
    subject: str,
    output: str | None,
    kind: PictureFormat | None,
    theme: Theme,
    max_nodes: int,
    is_opened: bool,
    state_dir: str | None,
) -> None:
    """Draw a workflow, or a run: its tasks and what each waits for, with their states, times, attempts and costs, and the critical path.

    FILE is a path, or the name of a workflow: in .claude/workflows/ of the project or of the user, or else a
    template; RUN is an id, the beginning of one, or 'last'. A run is drawn from its journal: while it is
    driven, after a crash, and when it is long over.
    """
    from actorflow.monitor.graph_groups import grouped
    from actorflow.views.pictures import draw

    chosen = kind or _format_of(output, is_opened=is_opened)
    whole = _picture(subject, settings_for(state_dir))
    picture = grouped(whole, max_nodes)
    if len(picture.nodes) < len(whole.nodes):
        text = f"{len(whole.nodes):,} tasks are drawn as {len(picture.nodes):,} box{'es' if len(picture.nodes) > 1 else ''}; --max-nodes allows more"
        say(text, to_stderr=True)
    deliver(draw(picture, chosen, theme=theme), output, name=f"graph.{chosen}", is_opened=is_opened)


def _format_of(output: str | None, *, is_opened: bool) -> PictureFormat:
    """Return the format that the name of the file says.

    Raises:
        InputError: it says none.
    """
    from actorflow.errors import InputError
    from actorflow.views.pictures import PictureFormat

    if output in (None, "-"):
        return "svg" if is_opened else "dot"
    ending = Path(str(output)).suffix.lower()
    for known in get_args(PictureFormat):
        if ending == f".{known}" or (ending, known) in _OTHER_ENDINGS:
            found: PictureFormat = known
            return found
    raise InputError(
        f"{output}: no picture has the ending {ending!r}",
        hint=f"use .{', .'.join(_FORMATS)}, or say which with --format",
    )


_OTHER_ENDINGS = {(".gv", "dot"), (".mermaid", "mmd")}


def _picture(subject: str, settings: Settings) -> Picture:
    from actorflow.cli.workflow_file import find_workflow
    from actorflow.errors import InputError, RunError

    if not _is_run(subject):
        try:
            return _of_file(find_workflow(subject, settings), settings)
        except InputError as no_file:
            if Path(subject).is_dir() or "/" in subject or subject.endswith((".yaml", ".yml", ".json")):
                raise
            nothing = no_file
        try:
            return _of_run(subject, settings)
        except RunError as no_run:
            raise InputError(f"{nothing.message}, and {no_run.message}", hint=nothing.hint) from no_run
    return _of_run(subject, settings)


def _is_run(subject: str) -> bool:
    from actorflow.ids import RUN_ID

    return (subject == "last" or RUN_ID.fullmatch(subject) is not None) and not Path(subject).is_file()


def _of_file(path: Path, settings: Settings) -> Picture:
    from actorflow import api
    from actorflow.errors import SpecErrors
    from actorflow.monitor.graph import picture_of_workflow

    checked = api.validate(path, settings=settings)
    if checked.workflow is None:
        raise SpecErrors(checked.problems)
    return picture_of_workflow(checked.workflow)


def _of_run(run: str, settings: Settings) -> Picture:
    import time

    from actorflow import api
    from actorflow.monitor.graph import picture_of_run
    from actorflow.monitor.limits import limits_in
    from actorflow.monitor.order import order_of

    seen = api.inspect(run, settings=settings)
    now = time.time()
    return picture_of_run(
        seen.state,
        now=seen_until(seen, now),
        status=seen.standing.word,
        workflow=_pinned(seen, settings),
        order=order_of(seen.state, seen.events),
        limits=limits_in(seen.events),
        ends=seen.open_ends(now),
    )


def _pinned(seen: api.Inspection, settings: Settings) -> Workflow | None:
    """Return the workflow that the run follows; None, and a word about it, when it cannot be read any more."""
    from actorflow.api.checking import registry_of
    from actorflow.errors import SpecErrors
    from actorflow.state.pinned_spec import pinned_spec
    from actorflow.workflow import load_workflow

    accepted = pinned_spec(seen.events)
    if accepted is None:
        return None
    try:
        catalog = registry_of(settings).catalog()
        return load_workflow(accepted.text.encode(), file=accepted.file, catalog=catalog).workflow
    except SpecErrors as errors:
        text = f"all arrows are drawn plain: the run's workflow is not valid any more ({len(errors.problems)} problems)"
        say(text, to_stderr=True)
        return None

"""``actorflow clean``: keep the state folder small."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import click

from actorflow.cli.options import json_option, settings_for, state_dir_option
from actorflow.cli.streams import say

if TYPE_CHECKING:
    from actorflow import api

__all__ = ["clean_command"]

_MOST_LINES = 40


@click.command("clean", short_help="Remove old runs, and what crashes have left behind.")
@click.option("--keep", type=click.IntRange(min=0), metavar="N", help="The newest N of them stay.")
@click.option("--older-than", metavar="TIME", help="Only runs that ended longer ago: 30d, 12h, 90m.")
@click.option(
    "--status",
    "statuses",
    metavar="STATUS",
    multiple=True,
    help="Only runs in this state; may be repeated.  [default: those that have ended: success, failed, cancelled]",
)
@click.option("--dry-run", is_flag=True, help="Only say what would go.")
@json_option
@state_dir_option
def clean_command(
    *,
    keep: int | None,
    older_than: str | None,
    statuses: tuple[str, ...],
    dry_run: bool,
    as_json: bool,
    state_dir: str | None,
) -> None:
    """Remove old runs, and what crashes have left behind.

    Runs that have not ended (interrupted, paused) and runs that are damaged go only when --status names their
    state; a run that is driven never goes. Of --keep and --older-than each can keep a run. Without any of the
    three no run goes, only what crashes have left: outputs and attempts that no event names, requests that
    nobody waits for, folders of runs that were not made whole.
    """
    import time

    from actorflow import api
    from actorflow.cli.output import print_json
    from actorflow.views.escape import escape

    done = api.clean(
        settings=settings_for(state_dir),
        now=time.time(),
        keep=keep,
        older_than_seconds=_seconds(older_than),
        statuses=statuses,
        dry_run=dry_run,
    )
    for what, reason in done.skipped:
        say(f"warning: {what} is left: {escape(reason)}", to_stderr=True)
    if as_json:
        print_json(_report(done, dry_run=dry_run))
    else:
        say("\n".join(_lines(done, dry_run=dry_run)))


def _seconds(text: str | None) -> float | None:
    from actorflow.workflow.durations import duration_seconds

    if text is None:
        return None
    seconds = duration_seconds(text)
    has_unit = not text.strip()[-1:].isdigit()  # 30 may well mean days, and a mistake here removes runs
    if seconds is None or not has_unit:
        raise click.BadParameter(f"{text!r} is no time; write 30d, 12h or 90m", param_hint="'--older-than'")
    return seconds


def _report(done: api.Cleaned, *, dry_run: bool) -> dict[str, Any]:
    return {
        "dry_run": dry_run,
        "freed": done.freed,
        "kept": done.kept,
        "removed": [
            {"kind": r.kind, "what": r.what, "status": r.status or None, "size": r.size} for r in done.removed
        ],
        "skipped": [{"what": what, "reason": reason} for what, reason in done.skipped],
    }


def _lines(done: api.Cleaned, *, dry_run: bool) -> Iterator[str]:
    from actorflow.views.escape import escape

    verb = "would remove" if dry_run else "removed"
    for removed in done.removed[:_MOST_LINES]:
        status = f"  {removed.status}" if removed.status else ""
        yield f"{verb} {removed.kind} {escape(removed.what)}{status}  {_size_text(removed.size)}"
    if len(done.removed) > _MOST_LINES:
        yield f"and {len(done.removed) - _MOST_LINES} more"
    runs = f"{done.kept} run{'s' if done.kept != 1 else ''}"
    if not done.removed:
        yield f"nothing to remove; {runs} there"
    elif dry_run:
        yield f"{_size_text(done.freed)} to be freed; {runs} would be left"
    else:
        yield f"{_size_text(done.freed)} freed; {runs} left"


def _size_text(size: int) -> str:
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("KB", 1e3)):
        if size >= factor:
            return f"{size / factor:.1f} {unit}"
    return f"{size} bytes"

"""``actorflow doctor``: whether all is well, here or with a run; and what can be saved of a damaged one."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import click

from actorflow.cli.options import json_option, repeat_options, settings_for, state_dir_option
from actorflow.cli.streams import say

if TYPE_CHECKING:
    from actorflow import api
    from actorflow.monitor.health import Finding
    from actorflow.settings import Settings

__all__ = ["doctor_command"]

_COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


@click.command("doctor", short_help="Check this place, or a run, and save what a damaged run still has.")
@click.argument("run", metavar="[RUN]", required=False)
@click.option("--salvage", is_flag=True, help="Make a new run of what can be trusted of RUN.")
@click.option(
    "--into", metavar="DIR", help="With --salvage: put it into this state folder, where it keeps its id."
)
@json_option
@state_dir_option
@click.pass_context
def doctor_command(
    ctx: click.Context,
    *,
    run: str | None,
    salvage: bool,
    into: str | None,
    as_json: bool,
    state_dir: str | None,
) -> None:
    """Check whether all is well: without RUN with this place, else with that run.

    Of a place: Python, SQLite, the state folder and its file system, limits, agents, pictures, the terminal.
    Of a run: every event of its journal, the raw log, large outputs, folders, permissions, and programs that
    are still running. RUN is an id, the beginning of one, or 'last'. Nothing is changed.

    With --salvage, the events before the damage become a new run, which can be looked at and resumed; the
    damaged one is left as it is.

    The exit code is 0 when nothing is wrong (warnings are not), 74 when the storage or a run is damaged, and
    3 when something else will not work.
    """
    if run is None and (salvage or into is not None):
        raise click.UsageError("--salvage needs a RUN")
    if into is not None and not salvage:
        raise click.UsageError("--into goes with --salvage")
    settings = settings_for(state_dir)
    if salvage and run is not None:
        _salvage(run, settings, into, state_dir, as_json=as_json)
    else:
        ctx.exit(_check(run, settings, as_json=as_json))


def _check(run: str | None, settings: Settings, *, as_json: bool) -> int:
    import os
    import sys

    from actorflow import api
    from actorflow.cli.output import print_json
    from actorflow.monitor.health import findings_report

    if run is None:
        run_id, encoding = None, getattr(sys.stdout, "encoding", None) or ""
        findings = api.check_environment(
            settings, environment=os.environ, is_terminal=sys.stdout.isatty(), encoding=encoding
        )
    else:
        run_id, findings = api.check_run(run, settings=settings)
    if as_json:
        print_json({"run_id": run_id, **findings_report(findings)})
    else:
        say("\n".join(_lines(findings)))
    return _exit_code(findings)


def _exit_code(findings: Sequence[Finding]) -> int:
    areas = {finding.area for finding in findings if finding.verdict == "fail"}
    if "storage" in areas:
        return 74
    return 3 if areas else 0


def _lines(findings: Sequence[Finding]) -> Iterator[str]:
    import os
    import sys

    from actorflow.cli.options import local_zone
    from actorflow.views.escape import escape
    from actorflow.views.style import look_of, paint

    look = look_of(sys.stdout, os.environ, zone=local_zone())
    width = max(len(finding.subject) for finding in findings)
    for finding in findings:
        mark = paint(f"{finding.verdict:<4}", _COLOURS[finding.verdict], look)
        yield f"{mark}  {finding.subject:<{width}}  {escape(finding.text)}"
        if finding.hint:
            yield f"{'':<6}{'':<{width}}  {escape(finding.hint)}"
    fails = sum(finding.verdict == "fail" for finding in findings)
    warns = sum(finding.verdict == "warn" for finding in findings)
    yield ""
    yield "all is well" if not fails + warns else f"{fails} wrong, {warns} to know about"


def _salvage(run: str, settings: Settings, into: str | None, state_dir: str | None, *, as_json: bool) -> None:
    from pathlib import Path

    from actorflow import api
    from actorflow.cli.output import print_json

    done = api.salvage(run, settings=settings, into=None if into is None else Path(into))
    options = repeat_options(into or state_dir)
    if as_json:
        print_json(
            {
                "run_id": done.run_id,
                "folder": str(done.folder),
                "events": done.events,
                "lost_events": done.lost_events,
                "damage": done.damage or None,
                "lost_outputs": list(done.lost_outputs),
                "interrupted": list(done.interrupted),
            }
        )
        return
    say(done.run_id)
    say("\n".join(_told(done, options)), to_stderr=True)


def _told(done: api.Salvaged, options: str) -> Iterator[str]:
    from actorflow.views.escape import escape

    command = f"actorflow {{}} {done.run_id}{f' {options}' if options else ''}"
    yield f"saved: {done.events:,} events, as run {done.run_id}"
    if done.damage:
        lost = "nobody can tell how many" if done.lost_events is None else f"at least {done.lost_events:,}"
        yield f"lost:  {lost if done.lost_events != 0 else 'no'} events after these: {escape(done.damage)}"
    for task in done.lost_outputs:
        yield f"lost:  the output of {task}; make it again with: {command.format('resume')} --from {task}"
    if done.interrupted:
        yield f"open:  {', '.join(done.interrupted)}: what they have done since is not known, a resume runs them again"
    yield f"look at it with {command.format('status')}, go on with {command.format('resume')}"

"""``actorflow stats``: what the runs of a workflow have in common."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from actorflow.cli.options import json_option, settings_for, state_dir_option
from actorflow.cli.streams import say

if TYPE_CHECKING:
    from actorflow.monitor.stats import WorkflowStats

__all__ = ["stats_command"]


@click.command("stats", short_help="Show how long the tasks of a workflow take, and how often they fail.")
@click.argument("workflow", metavar="WORKFLOW")
@click.option("--last", type=click.IntRange(min=1), metavar="N", help="Count only the N newest runs.")
@json_option
@state_dir_option
def stats_command(*, workflow: str, last: int | None, as_json: bool, state_dir: str | None) -> None:
    """Show how long the tasks of a workflow take, how often they fail, and what its runs wait for.

    WORKFLOW is the name of a workflow, as it stands in its file. A task is flaky in a run in which it
    succeeded after an attempt had failed. Rehearsals are not counted. The critical path is the chain of tasks that takes longest, going
    by medians.
    """
    from actorflow import api
    from actorflow.cli.output import print_json
    from actorflow.monitor.stats import stats_report
    from actorflow.views.escape import escape

    found = api.stats(workflow, settings=settings_for(state_dir), last=last)
    for run_id, problem in found.unreadable.items():
        say(f"warning: run {run_id} is not counted: {escape(problem)}", to_stderr=True)
    if as_json:
        print_json(stats_report(found.figures))
    else:
        say("\n".join(_lines(found.figures)))


def _lines(stats: WorkflowStats) -> Iterator[str]:
    from actorflow.views.escape import escape

    counts = ", ".join(f"{count} {status}" for status, count in stats.statuses.items())
    yield f"{escape(stats.workflow)}: {stats.runs} run{'s' if stats.runs != 1 else ''}: {counts}"
    yield f"  failure rate   {_percent(stats.failure_rate)}"
    yield f"  duration       p50 {_seconds(stats.p50)}, p95 {_seconds(stats.p95)}, of the runs that succeeded"
    mean = "-" if stats.mean_parallel is None else f"{stats.mean_parallel:.1f}"
    yield f"  parallelism    {stats.most_parallel} at most, {mean} on average"
    if stats.critical_path:
        yield f"  critical path  {' -> '.join(stats.critical_path)}  ({_seconds(stats.critical_seconds)})"
    if stats.cost_usd.total is not None:
        yield f"  cost           {_cost(stats.cost_usd.p50)} a run, {_cost(stats.cost_usd.total)} in all"
    if stats.tokens.total is not None:
        yield f"  tokens         {stats.tokens.p50:,.0f} a run, {stats.tokens.total:,} in all"
    yield ""
    yield from _table(stats)


def _table(stats: WorkflowStats) -> Iterator[str]:
    names = max(4, *(len(task) for task in stats.tasks)) if stats.tasks else 4
    has_costs = stats.cost_usd.total is not None
    head = f"{'success':>7}  {'failed':>6}  {'skipped':>7}  {'flaky':>11}  {'p50':>9}  {'p95':>9}"
    yield f"  {'task':<{names}}  {head}{'  ' + 'cost p50'.rjust(11) if has_costs else ''}"
    for task, found in stats.tasks.items():
        flaky = f"{found.flaky} ({_percent(found.flaky_rate)})" if found.flaky else "-"
        counts = f"{found.succeeded:>7}  {found.failed:>6}  {found.skipped:>7}"
        line = f"  {task:<{names}}  {counts}  {flaky:>11}  {_seconds(found.p50):>9}  {_seconds(found.p95):>9}"
        yield f"{line}  {_cost(found.cost_usd.p50):>11}" if has_costs else line


def _cost(usd: float | None) -> str:
    from actorflow.monitor.services import money_text

    return "-" if usd is None else money_text(usd)


def _percent(rate: float | None) -> str:
    return "-" if rate is None else f"{100 * rate:.0f} %"


def _seconds(seconds: float | None) -> str:
    from actorflow.monitor.times import duration_text

    return "-" if seconds is None else duration_text(seconds)

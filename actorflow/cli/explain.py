"""``actorflow explain``: why a run, or a task of it, is as it is."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from actorflow.cli.completing import complete_run_or_task, complete_task
from actorflow.cli.options import (
    json_option,
    local_zone,
    repeat_options,
    settings_for,
    state_dir_option,
    width_of,
)
from actorflow.cli.streams import say
from actorflow.ids import TASK_ID

if TYPE_CHECKING:
    from actorflow.monitor.attempts import Attempt
    from actorflow.monitor.explanation import ConditionFact, DependencyFact, Explanation, RunExplanation
    from actorflow.views.style import Look

__all__ = ["explain_command"]

_MOST_TASKS = 60
_MOST_DEPENDENCIES = 40
_TELLING = {"failed": 0, "unfinished": 1, "stopped": 2, "skipped": 3, "ok": 4}
"""How little it says that a dependency counts as this."""
_MOST_LINES = 12


@click.command("explain", short_help="Say why a run, or a task of it, is as it is.")
@click.argument("run", metavar="[RUN]", default="last", shell_complete=complete_run_or_task)
@click.argument("task", metavar="[TASK]", required=False, shell_complete=complete_task)
@json_option
@state_dir_option
def explain_command(*, run: str, task: str | None, as_json: bool, state_dir: str | None) -> None:
    """Say why a run, or a task of it, is as it is.

    RUN is an id, the beginning of one, or 'last', which is also meant when it is left out; TASK alone means a
    task of the last run.

    Of a task: the rule that decides whether it starts, how each dependency stood when that was decided, its
    condition and the values that it read, all its attempts with their errors and delays, and what it waits
    for. Of a run: why each task that has not succeeded has not.
    """
    import time

    from actorflow import api
    from actorflow.cli.output import print_json
    from actorflow.monitor.explanation import explanation_report, run_explanation_report

    if task is None and run != "last" and TASK_ID.fullmatch(run):  # ids of runs begin with a digit
        run, task = "last", run
    settings = settings_for(state_dir)
    if task is None:
        most = None if as_json else _MOST_TASKS
        of_run = api.explain_run(run, settings=settings, now=time.time(), most=most)
        if as_json:
            print_json(run_explanation_report(of_run))
        else:
            say("\n".join(_run_lines(of_run, _look(), repeat_options(state_dir))))
        return
    of_task = api.explain_task(run, task, settings=settings, now=time.time())
    if as_json:
        print_json(explanation_report(of_task))
    else:
        say("\n".join(_task_lines(of_task, _look(), repeat_options(state_dir))))


def _look() -> Look:
    import os
    import sys

    from actorflow.views.style import look_of

    return look_of(sys.stdout, os.environ, zone=local_zone())


def _mark(phase: str, look: Look, unattended: str | None = None) -> str:
    from actorflow.views.style import COLOURS, paint, symbol

    if unattended is not None:
        phase = {"running": "running", "finished": "waiting", "lost": "lost"}[unattended]
    return paint(symbol(phase, look), COLOURS.get(phase, ""), look)


def _run_lines(told: RunExplanation, look: Look, options: str) -> Iterator[str]:
    import sys

    from actorflow.monitor.words import mode_mark
    from actorflow.views.escape import cut, escape

    width = width_of(sys.stdout)
    yield f"run {told.run_id}  {escape(told.workflow)}{mode_mark(told.mode)}  {_mark(told.status, look)} {told.status}: {escape(told.summary)}"
    if not told.tasks:
        return
    yield ""
    names = max(len(task.task) for task in told.tasks)
    for task in told.tasks:
        line = f"{task.task:<{names}}  {escape(task.summary)}"
        yield f"  {_mark(task.phase, look, task.unattended)} {cut(line, max(40, width - 4))}"
    if told.left_out:
        yield f"    and {told.left_out} more: actorflow explain {told.run_id} --json"
    yield ""
    command = f"actorflow explain {told.run_id} {told.tasks[0].task}"
    yield f"more of one of them: {command}{f' {options}' if options else ''}"


def _task_lines(told: Explanation, look: Look, options: str) -> Iterator[str]:
    from actorflow.monitor.times import moment_text
    from actorflow.monitor.words import mode_mark
    from actorflow.views.escape import escape, escape_lines

    hook = f" ({told.hook})" if told.hook else ""
    yield f"{_mark(told.phase, look, told.unattended)} {told.task}{hook}  {escape(told.summary)}"
    if told.decided_at is not None:
        yield f"  decided     {moment_text(told.decided_at, look.zone)}, event {told.sequence} of run {told.run_id}{mode_mark(told.mode)}"
    if told.again:
        yield f"  run again   {escape(told.again)}"
    if told.rule is not None:
        default = " (the default)" if told.rule.is_default else ""
        answer = {True: "yes", False: "no", None: "not yet known"}[told.rule.is_met]
        yield f"  rule        {told.rule.name}{default}: {escape(told.rule.meaning)}?  {answer}"
    yield from _dependencies(told.dependencies, look)
    if told.condition is not None:
        yield from _condition(told.condition)
    yield from _attempts(told.attempts, told.limit, look)
    if told.error is not None and len(told.error.message.splitlines()) > 1:
        yield f"  error       {escape(told.error.kind)}"
        yield from (f"    {line}" for line in escape_lines(told.error.message).splitlines()[:_MOST_LINES])
    if told.error is not None and told.error.hint:
        yield f"  hint        {escape(told.error.hint)}"
    more = told.waits_for if len(told.waits_for) > 1 or told.status != "pending" else ()  # one is the summary
    for number, thing in enumerate(more[:_MOST_DEPENDENCIES]):
        yield f"  {'' if number else 'waits for':<10}  {escape(thing)}"
    if len(more) > _MOST_DEPENDENCIES:
        yield f"  {'':<10}  and {len(more) - _MOST_DEPENDENCIES:,} more: --json has them all"
    if told.attempts:
        yield f"  logs        actorflow logs {told.run_id} {told.task}{f' {options}' if options else ''}"


def _dependencies(facts: tuple[DependencyFact, ...], look: Look) -> Iterator[str]:
    if not facts:
        return
    shown = facts
    if len(facts) > _MOST_DEPENDENCIES:  # what went as it should is the least of it
        ranked = sorted(range(len(facts)), key=lambda place: _TELLING[facts[place].counts_as])
        shown = tuple(facts[place] for place in sorted(ranked[:_MOST_DEPENDENCIES]))
    names = max(len(fact.task) for fact in shown)
    for number, fact in enumerate(shown):
        reason = f" ({fact.reason})" if fact.reason else ""
        overruled = "the condition decides about it" if fact.is_overruled else f"counts as {fact.counts_as}"
        head = "" if number else "depends on"
        yield f"  {head:<10}  {_mark(fact.status, look)} {fact.task:<{names}}  {fact.status}{reason}, {overruled}"
    if len(shown) < len(facts):
        yield f"  {'':<10}    and {len(facts) - len(shown):,} more: --json has them all"


def _condition(fact: ConditionFact) -> Iterator[str]:
    from actorflow.views.escape import escape

    if not fact.was_asked:
        answer = "not asked"
    elif fact.value is None:
        answer = f"failed: {escape(fact.failure)}"
    else:
        answer = "true" if fact.value else "false"
    yield f"  condition   {escape(fact.source)}  ->  {answer}"
    for read in fact.reads:
        yield f"                {escape(read.name)} = {escape(read.value or read.failure)}"


def _attempts(attempts: tuple[Attempt, ...], limit: int | None, look: Look) -> Iterator[str]:
    from actorflow.monitor.times import clock_text, duration_text
    from actorflow.monitor.words import failure_text
    from actorflow.views.escape import escape

    resumes = 0
    for number, attempt in enumerate(attempts):
        head = "" if number else "attempts"
        if attempt.resumes != resumes:
            resumes = attempt.resumes
            yield f"  {head:<10}  (the run was resumed)"
            head = ""
        took = "" if attempt.duration_seconds is None else f" in {duration_text(attempt.duration_seconds)}"
        error = f": {escape(failure_text(attempt.error))}" if attempt.error is not None else ""
        after = (
            ""
            if attempt.delay_seconds is None
            else f"; the next one {duration_text(attempt.delay_seconds)} later"
        )
        at = clock_text(attempt.started_at, look.zone)
        yield f"  {head:<10}  {attempt.number}  {at}  {escape(attempt.agent)}  {attempt.status.value}{took}{error}{after}"
    if attempts and limit is not None:
        yield f"  {'':<10}  at most {limit} are allowed"

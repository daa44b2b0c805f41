"""What a person is told of a run when it has ended, or when they ask: its state, its tasks, what failed and what to do next.

Takes a ``RunState`` and gives lines of text, escaped and fitted to a width. A run of many tasks is told by
its counts and the tasks that matter. Must not read files: where things are comes in as text.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from actorflow.ids import TaskId
from actorflow.monitor.limits import limit_of
from actorflow.monitor.open_ends import OpenEnd
from actorflow.monitor.progress import task_line
from actorflow.monitor.services import limits_text, money_text, parked_text, spent_text
from actorflow.monitor.times import duration_text, moment_text
from actorflow.monitor.words import mode_mark, phase_of
from actorflow.state.events import BlobRef, Failure
from actorflow.state.parking import parked_until
from actorflow.state.run_state import RunState, TaskState
from actorflow.state.status import RunStatus, TaskStatus
from actorflow.values import thaw
from actorflow.views.escape import cut, escape, escape_lines
from actorflow.views.style import COLOURS, Look, paint, symbol

__all__ = ["Told", "end_lines", "status_lines", "worth_showing"]

_MOST_TASKS = 60
_MOST_NAMED = 5
_MOST_PREVIEW = 400
_MOST_FAILURES = 10
_MOST_ERROR_LINES = 12
_MOST_OUTPUT_LINES = 12
_MOST_OUTPUT_CHARACTERS = 4000


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What the lines are made from besides the state.

    Attributes:
        order: all tasks in the order in which they are shown.
        now: Unix seconds.
        folder: the run's folder.
        options: what a suggested command needs to find the run again (``--state-dir DIR``), or "".
        status: the run's status in words, ``interrupted`` among them.
        limits: task -> its greatest number of attempts; see ``attempt_limits``.
        shown: what ``worth_showing`` gave, when that is known already.
        driver: who drives the run, in words, or "".
        silent_since: when it was heard of last, Unix seconds, if that is too long ago.
        ends: task -> what its open attempt has come to, if nobody drives the run.
        outliving: of each attempt that has outlived the driver its task, its process and whether it has finished.
    """

    order: Sequence[TaskId]
    now: float
    folder: str
    look: Look
    width: int = 100
    options: str = ""
    status: str = ""
    driver: str = ""
    silent_since: float | None = None
    outliving: Sequence[tuple[TaskId, int, bool]] = ()
    ends: Mapping[TaskId, OpenEnd] = msgspec.field(default_factory=dict)
    limits: Mapping[TaskId, int] = msgspec.field(default_factory=dict)
    shown: Sequence[TaskId] = ()


def end_lines(state: RunState, told: Told) -> list[str]:
    """Return what is said when ``run`` or ``resume`` is over."""
    status = told.status or _status(state)
    took = "" if state.duration_seconds is None else f" in {duration_text(state.duration_seconds)}"
    mark = paint(f"{symbol(status, told.look)} {status}", COLOURS.get(status, ""), told.look)
    return [
        "",
        f"run {state.run_id}  {escape(state.workflow)}{mode_mark(state.mode)}  {mark}{took}{_why_not_done(state, status, told)}",
        *_spent_line(state),
        *_table(state, told, worth_showing(state, told.order)),
        *_failures(state, told),
        *_next_steps(state, told),
    ]


def status_lines(state: RunState, told: Told) -> list[str]:
    """Return what ``status`` says."""
    status = told.status or _status(state)
    mark = paint(f"{symbol(status, told.look)} {status}", COLOURS.get(status, ""), told.look)
    zone = told.look.zone
    facts = {
        "run": state.run_id,
        "workflow": escape(state.workflow),
        "mode": "rehearsal: no agent was called" if state.is_rehearsal else "",
        "status": mark + _why(state, status, told),
        "limits": "" if state.ended_at else limits_text(state, now=told.now, zone=zone),
        "started": "" if state.started_at is None else moment_text(state.started_at, zone),
        "finished": "" if state.ended_at is None else moment_text(state.ended_at, zone),
        "duration": _duration(state, told.now),
        "driver": escape(told.driver) or "nobody",
        "attempts": _outliving(told.outliving),
        "cost": _cost(state),
        "budget": _budget(state),
        "inputs": _inputs(state, told.width),
        "folder": escape(told.folder),
    }
    shown = [state.tasks[task_id] for task_id in told.shown] or worth_showing(state, told.order)
    return [
        *(f"{name:<10}{text}" for name, text in facts.items() if text),
        *_table(state, told, shown),
        *_failures(state, told),
        *_outputs(shown, told),
        *_next_steps(state, told),
    ]


def _status(state: RunState) -> str:
    return "pending" if state.status is None else state.status.value


def _why(state: RunState, status: str, told: Told) -> str:
    if status == "interrupted":
        parked = parked_text(state, now=told.now, zone=told.look.zone)
        return f": its driver is gone{'; it is ' if parked else ''}{escape(parked)}"
    if told.silent_since is not None:
        return f" for {duration_text(told.now - told.silent_since)}: its driver is stopped (kill -CONT lets it go on), or it or its disk is stuck"
    if state.no_room and status == "running":
        return f", waiting for the disk: {escape(state.no_room)}"
    if state.failure is not None:
        return f": {escape(state.failure.message)}"
    return _why_not_done(state, status, told)


def _why_not_done(state: RunState, status: str, told: Told) -> str:
    parked = parked_text(state, now=told.now, zone=told.look.zone)
    if parked and state.paused_kind in ("", "parked") and status in ("running", "paused"):
        return f": {escape(parked)}"
    if status == "paused" and state.paused_because:
        return f": {escape(state.paused_because)}"
    if state.cancelled_by:
        return f", asked for by {escape(state.cancelled_by)}"
    return ""


def _outliving(attempts: Sequence[tuple[TaskId, int, bool]]) -> str:
    """Say what still runs without a driver, and what has finished meanwhile; "" when nothing is left."""
    running = [
        f"{task} (process {pid})" if pid else task for task, pid, has_finished in attempts if not has_finished
    ]
    finished = [task for task, _, has_finished in attempts if has_finished]
    told = (
        []
        if not running
        else [f"{len(running)} still run{'s' if len(running) == 1 else ''}: {_named(running)}"]
    )
    if finished:
        told.append(
            f"{len(finished)} ha{'s' if len(finished) == 1 else 've'} finished since: {_named(finished)}"
        )
    return "; ".join(told) + ("; a resume goes on with them" if told else "")


def _named(names: Sequence[str]) -> str:
    more = f" and {len(names) - _MOST_NAMED} more" if len(names) > _MOST_NAMED else ""
    return ", ".join(names[:_MOST_NAMED]) + more


def _duration(state: RunState, now: float) -> str:
    if state.started_at is None:
        return ""
    return duration_text((now if state.ended_at is None else state.ended_at) - state.started_at)


def _cost(state: RunState) -> str:
    return spent_text(state)


def _spent_line(state: RunState) -> list[str]:
    spent = spent_text(state)
    return [f"  spent: {spent}"] if spent else []


def _budget(state: RunState) -> str:
    """Say what a person has allowed; the workflow's own budget stands in its file."""
    budget = state.budget
    if budget is None:
        return ""
    parts = [] if budget.usd is None else [money_text(budget.usd)]
    parts += [] if budget.tokens is None else [f"{budget.tokens:,} tokens"]
    parts += [] if budget.agents is None else [f"{budget.agents} attempts"]
    return ", ".join(parts) or "no limit"


def _inputs(state: RunState, width: int) -> str:
    pairs = (f"{name}={json.dumps(thaw(value), ensure_ascii=False)}" for name, value in state.inputs.items())
    return cut(escape(", ".join(pairs)), max(20, width - 10))


# --- tasks -------------------------------------------------------------------------------------------------------


def _table(state: RunState, told: Told, shown: Sequence[TaskState]) -> Iterator[str]:
    if not shown:
        return
    yield ""
    name_width = min(max(len(task.id) for task in shown), max(8, told.width // 3))
    for task in shown:
        line = task_line(task, state, now=told.now, limit=limit_of(task, told.limits))
        end = told.ends.get(task.id)
        phase = line.phase if end is None else end.phase
        mark = paint(symbol(phase, told.look), COLOURS.get(phase, ""), told.look)
        elapsed = line.elapsed_seconds
        if end is not None and task.started_at is not None:
            elapsed = end.until - task.started_at
        took = "" if elapsed is None else duration_text(elapsed)
        head = f"{cut(line.id, name_width):<{name_width}}  {phase:<10} {took:>9}"
        detail = escape(line.detail) or _preview(task) if end is None else f"{end.words}; {end.prospect}"
        yield f"  {mark} {cut(f'{head}  {detail}', max(20, told.width - 4)).rstrip()}"
    if len(shown) == len(state.tasks):
        return
    tasks = [task for task in state.tasks.values() if not task.hook]  # once: a persistent map is slow to walk
    hidden = len(tasks) - sum(not task.hook for task in shown)
    if hidden > 0:
        counts = Counter(map(phase_of, tasks))
        yield f"    and {hidden} more; in all: " + ", ".join(
            f"{n} {word}" for word, n in sorted(counts.items())
        )


def worth_showing(state: RunState, order: Sequence[TaskId]) -> list[TaskState]:
    """Return the tasks that have a line of their own: all of a small run, of a large one those that need looking at first."""
    known = dict(state.tasks.items())  # a persistent map is slow to look things up in
    tasks = [known[task_id] for task_id in order]
    tasks = [task for task in tasks if not task.hook or task.status is not TaskStatus.PENDING]
    if len(tasks) <= _MOST_TASKS:
        return tasks
    rank = {TaskStatus.FAILED: 0, TaskStatus.RUNNING: 1, TaskStatus.CANCELLED: 2, TaskStatus.PENDING: 3}
    chosen = {task.id for task in sorted(tasks, key=lambda task: rank.get(task.status, 4))[:_MOST_TASKS]}
    return [task for task in tasks if task.id in chosen]


def _preview(task: TaskState) -> str:
    """Return the output on one line; the caller cuts it."""
    if task.output is None:
        return ""
    if isinstance(task.output, BlobRef):
        return f"({task.output.size:,} bytes)"
    text = task.output if isinstance(task.output, str) else json.dumps(thaw(task.output), ensure_ascii=False)
    return escape(text[:_MOST_PREVIEW])


# --- failures, outputs and what to do next -----------------------------------------------------------------------


def _failures(state: RunState, told: Told) -> Iterator[str]:
    if state.failure is not None and state.outcome is RunStatus.FAILED:
        yield ""
        yield from _failure("run", state.failure, told)
    are_failed = {task.id: task for task in state.tasks.values() if task.status is TaskStatus.FAILED}
    failed = [are_failed[t] for t in told.order if t in are_failed]
    for task in failed[:_MOST_FAILURES]:
        if task.error is None:
            continue
        yield ""
        yield from _failure(f"{task.id} failed", task.error, told)
        if task.attempts:
            yield f"  logs: actorflow logs {state.run_id} {task.id}{_options(told)}"
    if len(failed) > _MOST_FAILURES:
        yield f"and {len(failed) - _MOST_FAILURES} more failed tasks: actorflow status {state.run_id} --json{_options(told)}"


def _failure(subject: str, failure: Failure, told: Told) -> Iterator[str]:
    first, *rest = escape_lines(failure.message).splitlines() or [""]
    yield paint(f"{subject} ({escape(failure.kind)}): ", "red", told.look) + first
    yield from _indented(rest, _MOST_ERROR_LINES)
    yield from _indented((f"hint: {line}" for line in escape_lines(failure.hint).splitlines()), 4)


def _indented(lines: Iterable[str], most: int) -> Iterator[str]:
    kept = list(lines)
    yield from (f"  {line}" for line in kept[:most])
    if len(kept) > most:
        yield f"  ({len(kept) - most} more lines)"


def _outputs(shown: Sequence[TaskState], told: Told) -> Iterator[str]:
    for task in shown:
        task_id = task.id
        if task.notes:
            yield ""
            yield from (f"note on {task_id}: {escape(note)}" for note in task.notes)
        if len(_preview(task)) > told.width // 2 or (isinstance(task.output, str) and "\n" in task.output):
            text = _output_text(task)  # shorter ones are in the table already
            yield ""
            yield f"output of {task_id}:"
            yield from _indented(escape_lines(text).splitlines(), _MOST_OUTPUT_LINES)


def _output_text(task: TaskState) -> str:
    if task.output is None or isinstance(task.output, BlobRef):
        return ""
    if isinstance(task.output, str):
        return task.output[:_MOST_OUTPUT_CHARACTERS]
    return json.dumps(thaw(task.output), ensure_ascii=False, indent=2)[:_MOST_OUTPUT_CHARACTERS]


def _next_steps(state: RunState, told: Told) -> Iterator[str]:
    options, run = _options(told), state.run_id
    steps = {}
    if (told.status or _status(state)) in ("failed", "cancelled", "paused", "interrupted"):
        steps["go on"] = f"actorflow resume {run}{_terms(state, told.now)}{options}"
    if any(task.status is TaskStatus.SUCCESS for task in state.tasks.values()):
        steps["outputs"] = f"actorflow status {run} --json{options}"
    if any(task.attempts for task in state.tasks.values()):
        steps["logs"] = f"actorflow logs {run}{options}"
    if steps:
        yield ""
    yield from (f"{name:<9}{command}" for name, command in steps.items())


def _terms(state: RunState, now: float) -> str:
    """Return what a resume needs so that it does not stop again at once."""
    if state.paused_kind == "budget":
        which = state.paused_because.removeprefix("budget.").partition(":")[0]
        return f" --budget-{which} N"
    is_closed = any(limit.opens_at > now for limit in state.limits.values())
    return " --when-ready" if is_closed or parked_until(state) is not None else ""


def _options(told: Told) -> str:
    return f" {told.options}" if told.options else ""

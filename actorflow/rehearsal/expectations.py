"""Was what a test expects met? Takes a test and a played run, gives every difference with its place in the test.

A difference says what was expected, what came instead, and why when the run knows: the reason of a skip, the
error of a failure. Pure; must not know how places or differences are shown.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from actorflow.agents.interface import AgentRequest
from actorflow.ids import TaskId
from actorflow.monitor.times import duration_text
from actorflow.monitor.words import failure_text, first_line, skip_text
from actorflow.rehearsal.cases import Case, ExpectedTask, Range
from actorflow.rehearsal.played import Played
from actorflow.state import TaskState, TaskStatus
from actorflow.state import events as ev
from actorflow.values import Frozen, thaw
from actorflow.workflow.report import Path

__all__ = ["Difference", "differences"]

_MOST_SHOWN = 300
_TOLERANCE_SECONDS = 0.001
_VARIABLE = re.compile(r'"?\$\{(AF_[0-9]+)\}"?')


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that a test expects and that did not come.

    Attributes:
        path: where the expectation stands; the test itself when it is not written out.
        hint: why, if that is known; "" otherwise.
    """

    path: Path
    message: str
    hint: str = ""


def differences(case: Case, played: Played) -> Iterator[Difference]:
    """Yield what of the expectations of ``case`` was not met, in the order of its keys."""
    checker = _Checker(case, played)
    yield from checker.run()
    for task, expected in case.expect.tasks.items():
        yield from checker.task(played.state.tasks[TaskId(task)], expected)
    yield from checker.order()
    yield from checker.together()


@dataclass(frozen=True, slots=True)
class _Span:
    """From the start of a task's first attempt to the end of its last: as events, which are in order also when no time passes, and as times."""

    began: int
    ended: int
    start: float
    end: float


def _spans(played: Played) -> dict[TaskId, _Span]:
    """Return the spans of all tasks that ran."""
    found: dict[TaskId, _Span] = {}
    for recorded in played.events:
        event, number, at = recorded.event, recorded.sequence, recorded.at
        if isinstance(event, ev.AttemptStarted):
            found.setdefault(event.task, _Span(number, number, at, at))
        elif isinstance(event, _ENDS):
            found[event.task] = replace(found[event.task], ended=number, end=at)
    return found


_ENDS = (ev.AttemptSucceeded, ev.AttemptFailed, ev.AttemptCancelled, ev.AttemptRequeued, ev.AttemptLost)


class _Checker:
    def __init__(self, case: Case, played: Played) -> None:
        self._expect = case.expect
        self._path: Path = (*case.path, "expect")
        self._played = played
        self._latest = {call.task_id: call for call in played.calls}
        self._spans = _spans(played)

    def run(self) -> Iterator[Difference]:
        state, expect = self._played.state, self._expect
        status = "unknown" if state.status is None else state.status.value
        if status != expect.status:
            yield self._differs("status", expect.status, status, self._why_of_run())
        error = "" if state.failure is None else state.failure.kind
        if expect.error is not None and error != expect.error:
            yield self._differs("error", expect.error, error or "no error of the run's own")
        took = _seconds(state.duration_seconds)
        if expect.duration is not None and not _is_within(took, expect.duration):
            yield self._differs("duration", _range_text(expect.duration), f"{took:g} s")
        costs = [task.cost_usd for task in state.tasks.values() if task.cost_usd is not None]
        if expect.cost_usd is not None and not _is_within(sum(costs), expect.cost_usd):
            yield self._differs("cost_usd", _range_text(expect.cost_usd, ""), f"{sum(costs):g}")

    def _why_of_run(self) -> str:
        state = self._played.state
        lines = [] if state.failure is None else [f"the run: {failure_text(state.failure)}"]
        lines += [f"the run paused: {first_line(state.paused_because)}"] if state.paused_because else []
        failed = [task for task in state.tasks.values() if task.status is TaskStatus.FAILED]
        lines += [f"{task.id}: {_why(task)}" for task in failed[:5]]
        return "\n".join(lines)

    def _differs(self, key: str, expected: str, got: str, hint: str = "") -> Difference:
        return Difference((*self._path, key), f"the run's {key}: expected {expected}, got {got}", hint)

    # --- one task ------------------------------------------------------------------------------------------------

    def task(self, task: TaskState, expected: ExpectedTask) -> Iterator[Difference]:
        path = (*self._path, "tasks", task.id)
        facts = {
            "status": (expected.status, task.status.value),
            "reason": (expected.reason, None if task.reason is None else task.reason.value),
            "error": (expected.error, None if task.error is None else task.error.kind),
            "attempts": (expected.attempts, task.attempts),
            "agent": (expected.agent, task.agent or None),
        }
        for key, (wanted, got) in facts.items():
            if wanted is not None and wanted != got:
                shown = "none" if got is None else got
                yield _of_task(task, (*path, key), str(wanted), str(shown), hint=_why(task))
                if key == "status":
                    break  # its reason or its error are other ones then, of course
        message = "" if task.error is None else task.error.message
        if expected.message is not None and expected.message not in message:
            yield _of_task(task, (*path, "message"), f"{expected.message!r} in it", repr(message or "none"))
        took = _seconds(task.duration_seconds)
        if expected.duration is not None and not _is_within(took, expected.duration):
            yield _of_task(task, (*path, "duration"), _range_text(expected.duration), f"{took:g} s")
        if expected.has_output:
            output = self._played.output(task.id)
            for where, what in _unlike(expected.output, output, ()):
                yield Difference(
                    (*path, "output", *where), f"{task.id}: output{_spelled(where)}: {what}", _why(task)
                )
        yield from self._call(task, expected, path)

    def _call(self, task: TaskState, expected: ExpectedTask, path: Path) -> Iterator[Difference]:
        if expected.parameters is None and expected.handoff is None:
            return
        call = self._latest.get(task.id)
        if call is None:
            key = "parameters" if expected.parameters is not None else "handoff"
            yield Difference((*path, key), f"{task.id}: its agent was never called", _why(task))
            return
        for name, wanted in (expected.parameters or {}).items():
            here = (*path, "parameters", name)
            if name not in call.parameters:
                yield Difference(here, f"{task.id}: it was called without the parameter {name}")
                continue
            got = _as_shell_sees(call, call.parameters[name])
            for where, what in _unlike_parameter(wanted, got):
                yield Difference((*here, *where), f"{task.id}: parameter {name}{_spelled(where)}: {what}")
        handed = sorted(task_id for task_id, _ in call.handoff)
        if expected.handoff is not None and sorted(expected.handoff) != handed:
            yield _of_task(task, (*path, "handoff"), _listed(expected.handoff), _listed(handed))

    # --- tasks and time ------------------------------------------------------------------------------------------

    def order(self) -> Iterator[Difference]:
        path = (*self._path, "order")
        before: tuple[str, ...] = ()
        for tasks in self._expect.order:
            missing = [task for task in tasks if task not in self._spans]
            if missing:
                yield Difference(path, f"order: {_listed(missing)} never ran", self._whys(missing))
            for earlier in before:
                for later in tasks:
                    if not self._is_before(earlier, later):
                        yield Difference(
                            path,
                            f"order: {later} began before {earlier} had ended",
                            f"{earlier}: {self._when(earlier)}\n{later}: {self._when(later)}",
                        )
            before = tasks

    def together(self) -> Iterator[Difference]:
        path = (*self._path, "together")
        for tasks in self._expect.together:
            missing = [task for task in tasks if task not in self._spans]
            if missing:
                yield Difference(path, f"together: {_listed(missing)} never ran", self._whys(missing))
            elif max(self._span(t).began for t in tasks) > min(self._span(t).ended for t in tasks):
                when = "\n".join(f"{task}: {self._when(task)}" for task in tasks)
                yield Difference(path, f"together: {_listed(tasks)} did not all run at one time", when)

    def _span(self, task: str) -> _Span:
        return self._spans[TaskId(task)]

    def _is_before(self, earlier: str, later: str) -> bool:
        """Whether the one had ended when the other began; true of tasks that never ran, about which enough is said."""
        if earlier not in self._spans or later not in self._spans:
            return True
        return self._span(earlier).ended < self._span(later).began

    def _when(self, task: str) -> str:
        span, began = self._span(task), self._played.state.started_at or 0.0
        return f"from {duration_text(span.start - began)} to {duration_text(span.end - began)} of the run"

    def _whys(self, tasks: list[str]) -> str:
        return "\n".join(f"{task}: {_why(self._played.state.tasks[TaskId(task)])}" for task in tasks)


def _of_task(task: TaskState, path: Path, expected: str, got: str, *, hint: str = "") -> Difference:
    key = path[-1]
    return Difference(path, f"{task.id}: expected {key} {expected}, got {got}", hint)


def _why(task: TaskState) -> str:
    if task.status is TaskStatus.SKIPPED:
        told = f": {failure_text(task.error)}" if task.error is not None else ""
        return f"it was skipped: {skip_text(task.reason)}{told}"
    if task.error is not None and task.status is not TaskStatus.SUCCESS:
        return f"it ended with {task.error.kind}: {failure_text(task.error)}"
    return ""


def _seconds(duration: float | None) -> float:
    return 0.0 if duration is None else round(duration, 6)


def _is_within(value: float, wanted: Range) -> bool:
    low = wanted.least is None or value >= wanted.least - _TOLERANCE_SECONDS
    return low and (wanted.most is None or value <= wanted.most + _TOLERANCE_SECONDS)


def _range_text(wanted: Range, unit: str = " s") -> str:
    if wanted.least == wanted.most:
        return f"{wanted.least:g}{unit}"
    parts = [f"at least {wanted.least:g}{unit}" if wanted.least is not None else ""]
    parts.append(f"at most {wanted.most:g}{unit}" if wanted.most is not None else "")
    return " and ".join(part for part in parts if part)


def _listed(names: Any) -> str:
    return ", ".join(names) or "nothing"


# --- values ------------------------------------------------------------------------------------------------------


def _unlike(wanted: Frozen, got: Frozen, path: Path) -> Iterator[tuple[Path, str]]:
    """Yield where and how ``got`` is not like ``wanted``: of mappings only the keys that are wanted count."""
    if isinstance(wanted, Mapping) and isinstance(got, Mapping):
        for key, inner in wanted.items():
            if key not in got:
                yield (*path, key), f"there is no '{key}'; there are: {_listed(got)}"
            else:
                yield from _unlike(inner, got[key], (*path, key))
    elif isinstance(wanted, tuple) and isinstance(got, tuple) and len(wanted) == len(got):
        for index, (inner, other) in enumerate(zip(wanted, got, strict=True)):
            yield from _unlike(inner, other, (*path, index))
    elif isinstance(wanted, bool) != isinstance(got, bool) or wanted != got:
        yield path, f"expected {_shown(wanted)}, got {_shown(got)}"


def _unlike_parameter(wanted: Frozen, got: Frozen) -> Iterator[tuple[Path, str]]:
    parts = wanted if isinstance(wanted, tuple) else (wanted,)
    if not isinstance(got, str) or not all(isinstance(part, str) for part in parts):
        yield from _unlike(wanted, got, ())
        return
    for index, part in enumerate(parts):
        if str(part) not in got:
            yield (
                ((index,) if isinstance(wanted, tuple) else ()),
                f"expected {_shown(part)} in it, got {_shown(got)}",
            )


def _as_shell_sees(call: AgentRequest, value: Frozen) -> Frozen:
    """Return a parameter with the holes of a shell command filled in: they are variables there."""
    if not isinstance(value, str) or "AF_" not in value:
        return value
    return _VARIABLE.sub(lambda match: call.environment.get(match[1], match[0]), value)


def _shown(value: Frozen) -> str:
    text = json.dumps(thaw(value), ensure_ascii=False)
    return text if len(text) <= _MOST_SHOWN else text[: _MOST_SHOWN - 1] + "…"


def _spelled(path: Path) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)

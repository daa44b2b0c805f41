"""Histories of runs for tests: events with times, the state after them, and updates as a watcher gets them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from actorflow.ids import TaskId
from actorflow.state import RunState, fold
from actorflow.state import events as ev
from actorflow.state.status import RunStatus

START = 1_795_373_280.0  # 2026-11-22 18:48:00 UTC
RUN_ID = "20261122-184800-k3v9qd"


@dataclass(frozen=True)
class Recorded:
    sequence: int
    at: float
    event: ev.Event


@dataclass(frozen=True)
class Said:
    kind: str
    text: str


@dataclass(frozen=True)
class Update:
    state: RunState
    events: tuple[Recorded, ...] = ()
    progress: tuple[tuple[TaskId, int, Said], ...] = ()
    missed: int = 0
    silent_since: float | None = None


class History:
    """Events recorded one second apart, or when told."""

    def __init__(self, *tasks: str | ev.TaskEntry, **accepted: object) -> None:
        self.recorded: list[Recorded] = []
        entries = tuple(ev.TaskEntry(TaskId(t), ("shell",)) if isinstance(t, str) else t for t in tasks)
        self.add(ev.RunAccepted(RUN_ID, "bugfix", entries, "text", **accepted), at=0)  # type: ignore[arg-type]
        self.add(ev.DriverStarted(4711, "host", 1), at=0)

    def add(self, event: ev.Event, *, at: float | None = None) -> History:
        last = self.recorded[-1].at - START if self.recorded else -1
        moment = START + (last + 1 if at is None else at)
        self.recorded.append(Recorded(len(self.recorded) + 1, moment, event))
        return self

    def start(self, task: str, attempt: int = 1, at: float | None = None) -> History:
        return self.add(ev.AttemptStarted(TaskId(task), attempt, "shell"), at=at)

    def succeed(self, task: str, attempt: int = 1, output: object = None, at: float | None = None) -> History:
        self.add(ev.AttemptSucceeded(TaskId(task), attempt, output=output), at=at)
        return self.add(ev.TaskSucceeded(TaskId(task)), at=self.recorded[-1].at - START)

    def fail(self, task: str, attempt: int = 1, message: str = "exit status 1") -> History:
        failure = ev.Failure("exit_status", message, "look at stderr")
        self.add(ev.AttemptFailed(TaskId(task), attempt, failure))
        return self.add(ev.TaskFailed(TaskId(task), failure), at=self.recorded[-1].at - START)

    def finish(self, status: RunStatus) -> History:
        return self.add(ev.RunSettled(status)).add(ev.RunFinished(status))

    @property
    def state(self) -> RunState:
        return self.state_after(len(self.recorded))

    def state_after(self, count: int) -> RunState:
        return fold((r.at, r.event) for r in self.recorded[:count])

    def updates(self, sizes: Iterable[int]) -> list[Update]:
        """Return the history cut into updates of the given sizes; what is left over is the last one."""
        updates, at = [], 0
        for size in [*sizes, len(self.recorded)]:
            events = tuple(self.recorded[at : at + size])
            at += len(events)
            updates.append(Update(self.state_after(at), events))
        return updates

    def update(self, last: int = 0) -> Update:
        """Return one update with the last events, all of them by default."""
        return Update(self.state, tuple(self.recorded[-last:]))


def entry(task: str, *dependencies: str, hook: str = "") -> ev.TaskEntry:
    return ev.TaskEntry(TaskId(task), ("shell",), tuple(TaskId(d) for d in dependencies), hook)

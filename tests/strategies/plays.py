"""A run played without an engine: outcomes go in, and the log says what followed.

Every round of commands is asked of ``Frontier`` and of ``decide``, and the two must agree; every event goes through ``apply``. So each scenario and each
property that plays a run checks the whole of state and scheduling besides what it says itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from actorflow.ids import TaskId
from actorflow.scheduling import Command, Facts, Frontier, Settled, decide, settle
from actorflow.scheduling.services import next_opening
from actorflow.state import EMPTY, RunState, TaskState, apply
from actorflow.state import events as ev
from actorflow.state.events import Event, Failure
from actorflow.state.status import SkipReason, TaskStatus
from actorflow.workflow.model import HookPhase
from actorflow.workflow.plan import Plan


def full_jitter(_task: TaskId, _attempt: int) -> float:
    """Give back-offs their whole length."""
    return 1.0


def accepted(plan: Plan) -> ev.RunAccepted:
    """Return the first event of a run of the plan."""
    entries = tuple(
        ev.TaskEntry(t.id, t.spec.agents, t.dependencies, t.hook.value if t.hook else "")
        for t in plan.tasks.values()
    )
    return ev.RunAccepted("20261122-184800-k3v9qd", "w", entries, text="")


Batch = tuple[float, tuple[Event, ...]]
"""What was committed together, and when."""

END_PHASES = (HookPhase.ON_SUCCESS, HookPhase.ON_FAILURE, HookPhase.ON_COMPLETE)


class Play:
    """One run of a plan. ``t`` is its clock, in seconds; it moves when ``wait`` says so.

    Args:
        with_decide: whether to hold ``Frontier`` to ``decide``; False where the cost of ``Frontier`` is the point.
    """

    def __init__(
        self, plan: Plan, *, jitter: Any = full_jitter, t: float = 0.0, with_decide: bool = True
    ) -> None:
        self.plan = plan
        self.facts = Facts(plan, jitter)
        self.t = t
        self._with_decide = with_decide
        self.batches: list[Batch] = []
        self.state: RunState = EMPTY
        self.starts: list[tuple[TaskId, int]] = []
        self._record((accepted(plan), ev.DriverStarted(1, "host", 1)))

    @classmethod
    def recovered(
        cls,
        plan: Plan,
        batches: Sequence[Batch],
        *,
        t: float,
        resume: bool = False,
        lifts_limits: bool = False,
    ) -> Play:
        """Go on after a crash with what was durable: open attempts are lost.

        Args:
            resume: also run again what did not succeed, in the same batch, as a person's resume does.
            lifts_limits: and that person knows that the services can be used again.
        """
        play = cls(plan, t=t)
        play.state, play.batches = EMPTY, list(batches)
        for at, event in play.events:
            play.state = apply_one(play.state, event, at)
        play.rebuild()
        tasks = [play.of(name) for name in plan.tasks]
        first: list[Event] = [ev.AttemptLost(t.id, t.attempts) for t in tasks if t.is_attempt_open]
        if resume:
            left_over = tuple(TaskId(name) for name in play.left_over)
            first.append(ev.RunResumed(left_over, lifts_limits=lifts_limits))
        play.happens(*first, ev.DriverStarted(2, "host", play.state.epoch + 1))
        return play

    # --- what happens ------------------------------------------------------------------------------------------------

    def happens(self, *events: Event) -> Settled:
        """Feed events in as one batch, with all that follows."""
        settled = settle(self.state, events, self.t, commands=self._commands, advance=self._advance)
        self.state = settled.state
        if settled.events:
            self.batches.append((self.t, settled.events))
        self.starts += [(start.task, start.attempt) for start in settled.starts]
        return settled

    def ok(self, *names: str, output: Any = None, **spent: Any) -> None:
        """Let the open attempts of these tasks succeed, one after the other."""
        for name in names:
            self.happens(ev.AttemptSucceeded(TaskId(name), self.of(name).attempts, output, **spent))

    def fail(
        self,
        *names: str,
        kind: str = "exit_status",
        retryable: bool = True,
        after: float | None = None,
        **spent: Any,
    ) -> None:
        """Let the open attempts of these tasks fail."""
        for name in names:
            failure = Failure(kind, "it failed", retryable=retryable, retry_after_seconds=after)
            self.happens(ev.AttemptFailed(TaskId(name), self.of(name).attempts, failure, **spent))

    def requeue(self, name: str, *, due_at: float, kind: str = "rate_limit", **spent: Any) -> None:
        """Let the open attempt hit a limit."""
        failure, widest = Failure(kind, "slow down"), self.plan.max_parallel
        attempt = self.of(name).attempts
        self.happens(ev.AttemptRequeued(TaskId(name), attempt, due_at, failure, widest=widest, **spent))

    def open_session(self, name: str, session: str) -> None:
        """Let the agent of the open attempt tell its session."""
        self.happens(ev.SessionOpened(TaskId(name), self.of(name).attempts, session))

    def allow(self, **budget: Any) -> None:
        """Let a person set the budget of a run that has paused, and go on."""
        self.happens(
            ev.RunResumed(()), ev.DriverStarted(4, "host", self.state.epoch + 1), ev.BudgetChanged(**budget)
        )

    def lose(self, *names: str) -> None:
        """Let the open attempts be lost."""
        self.happens(*(ev.AttemptLost(TaskId(name), self.of(name).attempts) for name in names))

    def stopped(self, *names: str) -> None:
        """Let the agents of these tasks report that they were stopped."""
        for name in names:
            self.happens(ev.AttemptCancelled(TaskId(name), self.of(name).attempts))

    def cancel(self) -> None:
        """Ask for cancellation."""
        self.happens(ev.RunCancelRequested("test"))

    def time_out(self) -> None:
        """Let the run's timeout pass."""
        self.happens(ev.RunTimedOut(3600.0))

    def resume(self, *names: str) -> None:
        """Make these tasks PENDING again and go on."""
        self.happens(ev.RunResumed(tuple(TaskId(name) for name in names)))

    def rebuild(self) -> None:
        """Replace the frontier, as a driver's actor that is restarted does; attempts run on."""
        self._frontier = Frontier(self.facts, self.state)

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.t += seconds
        self.happens()

    def wait_next(self) -> None:
        """Let time pass until something that is waited for is over."""
        due = [self.of(name).due_at or 0.0 for name in self.waiting]
        opening = next_opening(self.state, self.t)
        moments = [moment for moment in (*due, *([] if opening is None else [opening])) if moment > self.t]
        self.wait(min(moments, default=self.t) - self.t)

    def play(self, script: Mapping[str, Iterable[str]] | None = None) -> Play:
        """Bring the run to its end: attempts succeed unless the script has another word (``fail``, ``fatal``, ``lost``) for them."""
        words = {name: iter(outcomes) for name, outcomes in (script or {}).items()}
        steps_left = 10_000
        while self.running or self.waiting:
            steps_left -= 1
            assert steps_left, f"does not end: {self.states}"
            if not self.running:
                self.wait_next()
                continue
            name = self.running[0]
            match next(words.get(name, iter(())), "ok"):
                case "fail":
                    self.fail(name)
                case "fatal":
                    self.fail(name, retryable=False)
                case "lost":
                    self.lose(name)
                case _:
                    self.ok(name, output=name)
        return self

    # --- what is to be seen --------------------------------------------------------------------------------------------

    def of(self, name: str) -> TaskState:
        """Return a task's state."""
        return self.state.tasks[TaskId(name)]

    @property
    def events(self) -> list[tuple[float, Event]]:
        """All events with their times."""
        return [(at, event) for at, batch in self.batches for event in batch]

    @property
    def running(self) -> list[str]:
        """The tasks with an open attempt, in the order of the plan."""
        return [task_id for task_id in self.plan.tasks if self.of(task_id).is_attempt_open]

    @property
    def waiting(self) -> list[str]:
        """The tasks between two attempts."""
        return [task_id for task_id in self.plan.tasks if self.of(task_id).due_at is not None]

    @property
    def left_over(self) -> list[str]:
        """What a resume runs again: whatever has not succeeded, and the end hooks."""
        tasks = self.state.tasks.values()
        return [t.id for t in tasks if t.status is not TaskStatus.SUCCESS or t.hook in END_PHASES]

    @property
    def states(self) -> dict[str, str]:
        """Task -> its state, with the reason where there is one."""
        return {task_id: shown(self.of(task_id)) for task_id in self.plan.tasks}

    @property
    def started(self) -> list[str]:
        """The tasks in the order of their attempts' starts."""
        return [event.task for _, event in self.events if isinstance(event, ev.AttemptStarted)]

    @property
    def log(self) -> list[str]:
        """What happened to tasks and the run, a line an event."""
        return [line for _, event in self.events if (line := _line(event))]

    @property
    def end(self) -> str | None:
        """How the run ended; None while it goes on."""
        status = self.state.status
        return status.value if status is not None and status.is_terminal else None

    # --- the machinery -------------------------------------------------------------------------------------------------

    def _record(self, events: tuple[Event, ...]) -> None:
        for event in events:
            self.state = apply_one(self.state, event, self.t)
        self.batches.append((self.t, events))
        self._frontier = Frontier(self.facts, self.state)

    def begin(self) -> Play:
        """Let the driver take its first look."""
        self.happens()
        return self

    def _commands(self, state: RunState, now: float) -> list[Command]:
        commands = self._frontier.commands(state, now)
        assert not self._with_decide or commands == decide(self.facts, state, now)
        return commands

    def _advance(self, event: Event, state: RunState) -> None:
        self._frontier.advance(event, state)


def apply_one(state: RunState, event: Event, at: float) -> RunState:
    """Apply an event that came through the journal, as a driver that starts would read it."""
    return apply(state, ev.decode(ev.encode(event)), at)


def shown(task: TaskState) -> str:
    """Write a task's state as ``success`` or ``skipped(upstream_failed)``."""
    return task.status.value + (f"({task.reason.value})" if task.reason else "")


def _line(event: Event) -> str:
    match event:
        case ev.AttemptStarted():
            return f"start {event.task}#{event.attempt}"
        case ev.AttemptFailed() | ev.AttemptLost() | ev.AttemptCancelled() | ev.AttemptRequeued():
            return f"{ev.kind_of(event).removeprefix('Attempt').lower()} {event.task}#{event.attempt}"
        case ev.RetryScheduled():
            return f"retry {event.task} in {event.delay_seconds:g}"
        case ev.TaskSucceeded():
            return f"{event.task} success"
        case ev.TaskFailed():
            return f"{event.task} failed({event.failure.kind})"
        case ev.TaskSkipped():
            return f"{event.task} skipped({event.reason.value})"
        case ev.TaskCancelled():
            return f"{event.task} cancelled"
        case ev.RunSettled():
            return f"settled {event.status.value}"
        case ev.RunFinished():
            return f"finished {event.status.value}"
    return ""


def finished(status: TaskStatus | str, reason: SkipReason | str | None = None, name: str = "d") -> TaskState:
    """Return the state of a task that is done."""
    return TaskState(
        TaskId(name),
        ("echo",),
        status=TaskStatus(status),
        reason=None if reason is None else SkipReason(reason),
    )

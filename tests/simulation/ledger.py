"""The ledger: what a simulated run may do, checked at the moment each batch becomes durable and each agent is called.

Takes the plan; is told every durable batch in the order of the log, and every start and end of an agent. Raises ``Violation`` at the first thing that breaks a promise. It keeps
its own books (what succeeded, what failed how often) so that a mistake in the state's fold cannot hide one in the engine.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NoReturn

from actorflow.engine.records import read_records
from actorflow.journal import Record
from actorflow.state import EMPTY, RunState, RunStatus, SkipReason, SubState, apply, fold
from actorflow.state import events as ev
from actorflow.state.recorded import Recorded
from actorflow.workflow.model import Backoff, HookPhase
from actorflow.workflow.plan import Plan
from tests.simulation.services import Services
from tests.simulation.stops import Stops

MAX_LOST = 3
EARLY = 1e-5
END_PHASES = {
    RunStatus.SUCCESS: {"on_success", "on_complete"},
    RunStatus.FAILED: {"on_failure", "on_complete"},
    RunStatus.CANCELLED: {"on_complete"},
}
KINDS_OF_FAILURE = {
    "fail": {"exit_status"},
    "fatal": {"authentication"},
    "crash": {"crashed"},
    "hang": {"timeout"},
    "lie": {"invalid_output"},
    "nonsense": {"invalid_output", "crashed"},
}
OUTCOMES = (ev.AttemptSucceeded, ev.AttemptFailed, ev.AttemptLost, ev.AttemptCancelled, ev.AttemptRequeued)


class Violation(AssertionError):
    """A promise was broken."""


class LoggedRecords(list[Record]):
    """The durable records of a simulated disk; the ledger reads every batch at the moment it becomes durable."""

    def __init__(self, note: Callable[[Sequence[Record]], None]) -> None:
        super().__init__()
        self._note = note

    def extend(self, records: Iterable[Record]) -> None:
        batch = list(records)
        super().extend(batch)
        self._note(batch)


class Ledger:
    """The books of one run, over all its drivers.

    Attributes:
        state: folded from what is durable.
        seen: how many events of each type became durable.
        running: driver -> the attempts whose agents work now.
        acts: what the agent of each attempt plays.
    """

    def __init__(self, plan: Plan, has_blob: Callable[[str], bool], *, reworded: str = "") -> None:
        self._plan = plan
        self._reworded = reworded
        self._is_due_again = False
        self._has_blob = has_blob
        self.state: RunState = EMPTY
        self.recorded: list[Recorded] = []
        self.seen: Counter[str] = Counter()
        self.executed: set[tuple[str, int]] = set()
        self.running: dict[int, dict[str, int]] = {}
        self.acts: dict[tuple[str, int], str] = {}
        self._epoch = 0
        self._succeeded: set[str] = set()
        self._failures: Counter[str] = Counter()
        self._of_agent: Counter[tuple[str, str]] = Counter()
        self._services = Services(plan)
        self._has_read: dict[str, list[Any]] = {}
        self._limits: Counter[str] = Counter()
        self._lost: Counter[str] = Counter()
        self._due: dict[str, float] = {}
        self._latest: dict[str, tuple[ev.Event, float]] = {}
        self._ends: dict[tuple[str, int], ev.Event | None] = {}
        self._hooks_of_this_end: set[str] = set()
        self._cancelled_at_the_end = False
        self._is_cancelled = False
        self._stops = Stops()
        self._outliving: set[tuple[str, int]] = set()
        self._undriven: set[int] = set()

    # --- what the script of an agent rests on --------------------------------------------------------------------

    def failures(self, task: str) -> int:
        return self._failures[task]

    def limits(self, task: str) -> int:
        return self._limits[task]

    # --- the log -------------------------------------------------------------------------------------------------

    def note(self, records: Sequence[Record], now: float) -> None:
        """Take note of a batch that has become durable just now."""
        batch, before = [recorded.event for recorded in read_records(records)], self.state
        if any(isinstance(event, ev.DriverStarted) for event in batch):
            self._check_taken_over(batch, before)
        for record, recorded in zip(records, read_records(records), strict=True):
            if record.sequence != len(self.recorded) + 1:
                self._broken(f"record {record.sequence} follows record {len(self.recorded)}")
            if record.epoch < self._epoch:
                self._broken(f"driver {record.epoch} wrote after driver {self._epoch} had begun")
            self._epoch = record.epoch
            self._check(recorded.event, recorded.at, record.epoch)
            self._check_stops(recorded.event, record.epoch, now)
            self.state = apply(self.state, recorded.event, recorded.at)
            self.recorded.append(recorded)
            self.seen[type(recorded.event).__name__] += 1
        self._check_room(
            [task.id for task in self.state.tasks.values() if task.is_attempt_open], "started and not ended"
        )

    def _check(self, event: ev.Event, at: float, epoch: int) -> None:
        broken = self._services.note(event, at, self.state)
        if broken:
            self._broken(broken)
        if isinstance(event, OUTCOMES):
            self._outcome(event, epoch)
            self._latest[event.task] = event, at
        match event:
            case ev.AttemptStarted():
                self._started(event, at)
            case ev.RetryScheduled():
                self._check_delay(event, at)
                self._due[event.task] = event.due_at
            case ev.TaskSucceeded():
                self._task_succeeded(event.task)
            case ev.TaskFailed():
                self._check_given_up(event)
            case ev.SpecChanged():
                is_tolerated = self.state.tasks[self._reworded].reason is SkipReason.TOLERATED_FAILURE  # type: ignore[index]  # a task id
                self._is_due_again = self._reworded in self._succeeded or is_tolerated
            case ev.DriverStarted() if self._is_due_again:
                self._broken(f"{self._reworded} has changed, and its success is taken for what it says now")
            case ev.RunResumed():
                if event.lifts_limits:
                    for task in self.state.tasks.values():
                        if task.waiting is SubState.PARKED:
                            self._due.pop(task.id, None)
                self._check_changed(event)
                allowed = self._with_descendants((*event.asked, *event.changed))
                for task in event.tasks:
                    self._reset(task, is_allowed=task in allowed)
                self._cancelled_at_the_end = False
                self._is_cancelled = False
                self._hooks_of_this_end.clear()
            case ev.RunCancelRequested() if self.state.outcome is not None:
                self._cancelled_at_the_end = True
            case ev.RunFinished():
                self._finished(event)

    def _check_stops(self, event: ev.Event, driver: int, now: float) -> None:
        if isinstance(event, ev.RunCancelRequested):
            self._stops.recorded(driver)
        if isinstance(event, ev.RunCancelRequested | ev.RunTimedOut) and self.state.outcome is None:
            self._is_cancelled = True
            working = self.running.get(driver, {})
            meant = {t: n for t, n in working.items() if self._is_stopped_with_the_run(t)}
            self._stops.leave_off(driver, meant, now)
        if isinstance(event, ev.AttemptCancelled):
            is_meant = self._is_cancelled or self._cancelled_at_the_end
            if not is_meant:
                self._broken(f"an attempt of {event.task} is cancelled, and nobody has cancelled the run")

    def _is_stopped_with_the_run(self, task: str) -> bool:
        hook = self._plan.tasks[task].hook  # type: ignore[index]  # a task id
        return hook is None or hook is HookPhase.ON_START

    def _outcome(self, event: Any, epoch: int) -> None:
        key = event.task, event.attempt
        if self._ends.get(key, self) is not None:
            self._broken(f"{type(event).__name__} of attempt {key}, which is not open")
        self._ends[key] = event
        is_running = self.running.get(epoch, {}).get(event.task) == event.attempt
        if is_running:
            self._broken(f"{type(event).__name__} of attempt {key}, whose agent is still at work")
        if isinstance(event, ev.AttemptSucceeded):
            if key not in self.executed:
                self._broken(f"attempt {key} succeeded, and its agent was never called")
            if event.blob is not None and not self._has_blob(event.blob.sha256):
                self._broken(f"the output of {event.task} is recorded and not durable")
        if isinstance(event, ev.AttemptFailed) and key in self.executed:
            own = KINDS_OF_FAILURE.get(self.acts.get(key, ""), set())
            if event.failure.kind not in own:
                self._broken(f"attempt {key} is recorded as failed, which its agent did not: {event.failure}")
        self._failures[event.task] += isinstance(event, ev.AttemptFailed)
        agent = self.state.tasks[event.task].agent
        self._of_agent[event.task, agent] += isinstance(event, ev.AttemptFailed)
        self._limits[event.task] += isinstance(event, ev.AttemptRequeued)
        self._lost[event.task] += isinstance(event, ev.AttemptLost)

    def _started(self, event: ev.AttemptStarted, at: float) -> None:
        if self._epoch in self._undriven:
            self._broken(f"attempt {event.attempt} of {event.task} is started because the run is cancelled")
        task = self._plan.tasks[event.task]
        if (event.task, event.attempt) in self._ends:
            self._broken(f"attempt {event.attempt} of {event.task} is started twice")
        self._ends[event.task, event.attempt] = None
        if event.task in self._succeeded:
            self._broken(f"{event.task} succeeded and is started again")
        waiting = [name for name in task.dependencies if not self.state.tasks[name].status.is_terminal]
        if waiting:
            self._broken(f"{event.task} is started before {waiting} are done")
        failed = self._of_agent[event.task, event.agent]
        if failed >= task.retry.max_attempts:
            self._broken(f"{event.task} has failed {failed} times and is started again")
        others = task.spec.agents[: task.spec.agents.index(event.agent)]
        if not all(self._of_agent[event.task, agent] for agent in others):
            self._broken(f"{event.task} is started by {event.agent} before {others} have failed")
        if self._lost[event.task] > MAX_LOST:
            self._broken(f"{event.task} was lost {self._lost[event.task]} times and is started again")
        if at < self._due.get(event.task, 0.0) - EARLY:
            self._broken(f"{event.task} is started {self._due[event.task] - at:g} s before it is due")
        self._check_phase(event.task, None if task.hook is None else task.hook.value)

    def _check_phase(self, task: str, hook: str | None) -> None:
        outcome = self.state.outcome
        if hook is None or hook == HookPhase.ON_START:
            if outcome is not None or self.state.is_cancelling:
                self._broken(f"{task} is started although the run is cancelled or settled")
        elif outcome is None or hook not in END_PHASES[outcome]:
            self._broken(f"the hook {task} is started although the outcome is {outcome}")
        elif self._cancelled_at_the_end:
            self._broken(f"the hook {task} is started although the hooks were cancelled")

    def _check_given_up(self, event: ev.TaskFailed) -> None:
        """A task is given up when the last of its agents has had all its attempts, or an error that none can help."""
        ended = self._latest.get(event.task, (None, 0.0))[0]
        if not isinstance(ended, ev.AttemptFailed) or event.failure != ended.failure:
            return
        task, agent = self._plan.tasks[event.task], self.state.tasks[event.task].agent
        failed = self._of_agent[event.task, agent]
        if ended.failure.retryable and failed < task.retry.max_attempts:
            self._broken(f"{event.task} is given up after {failed} of {task.retry.max_attempts} attempts")
        if agent != task.spec.agents[-1] and ended.failure.kind != "interpolation":
            self._broken(f"{event.task} is given up, and {task.spec.agents[-1]} has not been asked")

    def _check_delay(self, event: ev.RetryScheduled, at: float) -> None:
        ended, _ = self._latest[event.task]
        if event.agent:  # another agent begins at once
            return
        if isinstance(ended, ev.AttemptRequeued):
            least = ended.due_at - at
        elif isinstance(ended, ev.AttemptFailed):
            retry = self._plan.tasks[event.task].retry
            if retry.backoff is Backoff.FIXED:
                least = retry.delay_seconds
            else:
                failed = self._of_agent[event.task, self.state.tasks[event.task].agent]
                doubled = retry.delay_seconds * 2.0 ** (failed - 1)
                least = 0.5 * min(doubled, retry.max_delay_seconds)
            least = max(least, ended.failure.retry_after_seconds or 0.0)
        else:
            return
        if event.due_at - at < least - EARLY:
            self._broken(f"{event.task} is to wait {event.due_at - at:g} s, and not at least {least:g} s")

    def _task_succeeded(self, task: str) -> None:
        latest = self._latest.get(task)
        if latest is None or not isinstance(latest[0], ev.AttemptSucceeded):
            self._broken(f"{task} is recorded as done and none of its attempts is")
        if task in self._hooks_of_this_end:
            self._broken(f"the hook {task} ran twice")
        self._succeeded.add(task)
        self._has_read[task] = self._reads(task)
        if self._plan.tasks[task].hook is not None:  # type: ignore[index]  # a task id
            self._hooks_of_this_end.add(task)

    def _check_changed(self, event: ev.RunResumed) -> None:
        """What a changed spec makes run again of what has succeeded is the task that says something else, and what has read something else."""
        due = {self._reworded} if self._is_due_again else set()
        others = set(event.changed) - due
        if not due <= set(event.changed) or not all(self._reads(t) != self._has_read[t] for t in others):
            self._broken(f"{event.changed} are taken to be changed, and these are: {due}")
        self._is_due_again = False

    def _reads(self, task: str) -> list[Any]:
        """What the task would be told now of those before it."""
        return [self.state.tasks[name].output for name in self._plan.tasks[task].dependencies]  # type: ignore[index]  # a task id

    def _with_descendants(self, tasks: Iterable[str]) -> set[str]:
        found, waiting = set(tasks), list(tasks)
        while waiting:
            new = set(self._plan.tasks[waiting.pop()].dependents) - found  # type: ignore[index]  # a task id
            found |= new
            waiting += new
        return found

    def _reset(self, task: str, *, is_allowed: bool) -> None:
        hook = self._plan.tasks[task].hook  # type: ignore[index]  # a task id
        if hook is not None and hook is not HookPhase.ON_START:
            self._succeeded.discard(task)  # the end hooks run once for each end
        elif is_allowed:
            self._succeeded.discard(task)
        elif task in self._succeeded:
            self._broken(f"{task} succeeded and is PENDING again")
        for books in (self._failures, self._limits, self._lost):
            books[task] = 0
        for agent in self._plan.tasks[task].spec.agents:  # type: ignore[index]  # a task id
            self._of_agent[task, agent] = 0
        self._due.pop(task, None)

    def _finished(self, event: ev.RunFinished) -> None:
        for task in self.state.tasks.values():
            is_expected = not task.hook or task.hook == "on_start" or task.hook in END_PHASES[event.status]
            is_spared = (self._cancelled_at_the_end or self._epoch in self._undriven) and bool(task.hook)
            if task.is_attempt_open or (is_expected and not is_spared and not task.status.is_terminal):
                self._broken(f"the run is finished, and {task.id} is {task.status.value}")
        has_failed = any(t.status.value == "failed" for t in self.state.tasks.values() if not t.hook)
        if has_failed and event.status is RunStatus.SUCCESS:
            self._broken("the run succeeded with a failed task")

    def _check_room(self, tasks: Sequence[str], how: str) -> None:
        counted = [self._plan.tasks[task] for task in tasks]  # type: ignore[index]  # task ids
        counted = [task for task in counted if task.hook is None]
        if len(counted) > self._plan.max_parallel:
            self._broken(f"{len(counted)} tasks are {how}; at most {self._plan.max_parallel} may be")
        for pool, size in self._plan.workflow.settings.resources.items():
            used = sum(task.spec.resources.get(pool, 0) for task in counted)
            if used > size:
                self._broken(f"{used} of {size} of the pool {pool} are used by what is {how}")

    # --- agents --------------------------------------------------------------------------------------------------

    def cancel_is_asked(self, driver: int, now: float) -> None:
        """Take note that somebody asks a driver to cancel, and that it has said that it will."""
        self._stops.asked(driver, self.running.get(driver, {}), now)

    def agent_starts(
        self,
        driver: int,
        task: str,
        attempt: int,
        now: float,
        *,
        is_replaced: bool,
        beside: Sequence[tuple[str, int]] = (),
    ) -> None:
        """Check that an agent may be called now; ``beside`` are other attempts of its task that are at work wherever they are."""
        if driver in self._undriven:
            self._broken(f"attempt {attempt} of {task} begins because the run is cancelled")
        if beside and not is_replaced:
            self._broken(f"attempt {attempt} of {task} begins while {beside} is at work")
        self._check_may_work(driver, task, attempt, now)
        if (task, attempt) not in self._ends:
            self._broken(f"the agent of {task} is called for attempt {attempt}, which is not durable")
        if (task, attempt) in self.executed:
            self._broken(f"attempt {attempt} of {task} is carried out twice")
        if self._ends[task, attempt] is not None and not is_replaced:
            self._broken(f"the agent of {task} is called for attempt {attempt}, which has ended")
        running = self.running.setdefault(driver, {})
        if task in running:
            self._broken(f"attempt {attempt} of {task} begins while attempt {running[task]} is at work")
        self.executed.add((task, attempt))
        running[task] = attempt
        self._check_room(list(running), "at work")

    def agent_goes_on(self, driver: int, task: str, attempt: int, now: float, *, is_replaced: bool) -> None:
        """Check that an agent may go on with an attempt that another driver began."""
        self._check_may_work(driver, task, attempt, now)
        if (task, attempt) not in self.executed:
            self._broken(f"attempt {attempt} of {task} is gone on with, and was never begun")
        if self._ends[task, attempt] is not None and not is_replaced:
            self._broken(f"attempt {attempt} of {task} is gone on with, and has ended")
        running = self.running.setdefault(driver, {})
        if task in running:
            self._broken(f"attempt {attempt} of {task} is gone on with twice")
        running[task] = attempt
        self._check_room(list(running), "at work")

    def is_cancelled_by(self, epoch: int) -> None:
        """Take note that who writes under ``epoch`` drives nothing: the run is cancelled while nobody drives it."""
        self._undriven.add(epoch)

    def has_outlived(self, attempts: Iterable[tuple[str, int]]) -> None:
        """Take note of what the next driver finds of the attempts that the one before left open."""
        self._outliving = set(attempts)

    def _check_taken_over(self, batch: Sequence[ev.Event], before: RunState) -> None:
        """What has outlived its driver is gone on with, unless the run does not want it any more."""
        lost = {(e.task, e.attempt) for e in batch if isinstance(e, ev.AttemptLost)}
        reset = {task for e in batch if isinstance(e, ev.RunResumed) for task in e.tasks}
        is_other = any(isinstance(e, ev.SpecChanged) for e in batch)
        for task, attempt in sorted(self._outliving & lost):
            was_stopped = before.is_cancelling or before.hooks_cancelled
            if not was_stopped and task not in reset and not (is_other and task == self._reworded):
                self._broken(f"attempt {attempt} of {task} is lost, and has outlived its driver")
        taken = {task for e in batch if isinstance(e, ev.DriverStarted) for task in e.taken_over}
        if taken != {task for task, _ in self._outliving - lost} or taken & reset:
            self._broken(f"{taken} are taken over of {self._outliving}; {lost} are lost, {reset} run again")
        if is_other and self._reworded in taken:
            self._broken(f"{self._reworded} is taken over, and is asked something else now")
        self._outliving = set()

    def _check_may_work(self, driver: int, task: str, attempt: int, now: float) -> None:
        if why_not := self._stops.why_not_called(driver, (task, attempt)):
            self._broken(why_not)
        if self._is_cancelled and self._is_stopped_with_the_run(task):
            # It was about to be called when the run's time was up.
            self._stops.leave_off(driver, {task: attempt}, now)

    def agent_leaves_off(self, driver: int, task: str, attempt: int, now: float) -> None:
        """Check that an agent is told to stop, or ends by itself, at the moment of the cancellation."""
        if why_not := self._stops.why_not_working(driver, (task, attempt), now):
            self._broken(why_not)

    def agent_ended(self, driver: int, task: str, attempt: int) -> None:
        running = self.running.get(driver, {})
        if running.get(task) == attempt:
            del running[task]

    def driver_is_gone(self, driver: int, *, killed: bool) -> None:
        """Take note that a driver has ended; one that was not killed must have left nothing running."""
        left = self.running.pop(driver, {})
        if left and not killed:
            self._broken(f"the drive has ended, and these agents are still at work: {left}")

    def drive_is_over(self, driver: int) -> None:
        """Check that a driver that has ended by itself has done what it was asked for."""
        if why_not := self._stops.why_not_over(driver, self.recorded[-1].at):
            self._broken(why_not)

    # --- the end -------------------------------------------------------------------------------------------------

    def close(self) -> None:
        """Check what can be checked once the run is over."""
        pairs = [(recorded.at, recorded.event) for recorded in self.recorded]
        if not fold(pairs) == fold(pairs) == self.state:
            self._broken("folding the log again gives another state")
        for (task, attempt), end in self._ends.items():
            if end is None:
                self._broken(f"the run is over, and attempt {attempt} of {task} is open")
            is_excused = isinstance(end, ev.AttemptLost | ev.AttemptCancelled) or (
                isinstance(end, ev.AttemptFailed) and end.failure.kind == "interpolation"
            )
            if (task, attempt) not in self.executed and not is_excused:
                self._broken(f"attempt {attempt} of {task} ended as {end} and its agent was never called")

    def _broken(self, message: str) -> NoReturn:
        raise Violation(message)

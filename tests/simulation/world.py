"""A simulated world: the real engine on a mock clock, over a disk and agents that misbehave, driven until the run is over.

``simulate(seed)`` draws a workflow, a cast and faults, lets one driver after another drive the run, and holds every step to the ``Ledger``. The same seed
plays the same run, to the event: trio's scheduler, the supervisors' jitter and all draws come from it.
"""

from __future__ import annotations

import hashlib
import json
import logging
import math
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, get_args

import msgspec
import trio
import trio._core._run as trio_run
from trio.testing import MockClock

from actorflow.agents.interface import AgentRequest, AgentResult, AttemptChannel, Progress
from actorflow.agents.masking import Masker
from actorflow.agents.registry import AgentRegistry
from actorflow.api.terms import _lifting
from actorflow.engine.drive import Drive
from actorflow.engine.feed import Feed, Hub
from actorflow.engine.fingerprints import fingerprint_of
from actorflow.engine.outliving import LOST, Outliving
from actorflow.engine.recovery import Again, AttemptKey, recovery_events
from actorflow.engine.session import BlobReader, Session
from actorflow.engine.validity import Comparison, Side
from actorflow.errors import AgentError, JournalError, JournalFull
from actorflow.ids import RunId
from actorflow.journal import MemoryBlobs, MemoryDisk, Record
from actorflow.scheduling import Facts
from actorflow.state import RunState, RunStatus, fold
from actorflow.state import events as ev
from actorflow.values import freeze
from actorflow.workflow import load_workflow, read_inputs
from actorflow.workflow.catalog import AgentTraits, TaskFeature
from actorflow.workflow.compile import compile_plan
from actorflow.workflow.plan import Plan
from actorflow.workflow.spec_changes import spec_changes
from tests.simulation.faults import (
    CRASHES,
    DEADLY,
    FULL,
    PEOPLE,
    SURROUNDINGS,
    Fault,
    Faults,
    crash_points,
    draw_fault,
)
from tests.simulation.ledger import Ledger, LoggedRecords, Violation
from tests.simulation.undriven import cancel_undriven, draw_faults
from tests.simulation.workflows import Role, Scenario, draw_scenario
from tests.simulation.works import Work, Works

EPOCH = 1_800_000_000.0
RUN_ID = RunId("20260101-000000-aaaaaa")
MOST_SECONDS = 400_000.0
"""No run takes so long: one that does waits for something that does not come."""
MOST_DRIVERS = 100
"""No run takes so many drivers: the most among thousands is 14."""
TRAITS = {
    name: AgentTraits(
        name=name, supports=frozenset(get_args(TaskFeature)), needs_folder=False, backend=backend
    )
    for name, backend in (("sim", ""), ("paid", "cloud"), ("second", "other"))
}
"""Agents: one that costs nothing, and two of services that cost money."""
FLOOD = 1500


def simulate(
    seed: int,
    *,
    disturbed: bool = True,
    scenario: Scenario | None = None,
    lives: list[list[Fault]] | None = None,
) -> World:
    """Play the run of a seed to its end.

    Args:
        disturbed: whether anything but agents goes wrong.
        scenario: the workflow and its cast, instead of drawn ones.
        lives: the faults of each driver, instead of drawn ones.

    Raises:
        Violation: a promise was broken.
    """
    world = World(seed, disturbed=disturbed, scenario=scenario, lives=lives)
    with _deterministic(seed), crash_points():
        trio.run(world.live, clock=MockClock(autojump_threshold=0))
    if world.violation is not None:
        raise world.violation
    return world


def explain(seed: int) -> str:
    """Say how the run of a seed can be played again."""
    return f"play it again: pytest tests/simulation/test_simulation_seeds.py --simulation-first {seed} --simulation-seeds 1"


@contextmanager
def _deterministic(seed: int) -> Iterator[None]:
    """Take chance out of trio's scheduler and out of the supervisors, and the log of crashes out of the way."""
    before = trio_run._ALLOW_DETERMINISTIC_SCHEDULING, trio_run._r.getstate(), random.getstate()
    level = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    trio_run._ALLOW_DETERMINISTIC_SCHEDULING = True
    trio_run._r.seed(seed)
    random.seed(seed)
    try:
        yield
    finally:
        trio_run._ALLOW_DETERMINISTIC_SCHEDULING = before[0]
        trio_run._r.setstate(before[1])
        random.setstate(before[2])
        logging.disable(level)


def _compiled(document: dict[str, Any], registry: AgentRegistry) -> Plan:
    workflow = load_workflow(
        json.dumps(document).encode(), file="sim.json", catalog=registry.catalog()
    ).workflow
    return compile_plan(workflow, read_inputs(workflow, [], {}), catalog=registry.catalog())


def _reworded(document: dict[str, Any], task_id: str) -> dict[str, Any]:
    """Return the workflow with one task described in other words: it is asked something else, and does the same."""
    tasks = [
        {**task, "description": "in other words"} if task["id"] == task_id else task
        for task in document["tasks"]
    ]
    return {**document, "tasks": tasks}


def _entries(plan: Plan) -> tuple[ev.TaskEntry, ...]:
    return tuple(
        ev.TaskEntry(
            t.id, t.spec.agents, t.dependencies, t.hook.value if t.hook else "", t.retry.max_attempts
        )
        for t in plan.tasks.values()
    )


class SimHub(Hub):
    """A hub that knows whose it is, so that crash points find the faults of their driver."""

    def __init__(self, faults: Faults) -> None:
        super().__init__()
        self.faults = faults


class World:
    """Everything that outlives a driver.

    Attributes:
        violation: the first broken promise.
        fired: how often each kind of fault has happened.
    """

    def __init__(
        self, seed: int, *, disturbed: bool, scenario: Scenario | None, lives: list[list[Fault]] | None
    ) -> None:
        self.seed = seed
        self.rng = random.Random(seed)
        self.fired: Counter[str] = Counter()
        self.violation: Violation | None = None
        drawn = _draw_faults(self.rng)
        self.faults = drawn if lives is None else lives
        has_timeout = any(fault.kind == "run_timeout" for life in self.faults for fault in life)
        self.scenario = scenario or draw_scenario(random.Random(seed * 7919 + 1), run_timeout=has_timeout)
        self.is_curable = self.rng.random() < 0.5
        self.resumes_left = self.rng.choice((0, 0, 1, 2)) if disturbed else 0
        self.wishes = random.Random(seed * 31 + 7)
        self.passers_by = random.Random(seed * 389 + 3)
        self.meets_people = disturbed and lives is None
        self.reruns_left = self.wishes.choice((0, 0, 1)) if disturbed else 0
        if not disturbed:
            self.faults = []
        registry = AgentRegistry.built_in()
        for name in TRAITS:
            registry.register(SimAgent(self, None, name))
        self.reworded = self.wishes.choice([task["id"] for task in self.scenario.document["tasks"]])
        documents = (self.scenario.document, _reworded(self.scenario.document, self.reworded))
        self.plans = tuple(_compiled(document, registry) for document in documents)
        self.plan = self.plans[0]
        self.blobs = MemoryBlobs()
        self.ledger = Ledger(self.plan, self.blobs.exists, reworded=self.reworded)
        self.works = Works(seed, self.fired)
        self.disk = MemoryDisk(LoggedRecords(self._note))
        self.driver_count = 0
        self.was_cured = False
        self.nursery: trio.Nursery
        self._drivers: list[Driver] = []
        self._is_broken = trio.Event()

    # --- the course of events ------------------------------------------------------------------------------------

    async def live(self) -> None:
        """Let one driver after another drive the run until it is over."""
        with trio.move_on_after(MOST_SECONDS) as patience:
            async with trio.open_nursery() as nursery:
                self.nursery = nursery
                nursery.start_soon(self._stop_when_broken, nursery)
                await self._drive_until_over(nursery)
                await self._stop(nursery)
        if self.violation is not None:
            return
        self.fired["run_timeout"] += self.ledger.seen["RunTimedOut"]
        try:
            if patience.cancelled_caught:
                raise Violation(f"the run does not end; its tasks are {self.statuses()}")
            if (left := self.works.alive()) and not any(driver.is_replaced for driver in self._drivers):
                raise Violation(f"the run is over, and these are still at work: {left}")
            self.ledger.close()
        except Violation as violation:
            self.violation = violation

    async def _drive_until_over(self, nursery: trio.Nursery) -> None:
        while True:
            faults = self.faults[self.driver_count] if self.driver_count < len(self.faults) else []
            self.driver_count += 1
            driver = Driver(self, self.driver_count, Faults(faults, self.fired))
            self._drivers.append(driver)
            nursery.start_soon(driver.live)
            await driver.over.wait()
            # Who was replaced may have a batch under way, also of a run that is over as far as anybody knows: whoever replaces it drives.
            if not driver.is_replaced and self._is_over():
                return
            if self.driver_count == MOST_DRIVERS:
                state = self.ledger.state
                why = f"after {MOST_DRIVERS} drivers it is {state.status}, because {state.paused_because or 'nobody knows'}"
                self.blame(Violation(f"the run does not end; {why}; its tasks are {self.statuses()}"))
                return
            await trio.sleep(self.rng.choice((0.0, 0.0, 0.3, 1.0, 60.0)))
            if not driver.is_replaced and self._is_cancelled_now():
                self.fired["cancel_undriven"] += 1
                await trio.sleep(
                    self.passers_by.choice((0.0, 1.0, 30.0))
                )  # what outlives its driver may finish
                faults = Faults(draw_faults(self.passers_by), self.fired)
                driver = Driver(self, 1000 + self.driver_count, faults, cancels=True)
                self._drivers.append(driver)
                nursery.start_soon(driver.live)
                await driver.over.wait()
                if self._is_over():
                    return

    async def _stop_when_broken(self, nursery: trio.Nursery) -> None:
        await self._is_broken.wait()
        await self._stop(nursery)

    async def _stop(self, nursery: trio.Nursery) -> None:
        nursery.cancel_scope.cancel()

    def _is_cancelled_now(self) -> bool:
        """Whether somebody cancels the run before the next driver comes; a run that is over is not cancelled."""
        status = self.ledger.state.status
        is_open = status is not None and not status.is_terminal
        likely = 0.4 if any(task.is_attempt_open for task in self.ledger.state.tasks.values()) else 0.1
        return self.meets_people and is_open and self.passers_by.random() < likely

    def _is_over(self) -> bool:
        status = self.ledger.state.status
        if status is RunStatus.SUCCESS:
            self.reruns_left -= 1
            return self.reruns_left < 0
        if status in (RunStatus.FAILED, RunStatus.CANCELLED):
            self.resumes_left -= 1
            return self.resumes_left < 0
        return False

    def _note(self, records: Sequence[Record]) -> None:
        with self.guarded():
            self.ledger.note(records, self.clock())

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """Keep what the ledger says and raise nothing: the engine would take it for an actor's or an agent's mistake."""
        try:
            yield
        except Exception as error:  # noqa: BLE001 - whatever it is, the run is not as it should be
            self.blame(error)

    def blame(self, error: Exception) -> None:
        """Keep the first broken promise, and stop the world."""
        if self.violation is None:
            self.violation = (
                error if isinstance(error, Violation) else Violation(f"{type(error).__name__}: {error}")
            )
        self._is_broken.set()

    def clock(self) -> float:
        """The wall clock, which goes on while nobody drives; to the microsecond, as the product's does."""
        return round((EPOCH + trio.current_time()) * 1e6) / 1e6

    # --- what is to be seen --------------------------------------------------------------------------------------

    def statuses(self) -> dict[str, str]:
        return {
            task.id: task.status.value + (f"({task.reason.value})" if task.reason else "")
            for task in self.ledger.state.tasks.values()
        }

    def outputs(self) -> dict[str, Any]:
        return {task.id: task.output for task in self.ledger.state.tasks.values() if not task.hook}

    def log(self) -> list[str]:
        return [f"{r.sequence:4} {r.at - EPOCH:10.3f} {r.event!r:.180}" for r in self.ledger.recorded]


class Driver:
    """One process that drives the run, from its start to its death or its end."""

    def __init__(self, world: World, number: int, faults: Faults, *, cancels: bool = False) -> None:
        self.world = world
        self._cancels = cancels
        self.faults = faults
        self.over = trio.Event()
        self.is_dead = False
        self.is_replaced = False
        self.may_fail = False
        self._rng = random.Random(world.seed * 1009 + number)
        self._scope = trio.CancelScope()
        self.epoch = 0
        self._full_until = 0.0
        self._has_ballast = self._rng.random() < 0.9
        self._is_asked_to_stop = False
        self._asked = 0
        self._has_committed = False
        self._is_gone = False
        self._dying = trio.Event()
        self._drive: Drive | None = None
        self._cancelling, self._cancellations = trio.open_memory_channel[str](100)
        faults.on_cancel = self._cancelling.send_nowait

    async def live(self) -> None:
        """Drive; whatever comes out of the engine that should not is a broken promise."""
        try:
            with self._scope:
                await self._work()
        except* Exception as error:  # noqa: BLE001 - whatever comes out of the engine is to be explained
            if not self.is_dead:
                self.world.blame(Violation(f"the drive failed: {error!r}"))
        finally:
            self._is_gone = True
            self.over.set()

    async def _die(self) -> None:
        await self._dying.wait()
        self._scope.cancel()

    async def _work(self) -> None:
        world = self.world
        journal = world.disk.open(sync=self._sync)
        self.epoch = journal.epoch
        if self._cancels:
            await self._cancel_undriven(journal)
            return
        state = self.read()
        first: list[ev.Event] = [] if state.sequence else [self._accepted()]
        if first:
            state = fold([(world.clock(), first[0])])
        started = ev.DriverStarted(pid=self.epoch, host="simulated", epoch=self.epoch)
        outliving = world.works.outliving(state)
        world.ledger.has_outlived(outliving)
        first += self._resume(state, started, outliving)
        lost = {(event.task, event.attempt) for event in first if isinstance(event, ev.AttemptLost)}
        for key in lost:
            await self.end_survivors(*key)
        if world.wishes.random() < 0.15 and first and state.status is not RunStatus.PENDING:
            first = _lifting(first)  # somebody knows that limits are lifted
        if not first:  # it has succeeded, and nobody wants anything of it again
            return
        if state.status is RunStatus.PAUSED and state.paused_kind == "budget":
            first += self._raise_budget(state)
        session = self.session(journal, {key: found for key, found in outliving.items() if key not in lost})
        self._drive = Drive(session)
        async with journal, trio.open_nursery() as nursery:
            nursery.start_soon(self._die)
            nursery.start_soon(self._cancel, self._cancellations, self._drive)
            for fault in self.faults.timed:
                nursery.start_soon(self._happen, fault)
            nursery.start_soon(self._watch, session.hub.subscribe())
            await self._run(self._drive, first)
            self._is_gone = True
            nursery.cancel_scope.cancel()

    async def _cancel_undriven(self, journal: Any) -> None:
        """Cancel the run instead of driving it; on a full disk that does not come about."""
        async with journal, trio.open_nursery() as nursery:
            nursery.start_soon(self._die)
            try:
                await cancel_undriven(self, journal)
            except JournalFull:
                self.world.ledger.has_outlived(())
            self._is_gone = True
            nursery.cancel_scope.cancel()
        if not self.is_dead:
            with self.world.guarded():
                self._gone(killed=False)

    def _raise_budget(self, state: RunState) -> list[ev.Event]:
        """Allow some more, or everything, or nothing: then it pauses again."""
        more = self.world.wishes.choice((0, 1, 3, None))
        if more == 0:
            return []
        if more is None:
            return [ev.BudgetChanged()]
        account = state.account
        return [
            ev.BudgetChanged(
                (account.cost_usd or 0.0) + more, (account.tokens or 0) + 20 * more, account.attempts + more
            )
        ]

    async def end_survivors(self, task: str, attempt: int) -> None:
        work = self.world.works.find((task, attempt))  # type: ignore[arg-type]  # a task id
        if work is None:
            return
        with self.world.guarded():
            if work.has_finished and work.is_known and work.epoch == self.epoch:
                raise Violation(f"what attempt {attempt} of {task} gave is thrown away before it is recorded")
        work.end()

    def _resume(
        self, state: RunState, started: ev.DriverStarted, outliving: dict[AttemptKey, Outliving]
    ) -> list[ev.Event]:
        """Record what a resume does: plainly, with tasks that are asked for, or with another wording of a task."""
        world, wishes = self.world, self.world.wishes
        self.plan = world.plans[world.ledger.seen["SpecChanged"] % 2]
        if self.epoch == 1 or wishes.random() < 0.4:
            return recovery_events(self.plan, state, started, outliving=frozenset(outliving))
        names = [task_id for task_id, task in self.plan.tasks.items() if task.hook is None]
        asked = frozenset(wishes.sample(names, wishes.choice((0, 0, 1))))
        if wishes.random() < 0.5:
            return recovery_events(
                self.plan, state, started, again=Again(asked), outliving=frozenset(outliving)
            )
        old, self.plan = self.plan, world.plans[(world.ledger.seen["SpecChanged"] + 1) % 2]
        spec = ev.SpecChanged(_entries(self.plan), "", values=self.plan.values, inputs=self.plan.inputs)
        lost = [ev.AttemptLost(t.id, t.attempts) for t in state.tasks.values() if t.is_attempt_open]
        after = fold([(state.updated_at, event) for event in (*lost, spec)], state)
        changes = spec_changes(old.workflow, self.plan.workflow)
        sides = self._side(old), self._side(self.plan)
        comparison = Comparison(old=sides[0], new=sides[1], before=state, after=after, changes=changes)
        again = Again(asked, frozenset(comparison.changed()))
        fitting = {
            key for key, found in outliving.items() if comparison.is_still_asked(found.task, found.asked)
        }
        return recovery_events(
            self.plan, state, started, again=again, spec=spec, outliving=frozenset(fitting)
        )

    def _side(self, plan: Plan) -> Side:
        return Side(
            run_id=RUN_ID,
            plan=plan,
            agents={name: SimAgent(self.world, self, name) for name in TRAITS},
            secrets={},
            project_root=Path("/"),
            load=BlobReader(self.world.blobs),
        )

    async def _run(self, drive: Drive, first: list[ev.Event]) -> None:
        try:
            final = await drive.run(first)
        except JournalError as error:
            may_give_up = self._is_asked_to_stop or not self._has_committed
            is_given_up = isinstance(error, JournalFull) and may_give_up
            if not (self.is_dead or self.may_fail or is_given_up):
                raise Violation(f"the storage failed by itself: {error}") from error
            self._gone(killed=False)
            return
        if self.is_dead:
            return
        with self.world.guarded():
            self._gone(killed=False)
            if final.status is not RunStatus.PAUSED:  # its actors gave up: a person is told so
                self.world.ledger.drive_is_over(self.epoch)
            if final.status is RunStatus.RUNNING or final.status is None:
                raise Violation(f"the drive ended and the run is {final.status}")
            if not self.is_replaced and final != self.world.ledger.state:
                raise Violation(
                    f"what the driver holds is not what the journal says: {_difference(final, self.world.ledger.state)}"
                )

    def _gone(self, *, killed: bool) -> None:
        self.world.ledger.driver_is_gone(self.epoch, killed=killed or self.is_dead)

    def kill(self) -> None:
        """End this process at once: nothing that it does from now on reaches anybody."""
        if not self.is_dead:
            self.is_dead = True
            self.world.works.driver_dies(self.epoch)
            self._gone(killed=True)
            self._dying.set()
            self.over.set()

    # --- its surroundings ----------------------------------------------------------------------------------------

    async def _sync(self, records: Sequence[Record]) -> None:
        if self.is_dead:
            raise JournalError("this process is dead")
        for kind in self.faults.reach("commit"):
            match kind:
                case "slow_disk":
                    await trio.sleep(self._rng.choice((0.0, 0.01, 0.3, 4.0)))
                case "kill_before_commit":
                    self.kill()
                case "kill_after_commit":
                    self._commit(records)
                    self.kill()
                case "disk_full":
                    self._full_until = trio.current_time() + self._rng.choice((0.01, 1.0, 20.0, 300.0))
                case "fsync_failed":
                    self.may_fail = True
                    if self._rng.random() < 0.5:  # nobody knows: it may be there all the same
                        self._commit(records)
                    raise JournalError("the fsync failed")
        if self.is_dead:
            raise JournalError("this process is dead")
        if self.is_full and not (self._has_ballast and [r.kind for r in records] == ["RoomRanOut"]):
            raise JournalFull("no room")
        self._has_committed = True

    @property
    def is_full(self) -> bool:
        return trio.current_time() < self._full_until

    def _commit(self, records: Sequence[Record]) -> None:
        if self.world.disk.epoch == self.epoch:
            self.world.disk.records.extend(records)

    async def _happen(self, fault: Fault) -> None:
        await trio.sleep(fault.at)
        if fault.kind != "run_timeout":  # that one is the engine's to see
            self.world.fired[fault.kind] += 1
        match fault.kind:
            case "kill_at_a_moment":
                self.kill()
            case "replaced":
                self.may_fail = self.is_replaced = True
                self.over.set()
            case "cancel" | "cancel_twice":
                self._cancelling.send_nowait(fault.kind)

    async def _cancel(self, kinds: trio.MemoryReceiveChannel[str], drive: Drive) -> None:
        """Ask for cancellations, as a signal does or as another process does with its request."""
        async for kind in kinds:
            self._ask_for_cancel(drive)
            if kind == "cancel_twice":
                await trio.sleep(self._rng.choice((0.0, 0.001, 1.0, 10.0)))
                self._ask_for_cancel(drive)

    def _ask_for_cancel(self, drive: Drive) -> None:
        self._is_asked_to_stop = True
        self._asked += 1
        request = "" if self._rng.random() < 0.2 else f"request {self._asked}"
        is_taken = drive.cancel("somebody", request)
        if request and self._rng.random() < 0.3:
            drive.cancel("somebody", request)  # whoever serves requests has crashed, and finds it again
        if is_taken and not self.is_dead:
            with self.world.guarded():
                self.world.ledger.cancel_is_asked(self.epoch, self.world.clock())

    async def _watch(self, feed: Feed) -> None:
        is_slow = any(fault.kind == "slow_watcher" for fault in self.faults.timed)
        async for update in feed:
            with self.world.guarded():
                if not self.is_dead and update.state.sequence > len(self.world.ledger.recorded):
                    raise Violation("a watcher was shown what is not durable")
            if is_slow:
                await trio.sleep(1.0)

    def read(self) -> RunState:
        return self.world.ledger.state

    def _accepted(self) -> ev.RunAccepted:
        plan = self.world.plan
        return ev.RunAccepted(RUN_ID, "simulated", _entries(plan), "", values=plan.values, inputs=plan.inputs)

    def session(self, journal: Any, outliving: dict[AttemptKey, Outliving]) -> Session:
        world = self.world
        return Session(
            run_id=RUN_ID,
            plan=self.plan,
            facts=Facts(self.plan, _jitter, BlobReader(world.blobs)),
            initial=self.read(),
            journal=journal,
            blobs=SimBlobs(self, world.blobs),
            agents={name: SimAgent(world, self, name) for name in TRAITS},
            secrets={},
            masker=Masker(()),
            clock=world.clock,
            hub=SimHub(self.faults),
            project_root=Path("/"),
            attempt_folder=lambda task, attempt: Path("/"),
            offload=_in_place,
            outliving=outliving,
            end_survivors=self.end_survivors,
        )


class SimBlobs(MemoryBlobs):
    """The blobs of the world, for one driver, whose disk may be full."""

    def __init__(self, driver: Driver, blobs: MemoryBlobs) -> None:
        super().__init__()
        self.content = blobs.content
        self._driver = driver

    def put(self, data: bytes) -> str:
        if self._driver.is_full:
            raise JournalFull("no room for an output")
        return super().put(data)


class SimAgent:
    """Plays the role of each task. Registered once, and given to each driver with its own driver in mind."""

    def __init__(self, world: World, driver: Driver | None, name: str) -> None:
        self._world = world
        self._driver = driver
        self._name = name

    @property
    def traits(self) -> AgentTraits:
        return TRAITS[self._name]

    async def run(self, request: AgentRequest, channel: AttemptChannel) -> AgentResult:
        driver, world = self._driver, self._world
        assert driver is not None
        if driver.is_dead:
            await trio.sleep_forever()
        key = request.task_id, request.attempt
        beside = [other for other in world.works.alive() if other[0] == key[0] and other != key]
        with world.guarded():
            world.ledger.agent_starts(
                driver.epoch, *key, world.clock(), is_replaced=driver.is_replaced, beside=beside
            )
        return await self._attend(request, channel, self._begin)

    async def reattach(self, request: AgentRequest, channel: AttemptChannel) -> AgentResult:
        driver, world = self._driver, self._world
        assert driver is not None
        if driver.is_dead:
            await trio.sleep_forever()
        with world.guarded():
            world.ledger.agent_goes_on(
                driver.epoch,
                request.task_id,
                request.attempt,
                world.clock(),
                is_replaced=driver.is_replaced,
            )
        return await self._attend(request, channel, self._find)

    def _begin(self, request: AgentRequest, role: Role) -> Work:
        """Set the work of an attempt going."""
        world, task, driver = self._world, request.task_id, self._driver
        assert driver is not None
        act = role.act(world.ledger.failures(task), world.ledger.limits(task))
        if world.is_curable and world.driver_count > 3 and act not in ("ok", "big", "flood"):
            world.was_cured, act = True, "ok"  # whatever was wrong, somebody has mended it
        world.ledger.acts[task, request.attempt] = act
        if act != "ok":
            world.fired[f"agent_{act}"] += 1
        asked = fingerprint_of(request, self)
        key = task, request.attempt
        work = world.works.begin(
            key, driver.epoch, asked, request.session, outlives=role.outlives, began_at=world.clock()
        )
        world.nursery.start_soon(work.live, math.inf if act == "hang" else role.seconds)
        return work

    def _find(self, request: AgentRequest, _role: Role) -> Work:
        """Find the work of an attempt that another driver began."""
        work = self._world.works.find((request.task_id, request.attempt))
        assert self._driver is not None
        if work is not None and self._world.works.fades():
            work.is_known = False
        if work is None or not work.is_known:
            raise AgentError(LOST, "nobody knows")
        work.epoch = self._driver.epoch
        return work

    async def _attend(self, request: AgentRequest, channel: AttemptChannel, find: Any) -> AgentResult:
        """Wait for the work of an attempt, and end it when it is to stop."""
        driver, ledger = self._driver, self._world.ledger
        assert driver is not None
        role = self._world.scenario.roles.get(request.task_id, Role())
        work: Work | None = None
        try:
            if driver.faults.reach("agent.start"):
                driver.kill()
                await trio.sleep_forever()
            work = find(request, role)
            result = await self._play(role, request, channel, work)
            self._leave_off(request)
            return result
        except trio.Cancelled:
            self._leave_off(request)
            if work is not None and not driver.is_dead:
                work.is_known = False  # before it is ended: nobody is to take that for its own end
            await self._clean_up(role)
            if work is not None and not driver.is_dead:
                work.end()
            raise
        except Exception:
            self._leave_off(request)
            raise
        finally:
            if not driver.is_dead:
                ledger.agent_ended(driver.epoch, request.task_id, request.attempt)
                if driver.faults.reach("agent.end"):
                    driver.kill()

    def _leave_off(self, request: AgentRequest) -> None:
        assert self._driver is not None
        if not (self._driver.is_dead or self._driver.is_replaced):
            with self._world.guarded():
                self._world.ledger.agent_leaves_off(
                    self._driver.epoch, request.task_id, request.attempt, self._world.clock()
                )

    async def _clean_up(self, role: Role) -> None:
        if role.cleanup:
            self._world.fired["agent_slow_to_stop"] += 1
            with trio.CancelScope(shield=True, deadline=trio.current_time() + role.cleanup):
                await trio.sleep_forever()

    async def _play(
        self, role: Role, request: AgentRequest, channel: AttemptChannel, work: Work
    ) -> AgentResult:
        task = request.task_id
        act = self._world.ledger.acts[task, request.attempt]
        channel.report(Progress(kind="started"))
        if role.cost is not None and self._name != "sim":
            channel.spent(cost_usd=0.0625, tokens=1)
        if role.opens_session:
            await channel.session_opened(request.session or f"session of {task}, {request.attempt}")
        await work.over.wait()
        if not work.is_known:  # somebody else has ended it
            raise AgentError(LOST, "it was ended")
        match act:
            case "fail":
                raise AgentError("exit_status", "it failed", retry_after_seconds=role.retry_after)
            case "fatal":
                raise AgentError("authentication", "no login", retryable=False)
            case "crash":
                raise RuntimeError("a mistake of the agent's")
            case "limit":
                raise AgentError("rate_limit", "slow down", retry_after_seconds=7.0)
            case "usage":
                raise AgentError("usage_limit", "used up", retry_after_seconds=300.0)
            case "lie":
                return AgentResult(output="what nobody asked for")
            case "nonsense":
                return AgentResult(output=object())  # type: ignore[arg-type]  # that is the point
            case "flood":
                for number in range(FLOOD):
                    channel.report(Progress(kind="output", text=str(number)))
        return AgentResult(
            output=freeze(_output(request, is_big=act == "big")),
            cost_usd=None if self._name == "sim" else role.cost,
            tokens=None if self._name == "sim" or role.cost is None else 10,
        )


def _output(request: AgentRequest, *, is_big: bool) -> dict[str, Any]:
    """An output that depends on everything that came before it."""
    saw = hashlib.sha256(msgspec.json.encode(request.parameters)).hexdigest()[:12]
    return {"by": request.task_id, "saw": saw} | ({"pad": "x" * 70_000} if is_big else {})


def _difference(one: RunState, other: RunState) -> str:
    fields = [n for n in RunState.__struct_fields__ if getattr(one, n) != getattr(other, n)]
    tasks = [(one.tasks[t], other.tasks[t]) for t in one.tasks if one.tasks[t] != other.tasks[t]]
    return f"{fields} {tasks[:1]}"


def _draw_faults(rng: random.Random) -> list[list[Fault]]:
    """Draw the faults of each driver's life; the driver after the last of these lives has none."""
    lives: list[list[Fault]] = []
    for _ in range(rng.choice((0, 1, 1, 2, 3))):
        kinds = [rng.choice(DEADLY)] if rng.random() < 0.65 else []
        kinds += rng.sample(CRASHES, rng.choice((0, 0, 1, 1, 2, 3)))
        kinds += rng.sample(PEOPLE, rng.choice((0, 0, 1, 1, 2)))
        kinds += [kind for kind in SURROUNDINGS if rng.random() < 0.25]
        if rng.random() < 0.4:
            kinds += FULL
        lives.append([draw_fault(rng, kind) for kind in kinds])
    return lives


def _jitter(task: str, attempt: int) -> float:
    return random.Random(f"{task}/{attempt}").uniform(0.5, 1.0)


async def _in_place(fn: Any, *args: Any) -> Any:
    return fn(*args)

"""Somebody cancels the run while nobody drives it: the real ``take_and_end`` over what the simulated works have left, and what it must not do.

Called in the place of a driver's life, with the faults of one: it may be killed over each of its commits, and the disk may be full.
"""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from actorflow.engine.offline import cancellation_events, take_and_end
from actorflow.engine.outliving import Outliving
from actorflow.engine.records import records_of
from actorflow.engine.recovery import AttemptKey, wanted
from actorflow.engine.taking import Left
from actorflow.state import events as ev
from tests.simulation.faults import Fault
from tests.simulation.ledger import Violation

if TYPE_CHECKING:
    from tests.simulation.world import Driver

NOT_WANTED = Left("its driver had begun to stop it")


def draw_faults(rng: random.Random) -> list[Fault]:
    """Draw what goes wrong while it is cancelled: mostly nothing."""
    kind = rng.choice(("", "", "kill_before_commit", "kill_after_commit", "disk_full"))
    n = rng.choice((1, 1, 2, 3))
    return [Fault(kind, "commit", n, n)] if kind else []


async def cancel_undriven(driver: Driver, journal: Any) -> None:
    """Cancel the run as ``api.cancel`` does when nobody drives it."""
    world, state = driver.world, driver.read()
    found = world.works.outliving(state)
    plan = driver.plan = world.plans[world.ledger.seen["SpecChanged"] % 2]
    finished = {key: outliving for key, outliving in found.items() if outliving.has_finished}
    ended = frozenset(found) - frozenset(finished)
    stays = wanted(plan, state, frozenset(finished))
    to_take = {key: finished[key] for key in finished if key in stays}
    world.ledger.is_cancelled_by(driver.epoch)
    world.ledger.has_outlived(to_take)
    session = replace(driver.session(journal, {}), takes_only=True)

    started = ev.DriverStarted(pid=driver.epoch, host="simulated", epoch=driver.epoch)

    async def end_all(attempts: Iterable[AttemptKey]) -> None:
        for key in attempts:
            await driver.end_survivors(*key)

    taken = await take_and_end(state, session, to_take, driver=started, end_all=end_all)
    world.fired["finished_before_a_cancellation"] += len(taken.recorded)
    world.ledger.has_outlived(())
    left = dict.fromkeys(finished.keys() - stays, NOT_WANTED) | dict(taken.left)
    events = cancellation_events(taken.state, "somebody", driver.epoch, ended=ended, left=left)
    await journal.append(records_of(events, max(world.clock(), taken.state.updated_at)))
    with world.guarded():
        _check_paid(driver, to_take)


def _check_paid(driver: Driver, finished: dict[AttemptKey, Outliving]) -> None:
    """What has finished, and could be read, is recorded as it ended."""
    for key in finished:
        work = driver.world.works.find(key)
        if work is None or not work.is_known:
            continue
        ends = [r.event for r in driver.world.ledger.recorded if _ends(r.event, key)]
        if not isinstance(ends[-1], ev.AttemptSucceeded | ev.AttemptFailed | ev.AttemptRequeued):
            raise Violation(f"attempt {key} had finished, was paid for, and is recorded as {ends[-1]}")


def _ends(event: ev.Event, key: AttemptKey) -> bool:
    kinds = ev.AttemptSucceeded | ev.AttemptFailed | ev.AttemptRequeued | ev.AttemptLost | ev.AttemptCancelled
    return isinstance(event, kinds) and (event.task, event.attempt) == key

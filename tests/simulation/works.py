"""What agents set going outside of their driver: it goes on when that dies, finishes, and is found by the next one, or not.

A work stands for the processes of one attempt. When its driver is killed it may die with it; what it leaves may be unreadable. Everything is drawn from the seed.
"""

from __future__ import annotations

import random
from collections import Counter

import trio

from actorflow.engine.outliving import Outliving
from actorflow.engine.recovery import AttemptKey
from actorflow.state import RunState

DIES, UNFOUND, TORN, FADES = 0.25, 0.15, 0.15, 0.2
"""How likely a work dies with its driver, is of a kind that is not found, leaves nothing that can be read, or looks well and turns out to be lost."""


class Work:
    """The processes of one attempt.

    Attributes:
        epoch: the driver that began it, or goes on with it.
        asked: the fingerprint of what it was asked.
        session: the agent session that it was begun with.
        began_at: when its agent was called.
        over: set when nothing of it runs any more.
        is_known: whether a driver can find out what became of it.
        is_found: whether another driver than the one that began it can.
        has_finished: whether it has come to its own end.
    """

    def __init__(
        self, epoch: int, asked: str, session: str | None, *, is_found: bool, began_at: float = 0.0
    ) -> None:
        self.epoch = epoch
        self.asked = asked
        self.session = session
        self.began_at = began_at
        self.over = trio.Event()
        self.is_known = True
        self.is_found = is_found
        self.has_finished = False

    @property
    def is_alive(self) -> bool:
        return not self.over.is_set()

    async def live(self, seconds: float) -> None:
        await trio.sleep(seconds)
        if self.is_alive:
            self.has_finished = True
            self.over.set()

    def end(self) -> None:
        """End it from outside: how it ends is not how its work would have ended."""
        if self.is_alive:
            self.is_known = False
            self.over.set()


class Works:
    """The works of all attempts of a run.

    Attributes:
        fired: how often each kind of fault has happened.
    """

    def __init__(self, seed: int, fired: Counter[str]) -> None:
        self._rng = random.Random(seed * 613 + 5)
        self._all: dict[AttemptKey, Work] = {}
        self.fired = fired

    def begin(
        self, key: AttemptKey, epoch: int, asked: str, session: str | None, *, outlives: bool, began_at: float
    ) -> Work:
        is_found = self._rng.random() >= UNFOUND and outlives
        work = self._all[key] = Work(epoch, asked, session, is_found=is_found, began_at=began_at)
        return work

    def find(self, key: AttemptKey) -> Work | None:
        return self._all.get(key)

    def alive(self) -> list[AttemptKey]:
        return [key for key, work in self._all.items() if work.is_alive]

    def driver_dies(self, epoch: int) -> None:
        for work in self._all.values():
            if work.epoch == epoch and work.is_alive and self._rng.random() < DIES:
                work.end()

    def outliving(self, state: RunState) -> dict[AttemptKey, Outliving]:
        """Say what is left of the attempts that are open in ``state``, as somebody who looks at the machine sees it."""
        found: dict[AttemptKey, Outliving] = {}
        for task in sorted(state.tasks.values(), key=lambda task: task.id):
            key = task.id, task.attempts
            work = self._all.get(key) if task.is_attempt_open else None
            if work is None or not (work.is_known and work.is_found):
                continue
            if not work.is_alive and self._rng.random() < TORN:
                work.is_known = False
                continue
            self.fired["outlives" if work.is_alive else "finishes_alone"] += 1
            found[key] = Outliving(
                *key,
                has_finished=not work.is_alive,
                asked=work.asked,
                session=work.session,
                began_at=work.began_at,
            )
        return found

    def fades(self) -> bool:
        """Draw whether an attempt that looked well turns out to be lost."""
        return self._rng.random() < FADES

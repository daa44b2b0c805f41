"""Faults: what goes wrong in a simulated run, and the places in the real engine where actors are made to crash.

A fault is drawn before the run and fires at the n-th time its point is reached, or at a moment. ``crash_points`` wraps methods of the engine's actors for the length of a block: each
asks the driver it belongs to whether it is to crash here, before or after it has done its work.
"""

from __future__ import annotations

import functools
import inspect
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from actorflow.engine.attempts import Attempt
from actorflow.engine.run_actor import RunActor
from actorflow.engine.task_actor import TaskActor

DEADLY = (
    "kill_before_commit",
    "kill_after_commit",
    "kill_at_a_moment",
    "kill_at_agent_start",
    "kill_at_agent_end",
    "fsync_failed",
    "replaced",
)
"""A driver does not survive these."""

CRASHES = ("run_actor_crash", "task_actor_crash", "host_crash", "tasks_storm", "actor_storm")
PEOPLE = ("cancel", "cancel_twice", "run_timeout")
SURROUNDINGS = ("slow_disk", "slow_watcher")
FULL = ("disk_full",)
AGENTS = (
    "agent_fail",
    "agent_fatal",
    "agent_crash",
    "agent_hang",
    "agent_lie",
    "agent_nonsense",
    "agent_limit",
    "agent_usage",
    "agent_flood",
    "agent_big",
    "agent_slow_to_stop",
)
OUTLIVING = ("outlives", "finishes_alone")
"""What an agent has set going is found by the next driver: at work, or done."""

KINDS = DEADLY + CRASHES + PEOPLE + SURROUNDINGS + FULL + AGENTS + OUTLIVING
"""Every kind of fault."""

RUN_POINTS = tuple(
    f"run.{name}.{when}"
    for name in ("_turn", "_act", "_carry", "_confirm", "_take_up", "on_start")
    for when in ("before", "after")
)
TASK_POINTS = (
    "task.receive.before",
    "task.receive.after",
    "task._wait_until.before",
    "task._wait_until.after",
)


class SimulatedCrash(Exception):
    """An actor's own mistake."""


@dataclass(frozen=True)
class Fault:
    """One thing that goes wrong in the life of one driver.

    Attributes:
        point: what is counted.
        first: fires at this count of the point ...
        last: ... up to this one.
        at: for faults at a moment, the seconds since the driver began.
    """

    kind: str
    point: str = ""
    first: int = 0
    last: int = 0
    at: float = 0.0


def draw_fault(rng: random.Random, kind: str) -> Fault:
    """Draw when a fault of this kind happens."""
    n = rng.choice((1, 1, 2, 3, rng.randint(1, 25)))
    match kind:
        case "kill_before_commit" | "kill_after_commit" | "fsync_failed" | "disk_full":
            return Fault(kind, "commit", n, n)
        case "kill_at_agent_start":
            return Fault(kind, "agent.start", n, n)
        case "kill_at_agent_end":
            return Fault(kind, "agent.end", n, n)
        case "run_actor_crash":
            return Fault(kind, rng.choice(RUN_POINTS[:10] if n == 1 else RUN_POINTS), n, n)
        case "task_actor_crash":
            return Fault(kind, rng.choice(TASK_POINTS), n, n)
        case "host_crash":
            return Fault(kind, "attempt.work.after", min(n, 3), min(n, 3))
        case "actor_storm":
            return Fault(kind, rng.choice(("run._turn.before", "run._act.before")), n, n + 5)
        case "tasks_storm":
            return Fault(kind, "task.receive.before", n, n + 3)
        case "slow_disk":
            return Fault(kind, "commit", 1, 10**9)
        case "cancel" | "cancel_twice" if rng.random() < 0.6:
            point = rng.choice(
                ("commit", "agent.start", "agent.end", "run._act.before", "task.receive.after")
            )
            return Fault(kind, point, n, n)
    return Fault(kind, at=rng.uniform(0, rng.choice((3, 10, 30, 120))))


class Faults:
    """The faults of one driver's life, and how often each point has been reached.

    Attributes:
        on_cancel: called when a person asks for a cancellation at a point.
    """

    def __init__(self, faults: list[Fault], fired: Counter[str]) -> None:
        self._faults = faults
        self._fired = fired
        self._reached: Counter[str] = Counter()
        self.on_cancel: Callable[[str], None] = lambda kind: None

    @property
    def timed(self) -> list[Fault]:
        return [fault for fault in self._faults if not fault.point]

    def reach(self, point: str) -> list[str]:
        """Count that a point is reached; return the kinds of the faults that fire there."""
        self._reached[point] += 1
        now = self._reached[point]
        kinds = [f.kind for f in self._faults if f.point == point and f.first <= now <= f.last]
        self._fired.update(kinds)
        for kind in kinds:
            if kind in PEOPLE:
                self.on_cancel(kind)
        return [kind for kind in kinds if kind not in PEOPLE]


@contextmanager
def crash_points() -> Iterator[None]:
    """Make the engine's actors crash where the faults of their driver say."""
    with ExitStack() as stack:
        for cls, prefix, names in (
            (RunActor, "run", ("_turn", "_act", "_carry", "_confirm", "_take_up", "on_start")),
            (TaskActor, "task", ("receive", "_wait_until")),
            (Attempt, "attempt", ("work",)),
        ):
            for name in names:
                wrapped = _with_crash(getattr(cls, name), f"{prefix}.{name}")
                stack.enter_context(patch.object(cls, name, wrapped))
        yield


def _with_crash(method: Callable[..., Any], point: str) -> Callable[..., Any]:
    def reach(actor: Any, when: str) -> None:
        if actor._session.hub.faults.reach(f"{point}.{when}"):
            raise SimulatedCrash(f"{point}.{when}")

    if inspect.iscoroutinefunction(method):

        @functools.wraps(method)
        async def wrapped_async(self: Any, *args: Any) -> Any:
            reach(self, "before")
            answer = await method(self, *args)
            reach(self, "after")
            return answer

        return wrapped_async

    @functools.wraps(method)
    def wrapped(self: Any, *args: Any) -> Any:
        reach(self, "before")
        answer = method(self, *args)
        reach(self, "after")
        return answer

    return wrapped

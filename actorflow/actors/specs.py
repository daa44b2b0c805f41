"""Specs: how a tree of actors is to be started, restarted and stopped. Values only; ``supervisor`` acts on them.

The words and rules are those of Erlang/OTP and Elixir's ``Supervisor``. A spec is checked when it is made: a
wrong one raises ``ValueError`` at its author, not later in the tree.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias, final, get_args

from actorflow.actors.actor import Actor

__all__ = ["Backoff", "ChildSpec", "Exit", "Restart", "Restarted", "Strategy", "SupervisorSpec"]

Strategy: TypeAlias = Literal["one_for_one", "one_for_all", "rest_for_one"]
"""Who is restarted when a child fails: it alone; all children; it and those started after it."""

Restart: TypeAlias = Literal["permanent", "transient", "temporary"]
"""When a child is restarted: always when it ends; only after a crash; never."""

_STRATEGIES = frozenset(get_args(Strategy))
_RESTARTS = frozenset(get_args(Restart))


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Exit:
    """How one incarnation of a child ended.

    Attributes:
        path: the child.
        reason: ``finished`` it ended by itself; ``crashed`` it raised, or did not start; ``stopped`` its
            supervisor stopped it (to remove it, to go down itself, or because of a sibling's crash).
        error: what it raised; also what ``on_stop`` raised while it was being stopped.
        will_restart: whether its supervisor has decided to start it again. The supervisor may yet be stopped,
            or give up.
    """

    path: str
    reason: Literal["finished", "crashed", "stopped"]
    error: Exception | None
    will_restart: bool


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Restarted:
    """A supervisor is starting a child again (and perhaps siblings), after the back-off.

    Attributes:
        path: the child that ended.
        restarts: how often it has been restarted now.
        error: why it ended; None if it is permanent and ended by itself.
        delay_seconds: the back-off that was waited out.
        siblings: the paths of those restarted because of it, in start order.
    """

    path: str
    restarts: int
    error: Exception | None
    delay_seconds: float
    siblings: tuple[str, ...] = ()


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """How long a supervisor waits before a restart: ``initial · factor^(n-1)``, at most ``max_seconds``.

    n counts the child's failures in a row; an incarnation that lived longer than the supervisor's
    ``within_seconds`` starts the count anew. The default waits not at all.

    Attributes:
        initial_seconds: the wait before the first restart.
        factor: by how much each next wait is longer, at least 1.
        max_seconds: the longest wait.
        jitter: the part of the wait, from 0 to 1, by which chance makes it shorter or longer.
    """

    initial_seconds: float = 0.0
    factor: float = 2.0
    max_seconds: float = 30.0
    jitter: float = 0.0

    def __post_init__(self) -> None:
        if not (0 <= self.initial_seconds < math.inf and 0 <= self.max_seconds < math.inf):
            raise ValueError("the waits of a back-off are finite and not negative")
        if self.factor < 1:
            raise ValueError("the factor of a back-off is at least 1")
        if not 0 <= self.jitter <= 1:
            raise ValueError("the jitter of a back-off is from 0 to 1")

    def delay_seconds(self, failures: int, chance: float) -> float:
        """The wait after so many failures in a row (at least 1); ``chance``, from 0 to 1, decides the jitter."""
        if not self.initial_seconds:
            return 0.0
        # The exponent is bounded so that a child which fails for weeks does not overflow a float.
        wait = min(self.max_seconds, self.initial_seconds * self.factor ** min(failures - 1, 64))
        return min(self.max_seconds, wait * (1 + self.jitter * (2 * chance - 1)))


@final
@dataclass(frozen=True, slots=True)
class ChildSpec:
    """How to start, restart and stop one actor.

    Attributes:
        name: unique among its siblings, without ``/``.
        factory: makes the actor, once for each incarnation; ``service(fn, *args)`` makes one from a function.
        restart: when it is restarted after it has ended.
        mailbox_capacity: how many messages may wait, at least 1.
        shutdown_seconds: how long a stop lets it finish its current message before it is cancelled, and then
            again how long ``on_stop`` may take.
        on_exit: called at the end of each incarnation, by the supervisor; what it raises is logged.
    """

    name: str
    factory: Callable[[], Actor]
    restart: Restart = field(default="permanent", kw_only=True)
    mailbox_capacity: int = field(default=64, kw_only=True)
    shutdown_seconds: float = field(default=5.0, kw_only=True)
    on_exit: Callable[[Exit], None] | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        _check_child(self.name, self.restart)
        if self.mailbox_capacity < 1:
            raise ValueError("a mailbox holds at least one message")
        if not self.shutdown_seconds >= 0:
            raise ValueError("shutdown_seconds is not negative")


@final
@dataclass(frozen=True, slots=True)
class SupervisorSpec:
    """How to start a supervisor and its children; it may itself be a child.

    A stop gives a supervisor the time that its children need; it has no limit of its own.

    Attributes:
        name: unique among its siblings, without ``/``.
        strategy: who is restarted when a child fails.
        children: started in this order, stopped in the reverse.
        max_restarts: how many restarts are allowed...
        within_seconds: ...in this time; one more and the supervisor itself fails.
        backoff: how long to wait before a restart.
        restart: when the supervisor, as a child, is restarted; a supervisor that gave up has crashed.
        on_exit: called at the end of each incarnation, by its own supervisor; what it raises is logged.
    """

    name: str
    strategy: Strategy = "one_for_one"
    children: Sequence[ChildSpec | SupervisorSpec] = ()
    max_restarts: int = field(default=3, kw_only=True)
    within_seconds: float = field(default=60.0, kw_only=True)
    backoff: Backoff = field(default=Backoff(), kw_only=True)
    restart: Restart = field(default="permanent", kw_only=True)
    on_exit: Callable[[Exit], None] | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        _check_child(self.name, self.restart)
        object.__setattr__(self, "children", tuple(self.children))
        if self.strategy not in _STRATEGIES:
            raise ValueError(f"{self.strategy!r} is no restart strategy")
        if self.max_restarts < 0 or not self.within_seconds > 0:
            raise ValueError("max_restarts is not negative, and within_seconds is positive")
        names = [child.name for child in self.children]
        if len(set(names)) < len(names):
            raise ValueError(f"two children of {self.name!r} have the same name")


def _check_child(name: str, restart: str) -> None:
    if not name or "/" in name:
        raise ValueError(f"{name!r} is no name for a child")
    if restart not in _RESTARTS:
        raise ValueError(f"{restart!r} is no restart type")

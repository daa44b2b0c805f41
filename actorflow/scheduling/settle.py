"""``settle``: from what happened to everything that follows, as one batch.

Takes the events of an outcome and applies them with all their consequences until nothing more follows: the
result is one batch for the journal, the state after it, and the attempts to start once it is durable. Works
the same over ``Frontier`` and over ``decide``. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeAlias

import msgspec

from actorflow.errors import InternalError
from actorflow.scheduling.commands import Command, StartAttempt
from actorflow.state.events import Event
from actorflow.state.run_state import RunState
from actorflow.state.transitions import apply

__all__ = ["Advance", "Commands", "Settled", "settle"]

Commands: TypeAlias = Callable[[RunState, float], list[Command]]
Advance: TypeAlias = Callable[[Event, RunState], None]


class Settled(msgspec.Struct, frozen=True):
    """A batch to commit and what it leads to.

    Attributes:
        state: the state after the batch.
        events: the batch, in order; empty when nothing follows.
        starts: what to carry out once the batch is durable.
    """

    state: RunState
    events: tuple[Event, ...]
    starts: tuple[StartAttempt, ...]


def settle(
    state: RunState,
    events: Iterable[Event],
    now: float,
    *,
    commands: Commands,
    advance: Advance | None = None,
) -> Settled:
    """Apply ``events`` and all that follows from them.

    Args:
        now: Unix seconds; the time of every event of the batch.
        commands: gives the next round for a state.
        advance: is told each event with the state after it.

    Raises:
        IllegalTransition: an event does not fit. When it is the first one, nothing has happened; otherwise
            what ``advance`` feeds is to be built again.
        InternalError: the commands never come to an end.
    """
    batch: list[Event] = []
    starts: list[StartAttempt] = []

    def take(event: Event) -> None:
        nonlocal state
        state = apply(state, event, now)
        batch.append(event)
        if advance is not None:
            advance(event, state)

    for event in events:
        take(event)
    # Every round ends or starts a task, or moves the run: more is a bug.
    rounds_left = 4 * len(state.tasks) + 16
    while round_ := commands(state, now):
        rounds_left -= 1
        if not rounds_left:
            raise InternalError("scheduling does not come to rest")
        for command in round_:
            for event in command.events():
                take(event)
            if type(command) is StartAttempt:
                starts.append(command)
    return Settled(state, tuple(batch), tuple(starts))

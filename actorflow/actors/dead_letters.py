"""Dead letters: what was sent to actors that had stopped for good, or was left in their mailboxes.

Takes messages that nobody will handle; gives a count and the latest of them, for people to look at. A ring:
it never grows past its bound, and what it drops stays counted. It must not fail the sender: an observer that
raises is logged.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, final

import trio

__all__ = ["DeadLetter", "DeadLetters"]

_logger = logging.getLogger("actorflow.actors")


@final
@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that nobody handles.

    Attributes:
        path: the actor it was for.
        message: the message itself.
        reason: ``closed`` it was sent after the actor had stopped; ``left_over`` it was waiting when the
            actor stopped.
        at_seconds: when, on trio's clock.
    """

    path: str
    message: object
    reason: Literal["closed", "left_over"]
    at_seconds: float


@final
class DeadLetters:
    """A bounded ring of the latest dead letters of one tree.

    Args:
        capacity: how many are kept.
        on_dead_letter: called with each, in the task of whoever caused it; what it raises is logged.
    """

    __slots__ = ("_count", "_on_dead_letter", "_ring")

    def __init__(
        self, capacity: int = 256, on_dead_letter: Callable[[DeadLetter], None] | None = None
    ) -> None:
        self._ring: deque[DeadLetter] = deque(maxlen=capacity)
        self._count = 0
        self._on_dead_letter = on_dead_letter

    @property
    def count(self) -> int:
        """How many there have been, those included that the ring has dropped."""
        return self._count

    def latest(self) -> tuple[DeadLetter, ...]:
        """The letters still in the ring, oldest first."""
        return tuple(self._ring)

    def add(self, path: str, message: object, reason: Literal["closed", "left_over"]) -> None:
        """Put a message that nobody will handle on record."""
        letter = DeadLetter(path, message, reason, trio.current_time())
        self._count += 1
        self._ring.append(letter)
        if self._on_dead_letter is not None:
            try:
                self._on_dead_letter(letter)
            except Exception:
                _logger.exception("the observer of dead letters failed on one for %s", path)

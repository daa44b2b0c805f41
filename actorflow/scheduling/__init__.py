"""What to do next: pure decisions over a plan and the state of its run. Knows no clock, no trio, no I/O."""

from __future__ import annotations

from actorflow.scheduling.commands import Command, StartAttempt
from actorflow.scheduling.decide import decide
from actorflow.scheduling.frontier import Frontier
from actorflow.scheduling.rules import Facts, Jitter
from actorflow.scheduling.settle import Settled, settle

__all__ = ["Command", "Facts", "Frontier", "Jitter", "Settled", "StartAttempt", "decide", "settle"]

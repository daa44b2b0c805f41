"""What to do next: pure decisions over a plan and the state of its run. Knows no clock, no trio, no I/O.

Names are loaded on first use: who explains a run asks the rules that start tasks, and needs nothing else.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from actorflow.scheduling.commands import Command as Command
    from actorflow.scheduling.commands import StartAttempt as StartAttempt
    from actorflow.scheduling.decide import decide as decide
    from actorflow.scheduling.frontier import Frontier as Frontier
    from actorflow.scheduling.rules import Facts as Facts
    from actorflow.scheduling.rules import Jitter as Jitter
    from actorflow.scheduling.settle import Settled as Settled
    from actorflow.scheduling.settle import settle as settle

__all__ = ["Command", "Facts", "Frontier", "Jitter", "Settled", "StartAttempt", "decide", "settle"]

_MODULES = {
    "Command": "commands",
    "Facts": "rules",
    "Frontier": "frontier",
    "Jitter": "rules",
    "Settled": "settle",
    "StartAttempt": "commands",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value

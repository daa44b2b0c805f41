"""Which event has met which fault, over many simulated runs, as a table."""

from __future__ import annotations

from collections import Counter

from actorflow.state import events as ev
from tests.simulation.faults import KINDS

EVENT_TYPES = sorted(kind.__name__ for kind in ev.Event.__args__)  # type: ignore[attr-defined]  # a union of types
ENOUGH_FOR_ALL_PAIRS = 1000


def all_pairs() -> list[tuple[str, str]]:
    return [(event, kind) for event in EVENT_TYPES for kind in KINDS]


def table(met: Counter[tuple[str, str]]) -> str:
    """Say how many events of each type were recorded in runs in which each kind of fault had happened."""
    heads = [f"{number:2} {kind}" for number, kind in enumerate(KINDS, 1)]
    width = max(6, max(len(str(n)) for n in met.values()) + 1)
    lines = ["\nevents recorded in simulated runs, by kind of fault:", *heads, ""]
    lines.append(" " * 20 + "".join(f"{number:{width}}" for number in range(1, len(KINDS) + 1)))
    lines += [
        f"{event:20}" + "".join(f"{met[event, kind]:{width}}" for kind in KINDS) for event in EVENT_TYPES
    ]
    return "\n".join(lines)

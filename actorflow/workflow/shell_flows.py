"""Which shell variables may carry the value of a hole.

``X=${hole}; Y=$X; eval "$Y"`` runs the value as surely as ``eval ${hole}``. Takes a text's commands, and what
reaches it from outside when it is the program of a nested shell; gives, for each variable, the holes whose
values it may hold. The order of commands is not looked at (loops and functions turn it around), so it errs on
the safe side. Must not judge anything.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from collections.abc import Set as AbstractSet
from itertools import product
from typing import TypeAlias

from actorflow.workflow import shell_programs as programs
from actorflow.workflow.shell_options import known_name
from actorflow.workflow.shell_parts import Command, Lexed

__all__ = ["POSITIONAL", "Carriers", "carriers_of"]

Carriers: TypeAlias = dict[str, set[int]]
"""Variable -> the holes (by number) whose values it may hold."""

POSITIONAL = frozenset("0123456789@*")
"""Parameters that get their values from the arguments of a function or a nested shell."""

_FILLED_BY_READING = ("REPLY", "MAPFILE", "OPTARG")

_Flow: TypeAlias = "tuple[str, AbstractSet[int], AbstractSet[str]]"


def carriers_of(
    lexed: Lexed, everything: AbstractSet[int], inherited: Mapping[str, AbstractSet[int]]
) -> Carriers:
    """Follow values through the variables of ``lexed``.

    Args:
        everything: all holes whose values could come in through a pipe or a file.
        inherited: what the variables of the surrounding text carry.
    """
    carriers = {name: set(holes) for name, holes in inherited.items() if holes}
    flows = [
        flow for command in lexed.commands for flow in _flows(command, everything, functions=lexed.functions)
    ]
    changed = True
    while changed:
        changed = False
        for name, holes, names in flows:
            reached = set(holes).union(*(carriers[other] for other in names if other in carriers))
            if reached - carriers.get(name, set()):
                carriers.setdefault(name, set()).update(reached)
                changed = True
    return carriers


def _flows(command: Command, everything: AbstractSet[int], *, functions: bool) -> Iterator[_Flow]:
    """Yield which variables get which holes, and which other variables' values."""
    program = known_name(command.words[0]) if command.words else ""
    arguments = command.words[1:]
    assigned = [(word.assigned, word) for word in arguments if word.assigned]
    for name, word in (*command.assigns, *assigned):
        yield name, set(word.holes), word.names
    if program in programs.NAMING:  # what is read may come from any hole through a pipe or a file
        for name in [
            *_FILLED_BY_READING,
            *(word.text for word in arguments if not word.text.startswith("-")),
        ]:
            yield name, everything, set()
    if program == "printf" and len(arguments) > 1 and arguments[0].text == "-v":
        for word in arguments[2:]:
            yield arguments[1].text, set(word.holes), word.names
    if program == "set" or functions:
        for word, place in product(arguments, POSITIONAL):
            yield place, set(word.holes), word.names

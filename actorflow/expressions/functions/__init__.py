"""The standard functions, one registry a section.

``STANDARD`` maps every name and alias to its function; environments are given it, or a mapping made from it. All are pure: no clock,
no randomness, no look at the machine. Must not be changed: make a new mapping.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from actorflow.expressions.functions.conversions import conversions
from actorflow.expressions.functions.encodings import encodings, names
from actorflow.expressions.functions.lists import lists
from actorflow.expressions.functions.maps import maps
from actorflow.expressions.functions.numbers import numbers
from actorflow.expressions.functions.regexes import regexes
from actorflow.expressions.functions.registry import Function, Registry, host_function
from actorflow.expressions.functions.texts import texts
from actorflow.expressions.functions.times import times

__all__ = ["SECTIONS", "STANDARD", "Function", "host_function"]

SECTIONS: Final[tuple[Registry, ...]] = (
    conversions,
    texts,
    lists,
    maps,
    numbers,
    regexes,
    times,
    encodings,
    names,
)
"""The sections in the order of the reference."""

STANDARD: Final[Mapping[str, Function]] = MappingProxyType(
    {name: function for section in SECTIONS for name, function in section.functions.items()}
)
"""Every standard function under all its names."""

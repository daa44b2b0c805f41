"""What a host knows about the names of a snapshot before there is one.

A ``Scope`` maps names to ``NameInfo``: what kind of thing it is, which fields it has, the JSON Schema of its value, whether it may be
used here at all. The static checks turn that into diagnostics. Generic on purpose: a task, an input, a column or an event are all
just names with facts. Must not know what the names stand for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["NameInfo", "Scope"]


@dataclass(frozen=True, slots=True)
class NameInfo:
    """What is known about one name.

    Attributes:
        kind: the word for it in messages: ``"task"``, ``"input"`` …
        fields: the fields its value has; None if that is not known. Other fields are errors.
        schema: the JSON Schema of its value; None if that is not known. Fields that its ``properties`` do not have are errors, unless
            ``additionalProperties`` allows them in so many words; ``type`` and ``enum`` are used for the checks of types.
        members: for a name that only groups others (``tasks['build']``): member -> its facts. A member that is not there
            is an unknown name, a computed one an error.
        error: why it may not be used here, or None.
        hint: what to do instead, given with ``error`` and with ``warn_unless_guarded``.
        warn_unless_guarded: what is doubtful about reading it without ``?.``, ``??``, ``has`` or a look at another field, or None.
        guarded_fields: the fields that the warning is about; the other fields are the checks that silence it. Empty: the whole
            value, which only ``?.`` and its like silence.
    """

    kind: str = "name"
    fields: frozenset[str] | None = None
    schema: Mapping[str, Any] | None = None
    members: Mapping[str, NameInfo | None] | None = None
    error: str | None = None
    hint: str = ""
    warn_unless_guarded: str | None = None
    guarded_fields: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Scope:
    """The names an expression may use.

    Attributes:
        names: name -> its facts, None for a name of which nothing is known. ``names=None`` checks no names at all.
        noun: what to call a name that does not exist: ``unknown task 'biuld'``.
        note: added to the hint of an unknown name, such as a list of those that may be used.
    """

    names: Mapping[str, NameInfo | None] | None = None
    noun: str = "name"
    note: str = ""

"""Reads ``--inputs FILE``: a JSON or YAML mapping from input names to values.

The same careful reader as for workflow files is used: no tags, no aliases, limits on size and depth,
duplicate keys are errors. ``-`` is stdin.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from actorflow.errors import InputError
from actorflow.values import JSONValue

__all__ = ["read_inputs_file"]


def read_inputs_file(name: str) -> Mapping[str, JSONValue]:
    """Return the mapping in the file ``name``; an empty file is an empty mapping.

    Raises:
        InputError: it cannot be read, or is no mapping; the message has the place.
    """
    from actorflow.workflow.document import read_document
    from actorflow.workflow.events import ReadLimits
    from actorflow.workflow.source import Source

    limits = ReadLimits()
    data = _read(name, limits.max_bytes)
    shown = "<stdin>" if name == "-" else name
    if not data.strip():
        return {}
    document = read_document(data, file=shown, limits=limits)
    if document.faults:
        fault = document.faults[0]
        line, column = Source(shown, document.text).places([fault.start])[fault.start]
        raise InputError(f"{shown}:{line}:{column}: {fault.message}", hint=fault.hint)
    if not isinstance(document.value, dict):
        raise InputError(
            f"{shown}: inputs are a mapping from names to values, this is not one",
            hint="write for example: feature: login",
        )
    return document.value


def _read(name: str, most: int) -> bytes:
    """Read at most ``most`` bytes and one more, so that the reader can say that it is too much."""
    if name == "-":
        return sys.stdin.buffer.read(most + 1)
    try:
        with Path(name).open("rb") as file:
            return file.read(most + 1)
    except OSError as error:
        raise InputError(
            f"{name} cannot be read: {error.strerror}", hint="--inputs takes a JSON or YAML file, or -"
        ) from error

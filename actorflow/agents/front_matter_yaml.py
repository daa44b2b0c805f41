"""Front matter, or one field of it, read strictly as YAML by the project's own reader: bounded, no constructors, no aliases.

Takes text and gives a mapping of plain values, or the first thing that is wrong. Must not guess.
"""

from __future__ import annotations

from typing import Any, Final

from actorflow.workflow.document import read_document
from actorflow.workflow.events import Fault, ReadLimits

__all__ = ["as_mapping"]

_LIMITS: Final = ReadLimits(max_bytes=128 * 1024, max_depth=20, max_nodes=20_000)


def as_mapping(text: str) -> tuple[dict[str, Any] | None, Fault | None]:
    """Return what ``text`` says if it is strict YAML and a mapping (empty when it says nothing), else None and what is wrong."""
    if not text.strip():
        return {}, None
    document = read_document(text.encode("utf-8", "replace"), file="front-matter.yaml", limits=_LIMITS)
    if document.is_readable and not document.faults and isinstance(document.value, dict):
        return document.value, None
    fault = document.faults[0] if document.faults else Fault(0, 1, "E505", "this is no mapping of keys")
    has_only_comments = fault.code == "E504"
    return ({}, None) if has_only_comments else (None, fault)

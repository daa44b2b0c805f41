"""What goes to a program and comes from it, as text: a prompt it does not act upon, an answer made into an output.

Text is the output as it is. Where JSON is wanted, models like to put it into a code block or a sentence before it;
both are taken off. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from actorflow.agents.command_output import parse_json
from actorflow.errors import AgentError
from actorflow.values import Frozen

__all__ = ["escaped", "is_strict", "json_answer"]

_CODE_BLOCK: Final = re.compile(r"```(?:json)?[ \t]*\n(.*?)\n?[ \t]*```", re.DOTALL | re.IGNORECASE)
_DEEPEST: Final = 50


def escaped(prompt: str, escape: Mapping[str, str]) -> str:
    """Return a prompt in which nothing stands that the program itself would act upon."""
    for text, instead in escape.items():
        prompt = prompt.replace(text, instead)
    return prompt


def json_answer(text: str) -> Frozen:
    """Return the JSON value that an answer holds: all of it, or its last code block.

    Raises:
        AgentError: there is none; says where the answer stops being JSON.
    """
    try:
        return parse_json(text.encode("utf-8", "replace"), what="the answer")
    except AgentError:
        blocks = _CODE_BLOCK.findall(text)
        if not blocks:
            raise
        return parse_json(blocks[-1].encode("utf-8", "replace"), what="the code block of the answer")


def is_strict(schema: Any, depth: int = 0) -> bool:
    """Say whether a schema is one that services with strict structured output take: every object is closed, and all its properties are required."""
    if depth > _DEEPEST:
        return False
    if isinstance(schema, list | tuple):
        return all(is_strict(item, depth + 1) for item in schema)
    if not isinstance(schema, Mapping):
        return True
    if schema.get("type") == "object" or "properties" in schema:
        properties = schema.get("properties", {})
        is_closed = schema.get("additionalProperties") is False
        if not is_closed or set(schema.get("required", ())) != set(properties):
            return False
    return all(_is_strict_part(key, part, depth + 1) for key, part in schema.items())


def _is_strict_part(key: str, part: Any, depth: int) -> bool:
    if key in ("enum", "const", "default", "examples"):
        return True  # values, not schemas
    if key in ("properties", "$defs", "definitions") and isinstance(part, Mapping):
        return is_strict(list(part.values()), depth)
    return is_strict(part, depth)

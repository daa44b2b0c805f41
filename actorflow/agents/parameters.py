"""Reading an agent's parameters, which are JSON values from a workflow: what is missing or wrong is an ``AgentError`` that says which.

The validator has checked the names; the values may come from other tasks, so their kinds are known only now.
"""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from actorflow.errors import AgentError
from actorflow.values import Frozen, FrozenDict

__all__ = ["as_text", "invalid", "list_parameter", "mapping_parameter"]


def invalid(where: str, what: str) -> AgentError:
    """Return the error of a parameter that no further attempt will make right."""
    return AgentError("invalid_parameters", f"parameters.{where} {what}", retryable=False)


def as_text(value: Frozen) -> str:
    """Return a value as holes in a string show it: text as it is, everything else as compact JSON."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def list_parameter(parameters: FrozenDict, name: str) -> tuple[Frozen, ...]:
    """Return a list; empty when it is not given or null."""
    value = parameters.get(name)
    if value is None:
        return ()
    if not isinstance(value, tuple):
        raise invalid(name, "must be a list")
    return value


def mapping_parameter(parameters: FrozenDict, name: str) -> Mapping[str, Frozen]:
    """Return a mapping; empty when it is not given or null."""
    value = parameters.get(name)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise invalid(name, "must be a mapping")
    return value

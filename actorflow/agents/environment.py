"""The environment variables of an attempt's processes.

Every process gets the caller's variables, then the task's, then what the agent's parameters add, and last the
names by which it can tell what it works for. ``ACTORFLOW_ATTEMPT_ID`` is also the mark by which its processes
are found again, so nothing may set it. Must not log or store any value: some are secrets.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING

from actorflow.errors import AgentError
from actorflow.workflow.env_names import ENV_NAME, is_forbidden

if TYPE_CHECKING:
    from actorflow.agents.interface import AgentRequest

__all__ = [
    "ANCESTORS_VARIABLE",
    "MARKER_VARIABLE",
    "attempt_marker",
    "caller_environment",
    "marker_of",
    "process_environment",
    "standard_environment",
    "verify_marker",
]

MARKER_VARIABLE = "ACTORFLOW_ATTEMPT_ID"
ANCESTORS_VARIABLE = "ACTORFLOW_ATTEMPT_ANCESTORS"
"""Markers of the attempts around this one, when an attempt itself runs workflows: ending the outer one ends
the inner ones too."""

_SET_BY_US = re.compile(r"ACTORFLOW_[A-Z_]+|AF_[0-9]+")
"""What the engine puts into a request; workflows cannot set these."""


def attempt_marker(run_id: str, task_id: str, attempt: int) -> str:
    """Return what marks the processes of one attempt; no other attempt anywhere has the same."""
    return f"{run_id}/{task_id}/{attempt}"


def marker_of(request: AgentRequest) -> str:
    """Return what marks the processes of the request's attempt."""
    return attempt_marker(request.run_id, request.task_id, request.attempt)


def verify_marker(marker: str) -> str:
    """Return what marks the processes of ``verify`` in the attempt that has ``marker``: they carry that, too, as one around them."""
    return f"{marker}/verify"


def standard_environment(request: AgentRequest) -> dict[str, str]:
    """Return the variables that tell a process what it works for; every agent's processes get them, whatever else is set."""
    variables = {
        MARKER_VARIABLE: marker_of(request),
        "ACTORFLOW_RUN_ID": request.run_id,
        "ACTORFLOW_TASK_ID": request.task_id,
        "ACTORFLOW_ATTEMPT": str(request.attempt),
        "ACTORFLOW_IDEMPOTENCY_KEY": request.idempotency_key,
    }
    around = f"{os.environ.get(ANCESTORS_VARIABLE, '')} {os.environ.get(MARKER_VARIABLE, '')}".split()
    if around:
        variables[ANCESTORS_VARIABLE] = " ".join(around)
    return variables


def caller_environment() -> dict[str, str]:
    """Return the variables of whoever started us."""
    return dict(os.environ)


def process_environment(request: AgentRequest, extra: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the whole environment of a process of this attempt.

    Args:
        extra: variables from the agent's parameters; they win over the task's.

    Raises:
        AgentError: a variable has an impossible name, or one that a workflow may not set.
    """
    for name in request.environment:
        if not _SET_BY_US.fullmatch(name):
            _check(name, where="env")
    for name in extra or ():
        _check(name, where="parameters.env")
    return {**os.environ, **request.environment, **(extra or {}), **standard_environment(request)}


def _check(name: str, *, where: str) -> None:
    """Refuse what the validator refuses; here also for variables that a run could only know when it got this far."""
    if not ENV_NAME.fullmatch(name):
        raise AgentError(
            "invalid_parameters", f"{where}: {name!r} cannot be the name of a variable", retryable=False
        )
    if is_forbidden(name):
        raise AgentError(
            "invalid_parameters",
            f"{where}: a workflow may not set {name}, which changes what programs load or where they connect",
            hint="set it in the environment that starts actorflow, if you mean it",
            retryable=False,
        )

"""What the validator must know of agents, without knowing the agents.

``agents`` (a higher layer) gives a ``Catalog``; the validator checks names, parameters and keys against it,
so that ``validate`` can say what is wrong before anything runs. Plain data: no code of an agent is reached
from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from actorflow.workflow.shape_groups import Key

__all__ = ["AgentTraits", "Catalog", "TaskFeature"]

TaskFeature: TypeAlias = Literal[
    "options", "verify", "session", "handoff", "output_schema", "idle_timeout", "budget"
]
"""A key of a task (or of ``settings``) that only some agents can honour."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentTraits:
    """What one agent takes.

    Attributes:
        parameters: the names it knows, or None when it takes anything.
        required: names it cannot do without.
        shell_text: parameters that are shell command text when they are a string; their holes become
            variables.
        text_output: whether its output is text unless the task has an ``output_schema``.
        supports: the optional keys it honours; any other one on its task is an error.
        fingerprint: changes whenever what the agent does by its definition does ("" = it has no definition that
            could change); work done under another one is not taken for the same.
        options: the names it knows under ``options``, each with the shape of its value; None when it takes
            anything. Only looked at when it supports ``options``.
        needs_folder: whether its attempts get a folder to write into; without one an attempt costs no disk
            access besides its events.
        backend: the service that its attempts call, which may cost money and has limits: agents of one backend
            share its limits, and its attempts count against ``budget.agents``. None: one of its own, named as
            the agent. "": there is none, its attempts cost nothing (``shell``).
        unavailable: why it cannot run here and now and what to do about it ("" = it can). A workflow that
            names it is valid; a run of it ends with exit code 3 before it starts.
        defect: what is wrong with the file that defines it, with its place ("" = nothing). A workflow that
            names it is not valid.
    """

    name: str
    parameters: frozenset[str] | None = None
    required: frozenset[str] = frozenset()
    shell_text: frozenset[str] = frozenset()
    text_output: bool = False
    supports: frozenset[TaskFeature] = frozenset()
    options: Mapping[str, Key] | None = None
    needs_folder: bool = True
    backend: str | None = None
    unavailable: str = ""
    defect: str = ""
    fingerprint: str = ""

    @property
    def paid_backend(self) -> str:
        """The backend's name; "" when attempts cost nothing."""
        return self.name if self.backend is None else self.backend


Catalog: TypeAlias = Mapping[str, AgentTraits]
"""Agent name -> its traits."""

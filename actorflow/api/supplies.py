"""What a drive needs from outside of the workflow: its agents, and the texts of its secrets.

Takes a plan and gives both, or says everything that is missing at once, before anything is created. Must not
start an agent.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from actorflow.agents.interface import Agent, Prepares
from actorflow.agents.registry import AgentRegistry
from actorflow.api.rehearsing import rehearsal_secrets, rehearsed_agents
from actorflow.engine.secrets import read_secrets
from actorflow.errors import ConfigurationError
from actorflow.rehearsal.stubs import Stubs
from actorflow.workflow import Workflow
from actorflow.workflow.plan import Plan

__all__ = ["agents_of", "prepare", "secrets_of"]


def agents_of(plan: Plan, registry: AgentRegistry, stubs: Stubs | None = None) -> dict[str, Agent]:
    """Return every agent that the plan names, or with stubs those that play them.

    Raises:
        ConfigurationError: some are not there; the message has them all.
    """
    if stubs is not None:
        return rehearsed_agents(plan, registry.catalog(), stubs)
    agents: dict[str, Agent] = {}
    missing: dict[str, ConfigurationError] = {}
    for name in dict.fromkeys(name for task in plan.tasks.values() for name in task.spec.agents):
        try:
            agents[name] = registry.get(name)
        except ConfigurationError as error:
            missing[name] = error
    if missing:
        users = {name: [t.id for t in plan.tasks.values() if name in t.spec.agents] for name in missing}
        lines = [f"{error.message} (used by {', '.join(users[name])})" for name, error in missing.items()]
        hint = "'actorflow agents list' shows which agents can run here, and why others cannot"
        raise ConfigurationError("\n".join(lines), hint=hint)
    return agents


async def prepare(plan: Plan, agents: Mapping[str, Agent]) -> None:
    """Have every agent look whether its attempts can succeed at all.

    Raises:
        ConfigurationError: for some they cannot; the message has them all, each reason once.
    """
    problems: dict[str, ConfigurationError] = {}
    for name, agent in agents.items():
        if isinstance(agent, Prepares):
            variables = [frozenset(t.spec.env) for t in plan.tasks.values() if name in t.spec.agents]
            try:
                await agent.prepare(frozenset.intersection(*variables) if variables else frozenset())
            except ConfigurationError as error:
                problems.setdefault(error.message, error)
    if problems:
        hint = next(iter(problems.values())).hint
        raise ConfigurationError("\n".join(problems), hint=hint)


def secrets_of(
    workflow: Workflow, root: Path, literals: Mapping[str, str], stubs: Stubs | None = None
) -> dict[str, str]:
    """Return name -> text of every secret; raises ConfigurationError, which names all that cannot be had and are needed."""
    if stubs is not None:
        return rehearsal_secrets(workflow, root, literals)
    return read_secrets(workflow, environment=os.environ, project_root=root, literals=literals)

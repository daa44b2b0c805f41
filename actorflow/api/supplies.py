"""What a drive needs from outside of the workflow: its agents, and the texts of its secrets.

Takes a plan and gives both, or says everything that is missing at once, before anything is created. A run that
is gone on with needs only the agents of the tasks that are still to run: those that cannot be had are played by
``MissingAgent`` until it is known which these are. Must not start an agent.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

from actorflow.agents.interface import Agent, AgentRequest, AgentResult, AttemptChannel, Prepares
from actorflow.agents.registry import AgentRegistry
from actorflow.api.rehearsing import rehearsal_secrets, rehearsed_agents
from actorflow.engine.secrets import read_secrets
from actorflow.errors import AgentError, ConfigurationError
from actorflow.ids import TaskId
from actorflow.rehearsal.stubs import Stubs
from actorflow.workflow import Workflow
from actorflow.workflow.catalog import AgentTraits
from actorflow.workflow.plan import Plan

__all__ = ["MissingAgent", "agents_at_hand", "agents_of", "prepare", "require", "secrets_of"]


@dataclass(frozen=True, slots=True)
class MissingAgent:
    """Stands for an agent that cannot be had, in a run that may not need it any more.

    Attributes:
        error: why it cannot be had.
    """

    traits: AgentTraits
    error: ConfigurationError

    async def run(self, request: AgentRequest, channel: AttemptChannel) -> AgentResult:  # noqa: ARG002 - the contract of agents
        """Fail the attempt: nobody was to call this."""
        raise AgentError("unavailable", self.error.message, hint=self.error.hint, retryable=False)


def agents_at_hand(plan: Plan, registry: AgentRegistry, stubs: Stubs | None = None) -> dict[str, Agent]:
    """Return every agent that the plan names; ``MissingAgent`` for those that cannot be had."""
    if stubs is not None:
        return rehearsed_agents(plan, registry.catalog(), stubs)
    agents: dict[str, Agent] = {}
    for name in _names(plan):
        try:
            agents[name] = registry.get(name)
        except ConfigurationError as error:
            agents[name] = MissingAgent(registry.catalog()[name], error)
    return agents


def agents_of(plan: Plan, registry: AgentRegistry, stubs: Stubs | None = None) -> dict[str, Agent]:
    """Return every agent that the plan names, or with stubs those that play them.

    Raises:
        ConfigurationError: some are not there; the message has them all.
    """
    agents = agents_at_hand(plan, registry, stubs)
    require(plan, agents, plan.tasks)
    return agents


def require(plan: Plan, agents: Mapping[str, Agent], tasks: Collection[TaskId]) -> None:
    """See that the agents of ``tasks`` are there.

    Raises:
        ConfigurationError: some are not; the message has them all.
    """
    users: dict[str, list[str]] = {}
    for task_id in tasks:
        for name in plan.tasks[task_id].spec.agents:
            users.setdefault(name, []).append(task_id)
    lines = [
        f"{agent.error.message} (used by {', '.join(users[name])})"
        for name, agent in agents.items()
        if name in users and isinstance(agent, MissingAgent)
    ]
    if lines:
        hint = "'actorflow agents list' shows which agents can run here, and why others cannot"
        raise ConfigurationError("\n".join(lines), hint=hint)


def _names(plan: Plan) -> Collection[str]:
    return dict.fromkeys(name for task in plan.tasks.values() for name in task.spec.agents)


async def prepare(plan: Plan, agents: Mapping[str, Agent], tasks: Collection[TaskId]) -> None:
    """Have the agents of ``tasks`` look whether their attempts can succeed at all.

    Raises:
        ConfigurationError: for some they cannot, or an agent is not there; the message has them all, each reason once.
    """
    require(plan, agents, tasks)
    problems: dict[str, ConfigurationError] = {}
    specs = [plan.tasks[task_id].spec for task_id in tasks]
    for name, agent in agents.items():
        variables = [frozenset(spec.env) for spec in specs if name in spec.agents]
        if variables and isinstance(agent, Prepares):
            try:
                await agent.prepare(frozenset.intersection(*variables))
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

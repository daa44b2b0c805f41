"""Rehearsals: a run whose agents are played from stubs, and the file of stubs that one begins with.

Gives ``run`` and ``resume`` what differs when no agent is called: the stubs, the agents that play them, and
secrets that need not be there. Reads and writes files of stubs; everything else is the real engine's.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from actorflow.agents.interface import Agent, AgentRequest
from actorflow.agents.masking import Masker
from actorflow.api.checking import load_file, read_bytes, registry_of
from actorflow.engine.secrets import find_secrets
from actorflow.errors import InputError
from actorflow.rehearsal.agent import RehearsedAgent
from actorflow.rehearsal.guesses import guessed_outputs
from actorflow.rehearsal.stub_files import read_stubs
from actorflow.rehearsal.stub_writer import stub_text
from actorflow.rehearsal.stubs import Stub, Stubs
from actorflow.settings import Settings
from actorflow.values import FrozenDict
from actorflow.workflow import Workflow
from actorflow.workflow.budget import Budget
from actorflow.workflow.catalog import AgentTraits, Catalog
from actorflow.workflow.plan import Plan

__all__ = [
    "Rehearsal",
    "masked_source",
    "read_stub_file",
    "rehearsal_secrets",
    "rehearsed_agents",
    "stub_file_beside",
    "write_stub_file",
]


@dataclass(frozen=True, slots=True)
class Rehearsal:
    """That a run is to be a rehearsal; without a file of stubs everything is made up."""

    stubs: Path | None = None


def stub_file_beside(workflow: Path) -> Path:
    """Return where the stubs of a workflow are unless somebody says otherwise: ``NAME.stubs.yaml``."""
    return workflow.with_name(f"{workflow.stem}.stubs.yaml")


def read_stub_file(rehearsal: Rehearsal, workflow: Workflow) -> Stubs:
    """Read the stubs of a rehearsal.

    Raises:
        SpecErrors: they cannot be read, or do not fit the workflow.
    """
    if rehearsal.stubs is None:
        return read_stubs(b"", file="<no stubs>", workflow=workflow)
    hint = "'actorflow run FILE --rehearse-init' writes one"
    data = read_bytes(rehearsal.stubs, hint=hint)
    return read_stubs(data, file=str(rehearsal.stubs), workflow=workflow)


def write_stub_file(
    workflow: Path, target: Path, *, settings: Settings, name: str = "", force: bool = False
) -> None:
    """Write the file of stubs that a rehearsal of ``workflow`` begins with.

    Args:
        name: how the workflow is called in commands; its path by default.

    Raises:
        SpecErrors: the workflow is not valid.
        InputError: ``target`` is there already, and ``force`` is false.
    """
    loaded = load_file(workflow, registry=registry_of(settings))
    text = stub_text(loaded.workflow, workflow_name=name or str(workflow), stubs_name=str(target))
    try:
        with target.open("w" if force else "x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError as error:
        raise InputError(f"{target} is there already", hint="--force writes it anew") from error


def rehearsed_agents(
    plan: Plan, catalog: Catalog, stubs: Stubs, *, on_call: Callable[[AgentRequest], None] | None = None
) -> dict[str, Agent]:
    """Return a player for every agent that the plan names, whether it could run here or not."""
    guesses = guessed_outputs(plan.workflow)
    if plan.workflow.settings.budget != Budget():  # which could not be kept if nobody knew what is spent
        stubs = stubs.over(Stubs(defaults=Stub(cost_usd=0.0, tokens=0)))
    names = dict.fromkeys(name for task in plan.tasks.values() for name in task.spec.agents)
    return {
        name: RehearsedAgent(
            catalog.get(name) or AgentTraits(name=name), stubs, guesses=guesses, on_call=on_call
        )
        for name in names
    }


def rehearsal_secrets(workflow: Workflow, root: Path, literals: Mapping[str, str]) -> dict[str, str]:
    """Return the secrets of a rehearsal: those that can be had, so that they are masked, and a text in place of the others."""
    found, _ = find_secrets(workflow, environment=os.environ, project_root=root, literals=literals)
    return {source.name: found.get(source.name, f"rehearsed {source.name}") for source in workflow.secrets}


def masked_source(stubs: Stubs, secrets: Mapping[str, str]) -> FrozenDict:
    """Return what a run records of its stubs: all of them, without secrets."""
    masked = Masker(secrets.values()).value(stubs.source)
    return masked if isinstance(masked, FrozenDict) else FrozenDict()

"""Workflow files: read with positions, decoded, checked, compiled to a plan.

``load_workflow`` takes the bytes of a YAML or JSON file and gives a valid ``Workflow``, or raises
``SpecErrors`` with *all* problems, each with its line and column; ``read_inputs`` takes what a person set and
gives the inputs' values. Nothing above this package sees YAML text. Pure: no files, no clock, no environment.
Names are loaded on first use: what only needs the model need not read YAML.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from actorflow.workflow.catalog import AgentTraits as AgentTraits
    from actorflow.workflow.catalog import Catalog as Catalog
    from actorflow.workflow.catalog import TaskFeature as TaskFeature
    from actorflow.workflow.events import ReadLimits as ReadLimits
    from actorflow.workflow.inputs import read_inputs as read_inputs
    from actorflow.workflow.json_schema import check_schema_value as check_schema_value
    from actorflow.workflow.loading import Loaded as Loaded
    from actorflow.workflow.loading import load_workflow as load_workflow
    from actorflow.workflow.loading import too_large_problem as too_large_problem
    from actorflow.workflow.model import InputSpec as InputSpec
    from actorflow.workflow.model import TaskSpec as TaskSpec
    from actorflow.workflow.model import Workflow as Workflow
    from actorflow.workflow.problems import Problem as Problem
    from actorflow.workflow.schema import workflow_schema as workflow_schema

_MODULES = {
    "AgentTraits": "catalog",
    "Catalog": "catalog",
    "InputSpec": "model",
    "Loaded": "loading",
    "Problem": "problems",
    "ReadLimits": "events",
    "TaskFeature": "catalog",
    "TaskSpec": "model",
    "Workflow": "model",
    "check_schema_value": "json_schema",
    "load_workflow": "loading",
    "read_inputs": "inputs",
    "too_large_problem": "loading",
    "workflow_schema": "schema",
}

__all__ = [
    "AgentTraits",
    "Catalog",
    "InputSpec",
    "Loaded",
    "Problem",
    "ReadLimits",
    "TaskFeature",
    "TaskSpec",
    "Workflow",
    "check_schema_value",
    "load_workflow",
    "read_inputs",
    "too_large_problem",
    "workflow_schema",
]


def __getattr__(name: str) -> object:
    try:
        module = import_module(f"{__name__}.{_MODULES[name]}")
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
    value: object = getattr(module, name)
    globals()[name] = value
    return value

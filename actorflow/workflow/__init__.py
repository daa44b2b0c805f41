"""Workflow files: read with positions, decoded, checked, compiled to a plan.

``load_workflow`` takes the bytes of a YAML or JSON file and gives a valid ``Workflow``, or raises
``SpecErrors`` with *all* problems, each with its line and column; ``read_inputs`` takes what a person set and
gives the inputs' values. Nothing above this package sees YAML text. Pure: no files, no clock, no environment.
"""

from __future__ import annotations

from actorflow.workflow.catalog import AgentTraits, Catalog, TaskFeature
from actorflow.workflow.events import ReadLimits
from actorflow.workflow.inputs import read_inputs
from actorflow.workflow.json_schema import check_schema_value
from actorflow.workflow.loading import Loaded, load_workflow, too_large_problem
from actorflow.workflow.model import InputSpec, TaskSpec, Workflow
from actorflow.workflow.problems import Problem
from actorflow.workflow.schema import workflow_schema

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

"""The whole document: from plain values to a draft of a workflow.

A draft holds everything that could be decoded, with the path of each task, so that names, graph and
expressions can be checked although something else is wrong. Only a draft without errors becomes a
``Workflow`` that is given out.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from actorflow.workflow.decode_inputs import INPUTS
from actorflow.workflow.decode_settings import CONTEXT, METADATA, SETTINGS, ContextBlock, Metadata, Version
from actorflow.workflow.decode_tasks import HOOKS, TASKS, DecodedTask
from actorflow.workflow.model import Settings, Workflow
from actorflow.workflow.report import Path, Report
from actorflow.workflow.shape_groups import Key, Object
from actorflow.workflow.shapes import Text

__all__ = ["WORKFLOW", "Draft", "decode_workflow"]


@dataclass(frozen=True, slots=True)
class Draft:
    """What could be decoded.

    Attributes:
        workflow: not necessarily valid.
        tasks: its tasks, then those of its hooks, each with its path.
        broken_names: tasks, inputs, variables and secrets that are in the file but could not be decoded.
    """

    workflow: Workflow
    tasks: tuple[DecodedTask, ...]
    broken_names: frozenset[str] = frozenset()


def decode_workflow(value: Any, report: Report) -> Draft | None:
    """Decode ``value``; None when it is no mapping at all (which is reported)."""
    draft = WORKFLOW.decode(value, (), report)
    if not isinstance(draft, Draft):
        return None
    if not report.wrong_paths:  # so everything could be decoded
        return draft
    workflow = draft.workflow
    decoded = (
        {task.spec.id for task in draft.tasks}
        | {spec.name for spec in workflow.inputs}
        | set(workflow.variables)
    )
    decoded |= {secret.name for secret in workflow.secrets}
    return replace(draft, broken_names=frozenset({*_ids_in(value), *_names_in(value)} - decoded))


def _names_in(value: dict[str, Any]) -> Iterator[str]:
    """Yield the names of inputs, variables and secrets in the file, whatever else is wrong with them."""
    context = value.get("context")
    blocks = [context.get("variables"), context.get("secrets")] if isinstance(context, dict) else []
    for block in (value.get("inputs"), *blocks):
        if isinstance(block, dict):
            yield from block


def _ids_in(value: dict[str, Any]) -> Iterator[str]:
    """Yield the ids that stand in the file, whatever else is wrong with their tasks."""
    hooks = value.get("hooks")
    phases = hooks.values() if isinstance(hooks, dict) else ()
    for tasks in (value.get("tasks"), *phases):
        for task in tasks if isinstance(tasks, list) else ():
            if isinstance(task, dict) and isinstance(task.get("id"), str):
                yield task["id"]


def _build(keys: dict[str, Any], _path: Path, _report: Report) -> Draft:
    metadata = keys.get("metadata", Metadata())
    context = keys.get("context", ContextBlock())
    tasks: tuple[DecodedTask, ...] = keys.get("tasks", ())
    hooks: tuple[DecodedTask, ...] = keys.get("hooks", ())
    workflow = Workflow(
        name=keys.get("name", ""),
        description=keys.get("description", ""),
        author=metadata.author,
        tags=metadata.tags,
        inputs=tuple(keys.get("inputs", {}).values()),
        inputs_closed="inputs" in keys,
        settings=keys.get("settings", Settings()),
        variables=context.variables,
        secrets=context.secrets,
        tasks=tuple(task.spec for task in tasks),
        hooks=tuple(task.spec for task in hooks),
    )
    return Draft(workflow, (*tasks, *hooks))


WORKFLOW = Object(
    "a workflow",
    {
        "version": Key(Version(), 'The version of the format: "1.0".'),
        "name": Key(Text(is_line=True), "The name of the workflow.", required=True),
        "description": Key(Text(may_be_blank=True), "What the workflow does."),
        "metadata": Key(METADATA, "Who wrote it, and words to find it by."),
        "inputs": Key(INPUTS, "Typed inputs; with this block the list of inputs is complete."),
        "settings": Key(SETTINGS, "Settings of the whole run."),
        "context": Key(CONTEXT, "Variables and secrets."),
        "tasks": Key(TASKS, "What is to be done.", required=True),
        "hooks": Key(HOOKS, "Tasks at the start and the end of a run."),
    },
    _build,
    may_be_empty=False,
)

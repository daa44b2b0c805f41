"""What is said of templates: lines for people, and JSON values."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from actorflow.cli.validate import input_json
from actorflow.library.templates import Template
from actorflow.values import thaw
from actorflow.workflow.model import InputSpec, TaskSpec

__all__ = ["input_words", "list_lines", "show_lines", "template_json"]


def list_lines(found: Sequence[Template]) -> Iterator[str]:
    """Yield a line for each template."""
    width = max(len(template.name) for template in found)
    for template in found:
        yield f"{template.name:<{width}}  {template.workflow.description}"


def show_lines(template: Template) -> Iterator[str]:
    """Yield what a template is for, its inputs and its tasks."""
    workflow = template.workflow
    yield template.name
    yield f"  {workflow.description}"
    if workflow.inputs:
        yield ""
        yield "inputs"
        width = max(len(spec.name) for spec in workflow.inputs)
        yield from (f"  {spec.name:<{width}}  {input_words(spec)}" for spec in workflow.inputs)
    yield ""
    yield "tasks"
    width = max(len(spec.id) for spec in workflow.tasks)
    agents = max(len(" or ".join(spec.agents)) for spec in workflow.tasks)
    for spec in (*workflow.tasks, *workflow.hooks):
        yield f"  {spec.id:<{width}}  {' or '.join(spec.agents):<{agents}}  {_when(spec)}".rstrip()
    given = " ".join(f"--set {spec.name}=…" for spec in workflow.inputs if spec.required)
    yield ""
    yield f"run it:        actorflow run {template.name} {given}".rstrip()
    yield f"rehearse it:   actorflow run {template.name} --rehearse {given}".rstrip()
    yield f"make it yours: actorflow templates new {template.name}"


def input_words(spec: InputSpec) -> str:
    """Return what an input is: its type, whether it must be given, what it is for."""
    default = "required" if spec.required else f"default {json.dumps(thaw(spec.default), ensure_ascii=False)}"
    words = f"{spec.type.value}, {default}"
    if spec.enum:
        words += f", one of {', '.join(map(str, thaw(spec.enum)))}"
    return f"{words}: {spec.description}" if spec.description else words


def _when(spec: TaskSpec) -> str:
    if spec.hook is not None:
        return f"hook {spec.hook.value}"
    after = f"after {', '.join(spec.dependencies)}" if spec.dependencies else ""
    condition = f"if {spec.condition}" if isinstance(spec.condition, str) else ""
    run_if = f"run_if {spec.run_if.value}" if spec.run_if is not None else ""
    return ", ".join(part for part in (after, run_if, condition) if part)


def template_json(template: Template) -> dict[str, Any]:
    """Return what ``templates list --json`` gives of one template."""
    workflow = template.workflow
    return {
        "name": template.name,
        "description": workflow.description,
        "tags": list(workflow.tags),
        "inputs": [input_json(spec) for spec in workflow.inputs],
        "tasks": [
            {"id": spec.id, "agents": list(spec.agents), "dependencies": list(spec.dependencies)}
            for spec in workflow.tasks
        ],
        "file": str(template.path),
    }

"""Asks on a terminal for the inputs of a workflow, one after the other, until each answer fits its type.

Questions and answers go to stderr and come from stdin; stdout stays data. An empty answer leaves an input as
the workflow has it.
"""

from __future__ import annotations

from collections.abc import Collection

import click

from actorflow.errors import InputError
from actorflow.library.copying import read_defaults
from actorflow.values import Frozen
from actorflow.workflow import Workflow
from actorflow.workflow.model import InputSpec

__all__ = ["ask_defaults"]


def ask_defaults(workflow: Workflow, *, given: Collection[str]) -> dict[str, Frozen]:
    """Return input -> the value that was answered, for those that were.

    Args:
        given: inputs that need not be asked for.
    """
    answers: dict[str, Frozen] = {}
    for spec in workflow.inputs:
        if spec.name not in given:
            answers |= _ask(workflow, spec)
    return answers


def _ask(workflow: Workflow, spec: InputSpec) -> dict[str, Frozen]:
    from actorflow.cli.template_words import input_words

    click.echo(f"{spec.name}: {input_words(spec)}", err=True)
    left_as = "each run gives it" if spec.required else "leave it"
    while True:
        answer = click.prompt(
            f"  value [Enter: {left_as}]", default="", show_default=False, err=True, prompt_suffix=" "
        )
        if not answer:
            return {}
        try:
            return read_defaults(workflow, [f"{spec.name}={answer}"])
        except InputError as error:
            click.echo(f"  {error.message}", err=True)

"""``actorflow schema``: the JSON Schemas of the files that people write, for editors."""

from __future__ import annotations

from typing import Any

import click

__all__ = ["schema_command"]


@click.command("schema", short_help="Print the JSON Schema of workflow files.")
@click.argument("kind", type=click.Choice(["workflow", "stubs", "tests"]), default="workflow")
def schema_command(*, kind: str) -> None:
    """Print the JSON Schema of workflow files, of files of stubs or of files of tests, for editors that complete and check while one types."""
    from actorflow.cli.output import print_json

    print_json(_schema(kind))


def _schema(kind: str) -> dict[str, Any]:
    if kind == "workflow":
        from actorflow.workflow import workflow_schema

        return workflow_schema()
    from actorflow.rehearsal.decode_cases import CASES
    from actorflow.rehearsal.decode_stubs import STUBS

    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"actorflow {kind}",
        "description": f"A file of {kind} of actorflow workflows.",
        **(STUBS if kind == "stubs" else CASES).schema(),
    }

"""``actorflow schema``: the JSON Schema of workflow files, for editors."""

from __future__ import annotations

import click

__all__ = ["schema_command"]


@click.command("schema", short_help="Print the JSON Schema of workflow files.")
def schema_command() -> None:
    """Print the JSON Schema of workflow files, for editors that complete and check while one types."""
    from actorflow.cli.output import print_json
    from actorflow.workflow import workflow_schema

    print_json(workflow_schema())

"""The JSON Schema of a workflow file, for editors.

Made from the same tables that the decoder reads by, so a key that is read is a key that editors complete. It
says what can be said without names and graph; ``validate`` says the rest.
"""

from __future__ import annotations

from typing import Any

from actorflow.workflow.decode import WORKFLOW

__all__ = ["workflow_schema"]


def workflow_schema() -> dict[str, Any]:
    """Return the schema (draft 2020-12) as a fresh dict."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "actorflow workflow",
        "description": 'A workflow file of actorflow, version "1.0".',
        **WORKFLOW.schema(),
    }

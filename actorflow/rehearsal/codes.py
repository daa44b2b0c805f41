"""Every code that checking stubs and tests can give beside those of workflow files, with what it means.

A code never changes its meaning; docs/reference/rehearsal-files.md explains each, and a test compares the two.
"""

from __future__ import annotations

from typing import Final

__all__ = ["CODES"]

CODES: Final[dict[str, str]] = {
    "E961": "a task that the workflow does not have",
    "E962": "an unknown kind of error",
    "E963": "an output that does not fit the task's output_schema",
    "E964": "an agent that no task of the workflow has",
    "E965": "an output that cannot be made up: it has to be written",
    "E966": "an input that the workflow does not have, or that does not fit",
    "E967": "the workflow of a tests file is not there, or is not valid",
    "E968": "an expectation that no run can meet",
}

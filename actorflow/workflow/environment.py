"""The one expression environment that workflows use.

Conditions, holes and shell holes are all compiled by ``ENVIRONMENT``: the standard functions, and ``success()
failure() always()``, whose values a snapshot carries under ``"success()"`` and so on. Must not be changed at
run time.
"""

from __future__ import annotations

from typing import Final

from actorflow import expressions as ex

__all__ = ["ENVIRONMENT", "STATUS_FUNCTIONS"]

STATUS_FUNCTIONS: Final = frozenset({"success", "failure", "always"})
"""Functions over the direct dependencies of the task that asks."""

ENVIRONMENT: Final = ex.Environment(context_functions=STATUS_FUNCTIONS)

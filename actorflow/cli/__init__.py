"""The command line: thin commands that parse, call ``actorflow.api`` and print.

stdout is data, stderr is talk. Importing this package imports click and nothing heavier; each command's
module is loaded when it is used.
"""

from __future__ import annotations

from actorflow.cli.group import cli

__all__ = ["cli"]

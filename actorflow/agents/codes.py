"""The codes of what is wrong with a file that defines an agent, beyond those of every YAML file (``actorflow.workflow.codes``).

``E8xx`` refuses the file, ``W8xx`` only tells; 82x are those of Markdown and of both, 83x those of descriptions of
programs. A code never changes its meaning; docs/reference/agent-definitions.md and command-backends.md explain
each, and tests compare.
"""

from __future__ import annotations

from typing import Final

__all__ = ["CODES"]

CODES: Final[dict[str, str]] = {
    "E821": "a front matter that is never closed",
    "E831": "a description that cannot be extended",
    "E832": "an unknown placeholder",
    "E833": "the prompt or the session does not get into the command line",
    "E834": "a pattern that cannot be searched for",
    "W821": "something in the file has no effect",
    "W822": "a front matter that is not YAML, and was read line by line",
}

"""The codes of what is wrong with a file that defines an agent, beyond those of every YAML file (``actorflow.workflow.codes``).

``E82x`` refuses the file, ``W82x`` only tells. A code never changes its meaning;
docs/reference/agent-definitions.md explains each, and a test compares the two.
"""

from __future__ import annotations

from typing import Final

__all__ = ["CODES"]

CODES: Final[dict[str, str]] = {
    "E821": "a front matter that is never closed",
    "W821": "something in the file has no effect",
    "W822": "a front matter that is not YAML, and was read line by line",
}

"""actorflow: durable workflows for Claude Code agents, shell and Python.

Names are loaded on first use (PEP 562), so that ``from actorflow import expressions`` imports neither trio
nor the engine.
"""

from __future__ import annotations

__version__ = "0.1.0"

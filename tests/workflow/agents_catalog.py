"""The agents of these tests."""

from __future__ import annotations

from actorflow.workflow.catalog import AgentTraits
from actorflow.workflow.shape_groups import Key
from actorflow.workflow.shapes import Integer, Text

FEATURES = frozenset({"options", "verify", "session", "handoff", "output_schema", "idle_timeout", "budget"})

OPTIONS = {"model": Key(Text(), "The model."), "turns": Key(Integer(1), "How many turns.")}

CATALOG = {
    "echo": AgentTraits(name="echo"),
    "all": AgentTraits(name="all", supports=FEATURES),
    "broken": AgentTraits(
        name="broken", defect="the agent 'broken' cannot be used: agents/broken.md:2:7: error[E609]"
    ),
    "choosy": AgentTraits(name="choosy", supports=FEATURES, options=OPTIONS),
    "planner": AgentTraits(name="planner", supports=FEATURES),
    "shell": AgentTraits(
        name="shell",
        parameters=frozenset({"command", "env", "stdin", "output"}),
        required=frozenset({"command"}),
        shell_text=frozenset({"command"}),
        supports=frozenset({"output_schema"}),
    ),
}

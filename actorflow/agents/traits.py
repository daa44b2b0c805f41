"""What the agents that come with actorflow take, and the names of those that are not there yet.

Plain data, apart from the agents' code: validating a workflow needs the traits of ``shell`` but neither trio
nor a process.
"""

from __future__ import annotations

from actorflow.workflow.catalog import AgentTraits

__all__ = ["BUILT_IN", "ECHO", "PYTHON", "SHELL", "UNAVAILABLE", "claude_code_agent"]

ECHO = AgentTraits(name="echo", supports=frozenset({"output_schema"}), needs_folder=False, backend="")

SHELL = AgentTraits(
    name="shell",
    parameters=frozenset({"command", "env", "stdin", "output"}),
    required=frozenset({"command"}),
    shell_text=frozenset({"command"}),
    supports=frozenset({"output_schema", "idle_timeout"}),
    backend="",
)

PYTHON = AgentTraits(
    name="python",
    parameters=frozenset({"call", "args", "kwargs"}),
    required=frozenset({"call"}),
    supports=frozenset({"output_schema", "idle_timeout"}),
    backend="",
)

BUILT_IN = {
    "echo": (ECHO, "actorflow.agents.echo:EchoAgent"),
    "python": (PYTHON, "actorflow.agents.python:PythonAgent"),
    "shell": (SHELL, "actorflow.agents.shell:ShellAgent"),
}
"""Name -> traits and where the class is (``module:name``), which is imported when the agent first works."""

_CLAUDE_CODE_NAMES = "claude planner coder checker frontend backend researcher orchestrator".split()


def claude_code_agent(name: str, *, defined_in: str = "") -> AgentTraits:
    """Return the traits of an agent that Claude Code runs, which this version of actorflow cannot start.

    Args:
        defined_in: the file that defines it, when it is not one of the well-known names.
    """
    origin = f" (defined in {defined_in})" if defined_in else ""
    return AgentTraits(
        name=name,
        supports=frozenset(
            {"options", "verify", "session", "handoff", "output_schema", "idle_timeout", "budget"}
        ),
        backend="claude",
        unavailable=(
            f"the agent '{name}'{origin} is run by Claude Code, which this version of actorflow cannot start"
        ),
    )


_HUMAN = AgentTraits(
    name="human",
    parameters=frozenset({"question", "choices", "default", "timeout"}),
    required=frozenset({"question"}),
    backend="",
    unavailable=("the agent 'human' cannot ask anybody in this version of actorflow"),
)

UNAVAILABLE = {"human": _HUMAN, **{name: claude_code_agent(name) for name in _CLAUDE_CODE_NAMES}}
"""Name -> traits of agents that a workflow may name (it is valid) although no run can start them."""

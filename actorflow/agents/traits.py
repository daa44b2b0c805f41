"""What the agents that come with actorflow take.

Plain data, apart from the agents' code: validating a workflow needs the traits of ``shell`` but neither trio
nor a process.
"""

from __future__ import annotations

from actorflow.workflow.catalog import AgentTraits

__all__ = ["BUILT_IN", "DESCRIPTIONS", "ECHO", "HUMAN", "PYTHON", "SHELL"]

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


HUMAN = AgentTraits(
    name="human",
    parameters=frozenset({"question", "choices", "default", "timeout"}),
    required=frozenset({"question"}),
    backend="",
    unavailable=("the agent 'human' cannot ask anybody in this version of actorflow"),
)

DESCRIPTIONS = {
    "claude": "Claude Code as it is: carries out the task that it is given.",
    "echo": "Gives back its parameters. For examples and tests.",
    "human": "Asks a person.",
    "python": "Calls a Python function in a process of its own.",
    "shell": "Runs a command; what it prints is the output.",
}
"""What the agents are for whose names are reserved."""

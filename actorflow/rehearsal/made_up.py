"""The output that is played for a task of which no stub says any.

``echo`` gives what it would really give, its parameters. With an ``output_schema`` it is a valid example of
that, else it has what the workflow reads of it (``guesses``); a person's answer is the default or the first
choice; anything else is a text that says what it is.
"""

from __future__ import annotations

from collections.abc import Mapping

from actorflow.ids import TaskId
from actorflow.rehearsal.examples import example_of
from actorflow.values import Frozen, FrozenDict, freeze

__all__ = ["made_up_output"]


def made_up_output(
    task: TaskId,
    agent: str,
    *,
    schema: FrozenDict | None,
    parameters: Mapping[str, object],
    guesses: Mapping[TaskId, Frozen],
) -> Frozen:
    """Return an output for a task.

    Args:
        agent: who is not called.
        schema: the task's ``output_schema``.
        parameters: the task's; rendered, or as they are written.
        guesses: see ``guessed_outputs``.

    Raises:
        NoExample: nothing that fits the schema was found.
    """
    if schema is not None:
        return example_of(schema)
    if agent == "echo":
        return freeze(parameters)
    if agent == "human":
        choices = parameters.get("choices")
        first = choices[0] if isinstance(choices, list | tuple) and choices else "yes"
        return freeze(parameters.get("default") or first)
    if task in guesses:
        return guesses[task]
    return f"rehearsed output of {task}"

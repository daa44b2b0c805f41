"""Which values a task has chosen for the options of a program, checked against what its description allows.

Takes the options of a request, among them defaults of the workflow that are meant for other agents; gives a value
for each placeholder, and notes about what has no effect here. A value never begins with ``-``: in a command line
it could be taken for an option of the program. Pure.
"""

from __future__ import annotations

from actorflow.agents.command.definition import CommandDefinition
from actorflow.errors import AgentError
from actorflow.values import Frozen, FrozenDict

__all__ = ["chosen_options", "value_mistake"]

_LONGEST = 1_000


def chosen_options(
    definition: CommandDefinition, given: FrozenDict
) -> tuple[dict[str, Frozen], tuple[str, ...]]:
    """Return placeholder -> value, and notes.

    Raises:
        AgentError: a value is not allowed.
    """
    values: dict[str, Frozen] = {name: option.default for name, option in definition.options.items()}
    unused = []
    for name, value in given.items():
        if name in definition.options:
            _check(definition, name, value)
            values[name] = value
        else:
            unused.append(name)
    notes = (f"options without effect on {definition.program}: {', '.join(unused)}",) if unused else ()
    return values, notes


def value_mistake(value: object) -> str:
    """Return why a value cannot stand in a command line, or ""."""
    text = value if isinstance(value, str) else str(value)
    if isinstance(value, dict | list | tuple) or len(text) > _LONGEST or not text.isprintable():
        return "must be one line of text, a number, true or false, or a list of those"
    return "must not begin with '-'" if text.startswith("-") else ""


def _check(definition: CommandDefinition, name: str, value: Frozen) -> None:
    for item in value if isinstance(value, tuple) else (value,):
        allowed = definition.options[name].allowed
        text = item if isinstance(item, str) else str(item)
        if allowed is not None and text not in allowed:
            raise _refused(name, f"must be one of {', '.join(allowed)}, not '{text[:80]}'")
        if mistake := value_mistake(item):
            raise _refused(name, mistake)


def _refused(name: str, what: str) -> AgentError:
    return AgentError("invalid_options", f"options.{name} {what}", retryable=False)

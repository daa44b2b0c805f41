"""How another program is used as an agent: its command line, how the prompt goes in, what its output means.

What ``decode`` makes of a YAML file, ready for ``CommandAgent``. Frozen plain data; the fingerprint covers what
changes the agent's work. Must not read files or run anything.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Literal, TypeAlias

import msgspec

from actorflow.agents.command.rules import OutputRules
from actorflow.agents.definitions import Scope
from actorflow.values import Frozen, FrozenDict
from actorflow.workflow.problems import Problem

__all__ = ["CommandDefinition", "CommandOption", "ErrorRule", "ErrorRules", "PromptWay", "Word"]

PromptWay: TypeAlias = Literal["stdin", "argument", "file"]

Word: TypeAlias = "str | tuple[str, ...]"
"""One argument, or a group of them that is left out when one of its placeholders has no value."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandOption:
    """A value that a task may choose with ``options``, for a placeholder of this name.

    Attributes:
        default: used when a task says nothing; None leaves the groups out that need it.
        allowed: the only values that a task may choose; None is any.
    """

    default: Frozen = None
    allowed: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorRule:
    """A message that means an error of a kind.

    Attributes:
        pattern: searched for, without regard to case, in what the program said had gone wrong and in the end of
            its stderr. A group named ``seconds`` says when to try again.
        in_output: it is searched for in the end of stdout too, and means an error even if the exit code is 0.
    """

    pattern: str
    kind: str
    in_output: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorRules:
    """What messages and exit codes mean: the first pattern that is found counts, else the exit code."""

    exit_codes: Mapping[int, str] = field(default_factory=dict)
    messages: tuple[ErrorRule, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandDefinition:
    """A program as an agent.

    Attributes:
        command: the argv of a fresh session.
        resume: the argv that goes on with a session; None when the program cannot.
        escape: text that the program would act upon wherever it stands in a prompt -> what is written instead.
        role: who the agent is; said before the task.
        environment: variables that the program gets besides the attempt's.
        schema: when a task's ``output_schema`` goes to the program itself (``{schema_file}``): ``any`` schema, or
            only a ``strict`` one (all objects closed, all properties required). Else the prompt asks for it.
        warnings: what its author should know, in the order of the file.
        about: what the description was made from and tried with.
    """

    name: str
    source: Path
    scope: Scope
    command: tuple[Word, ...]
    description: str = ""
    resume: tuple[Word, ...] | None = None
    prompt: PromptWay = "stdin"
    escape: Mapping[str, str] = field(default_factory=dict)
    role: str = ""
    options: Mapping[str, CommandOption] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    output: OutputRules = field(default_factory=OutputRules)
    errors: ErrorRules = field(default_factory=ErrorRules)
    schema: Literal["any", "strict"] = "any"
    about: str = ""
    warnings: tuple[Problem, ...] = ()

    @property
    def program(self) -> str:
        """The program that is run."""
        first = self.command[0]
        return first if isinstance(first, str) else first[0]

    @property
    def keeps_sessions(self) -> bool:
        """Whether a session can be gone on with."""
        return self.resume is not None and self.output.session is not None

    @property
    def fingerprint(self) -> str:
        """SHA-256, in hex, of everything that changes what the agent does; the same wherever the file lies."""
        skipped = ("name", "source", "scope", "description", "about", "warnings")
        values = {f.name: getattr(self, f.name) for f in fields(self) if f.name not in skipped}
        values["errors"] = [sorted(self.errors.exit_codes.items()), self.errors.messages]
        return hashlib.sha256(msgspec.json.encode(FrozenDict(values), order="sorted")).hexdigest()

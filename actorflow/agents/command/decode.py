"""A YAML file that describes a program, to a ``CommandDefinition``, or all its problems with file, line and column.

Read by the project's own reader and decoded with the shapes of workflow files: unknown keys are errors with a
did-you-mean, and all problems are told at once. ``extends`` lays what a file says over what another one says. Must
not open files: the caller finds bases.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, TypeAlias

from actorflow.agents.command.decode_checks import check_description
from actorflow.agents.command.decode_output import ERRORS, OUTPUT
from actorflow.agents.command.definition import CommandDefinition, CommandOption, ErrorRules
from actorflow.agents.command.rules import OutputRules
from actorflow.agents.definitions import Scope
from actorflow.errors import SpecErrors
from actorflow.values import FrozenDict
from actorflow.workflow.document import read_document
from actorflow.workflow.env_names import ENV_NAME, is_forbidden
from actorflow.workflow.events import ReadLimits
from actorflow.workflow.placing import problems_of
from actorflow.workflow.problems import has_errors
from actorflow.workflow.report import Enough, Report
from actorflow.workflow.report import Path as KeyPath
from actorflow.workflow.shape_groups import Either, Items, Key, Named, Object
from actorflow.workflow.shapes import INVALID, Choice, Shape, Text

__all__ = ["COMMAND", "MAX_BYTES", "Keys", "read_command"]

MAX_BYTES: Final = 256 * 1024
"""How large a description may be."""

_LIMITS: Final = ReadLimits(max_bytes=MAX_BYTES, max_depth=20, max_nodes=20_000)
_OPTION: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_FIELDS: Final = {"env": "environment"}
_NOT_INHERITED: Final = frozenset({"name", "about", "extends", "model"})

Keys: TypeAlias = Mapping[str, Any]
"""The decoded keys of a file, over those of all that it extends."""


def read_command(
    data: bytes, *, source: Path, scope: Scope, base: Callable[[str], Keys | None]
) -> tuple[CommandDefinition, Keys]:
    """Read the description of a program; also gives its keys, for what extends it.

    Args:
        base: gives the keys of the description with a name; None when there is none that could be extended.

    Raises:
        SpecErrors: it cannot be used; carries all problems.
    """
    document = read_document(data, file=str(source), limits=_LIMITS)
    report = Report()
    keys: Keys = {}
    if document.is_readable:
        with suppress(Enough):
            own = COMMAND.decode(document.value, (), report)
            if own is not INVALID:
                keys = _extended(own, base, report)
                check_description(own, keys, report)
    problems = problems_of(document, report)
    if has_errors(problems) or "command" not in keys:
        raise SpecErrors(problems)
    return replace(_made(keys, source, scope), warnings=problems), keys


def _extended(own: Keys, base: Callable[[str], Keys | None], report: Report) -> Keys:
    """Return the keys of a file over those that it extends."""
    keys = dict(own)
    if "model" in own:
        keys["options"] = FrozenDict({**own.get("options", {}), "model": CommandOption(default=own["model"])})
    if "extends" not in own:
        return keys
    below = base(own["extends"])
    if below is None:
        hint = "there must be another description of a program (a .yaml file, or one that ships) with this name, without errors"
        report.error(("extends",), "E831", f"'{own['extends'][:80]}' cannot be extended", hint)
        return keys
    merged = {**{key: value for key, value in below.items() if key not in _NOT_INHERITED}, **keys}
    for key in ("env", "output"):
        merged[key] = FrozenDict({**below.get(key, {}), **keys.get(key, {})})
    merged["options"] = _options(keys.get("options", {}), below.get("options", {}))
    merged["errors"] = _laid_over(keys.get("errors", {}), below.get("errors", {}))
    return merged


def _options(own: Mapping[str, CommandOption], below: Mapping[str, CommandOption]) -> FrozenDict:
    """Return all options; what tasks may choose stays as narrow as it was unless the file says something else."""
    narrowed = {
        name: replace(option, allowed=below[name].allowed)
        if name in below and option.allowed is None
        else option
        for name, option in own.items()
    }
    return FrozenDict({**below, **narrowed})


def _laid_over(errors: Keys, below: Keys) -> Keys:
    return {
        "exit": FrozenDict({**below.get("exit", {}), **errors.get("exit", {})}),
        "match": (*errors.get("match", ()), *below.get("match", ())),
    }


def _made(keys: Keys, source: Path, scope: Scope) -> CommandDefinition:
    errors = keys.get("errors", {})
    fields = {_FIELDS.get(key, key): value for key, value in keys.items() if key not in ("extends", "model")}
    fields["output"] = OutputRules(**keys.get("output", {}))
    fields["errors"] = ErrorRules(
        exit_codes={int(code): kind for code, kind in errors.get("exit", {}).items()},
        messages=errors.get("match", ()),
    )
    return CommandDefinition(**{"name": source.stem, **fields}, source=source, scope=scope)


def _check_variable(name: str, path: KeyPath, report: Report) -> bool:
    if not is_forbidden(name):
        return True
    hint = "it could change which code runs or where data goes; set it for actorflow itself if you need it"
    report.error(path, "E612", f"the environment variable {name} cannot be set here", hint, at_key=True)
    return False


class _Default(Shape):
    """The value of an option."""

    noun = "text, a number, true, false, or a list of texts"

    def _decode(self, value: Any, path: KeyPath, report: Report) -> Any:
        items = value if isinstance(value, list) else [value]
        if isinstance(value, dict) or not all(isinstance(item, str | int | float | None) for item in items):
            return self.refuse(value, path, report)
        return tuple(value) if isinstance(value, list) else value

    def _schema(self) -> dict[str, Any]:
        return {"type": ["string", "number", "boolean", "null", "array"]}


class _ShortOption(Shape):
    """An option that only says its default."""

    def _decode(self, value: Any, path: KeyPath, report: Report) -> Any:
        default = _Default().decode(value, path, report)
        return INVALID if default is INVALID else CommandOption(default=default)

    def _schema(self) -> dict[str, Any]:
        return _Default().schema()


def _build_option(keys: dict[str, Any], _path: KeyPath, _report: Report) -> CommandOption:
    return CommandOption(default=keys.get("default"), allowed=keys.get("allowed"))


_WORDS: Final = Items(
    Either(((list, Items(Text(may_be_blank=True), least=1)), (object, Text(may_be_blank=True)))), least=1
)

_OPTION_SHAPE: Final = Either(
    (
        (
            dict,
            Object(
                "an option",
                {
                    "default": Key(_Default(), "The value when a task says nothing."),
                    "allowed": Key(Items(Text(), least=1), "The only values that a task may choose."),
                },
                _build_option,
            ),
        ),
        (object, _ShortOption()),
    )
)


def _as_keys(keys: dict[str, Any], _path: KeyPath, _report: Report) -> Keys:
    return keys


COMMAND: Final = Object(
    "the description of a program",
    {
        "name": Key(Text(is_line=True, longest=100), "The agent's name. Default: that of the file."),
        "description": Key(Text(may_be_blank=True), "When to use the agent."),
        "extends": Key(Text(is_line=True), "Another description, over which this one is laid."),
        "command": Key(_WORDS, "The argv of a fresh session; a list inside the list is left out when a placeholder has no value."),
        "resume": Key(_WORDS, "The argv that goes on with the session {session}."),
        "prompt": Key(Choice(("stdin", "argument", "file")), "How the prompt gets to the program. Default: stdin."),
        "escape": Key(Named(Text(may_be_blank=True), re.compile(r"(?s).{1,20}"), "text to escape", "at most 20 characters"), "Text in a prompt that the program would act upon -> what is written instead."),
        "role": Key(Text(), "Who the agent is; said before each task."),
        "model": Key(Text(is_line=True), "The default of the option 'model'."),
        "options": Key(Named(_OPTION_SHAPE, _OPTION, "an option", "letters, digits and '_'"), "What a task may choose: name -> default, or {default, allowed}."),
        "env": Key(Named(Text(may_be_blank=True), ENV_NAME, "an environment variable", "letters, digits and '_'", _check_variable), "Variables for the program."),
        "output": Key(OUTPUT, "What the program's stdout means."),
        "errors": Key(ERRORS, "What exit codes and messages mean."),
        "schema": Key(Choice(("any", "strict")), "Which schemas {schema_file} takes: any, or only strict ones. Default: any."),
        "about": Key(Text(may_be_blank=True), "What the description was made from and tried with."),
    },
    _as_keys,
    may_be_empty=False,
)  # fmt: skip

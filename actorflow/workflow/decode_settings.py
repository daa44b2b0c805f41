"""The ``settings:``, ``metadata:`` and ``context:`` blocks, and the version.

Takes their mappings and gives ``Settings``, ``Metadata`` and ``ContextBlock``. Values of secrets never get
into a message, and a literal one is not kept at all.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from actorflow.ids import TASK_ID
from actorflow.values import FrozenDict
from actorflow.workflow.budget import Budget
from actorflow.workflow.decode_inputs import check_reserved
from actorflow.workflow.env_names import ENV_NAME
from actorflow.workflow.model import LEAST_STORED_BYTES, SecretSource, Settings
from actorflow.workflow.paths import path_mistake
from actorflow.workflow.report import Path, Report
from actorflow.workflow.shape_groups import Items, Key, Named, Object
from actorflow.workflow.shapes import (
    INVALID,
    Choice,
    Data,
    Duration,
    Integer,
    Number,
    Shape,
    Size,
    Text,
    described,
)

__all__ = [
    "CONTEXT",
    "CUT_SECRET",
    "METADATA",
    "RESOURCES",
    "SETTINGS",
    "ContextBlock",
    "Metadata",
    "Version",
]

CUT_SECRET = "literal:cut"  # noqa: S105  # no password, but what replaces one
"""What stands in a pinned text where a literal secret was."""

_NAME_RULE = "letters, digits, '_' and '-', at most 64, not starting with a digit or '-'"


@dataclass(frozen=True, slots=True)
class Metadata:
    """Who wrote the workflow, and words to find it by."""

    author: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ContextBlock:
    """Variables and secrets."""

    variables: FrozenDict = field(default_factory=FrozenDict)
    secrets: tuple[SecretSource, ...] = ()


@dataclass(frozen=True)
class Version(Shape):
    """The version of the format: "1.0", also as a number."""

    def _decode(self, value: Any, path: Path, report: Report) -> Any:
        if value == "1.0" or (type(value) in (int, float) and value == 1):
            return "1.0"
        given = (
            f"'{value[:40]}'"
            if isinstance(value, str)
            else value
            if type(value) in (int, float)
            else described(value)
        )
        report.error(
            path, "E608", f"version {given} of the format is not supported", 'the supported version is "1.0"'
        )
        return INVALID

    def _schema(self) -> dict[str, Any]:
        return {"enum": ["1.0", 1]}


@dataclass(frozen=True)
class Secret(Shape):
    """Where a secret comes from. Gives (kind, locator)."""

    def _decode(self, value: Any, path: Path, report: Report) -> Any:
        if not isinstance(value, str):
            hint = 'env:NAME, file:PATH, or text; for digits write "…"'
            report.error(path, "E616", f"a secret must be text, not {described(value)}", hint)
            return INVALID
        kind, colon, locator = value.partition(":")
        if value == CUT_SECRET:
            return ("literal", "")
        if not colon or kind not in ("env", "file"):
            return self._literal(value, path, report)
        mistake = _env_mistake(locator) if kind == "env" else path_mistake(locator)
        if mistake:
            code = "E616" if kind == "env" or not locator else "E611"
            report.error(path, code, f"{kind}: {mistake}", "env:NAME or file:PATH")
            return INVALID
        return (kind, locator)

    def _literal(self, value: str, path: Path, report: Report) -> Any:
        if not value.strip():
            report.error(path, "E616", "this secret is empty", "env:NAME, file:PATH, or text")
            return INVALID
        if "${" in value or "$<" in value:
            hint = "write env:NAME to take it from the environment"
            report.error(path, "E616", "holes are not filled in secrets", hint)
            return INVALID
        message = f"the secret '{path[-1]}' is written in the file"
        report.warning(
            path, "W651", message, "take it from the environment (env:NAME) or from a file (file:PATH)"
        )
        return ("literal", "")

    def _schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": r"\S"}


def _env_mistake(name: str) -> str:
    if not name:
        return "the name of the variable is missing"
    return "" if ENV_NAME.fullmatch(name) else "this cannot be the name of a variable"


def _build_metadata(keys: dict[str, Any], _path: Path, _report: Report) -> Metadata:
    return Metadata(keys.get("author", ""), keys.get("tags", ()))


def _build_budget(keys: dict[str, Any], _path: Path, _report: Report) -> Budget:
    return Budget(**keys)


def _build_settings(keys: dict[str, Any], _path: Path, _report: Report) -> Settings:
    return Settings(**{_FIELDS.get(key, key): value for key, value in keys.items()})


def _build_context(keys: dict[str, Any], _path: Path, _report: Report) -> ContextBlock:
    secrets = tuple(
        SecretSource(name=name, kind=kind, locator=locator)
        for name, (kind, locator) in keys.get("secrets", FrozenDict()).items()
    )
    return ContextBlock(keys.get("variables", FrozenDict()), secrets)


_FIELDS = {"timeout": "timeout_seconds", "stored_output": "stored_output_bytes"}

RESOURCES = Named(Integer(1), TASK_ID, "a resource", _NAME_RULE)

METADATA = Object(
    "metadata",
    {
        "author": Key(Text(is_line=True), "Who wrote the workflow."),
        "tags": Key(Items(Text(is_line=True, longest=80), no_twice=True), "Words to find it by."),
    },
    _build_metadata,
)

_BUDGET = Object(
    "a budget",
    {
        "usd": Key(Number(), "The most that the run may cost, in US dollars."),
        "tokens": Key(Integer(1), "The most tokens that the run may use."),
        "agents": Key(Integer(1), "The most attempts of agents that the run may start."),
    },
    _build_budget,
)

SETTINGS = Object(
    "settings",
    {
        "max_parallel": Key(
            Integer(1), "How many attempts run at the same time, over the whole run. Default: 3."
        ),
        "timeout": Key(
            Duration(), 'The time that the whole run may take: seconds, or "1h30m". Default: 3600.'
        ),
        "on_failure": Key(
            Choice(("stop", "continue")), "What happens after the first failed task. Default: stop."
        ),
        "resources": Key(RESOURCES, "Named pools and how much of each there is."),
        "options": Key(Data(is_mapping=True), "Defaults for the options of agents."),
        "budget": Key(_BUDGET, "The most that the run may spend."),
        "stored_output": Key(
            Size(LEAST_STORED_BYTES),
            "How much is stored of what a program writes to stdout, and to stderr; of more the middle is left out. Default: 256MiB.",
        ),
    },
    _build_settings,
)

CONTEXT = Object(
    "context",
    {
        "variables": Key(
            Named(Data(), TASK_ID, "a variable", _NAME_RULE, check_reserved),
            "Values that expressions use by name; their holes may use inputs.",
        ),
        "secrets": Key(
            Named(Secret(), TASK_ID, "a secret", _NAME_RULE),
            "Name -> env:NAME or file:PATH; only for the 'env' of tasks.",
        ),
    },
    _build_context,
)

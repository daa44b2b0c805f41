"""The ``inputs:`` block: typed inputs of a workflow.

Takes the block's mapping and gives ``InputSpec`` values. A default and the values of an enum must fit the
declared type; an input with a default is not required. Inputs that a workflow without the block uses are
found elsewhere (``references``).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from actorflow.ids import RESERVED_NAMES, TASK_ID
from actorflow.values import Frozen
from actorflow.workflow.model import InputSpec, InputType
from actorflow.workflow.report import Path, Report
from actorflow.workflow.shape_groups import Items, Key, Named, Object
from actorflow.workflow.shapes import INVALID, Choice, Data, Flag, Text, described

__all__ = ["INPUTS", "check_reserved", "fits"]

_PYTHON_TYPES: dict[InputType, tuple[type, ...]] = {
    InputType.STRING: (str,),
    InputType.INTEGER: (int,),
    InputType.NUMBER: (int, float),
    InputType.BOOLEAN: (bool,),
    InputType.LIST: (list, tuple),
    InputType.OBJECT: (dict,),
}
_OTHER_NAMES = {
    "str": "string", "text": "string", "int": "integer", "float": "number", "double": "number", "bool": "boolean",
    "array": "list", "dict": "object", "map": "object", "mapping": "object",
}  # fmt: skip


def fits(value: Frozen, kind: InputType) -> bool:
    """Say whether ``value`` is of the declared type; a float without a fraction is an integer too."""
    if isinstance(value, bool):
        return kind is InputType.BOOLEAN
    if isinstance(value, float) and value.is_integer() and kind is InputType.INTEGER:
        return True
    return isinstance(value, _PYTHON_TYPES[kind])


def check_reserved(name: str, path: Path, report: Report, *, at_key: bool = True) -> bool:
    """Report a name that expressions give a meaning to; False when it is one."""
    if name not in RESERVED_NAMES:
        return True
    report.error(path, "E703", f"'{name}' is a reserved name", "choose another one", at_key=at_key)
    return False


@dataclass(frozen=True)
class _TypeName(Choice):
    """The name of a type, with a word for those who come from other languages."""

    def _decode(self, value: Any, path: Path, report: Report) -> Any:
        meant = _OTHER_NAMES.get(value.lower()) if isinstance(value, str) else None
        if meant is None:
            return super()._decode(value, path, report)
        allowed = ", ".join(self.words)
        report.error(
            path, "E604", f"type must be one of {allowed}, not '{value}'", f"did you mean '{meant}'?"
        )
        return INVALID


def _build_input(keys: dict[str, Any], path: Path, report: Report) -> InputSpec:
    kind = keys.get("type", InputType.STRING)
    spec = InputSpec(
        name=str(path[-1]),
        type=kind,
        required=keys.get("required", "default" not in keys),
        default=keys.get("default"),
        enum=keys.get("enum", ()),
        description=keys.get("description", ""),
    )
    for index, value in enumerate(spec.enum):
        if not fits(value, kind):
            message = f"a value of the enum is {described(value)}, but the type is {kind.value}"
            report.error((*path, "enum", index), "E614", message)
    if "default" not in keys:
        return spec
    return _with_default(spec, (*path, "default"), report)


def _with_default(spec: InputSpec, path: Path, report: Report) -> InputSpec:
    if spec.required:
        hint = "remove one of the two"
        report.error(path, "E614", "a required input has a default, which would never be used", hint)
    elif spec.default is None:
        return spec  # `default: null` says: may be left out
    elif not fits(spec.default, spec.type):
        message = f"the default is {described(spec.default)}, but the type is {spec.type.value}"
        report.error(path, "E614", message)
    elif spec.enum and spec.default not in spec.enum:
        report.error(path, "E614", "the default is not one of the values of the enum")
    return replace(spec, required=False)


_INPUT = Object(
    "an input",
    {
        "type": Key(
            _TypeName.of(InputType), "The type of the value; --set text is read by it. Default: string."
        ),
        "required": Key(Flag(), "Whether a run must give it. Default: true, unless there is a default."),
        "default": Key(Data(), "The value when none is given."),
        "enum": Key(Items(Data(), least=1, no_twice=True), "The values that are allowed."),
        "description": Key(Text(may_be_blank=True), "What it is for."),
    },
    _build_input,
)

INPUTS = Named(
    _INPUT,
    TASK_ID,
    "an input",
    "letters, digits, '_' and '-', at most 64, not starting with a digit or '-'",
    check_reserved,
)

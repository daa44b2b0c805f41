"""The inputs of one run: from ``--set k=v`` and ``--inputs FILE`` to values of the declared types.

Takes text assignments and given values, and a valid workflow; gives every input's value, defaults filled in.
``--set`` wins over the file. All that is wrong is told at once. Messages never show values: an input may be
confidential.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from actorflow.errors import InputError
from actorflow.values import Frozen, FrozenDict, JSONValue, NotJSON, freeze
from actorflow.workflow.decode_inputs import fits
from actorflow.workflow.events import Unreadable
from actorflow.workflow.model import InputSpec, InputType, Workflow
from actorflow.workflow.numbers import core_scalar
from actorflow.workflow.shapes import described
from actorflow.workflow.suggest import Suggester

__all__ = ["read_inputs"]


def read_inputs(workflow: Workflow, assignments: Sequence[str], given: Mapping[str, JSONValue]) -> FrozenDict:
    """Return input name -> value for all inputs of ``workflow``.

    Args:
        workflow: whose inputs they are.
        assignments: ``"name=text"``, read by the declared type; of two for the same name the later counts.
        given: values as JSON has them; their types must fit.

    Raises:
        InputError: names every unknown, wrong and missing input.
    """
    reader = _Reader(workflow)
    values: dict[str, Frozen] = {}
    for name, value in given.items():
        reader.take_given(name, value, values)
    for assignment in assignments:
        reader.take_assignment(assignment, values)
    missing = [
        spec for name, spec in reader.specs.items() if spec.required and name not in values | reader.wrong
    ]
    if reader.problems or missing:
        raise _error(reader.problems, missing)
    return FrozenDict({name: values.get(name, spec.default) for name, spec in reader.specs.items()})


class _Reader:
    """What was wrong so far. One use only."""

    def __init__(self, workflow: Workflow) -> None:
        self.specs = {spec.name: spec for spec in workflow.inputs}
        self.problems: list[str] = []
        self.wrong: dict[str, Frozen] = {}
        self._suggester = Suggester()

    def take_given(self, name: str, value: JSONValue, values: dict[str, Frozen]) -> None:
        spec = self._spec(name)
        if spec is None:
            return
        try:
            frozen = freeze(value, where=name)
        except NotJSON as error:
            self._refuse(spec, str(error))
            return
        if frozen is None and not spec.required:
            return  # null says: use the default
        if not fits(frozen, spec.type):
            self._refuse(spec, f"must be {_article(spec.type)}, not {_spoken(frozen)}")
            return
        self._keep(spec, frozen, values)

    def take_assignment(self, assignment: str, values: dict[str, Frozen]) -> None:
        name, equals, text = assignment.partition("=")
        if not equals:
            self.problems.append(f"'{name[:80]}' is not an assignment: write {name[:80]}=VALUE")
            return
        spec = self._spec(name.strip())
        if spec is None:
            return
        value = _READERS[spec.type](text)
        if value is _NOT_THIS_TYPE:
            self._refuse(spec, f"must be {_article(spec.type)}{_EXAMPLES.get(spec.type, '')}")
            return
        self._keep(spec, value, values)

    def _spec(self, name: str) -> InputSpec | None:
        spec = self.specs.get(name)
        if spec is None:
            known = ", ".join(self.specs)
            near = self._suggester.hint(name, self.specs)
            hint = near or (f"the inputs are: {known}" if known else "the workflow has no inputs")
            self.problems.append(f"unknown input '{name[:80]}' ({hint})")
        return spec

    def _keep(self, spec: InputSpec, value: Frozen, values: dict[str, Frozen]) -> None:
        if spec.enum and not any(value == allowed and type(value) is type(allowed) for allowed in spec.enum):
            allowed = ", ".join(str(choice) for choice in spec.enum)
            near = (
                self._suggester.hint(value, [c for c in spec.enum if isinstance(c, str)])
                if isinstance(value, str)
                else ""
            )
            self._refuse(spec, f"must be one of {allowed}{f' ({near})' if near else ''}")
            return
        if spec.type is InputType.INTEGER and isinstance(value, float):
            value = int(value)
        values[spec.name] = value

    def _refuse(self, spec: InputSpec, reason: str) -> None:
        self.wrong[spec.name] = None
        self.problems.append(f"input '{spec.name}' {reason}")


def _error(problems: list[str], missing: list[InputSpec]) -> InputError:
    lines = list(problems)
    if missing:
        noun = "input" if len(missing) == 1 else "inputs"
        lines.append(f"missing {noun}: {', '.join(spec.name for spec in missing)}")
    example = " ".join(f"--set {spec.name}={_sample(spec)}" for spec in missing)
    about = [f"{spec.name}: {spec.description}" for spec in missing if spec.description]
    return InputError(
        "\n".join(lines), hint="\n  ".join([*([f"give them with {example}"] if example else []), *about])
    )


def _sample(spec: InputSpec) -> str:
    if spec.enum:
        return str(spec.enum[0])
    return {"integer": "1", "number": "1.5", "boolean": "true", "list": "'[…]'", "object": "'{…}'"}.get(
        spec.type, "..."
    )


def _article(kind: InputType) -> str:
    return {
        InputType.STRING: "text",
        InputType.INTEGER: "a whole number",
        InputType.NUMBER: "a number",
        InputType.BOOLEAN: "true or false",
        InputType.LIST: "a list",
        InputType.OBJECT: "a mapping",
    }[kind]


def _spoken(value: Frozen) -> str:
    return described(list(value) if isinstance(value, tuple) else value)


_NOT_THIS_TYPE = object()
_EXAMPLES = {
    InputType.LIST: """, written as JSON ('["a", "b"]') or with commas (a,b)""",
    InputType.OBJECT: """, written as JSON ('{"a": 1}')""",
}


def _read_text(text: str) -> Any:
    return text


def _read_number(text: str) -> Any:
    try:
        value = core_scalar(text.strip())
    except Unreadable:
        return _NOT_THIS_TYPE
    return value if fits(value, InputType.NUMBER) else _NOT_THIS_TYPE


def _read_integer(text: str) -> Any:
    value = _read_number(text)
    return value if isinstance(value, int) else _NOT_THIS_TYPE


def _read_flag(text: str) -> Any:
    return _FLAGS.get(text.strip().lower(), _NOT_THIS_TYPE)


def _read_list(text: str) -> Any:
    if text.lstrip().startswith("["):
        return _read_json(text, tuple)
    return tuple(_parts(text))


def _parts(text: str) -> Iterator[str]:
    if text.strip():
        yield from (part.strip() for part in text.split(","))


def _read_object(text: str) -> Any:
    return _read_json(text, FrozenDict)


def _read_json(text: str, kind: type) -> Any:
    try:
        value = freeze(json.loads(text))
    except (ValueError, RecursionError, NotJSON):
        return _NOT_THIS_TYPE
    return value if isinstance(value, kind) else _NOT_THIS_TYPE


_FLAGS = {
    "true": True,
    "yes": True,
    "on": True,
    "1": True,
    "false": False,
    "no": False,
    "off": False,
    "0": False,
}

_READERS = {
    InputType.STRING: _read_text,
    InputType.INTEGER: _read_integer,
    InputType.NUMBER: _read_number,
    InputType.BOOLEAN: _read_flag,
    InputType.LIST: _read_list,
    InputType.OBJECT: _read_object,
}

"""A copy of a template for a project: its name, and defaults of inputs, changed in the text; all else stays as it is written.

Takes a template's text and values, gives text. The inputs of templates are written on one line each, which is
what is rewritten; comments and order are kept.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from actorflow.errors import InternalError
from actorflow.values import Frozen, thaw
from actorflow.workflow import Workflow, read_inputs
from actorflow.workflow.document import Document, document_events, read_document
from actorflow.workflow.events import END, MAPPING, SEQUENCE, ReadLimits
from actorflow.workflow.report import Path

__all__ = ["adapted", "read_defaults"]


def read_defaults(workflow: Workflow, assignments: Sequence[str]) -> dict[str, Frozen]:
    """Return the inputs that ``assignments`` give (``name=text``), read by their types.

    Raises:
        InputError: an input is not there, or its value does not fit.
    """
    optional = replace(workflow, inputs=tuple(replace(spec, required=False) for spec in workflow.inputs))
    values = read_inputs(optional, assignments, {})
    named = {assignment.partition("=")[0].strip() for assignment in assignments}
    return {name: value for name, value in values.items() if name in named}


def adapted(text: str, *, name: str, defaults: Mapping[str, Frozen]) -> str:
    """Return the text of a template with another name and other defaults.

    Args:
        defaults: input -> its new default; it is not required any more then.
    """
    old = read_document(text.encode(), file="template.yaml", limits=ReadLimits()).value["name"]
    text = text.replace(f"actorflow run {old} ", f"actorflow run {name} ")  # in its comments
    document = read_document(text.encode(), file="template.yaml", limits=ReadLimits())
    inputs = document.value.get("inputs", {})
    changes: dict[Path, str] = {
        ("name",): json.dumps(name, ensure_ascii=False) if _needs_quotes(name) else name
    }
    for input_name, value in defaults.items():
        spec = {key: item for key, item in inputs[input_name].items() if key not in ("required", "default")}
        with_default = {
            **dict(list(spec.items())[:1]),
            "default": thaw(value),
            **dict(list(spec.items())[1:]),
        }
        changes["inputs", input_name] = _on_one_line(with_default)
    return _replaced(document, changes)


def _needs_quotes(name: str) -> bool:
    return not (name[0].isalpha() and name.replace("-", "a").replace("_", "a").isalnum() and name.isascii())


def _on_one_line(entry: Mapping[str, Any]) -> str:
    plain = ("type", "required")
    parts = [
        f"{key}: {value if key in plain and isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"
        for key, value in entry.items()
    ]
    return "{" + ", ".join(parts) + "}"


def _replaced(document: Document, changes: Mapping[Path, str]) -> str:
    spans = _spans(document, changes)
    if spans.keys() != changes.keys():
        raise InternalError(f"a template has no {set(changes) - set(spans)}")
    text = document.text
    for path, (start, end) in sorted(spans.items(), key=lambda item: item[1], reverse=True):
        text = text[:start] + changes[path] + text[end:]
    return text


def _spans(document: Document, wanted: Iterable[Path]) -> dict[Path, tuple[int, int]]:
    """Return path -> start and end of its value in the text."""
    paths = set(wanted)
    found: dict[Path, tuple[int, int]] = {}
    opened: list[tuple[Path, int, bool]] = []  # path, start, whether it is a mapping
    key: list[str | None] = []
    counts: list[int] = []
    for kind, start, end, text, _ in document_events(document):
        if kind == END:
            path, began, _is_mapping = opened.pop()
            key.pop()
            counts.pop()
            if path in paths:
                found[path] = (began, end)
            continue
        if opened and opened[-1][2] and key[-1] is None:
            key[-1] = text
            continue
        path = _step(opened, key, counts)
        if kind in (MAPPING, SEQUENCE):
            opened.append((path, start, kind == MAPPING))
            key.append(None)
            counts.append(0)
        elif path in paths:
            found[path] = (start, end)
    return found


def _step(opened: list[tuple[Path, int, bool]], key: list[str | None], counts: list[int]) -> Path:
    """Return the path of the value that comes now, and be ready for the one after it."""
    if not opened:
        return ()
    path, _, is_mapping = opened[-1]
    step: str | int = counts[-1]
    if is_mapping:
        step, key[-1] = str(key[-1]), None
    counts[-1] += 1
    return (*path, step)

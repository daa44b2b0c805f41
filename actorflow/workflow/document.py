"""A workflow file's bytes to plain values, with everything that is wrong with the file as YAML or JSON.

``read_document`` checks size, encoding and characters before any parser sees the bytes, then builds dicts and
lists from the reader's events with limits on depth and number, iteratively. What it finds wrong without
having to stop (a duplicate key, an anchor) is a ``Fault`` in the ``Document``; the rest of the file is still
read, so that all problems are told at once. Takes bytes; must not open files.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias

from actorflow.workflow.events import (
    END,
    MAPPING,
    SCALAR,
    SEQUENCE,
    UNUSABLE,
    Event,
    Fault,
    ReadingStopped,
    ReadLimits,
    Unreadable,
)
from actorflow.workflow.floods import is_json_flood, is_yaml_flood
from actorflow.workflow.json_reader import NOT_SURE, json_events, json_value
from actorflow.workflow.numbers import core_scalar, json_literal
from actorflow.workflow.problems import SHOWN_PROBLEMS
from actorflow.workflow.report import Path
from actorflow.workflow.yaml_reader import yaml_events

__all__ = ["Document", "Format", "document_events", "format_of", "read_document", "too_large"]

Format: TypeAlias = Literal["yaml", "json"]

_Scalar: TypeAlias = "str | int | float | bool | None"
_NOTHING = object()
_NO_KEY = object()
_DROPPED = object()

_BOM = b"\xef\xbb\xbf"
_NEEDS = "a workflow needs at least 'name' and 'tasks'"
_BAD_BYTES = bytes(b for b in range(256) if b >= 0x20 or b in b"\t\n\r").replace(b"\x7f", b"")
_BAD_MANY = re.compile(rb"\xc2[\x80-\x84\x86-\x9f]|\xef\xbf[\xbe\xbf]")
_BAD_CHARACTER = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x84\x86-\x9f\ufffe\uffff]")


@dataclass(slots=True)
class Document:
    """A file that was read.

    Attributes:
        data: the bytes, without a byte order mark.
        value: dicts, lists and scalars; None when ``is_readable`` is False.
        faults: in the order they were met.
        muted: paths about which, and about what is below them, a fault has already spoken: nothing more is to
            be said.
        incomplete: paths of mappings that lack a key because of a fault; that one is missing is not to be
            said.
        is_readable: whether there is a value.
    """

    file: str
    data: bytes
    format: Format
    value: Any = None
    faults: list[Fault] = field(default_factory=list)
    muted: set[Path] = field(default_factory=set)
    incomplete: set[Path] = field(default_factory=set)
    is_readable: bool = True

    @property
    def text(self) -> str:
        """The decoded text; bytes that are not UTF-8 are shown as replacement characters."""
        return self.data.decode("utf-8", "replace")

    def add(self, fault: Fault) -> None:
        """Keep a fault.

        Raises:
            ReadingStopped: there are as many as will be shown.
        """
        self.faults.append(fault)
        if len(self.faults) >= SHOWN_PROBLEMS - 1:
            hint = "correct these first"
            raise ReadingStopped(
                Fault(fault.end, fault.end, "E599", "the rest of the file was not read", hint)
            )


def read_document(data: bytes, *, file: str, limits: ReadLimits, needs: str = _NEEDS) -> Document:
    """Read ``data``; never raises for what is in it.

    Args:
        needs: what to say of a file that is empty.
    """
    data = data.removeprefix(_BOM)
    document = Document(file, data, format_of(data, file))
    try:
        _check_bytes(data, limits)
        document.value = _read(document, limits)
    except ReadingStopped as stopped:
        fault = stopped.fault
        document.faults.append(replace(fault, hint=needs) if fault.code == "E504" else fault)
        document.is_readable = False
    return document


def too_large(size: int, limits: ReadLimits) -> Fault:
    """Return the fault of a file of ``size`` bytes."""
    hint = "move large data out of the workflow into files that its tasks read"
    return Fault(0, 0, "E501", f"the file has {size:,} bytes; the limit is {limits.max_bytes:,}", hint)


def format_of(data: bytes, file: str) -> Format:
    """Return what the file is, by the end of its name, else by its first character."""
    name = file.lower()
    if name.endswith((".yaml", ".yml")):
        return "yaml"
    if name.endswith(".json"):
        return "json"
    return "json" if data[:1000].lstrip().startswith(b"{") else "yaml"


def document_events(document: Document) -> Iterator[Event]:
    """Yield the events of a document once more (for positions); what was a fault the first time is not told again."""
    if document.format == "json":
        return json_events(document.text)
    return yaml_events(document.data, _already_told)


def _already_told(_fault: Fault) -> None:
    """The first reading has kept it."""


def _check_bytes(data: bytes, limits: ReadLimits) -> None:
    if len(data) > limits.max_bytes:
        raise ReadingStopped(too_large(len(data), limits))
    if data[:2] in (b"\xff\xfe", b"\xfe\xff") or b"\0\0" in (data[:3:2], data[1:4:2]):
        raise ReadingStopped(
            Fault(0, 0, "E502", "the file is UTF-16 or UTF-32, not UTF-8", "save it as UTF-8")
        )
    if not data.isascii():
        _check_utf8(data)
    if data.translate(None, _BAD_BYTES) or _BAD_MANY.search(data):
        _refuse_character(data.decode())


def _check_utf8(data: bytes) -> None:
    try:
        data.decode()
    except UnicodeDecodeError as error:
        at = len(data[: error.start].decode())
        message = f"the byte 0x{data[error.start]:02X} is not UTF-8"
        raise ReadingStopped(Fault(at, at + 1, "E502", message, "save the file as UTF-8")) from None


def _refuse_character(text: str) -> None:
    found = _BAD_CHARACTER.search(text)
    if found is None:
        return
    at, code = found.start(), ord(found[0])
    name = "a NUL character" if code == 0 else f"the control character U+{code:04X}"
    hint = "remove it; in double quotes it can be written as an escape"
    raise ReadingStopped(Fault(at, at + 1, "E503", f"{name} in the file", hint))


def _read(document: Document, limits: ReadLimits) -> Any:
    if not document.data.strip():
        raise ReadingStopped(Fault(0, 0, "E504", "the file is empty"))
    if document.format == "json":
        value = json_value(document.data, limits)
        if value is not NOT_SURE:
            return value
        if is_json_flood(document.data, limits.max_json_nodes):
            raise ReadingStopped(_too_many(0, limits.max_json_nodes))
        builder = _Builder(document, limits, json_literal)
        return builder.build(json_events(document.text))
    if is_yaml_flood(document.data, limits.max_nodes):
        raise ReadingStopped(_too_many(0, limits.max_nodes))
    builder = _Builder(document, limits, core_scalar)
    return builder.build(yaml_events(document.data, builder.fault))


class _Builder:
    """Events to plain values, with a stack of open containers. One use only.

    Args:
        resolve: gives the value of a scalar without quotes.
    """

    def __init__(self, document: Document, limits: ReadLimits, resolve: Callable[[str], _Scalar]) -> None:
        self._document = document
        self._limits = limits
        self._resolve = resolve
        self._root: Any = _NOTHING
        self._open: list[dict[Any, Any] | list[Any]] = []
        self._keys: list[
            object
        ] = []  # for each open container: the key whose value is read, _NO_KEY, or None for a list

    def fault(self, fault: Fault) -> None:
        """Keep a fault about what comes next, and let nothing else be said about it."""
        self._document.add(fault)
        self._document.muted.add(self._path())

    def build(self, events: Iterator[Event]) -> Any:
        """Return the value of all events.

        Raises:
            ReadingStopped: a limit, or what the reader raises.
        """
        most, keys = self._limits.nodes(self._document.format), self._keys
        for nodes, event in enumerate(events):
            if nodes > most:
                raise ReadingStopped(_too_many(event[1], most))
            kind = event[0]
            if kind == END:
                self._close()
            elif keys and keys[-1] is _NO_KEY:
                self._take_key(event)
            elif kind == SCALAR:
                self._place(event[3] if event[4] else self._plain(event))
            else:
                self._take_other(event)
        if self._root is _NOTHING or self._root is None:
            raise ReadingStopped(Fault(0, 0, "E504", "the file has nothing but comments"))
        return self._root

    def _take_key(self, event: Event) -> None:
        kind, start, end, text, style = event
        mapping = self._open[-1]
        if kind in (MAPPING, SEQUENCE):
            hint = 'quote text that starts with { or [: "{{name}}"'
            raise ReadingStopped(Fault(start, end, "E516", "a mapping key must be text", hint))
        if kind == UNUSABLE:
            self._keys[-1] = _DROPPED
        elif text == "<<" and not style and self._document.format == "yaml":
            hint = "merge keys are not supported: write the keys out"
            self._drop_key(Fault(start, end, "E510", "a merge key", hint))
        elif text in mapping:
            path = (*self._path()[:-1], text)
            self._drop_key(Fault(start, end, "E508", f"the key '{text[:80]}' is here twice", first_key=path))
        else:
            self._keys[-1] = text

    def _drop_key(self, fault: Fault) -> None:
        """Keep a fault about a key; the mapping may lack something now, about which nothing is to be said."""
        self._document.add(fault)
        self._document.incomplete.add(self._path()[:-1])
        self._keys[-1] = _DROPPED

    def _take_other(self, event: Event) -> None:
        kind = event[0]
        if kind == UNUSABLE:
            self._place(None)
            return
        if len(self._open) >= self._limits.max_depth:
            raise ReadingStopped(_too_deep(event[1], self._limits.max_depth))
        value: dict[Any, Any] | list[Any] = {} if kind == MAPPING else []
        self._place(value, is_open=True)
        self._open.append(value)
        self._keys.append(_NO_KEY if kind == MAPPING else None)

    def _plain(self, event: Event) -> _Scalar:
        try:
            return self._resolve(event[3])
        except Unreadable as reason:
            self.fault(Fault(event[1], event[2], "E515", reason.message, reason.hint))
            return None

    def _close(self) -> None:
        self._open.pop()
        self._keys.pop()
        if self._keys and self._keys[-1] is not None:
            self._keys[-1] = _NO_KEY

    def _place(self, value: Any, *, is_open: bool = False) -> None:
        if not self._open:
            self._root = value
            return
        container = self._open[-1]
        if type(container) is list:
            container.append(value)
            return
        key = self._keys[-1]
        if key is not _DROPPED and isinstance(container, dict):
            container[key] = value
        if not is_open:
            self._keys[-1] = _NO_KEY

    def _path(self) -> Path:
        """Return the path of what comes next."""
        last = len(self._open) - 1
        return tuple(
            (len(container) - (i < last)) if type(container) is list else _as_key(key)
            for i, (container, key) in enumerate(zip(self._open, self._keys, strict=True))
        )


def _as_key(key: object) -> str:
    return key if isinstance(key, str) else "?"


def _too_deep(at: int, most: int) -> Fault:
    return Fault(at, at + 1, "E513", f"nested more than {most} levels deep", "move the data into a file")


def _too_many(at: int, most: int) -> Fault:
    hint = "move large data into files; a huge workflow can be split"
    return Fault(at, at + 1, "E514", f"the file has more than {most:,} values", hint)

"""A run's journal as lines of JSON: for archives, other tools, and old histories that must keep replaying.

The first line is the header; then come the events in order, each with its place in the chain of checksums,
then the blobs. The event stands in its line byte for byte, so that what is read back is what was appended, or
``JournalDamaged``. docs/reference/journal-format.md has the form. Bytes in, bytes out; must not know what an
event means.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec

from actorflow.errors import InputError, JournalDamaged
from actorflow.journal.chain import START, Row, link, verify
from actorflow.journal.port import NewRecord, Record

__all__ = ["EXPORT_VERSION", "Export", "blob_line", "event_lines", "header_line", "read_export"]

EXPORT_VERSION = 1
"""Of the form; a reader refuses a greater one."""

_T = TypeVar("_T", bound=msgspec.Struct)
_BLOB = b'{"blob":'
_NOT_OURS = "this is no export of a run"


class _Header(msgspec.Struct, kw_only=True):
    actorflow_export: int
    run_id: str
    actorflow_version: str = ""
    events: int
    blobs: int = 0


class _Event(msgspec.Struct, kw_only=True):
    sequence: int
    recorded_at: int
    epoch: int
    kind: str
    crc: int
    event: msgspec.Raw


class _Blob(msgspec.Struct, kw_only=True):
    blob: str
    json: msgspec.Raw = msgspec.Raw()
    base64: str = ""


@dataclass(frozen=True, slots=True)
class Export:
    """What an export holds.

    Attributes:
        blobs: SHA-256 in hex -> the bytes.
    """

    run_id: str
    actorflow_version: str
    records: list[Record]
    blobs: dict[str, bytes] = field(default_factory=dict)


def header_line(run_id: str, *, actorflow_version: str, events: int, blobs: int) -> bytes:
    """Return the first line."""
    header = _Header(
        actorflow_export=EXPORT_VERSION,
        run_id=run_id,
        actorflow_version=actorflow_version,
        events=events,
        blobs=blobs,
    )
    return msgspec.json.encode(header) + b"\n"


def event_lines(records: Iterable[Record]) -> Iterator[bytes]:
    """Yield a line for each record of a whole journal."""
    tail = START
    for record in records:
        (row,), tail = link(tail, [NewRecord(record.recorded_at, record.kind, record.body)], record.epoch)
        line = _Event(
            sequence=record.sequence,
            recorded_at=record.recorded_at,
            epoch=record.epoch,
            kind=record.kind,
            crc=row[5],
            event=msgspec.Raw(record.body),
        )
        yield msgspec.json.encode(line) + b"\n"


def blob_line(sha256: str, data: bytes) -> bytes:
    """Return the line of a blob: as JSON, which it nearly always is, so that other tools can read it."""
    if b"\n" not in data and _is_json(data):
        return msgspec.json.encode({"blob": sha256, "json": msgspec.Raw(data)}) + b"\n"
    return msgspec.json.encode({"blob": sha256, "base64": base64.b64encode(data).decode()}) + b"\n"


def read_export(lines: Iterable[bytes], *, name: str = "export") -> Export:
    """Read an export, whole and verified.

    Args:
        name: of the file, for messages.

    Raises:
        InputError: it is no export, or one of a newer version.
        JournalDamaged: an event, or a blob, is missing or is not what was exported.
    """
    found = [line for line in lines if line.strip()]
    header = _decoded(found[0] if found else b"", _Header, name)
    if header.actorflow_export > EXPORT_VERSION:
        raise InputError(f"{name} was written by a newer actorflow (form {header.actorflow_export})")
    lines_of_blobs = [line for line in found[1:] if line.startswith(_BLOB)]
    events = [_decoded(line, _Event, name) for line in found[1:] if not line.startswith(_BLOB)]
    rows: list[Row] = [(e.sequence, e.recorded_at, e.epoch, e.kind, bytes(e.event), e.crc) for e in events]
    records, tail = verify(rows, START, name)
    if tail.sequence != header.events:
        raise JournalDamaged(name, tail.sequence + 1, f"events up to {header.events} were exported")
    blobs = dict(_blob(_decoded(line, _Blob, name), name) for line in lines_of_blobs)
    if len(blobs) != header.blobs:
        raise JournalDamaged(name, header.events, f"it has {len(blobs)} blobs of {header.blobs}")
    return Export(header.run_id, header.actorflow_version, records, blobs)


def _decoded(line: bytes, kind: type[_T], name: str) -> _T:
    try:
        return msgspec.json.decode(line, type=kind)
    except msgspec.MsgspecError as error:
        raise InputError(f"{name}: {_NOT_OURS}: {error}") from error


def _blob(line: _Blob, name: str) -> tuple[str, bytes]:
    try:
        data = base64.b64decode(line.base64, validate=True) if line.base64 else bytes(line.json)
    except binascii.Error as error:
        raise InputError(f"{name}: {_NOT_OURS}: {error}") from error
    if hashlib.sha256(data).hexdigest() != line.blob:
        raise JournalDamaged(name, 0, f"the blob {line.blob} is not what was exported")
    return line.blob, data


def _is_json(data: bytes) -> bool:
    try:
        msgspec.json.decode(data)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return False
    return True

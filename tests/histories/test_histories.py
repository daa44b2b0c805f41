"""Histories of released formats keep replaying: to the same bytes, to the same state, and as runs that can be gone on with."""

from __future__ import annotations

import json
import shutil
import tarfile
from pathlib import Path

import pytest

from actorflow.api.exporting import import_run
from actorflow.engine.records import read_records, records_of
from actorflow.journal import JournalReader
from actorflow.journal.jsonl import event_lines, read_export
from actorflow.state import fold
from tests.histories.projection import kept, told

HISTORIES = sorted(Path(__file__).parent.glob("*/*.jsonl"))
IMAGES = sorted(Path(__file__).parent.glob("*/*.tar.gz"))


def name_of(path: Path) -> str:
    return f"{path.parent.name}/{path.name.partition('.')[0]}"


def unpack_image(path: Path, folder: Path) -> None:
    options = {"filter": "data"} if hasattr(tarfile, "data_filter") else {}  # it is there since Python 3.11.4
    with tarfile.open(path) as image:
        image.extractall(folder, **options)


def state_of(records) -> dict:
    return told(fold((recorded.at, recorded.event) for recorded in read_records(records)))


@pytest.mark.parametrize("path", HISTORIES, ids=name_of)
def test_a_history_folds_to_the_state_that_was_recorded(path: Path) -> None:
    recorded = json.loads(path.with_suffix(".state.json").read_text())

    state = state_of(read_export(path.read_bytes().splitlines()).records)

    assert kept(recorded, state) == recorded


@pytest.mark.parametrize("path", HISTORIES, ids=name_of)
def test_every_event_is_written_today_as_it_was(path: Path) -> None:
    records = read_export(path.read_bytes().splitlines()).records

    for record, recorded in zip(records, read_records(records), strict=True):
        (again,) = records_of([recorded.event], recorded.at)
        assert (again.kind, again.recorded_at) == (record.kind, record.recorded_at)
        assert json.loads(record.body) == kept(json.loads(record.body), json.loads(again.body))


@pytest.mark.parametrize("path", HISTORIES, ids=name_of)
def test_an_imported_history_is_a_run_and_is_exported_as_it_came(path: Path, tmp_path: Path) -> None:
    lines = path.read_bytes().splitlines(keepends=True)

    folder = import_run(lines, state_dir=tmp_path / "state")

    with JournalReader.open(folder.path) as reader:
        records = reader.read()
    assert list(event_lines(records)) == lines[1 : 1 + len(records)]


@pytest.mark.parametrize("path", IMAGES, ids=name_of)
def test_a_database_of_that_version_is_read_as_its_history(path: Path, tmp_path: Path) -> None:
    unpack_image(path, tmp_path)
    history = path.parent / f"{path.name.partition('.')[0]}.state.json"
    (tmp_path / "lock").touch()

    with JournalReader.open(tmp_path) as reader:
        state = state_of(reader.read())

    recorded = json.loads(history.read_text())
    assert kept(recorded, state) == recorded
    shutil.rmtree(tmp_path)


def test_there_are_histories_of_the_present_version() -> None:
    from actorflow import __version__

    assert len([path for path in HISTORIES if path.parent.name == __version__]) >= 10

"""Records chosen by what they are about: all that are asked for, each verified, and the others left alone."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from actorflow.errors import JournalDamaged
from actorflow.journal import JournalReader, NewRecord
from actorflow.journal import reader as reader_module
from actorflow.journal.database import Database, create_database

LONGEST = "x" * 64


def about(task, kind="TaskSucceeded"):
    return NewRecord(1, kind, f'{{"type":"{kind}","task":"{task}"}}'.encode())


RECORDS = [
    NewRecord(1, "RunAccepted", b'{"type":"RunAccepted","run_id":"r","tasks":[{"id":"a","task":"a"}]}'),
    about("a", "AttemptStarted"),
    about("ab"),
    about("a"),
    NewRecord(1, "RunSettled", b'{"type":"RunSettled","status":"success"}'),
    NewRecord(1, "TaskFailed", b'{ "task": "b", "type": "TaskFailed" }'),  # written in another way
    NewRecord(1, "TaskFailed", b""),
    about(LONGEST),
    about("b"),
]


@pytest.fixture
def folder(tmp_path):
    create_database(tmp_path / "journal.db")
    database = Database(tmp_path / "journal.db")
    database.append([RECORDS])
    database.close()
    return tmp_path


@pytest.fixture
def reader(folder):
    with JournalReader.open(folder) as reader:
        yield reader


def sequences(records):
    return [record.sequence for record in records]


@pytest.mark.parametrize(
    ("subjects", "expected"),
    [
        ((), [1, 5, 6, 7]),
        (("a",), [1, 2, 4, 5, 6, 7]),
        (("a", "b", "c"), [1, 2, 4, 5, 6, 7, 9]),
        ((LONGEST, "ab"), [1, 3, 5, 6, 7, 8]),
        ((LONGEST[:-1], 'a","x'), [1, 5, 6, 7]),
    ],
)
def test_records_about_a_subject_and_about_none(reader, subjects, expected):
    assert sequences(reader.read_about(subjects, upto=9)) == expected


def test_only_between_two_places(reader):
    assert sequences(reader.read_about(["a"], after=2, upto=5)) == [4, 5]


def test_what_is_given_back_is_what_was_appended(reader):
    everything = reader.read()

    assert reader.read_about(["a", "ab", "b", LONGEST], upto=9) == everything


def test_who_asks_for_very_many_gets_everything(reader, monkeypatch):
    monkeypatch.setattr(reader_module, "MOST_SUBJECTS", 1)

    assert sequences(reader.read_about(["a", "b"], after=1, upto=8)) == [2, 3, 4, 5, 6, 7, 8]


def test_headlines_say_what_a_record_is_about_or_have_its_body(reader):
    assert reader.headlines(["TaskSucceeded", "TaskFailed"], upto=8) == [
        (3, "TaskSucceeded", "ab", None),
        (4, "TaskSucceeded", "a", None),
        (6, "TaskFailed", None, RECORDS[5].body),
        (7, "TaskFailed", None, b""),
        (8, "TaskSucceeded", LONGEST, None),
    ]
    assert [line[0] for line in reader.headlines(upto=4)] == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("damage", "where"),
    [
        ("UPDATE events SET body = CAST(body || ' ' AS BLOB) WHERE sequence = 4", 4),
        ("UPDATE events SET kind = 'TaskFailed' WHERE sequence = 4", 4),
        ("UPDATE events SET crc = crc + 1 WHERE sequence = 3", 4),
        ("UPDATE events SET crc = 'x' WHERE sequence = 3", 4),
        ("UPDATE events SET kind = 'Other' WHERE sequence = 9", 9),
        ("DELETE FROM events WHERE sequence = 3", 1),
        ("DELETE FROM events WHERE sequence = 1", 1),
    ],
)
def test_each_is_verified_against_the_one_before_it(folder, damage, where):
    with closing(sqlite3.connect(folder / "journal.db")) as database:
        database.execute(damage)
        database.commit()

    with pytest.raises(JournalDamaged) as caught, JournalReader.open(folder) as reader:
        reader.read_about(["a"], upto=9)
    assert caught.value.sequence == where


def test_damage_elsewhere_is_for_those_who_read_everything(folder):
    with closing(sqlite3.connect(folder / "journal.db")) as database:
        database.execute("UPDATE events SET body = CAST(body || ' ' AS BLOB) WHERE sequence = 8")
        database.commit()

    with JournalReader.open(folder) as reader:
        assert 8 not in sequences(reader.read_about(["a"], upto=9))
        with pytest.raises(JournalDamaged):
            reader.read()

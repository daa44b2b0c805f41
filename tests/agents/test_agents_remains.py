"""What there is still of an attempt whose driver is gone, as a driver that comes after it sees it."""

from __future__ import annotations

import os

import pytest

from actorflow.agents import process_table
from actorflow.agents.process_record import ProcessRecord
from actorflow.agents.remains import Remains, remains_of
from tests.agents.records import record_of, write_record


def record(**fields):
    of_us = record_of(os.getpid(), program="python", marker="r/t/1")
    return ProcessRecord(**{**{name: getattr(of_us, name) for name in of_us.__slots__}, **fields})


def test_a_program_that_runs_is_known_by_pid_start_and_boot(tmp_path):
    write_record(record(), tmp_path)

    assert remains_of(tmp_path) is Remains.RUNNING
    assert remains_of(tmp_path, marker="r/t/1") is Remains.RUNNING


@pytest.mark.parametrize("fields", [{"started": "1"}, {"boot_id": "another"}, {"marker": "r/t/2"}])
def test_another_program_with_the_same_pid_is_not_it(tmp_path, fields):
    write_record(record(**fields), tmp_path)

    assert remains_of(tmp_path, marker="r/t/1") is Remains.GONE


def test_of_a_folder_that_was_never_used_nothing_remains(tmp_path):
    assert remains_of(tmp_path) is Remains.GONE
    assert remains_of(tmp_path / "none") is Remains.GONE
    assert process_table.boot_id()

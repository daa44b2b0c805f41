"""The good part of a damaged journal: always a true beginning, whatever is broken, and the damaged files stay as they are."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from actorflow.errors import JournalError
from actorflow.journal import Record, RunFolder, RunStore
from actorflow.journal.copying import fill_database
from actorflow.journal.salvage import good_part
from tests.histories.test_histories import IMAGES, unpack_image

RUN = "20261122-184800-k3v9qd"


def records(count: int) -> list[Record]:
    return [
        Record(
            i,
            1_800_000_000_000_000 + i,
            1,
            "TaskSucceeded",
            b'{"type":"TaskSucceeded","task":"t%d"}' % i * (1 + i % 7),
        )
        for i in range(1, count + 1)
    ]


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunStore(tmp_path / "state").create(RUN, lambda made: fill_database(made.journal, records(300)))  # type: ignore[arg-type]


def test_a_whole_journal_is_all_good(folder: RunFolder) -> None:
    part = good_part(folder.journal)

    assert (part.records, part.damage, part.expected) == (records(300), "", 300)


@pytest.mark.slow
def test_flipped_bits_and_cut_ends_leave_a_true_beginning(folder: RunFolder) -> None:
    whole = folder.journal.read_bytes()
    truth = records(300)
    rng = random.Random(2)
    shortened = 0

    for number in range(150):
        if number % 3:
            place = rng.randrange(len(whole))
            folder.journal.write_bytes(
                whole[:place] + bytes([whole[place] ^ (1 << rng.randrange(8))]) + whole[place + 1 :]
            )
        else:
            folder.journal.write_bytes(whole[: rng.randrange(1, len(whole))])
        before = folder.journal.read_bytes()
        part = good_part(folder.journal)
        assert part.records == truth[: len(part.records)]
        assert part.damage or len(part.records) == 300
        assert folder.journal.read_bytes() == before
        shortened += len(part.records) < 300
    assert shortened > 50


def test_a_broken_log_counts_up_to_where_it_breaks(tmp_path: Path) -> None:
    (path,) = [path for path in IMAGES if path.name.startswith("interrupted")]
    unpack_image(path, tmp_path)
    whole = good_part(tmp_path / "journal.db").records
    log = tmp_path / "journal.db-wal"
    data = bytearray(log.read_bytes())
    data[32 + 24 + 100] ^= 1
    log.write_bytes(bytes(data))

    part = good_part(tmp_path / "journal.db")

    assert len(part.records) < len(whole)
    assert part.records == whole[: len(part.records)]
    assert part.damage


def test_there_must_be_a_journal(tmp_path: Path) -> None:
    with pytest.raises(JournalError, match="there is no journal"):
        good_part(tmp_path / "journal.db")


def test_what_is_no_database_has_no_good_part(tmp_path: Path) -> None:
    (tmp_path / "journal.db").write_bytes(b"nonsense" * 1000)

    part = good_part(tmp_path / "journal.db")

    assert part.records == []
    assert part.damage


def test_records_with_several_epochs_are_filled_in_as_they_were(tmp_path: Path) -> None:
    mixed = [Record(r.sequence, r.recorded_at, 1 + r.sequence // 10, r.kind, r.body) for r in records(30)]

    made = RunStore(tmp_path).create(RUN, lambda new: fill_database(new.journal, mixed))  # type: ignore[arg-type]

    assert good_part(made.journal).records == mixed

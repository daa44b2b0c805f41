from __future__ import annotations

from datetime import timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorflow.monitor.times import clock_text, duration_text, moment_text, rfc3339

MOMENT = 1_795_373_280.123456


def test_a_moment_is_rfc_3339_in_utc_with_microseconds() -> None:
    assert rfc3339(MOMENT) == "2026-11-22T18:48:00.123456Z"


def test_a_whole_second_keeps_its_microseconds() -> None:
    assert rfc3339(1_795_373_280.0) == "2026-11-22T18:48:00.000000Z"


@given(st.floats(min_value=1e9, max_value=4e9))
def test_a_moment_is_the_same_before_and_after_the_journal_has_kept_it(seconds: float) -> None:
    kept = round(seconds * 1_000_000) / 1_000_000

    assert rfc3339(kept) == rfc3339(seconds)


def test_people_read_times_in_their_own_zone() -> None:
    tokyo = timezone(timedelta(hours=9))

    assert clock_text(MOMENT, tokyo) == "03:48:00"
    assert moment_text(MOMENT, tokyo) == "2026-11-23 03:48:00"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-1, "0.00 s"),
        (0, "0.00 s"),
        (0.042, "0.04 s"),
        (0.996, "1.0 s"),
        (4.24, "4.2 s"),
        (9.96, "10 s"),
        (59.4, "59 s"),
        (59.6, "1 m 00 s"),
        (185, "3 m 05 s"),
        (3599.7, "1 h 00 m"),
        (7500, "2 h 05 m"),
        (86_399, "23 h 59 m"),
        (3 * 86_400 + 4 * 3600 + 59, "3 d 04 h"),
    ],
)
def test_a_duration_is_told_in_at_most_two_units(seconds: float, text: str) -> None:
    assert duration_text(seconds) == text


@given(st.floats(min_value=0, max_value=1e9))
def test_a_duration_never_has_sixty_of_anything(seconds: float) -> None:
    assert "60" not in duration_text(seconds).split()
    assert len(duration_text(seconds)) <= 16

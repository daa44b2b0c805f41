"""How moments and durations are written, for machines and for people.

Takes Unix seconds and a time zone; gives text. Machines get RFC 3339 in UTC with microseconds, people get the
time of day and durations in two units. Must not ask for the present time or for the machine's zone.
"""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from functools import lru_cache

__all__ = ["clock_text", "duration_text", "microseconds", "moment_text", "rfc3339", "until_text"]


def microseconds(seconds: float) -> int:
    """Return a moment in whole microseconds, rounded as the journal rounds it, so that a live state and one read back show the same."""
    return round(seconds * 1_000_000)


def rfc3339(seconds: float) -> str:
    """Return a moment as ``2026-11-22T18:48:00.123456Z``."""
    whole, fraction = divmod(microseconds(seconds), 1_000_000)
    return f"{_second(whole)}.{fraction:06d}Z"


@lru_cache(maxsize=1024)  # what a run's tasks do, thousands of them do in the same second
def _second(whole: int) -> str:
    return f"{datetime.fromtimestamp(whole, UTC):%Y-%m-%dT%H:%M:%S}"


def clock_text(seconds: float, zone: tzinfo = UTC) -> str:
    """Return the time of day of a moment: ``18:48:00``."""
    return datetime.fromtimestamp(seconds, zone).strftime("%H:%M:%S")


def moment_text(seconds: float, zone: tzinfo = UTC) -> str:
    """Return the date and time of day of a moment: ``2026-11-22 18:48:00``."""
    return datetime.fromtimestamp(seconds, zone).strftime("%Y-%m-%d %H:%M:%S")


def until_text(seconds: float, now: float, zone: tzinfo | None = UTC) -> str:
    """Return a moment to come as ``23:30``: with seconds within the hour, with the date on another day."""
    moment = datetime.fromtimestamp(seconds, zone)
    if seconds - now < 3600:
        return moment.strftime("%H:%M:%S")
    is_today = moment.date() == datetime.fromtimestamp(now, zone).date()
    return moment.strftime("%H:%M" if is_today else "%Y-%m-%d %H:%M")


def duration_text(seconds: float) -> str:
    """Return a duration as ``0.04 s``, ``4.2 s``, ``42 s``, ``3 m 05 s``, ``2 h 05 m`` or ``3 d 04 h``; never negative."""
    seconds = max(0.0, seconds)
    if seconds < 0.995:
        return f"{seconds:.2f} s"
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} m {whole % 60:02d} s"
    minutes = whole // 60
    if minutes < 24 * 60:
        return f"{minutes // 60} h {minutes % 60:02d} m"
    return f"{minutes // 1440} d {minutes % 1440 // 60:02d} h"

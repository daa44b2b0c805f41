"""Standard functions of timestamps and durations; CEL's accessors.

There is no clock here: a time comes from the snapshot or from a text. Time zones are offsets such as ``+02:00`` or names of the tz
database, read from the ``tzdata`` package so that every machine knows the same. Must not read the system's zone files.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo
from datetime import timezone as fixed_zone
from functools import lru_cache
from typing import Final

from actorflow.expressions.failures import EvaluationError
from actorflow.expressions.functions.arguments import a_text, a_time, wrong
from actorflow.expressions.functions.registry import Registry
from actorflow.expressions.kinds import NANOS, Duration, Timestamp, Value
from actorflow.expressions.limits import Frame, spend
from actorflow.expressions.operations import operand

__all__ = ["times"]

times: Final = Registry("Timestamps and durations")

_TIMESTAMP: Final = re.compile(
    r"([0-9]{4})-([0-9]{2})-([0-9]{2})[Tt]([0-9]{2}):([0-9]{2}):([0-9]{2})(?:\.([0-9]{1,9}))?(?:[Zz]|([+-])([0-9]{2}):([0-9]{2}))"
)
_PART: Final = re.compile(
    r"(?=\.?[0-9])([0-9]{0,20})(?:\.([0-9]{0,20}))?(h|ms|m|s|us|µs|μs|ns)"
)  # both signs for micro are in use
_DURATION: Final = re.compile(rf"[+-]?(?:0|(?:{_PART.pattern})+)")
_UNITS: Final = {
    "h": 3600 * NANOS, "m": 60 * NANOS, "s": NANOS, "ms": 1_000_000, "us": 1_000, "µs": 1_000, "μs": 1_000, "ns": 1,
}  # fmt: skip


def _in_range(make: Callable[[], Timestamp | Duration]) -> Timestamp | Duration:
    try:
        return make()
    except OverflowError:
        raise EvaluationError("E307", "the time is out of range") from None


@times("timestamp")
def timestamp(frame: Frame, value: Value) -> Value:
    """A moment from an RFC 3339 text or from seconds since 1970.

    timestamp('2009-02-13T23:31:30Z') == timestamp(1234567890) -> true
    timestamp('2009-02-14T00:31:30+01:00') == timestamp(1234567890) -> true
    timestamp('yesterday') -> E309
    """
    value = operand(frame, value)
    if type(value) is Timestamp:
        return value
    if type(value) is int:
        return _in_range(lambda: Timestamp(value))
    match = _TIMESTAMP.fullmatch(a_text(frame, value))
    if match is None:
        raise EvaluationError("E309", "the string is no timestamp", hint="write it as 2009-02-13T23:31:30Z")
    return _in_range(lambda: _moment(match))


def _moment(match: re.Match[str]) -> Timestamp:
    year, month, day, hour, minute, second, fraction, sign, zone_hour, zone_minute = match.groups()
    try:
        moment = datetime(int(year), int(month), int(day), int(hour), int(minute), int(second), tzinfo=UTC)
    except ValueError:
        raise EvaluationError("E309", "there is no such moment") from None
    offset = 0
    if sign:
        offset = (int(zone_hour) * 60 + int(zone_minute)) * (60 if sign == "+" else -60)
        if int(zone_minute) > 59 or int(zone_hour) > 23:
            raise EvaluationError("E309", "there is no such time zone")
    past = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return Timestamp(past.days * 86_400 + past.seconds - offset, int((fraction or "0").ljust(9, "0")))


@times("duration")
def duration(frame: Frame, value: Value) -> Value:
    """A length of time from a text of hours, minutes, seconds and parts of them.

    duration('1h30m') == duration('5400s') -> true
    string(duration('-1.5s')) -> '-1.5s'
    duration('soon') -> E309
    """
    value = operand(frame, value)
    if type(value) is Duration:
        return value
    if type(value) is not str:
        raise wrong("a string", value, "duration(string(x) + 's') makes one of seconds")
    if len(value) > 200 or not _DURATION.fullmatch(value):
        raise EvaluationError("E309", "the string is no duration", hint="write it as 1h30m, 90s or 250ms")
    total = sum(_nanoseconds(*part) for part in _PART.findall(value))
    return _in_range(lambda: Duration(0, -total if value.startswith("-") else total))


def _nanoseconds(whole: str, fraction: str, unit: str) -> int:
    return int(whole or 0) * _UNITS[unit] + (
        int(fraction) * _UNITS[unit] // 10 ** len(fraction) if fraction else 0
    )


_OFFSET: Final = re.compile(r"([+-]?)([0-9]{2}):([0-9]{2})")
_ZONE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_+-]*(?:/[A-Za-z0-9_+-]+){0,2}")


@lru_cache(maxsize=128)
def _zone(name: str) -> tzinfo | None:
    """Return the time zone of that name or offset, or None."""
    offset = _OFFSET.fullmatch(name)
    if offset is not None:
        sign, hours, minutes = offset.groups()
        total = timedelta(hours=int(hours), minutes=int(minutes))
        return fixed_zone(-total if sign == "-" else total) if total < timedelta(hours=24) else None
    if not _ZONE.fullmatch(name):
        return None
    if name in {"UTC", "Z"}:
        return UTC
    from importlib.resources import files
    from zoneinfo import ZoneInfo

    file = files("tzdata").joinpath("zoneinfo", *name.split("/"))
    try:
        with file.open("rb") as data:
            return ZoneInfo.from_file(data, name)
    except (OSError, ValueError):  # no such file, or one that describes no zone
        return None


def _local(frame: Frame, moment: Timestamp, zone: Value) -> datetime:
    if zone is not None:
        spend(frame, 20)  # the first look at a zone reads a file
    place = UTC if zone is None else _zone(a_text(frame, zone))
    if place is None:
        raise EvaluationError(
            "E310",
            "there is no such time zone",
            hint="write a name such as 'Europe/Berlin' or an offset such as '+02:00'",
        )
    try:
        utc = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=moment.seconds)
        return utc.astimezone(place)
    except OverflowError:
        raise EvaluationError("E307", "the local time is out of range") from None


def _date_part(name: str, alias: str, summary: str, example: str, part: Callable[[datetime], int]) -> None:
    def read(frame: Frame, moment: Value, zone: Value = None) -> int:
        value = a_time(frame, moment)
        if type(value) is not Timestamp:
            raise wrong("a timestamp", value)
        return part(_local(frame, value, zone))

    read.__doc__ = f"{summary}; in UTC, or in the time zone given.\n\n    {example}\n"
    times(name, alias)(read)


_date_part(
    "getFullYear",
    "year",
    "The year",
    "timestamp('2009-02-13T23:31:30Z').getFullYear() -> 2009",
    lambda d: d.year,
)
_date_part(
    "getMonth",
    "month",
    "The month, from 0",
    "timestamp('2009-02-13T23:31:30Z').getMonth() -> 1",
    lambda d: d.month - 1,
)
_date_part(
    "getDate",
    "date",
    "The day of the month, from 1",
    "timestamp('2009-02-13T23:31:30Z').getDate('Australia/Sydney') -> 14",
    lambda d: d.day,
)
_date_part(
    "getDayOfMonth",
    "day_of_month",
    "The day of the month, from 0",
    "timestamp('2009-02-13T23:31:30Z').getDayOfMonth() -> 12",
    lambda d: d.day - 1,
)
_date_part(
    "getDayOfWeek",
    "day_of_week",
    "The day of the week, Sunday is 0",
    "timestamp('2009-02-13T23:31:30Z').getDayOfWeek() -> 5",
    lambda d: d.isoweekday() % 7,
)
_date_part(
    "getDayOfYear",
    "day_of_year",
    "The day of the year, from 0",
    "timestamp('2009-02-13T23:31:30Z').getDayOfYear() -> 43",
    lambda d: d.timetuple().tm_yday - 1,
)


def _clock_part(
    names: tuple[str, str], summary: str, example: str, unit: int, part: Callable[[datetime], int]
) -> None:
    def read(frame: Frame, time: Value, zone: Value = None) -> int:
        value = a_time(frame, time)
        if type(value) is Timestamp:
            return part(_local(frame, value, zone))
        if zone is not None:
            raise EvaluationError("E310", "a duration has no time zone")
        whole = abs(value.total) // unit
        return whole if value.total >= 0 else -whole

    read.__doc__ = f"{summary}\n\n    {example}\n"
    times(*names)(read)


_clock_part(
    ("getHours", "hours"),
    "The hour of a timestamp (0 to 23), or all whole hours of a duration.",
    "duration('10000s').getHours() -> 2",
    3600 * NANOS,
    lambda d: d.hour,
)
_clock_part(
    ("getMinutes", "minutes"),
    "The minute of a timestamp (0 to 59), or all whole minutes of a duration.",
    "duration('3730s').getMinutes() -> 62",
    60 * NANOS,
    lambda d: d.minute,
)
_clock_part(
    ("getSeconds", "seconds"),
    "The second of a timestamp (0 to 59), or all whole seconds of a duration.",
    "timestamp('2009-02-13T23:31:30Z').getSeconds() -> 30",
    NANOS,
    lambda d: d.second,
)


@times("getMilliseconds", "milliseconds")
def milliseconds(frame: Frame, time: Value, zone: Value = None) -> int:
    """The milliseconds behind the whole seconds.

    timestamp('2009-02-13T23:31:20.123456789Z').getMilliseconds() -> 123
    duration('1.25s').getMilliseconds() -> 250
    """
    value = a_time(frame, time)
    if zone is not None:
        if type(value) is Duration:
            raise EvaluationError("E310", "a duration has no time zone")
        _local(frame, value, zone)  # type: ignore[arg-type]  # no duration, so a timestamp
    rest = abs(value.total) % NANOS if type(value) is Duration else value.total % NANOS
    return rest // 1_000_000 if value.total >= 0 or type(value) is Timestamp else -(rest // 1_000_000)

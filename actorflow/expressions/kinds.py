"""The values of the language: what they are, what they are called, and the four that Python has no fitting class for.

null, bool, int, double, string, bytes, list and map are Python's None, bool, int, float, str, bytes, list or tuple, and dict or
``FrozenDict``; ``Timestamp``, ``Duration``, ``Type`` and ``Secret`` are defined here. Types are compared exactly: an instance of a
subclass could bring its own methods, so it is not a value. Must not call anything on a value that is not of these types.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, Final, TypeAlias

from actorflow.values import FrozenDict

__all__ = [
    "LISTS",
    "MAPS",
    "MISSING",
    "SCALARS",
    "Duration",
    "KeyedMap",
    "Secret",
    "Timestamp",
    "Type",
    "Value",
    "adopt",
    "items_of",
    "keys_of",
    "kind",
    "lookup",
]

Value: TypeAlias = Any
"""A value of the language; the checks are made by the evaluator, exactly, at run time."""

NANOS: Final = 1_000_000_000
_EARLIEST: Final = -62_135_596_800 * NANOS
_LATEST: Final = 253_402_300_800 * NANOS - 1
_LONGEST: Final = 2**63 - 1


class _Time:
    """A number of nanoseconds; the base of the two kinds below."""

    __slots__ = ("total",)

    def __init__(self, seconds: int = 0, nanos: int = 0) -> None:
        self.total: int = seconds * NANOS + nanos
        if not self._fits(self.total):
            raise OverflowError(f"{type(self).__name__.lower()} out of range")

    @staticmethod
    def _fits(total: int) -> bool:
        raise NotImplementedError

    @property
    def seconds(self) -> int:
        """The whole seconds, rounded as protobuf does it: towards the past for a timestamp, towards zero for a duration."""
        return self.total // NANOS

    @property
    def nanos(self) -> int:
        """The nanoseconds that ``seconds`` leaves."""
        return self.total - self.seconds * NANOS

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.total == self.total

    def __hash__(self) -> int:
        return hash((type(self).__name__, self.total))

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.seconds}, {self.nanos})"


class Timestamp(_Time):
    """A moment in UTC with nanoseconds, from year 1 to year 9999.

    Args:
        seconds: since 1970-01-01T00:00:00Z.
        nanos: nanoseconds to add.

    Raises:
        OverflowError: it lies outside of these years.
    """

    __slots__ = ()

    @staticmethod
    def _fits(total: int) -> bool:
        return _EARLIEST <= total <= _LATEST

    def __str__(self) -> str:
        moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=self.seconds)
        return f"{moment.year:04d}-{moment:%m-%dT%H:%M:%S}{_fraction(self.nanos)}Z"


class Duration(_Time):
    """A length of time with nanoseconds, up to about 292 years either way (64 bits of nanoseconds, as CEL has it).

    Args:
        seconds: whole seconds.
        nanos: nanoseconds to add.

    Raises:
        OverflowError: it is longer than that.
    """

    __slots__ = ()

    @staticmethod
    def _fits(total: int) -> bool:
        return -_LONGEST <= total <= _LONGEST

    @property
    def seconds(self) -> int:
        """The whole seconds, rounded towards zero."""
        return self.total // NANOS if self.total >= 0 else -(-self.total // NANOS)

    def __str__(self) -> str:
        sign = "-" if self.total < 0 else ""
        seconds, nanos = divmod(abs(self.total), NANOS)
        return f"{sign}{seconds}{_fraction(nanos)}s"


def _fraction(nanos: int) -> str:
    return f".{nanos:09d}".rstrip("0") if nanos else ""


class Type:
    """The type of a value, as a value: ``type(1) == int``."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __eq__(self, other: object) -> bool:
        return type(other) is Type and other.name == self.name

    def __hash__(self) -> int:
        return hash(("type", self.name))

    def __repr__(self) -> str:
        return f"Type({self.name!r})"

    def __str__(self) -> str:
        return self.name


class Secret:
    """A value that may be used but not seen: whatever is computed from it is a ``Secret`` again, and it is shown as ``***``.

    Args:
        value: any value of the language.
    """

    __slots__ = ("_value",)

    def __init__(self, value: Value) -> None:
        self._value: Value = value.reveal() if isinstance(value, Secret) else value

    def reveal(self) -> Value:
        """Return the value itself. Call it only where the value is handed over."""
        return self._value

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and bool(other.reveal() == self._value)

    def __hash__(self) -> int:
        return hash("secret")

    def __repr__(self) -> str:
        return "Secret(***)"

    def __str__(self) -> str:
        return "***"

    def __format__(self, _: str) -> str:
        return "***"

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("a secret is not pickled")


class _BoolKey:
    """``true`` or ``false`` as a key: Python's own would be the same key as 1 and 0."""

    __slots__ = ("value",)

    def __init__(self, value: bool) -> None:
        self.value = value

    def __repr__(self) -> str:
        return str(self.value).lower()


_BOOL_KEYS: Final = {True: _BoolKey(True), False: _BoolKey(False)}


class KeyedMap(dict[Any, Any]):
    """A map with keys that are no strings, made by an expression; read it through ``lookup``, ``keys_of`` and ``items_of``."""

    __slots__ = ()

    @classmethod
    def of(cls, items: Iterable[tuple[Value, Value]]) -> KeyedMap:
        """Return the map of these keys and values."""
        return cls((_BOOL_KEYS[key] if type(key) is bool else key, value) for key, value in items)


class _Missing:
    """The answer of a look-up that found nothing; no value of the language."""

    __slots__ = ()


MISSING: Final = _Missing()
LISTS: Final[frozenset[type]] = frozenset({list, tuple})
MAPS: Final[frozenset[type]] = frozenset((dict, FrozenDict, KeyedMap))
SCALARS: Final = frozenset({str, int, float, bool, type(None), bytes})

_KINDS: Final[dict[type, str]] = {
    type(None): "null", bool: "bool", int: "int", float: "double", str: "string", bytes: "bytes", list: "list", tuple: "list",
    dict: "map", FrozenDict: "map", KeyedMap: "map", Timestamp: "timestamp", Duration: "duration", Type: "type", Secret: "secret",
}  # fmt: skip


def kind(value: object) -> str:
    """Return the name of the value's type for messages; ``a Python <class>`` for what is no value."""
    cls = type(value)
    return _KINDS.get(cls) or f"a Python {cls.__name__}"


def adopt(value: object) -> Value:
    """Return ``value``, or the value it stands for (an aware ``datetime``, a ``timedelta``); ``MISSING`` if there is none."""
    cls = type(value)
    if cls in _KINDS:
        return value
    if cls is datetime and value.tzinfo is not None:  # type: ignore[attr-defined]  # it is a datetime
        past = value - datetime(1970, 1, 1, tzinfo=UTC)  # type: ignore[operator]  # it is a datetime
        return Timestamp(past.days * 86_400 + past.seconds, past.microseconds * 1000)
    if cls is timedelta:
        return Duration(value.days * 86_400 + value.seconds, value.microseconds * 1000)  # type: ignore[attr-defined]  # it is a timedelta
    return MISSING


def lookup(mapping: dict[Any, Any], key: Value) -> Value:
    """Return what ``mapping`` has under ``key``, or ``MISSING``. Booleans and numbers are different keys; 1 and 1.0 are one."""
    cls = type(key)
    if cls is str:
        return dict.get(mapping, key, MISSING)
    if cls is bool:
        if type(mapping) is KeyedMap:
            return dict.get(mapping, _BOOL_KEYS[key], MISSING)
        return _exact(mapping, key, bool)
    if cls is int or cls is float:
        if key in {0, 1} and type(mapping) is not KeyedMap:
            return _exact(mapping, key, int)
        return dict.get(mapping, key, MISSING)
    return MISSING


def _exact(mapping: dict[Any, Any], key: Value, cls: type) -> Value:
    """Look up 0, 1, true or false in a dict of the host, where Python holds 1 and True for the same key."""
    found = dict.get(mapping, key, MISSING)
    if found is MISSING or type(next(k for k in mapping if k == key)) is cls:
        return found
    return MISSING


def keys_of(mapping: dict[Any, Any]) -> list[Value]:
    """Return the keys, in their order."""
    if type(mapping) is KeyedMap:
        return [key.value if type(key) is _BoolKey else key for key in mapping]
    return list(mapping)


def items_of(mapping: dict[Any, Any]) -> Iterator[tuple[Value, Value]]:
    """Yield the keys with their values, in their order."""
    if type(mapping) is KeyedMap:
        return ((key.value if type(key) is _BoolKey else key, value) for key, value in dict.items(mapping))
    return iter(dict.items(mapping))

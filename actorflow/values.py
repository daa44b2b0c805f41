"""JSON values, frozen once and shared from then on.

Takes what ``json`` or ``msgspec`` decode (dict, list, str, int, float, bool, None) and gives the same values
deeply immutable: lists become tuples, dicts become ``FrozenDict``. A frozen value can be handed to any actor,
kept in a snapshot and encoded again without copying. NaN and infinities are not JSON and are refused. Must
not do I/O.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn, TypeAlias

__all__ = ["Frozen", "FrozenDict", "JSONValue", "NotJSON", "freeze", "freeze_mapping", "thaw"]

JSONValue: TypeAlias = "bool | int | float | str | Sequence[JSONValue] | Mapping[str, JSONValue] | None"
"""What JSON can say, frozen or not."""

Frozen: TypeAlias = "bool | int | float | str | tuple[Frozen, ...] | FrozenDict | None"
"""A deeply immutable JSON value."""


class NotJSON(TypeError):
    """A value has no JSON form; the message says where (``$.a[3]``) and what it is."""


class FrozenDict(dict[str, Any]):
    """A dict whose look-ups cost what a dict's cost and whose changes all raise ``TypeError``.

    A subclass of ``dict`` rather than a proxy: it is encoded by msgspec and json as it is, and ``d["k"]``
    stays one C call. Two copies of equal content hash equal; hashing walks the value once and remembers the
    result.
    """

    __slots__ = ("_hash",)

    def _refuse(self, *_: object, **__: object) -> NoReturn:
        raise TypeError("a frozen mapping cannot be changed")

    __setitem__ = __delitem__ = __ior__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse

    def __hash__(self) -> int:  # type: ignore[override]
        try:
            return self._hash
        except AttributeError:
            self._hash: int = hash(frozenset(self.items()))
            return self._hash

    def __copy__(self) -> FrozenDict:
        return self

    def __deepcopy__(self, _memo: object) -> FrozenDict:
        return self

    def __reduce__(self) -> tuple[type[FrozenDict], tuple[dict[str, Any]]]:
        return (FrozenDict, (dict(self),))

    def __or__(self, other: Any) -> FrozenDict:  # type: ignore[override]
        return FrozenDict({**self, **other})


def freeze(value: Any, *, where: str = "$") -> Frozen:
    """Return ``value`` deeply frozen; what is frozen already is returned as it is.

    Args:
        value: a JSON value; tuples and any ``Mapping`` with text keys are taken too.
        where: the path of ``value`` in what the caller holds, for the error message.

    Raises:
        NotJSON: a value inside has no JSON form (a set, an object, NaN, a key that is not text).
    """
    kind = type(value)
    if value is None or kind is str or kind is bool or kind is int or kind is FrozenDict:
        return value  # type: ignore[no-any-return]
    if kind is float:
        if not math.isfinite(value):
            raise NotJSON(f"{where} is {value!r}, which JSON cannot say")
        return value  # type: ignore[no-any-return]
    if isinstance(value, list | tuple):
        return tuple(freeze(item, where=f"{where}[{i}]") for i, item in enumerate(value))
    if isinstance(value, Mapping):
        return FrozenDict({_text_key(k, where): freeze(v, where=f"{where}.{k}") for k, v in value.items()})
    if isinstance(value, str | int | float):  # subclasses such as StrEnum and IntEnum
        return freeze(value.value if hasattr(value, "value") else kind.__mro__[-2](value), where=where)
    raise NotJSON(f"{where} is a {kind.__name__}, which has no JSON form")


def freeze_mapping(value: Mapping[str, Any]) -> FrozenDict:
    """Return a JSON object deeply frozen; see ``freeze``."""
    if type(value) is FrozenDict:
        return value
    return FrozenDict({_text_key(k, "$"): freeze(v, where=f"$.{k}") for k, v in value.items()})


def thaw(value: JSONValue) -> Any:
    """Return a mutable copy of ``value`` made of plain dicts and lists."""
    if value is None or type(value) in (str, int, float, bool):  # asking for a Mapping takes twice as long
        return value
    if isinstance(value, Mapping):
        return {key: thaw(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [thaw(item) for item in value]
    return value


def _text_key(key: object, where: str) -> str:
    if isinstance(key, str):
        return str(key)
    raise NotJSON(f"{where} has the key {key!r}; JSON keys are text")

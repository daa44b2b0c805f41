"""Files with millions of values, told apart in a fraction of a second.

Reading a million events one by one takes two seconds; a file that is over the limit anyway should be refused
sooner. Both functions look at the beginning of the file with tools that run in C, and answer True only when
they are sure; False means: read it, the limit will be met on the way if there is one.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import yaml

__all__ = ["is_json_flood", "is_yaml_flood"]

_FIRST_PREFIX, _LAST_PREFIX = 2_100_000, 12_000_000  # bytes
_JSON_STRING = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)
_FLAT_BRACKETS = re.compile(rb"\[[^\[\]{}\"'#]*\]|\{[^\[\]{}\"'#]*\}")
_ALL_BUT_BRACKETS = bytes(sorted(set(range(256)) - set(b"[]{}")))
_CLOSING = bytes.maketrans(b"[{", b"]}")
_ROUNDS = 8
_CHUNK = 1 << 18  # bytes; a list of all strings at once would take a hundred megabytes
_MOST_OPEN = 40


def is_json_flood(data: bytes, most: int) -> bool:
    """Say whether ``data`` surely has more than ``most`` events: keys, values and ends of collections."""
    return _is_flood(data, most, _json_events)


def is_yaml_flood(data: bytes, most: int) -> bool:
    """Say whether ``data`` surely has more than ``most`` parser events."""
    return yaml.__with_libyaml__ and _is_flood(data, most, _yaml_events)


def _is_flood(data: bytes, most: int, count_events: Callable[[bytes], int]) -> bool:
    if _separators(data, b",:\n[{") <= most // 2:
        return False  # an ordinary file, as there are hardly two events a separator: nothing else is done
    size = _FIRST_PREFIX
    for _ in range(2):
        count = count_events(data[:size])
        if count > most:
            return True
        if len(data) <= size or count * _LAST_PREFIX < size * most:
            return False
        size = int(size * most / count * 1.1)  # as dense as it began, this much is over the limit
    return False


def _json_events(prefix: bytes) -> int:
    events, unfinished = 0, b""
    for start in range(0, len(prefix), _CHUNK):
        outside = _JSON_STRING.sub(b"", unfinished + prefix[start : start + _CHUNK])
        # All that can be left of quotes is a string that goes on behind the chunk.
        outside, quote, tail = outside.partition(b'"')
        unfinished = quote + tail
        events += _separators(outside, b",:]}")
    return events


def _separators(data: bytes, marks: bytes) -> int:
    return sum(data.count(marks[i : i + 1]) for i in range(len(marks)))


def _yaml_events(prefix: bytes) -> int:
    """Count the events of ``prefix`` without making Python objects of them; 0 when it is not certain.

    libyaml takes quadratic time on deep nesting, so it only sees a prefix whose brackets are known to be
    shallow. A pair of brackets without quotes, comments or brackets inside is surely a pair; what is left
    after taking such pairs out must be few opening ones.
    """
    prefix = prefix[: max(prefix.rfind(b"\n"), prefix.rfind(b",")) + 1]
    rest = prefix
    for _ in range(_ROUNDS):
        shorter = _FLAT_BRACKETS.sub(b"", rest)
        if len(shorter) == len(rest):
            break
        rest = shorter
    still_open = rest.translate(None, _ALL_BUT_BRACKETS)
    if len(still_open) > _MOST_OPEN or still_open.strip(b"[{"):
        return 0
    from yaml.cyaml import CParser  # type: ignore[attr-defined]  # the stubs forget it

    try:
        return int(CParser(prefix + still_open[::-1].translate(_CLOSING)).raw_parse())
    except yaml.YAMLError:
        return 0

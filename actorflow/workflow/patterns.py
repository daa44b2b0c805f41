"""Regular expressions of JSON Schemas and of descriptions of agents, matched by RE2 in linear time.

A pattern comes from a file and the text from an agent, so neither may cost more than its size. Must not
be used for anything that needs look-around or back-references: RE2 has neither.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

__all__ = ["is_found", "pattern_mistake", "search"]

_LONGEST = 1024


def pattern_mistake(pattern: str) -> str:
    """Return why ``pattern`` cannot be used, or ""."""
    if len(pattern) > _LONGEST:
        return f"it is longer than {_LONGEST} characters"
    import re2

    try:
        _compiled(pattern)
    except re2.error as error:
        reason = error.args[0] if error.args else "RE2 does not accept it"
        return reason.decode(errors="replace") if isinstance(reason, bytes) else str(reason)
    return ""


def is_found(pattern: str, text: str) -> bool:
    """Say whether ``pattern``, which must be right, matches somewhere in ``text``."""
    return search(pattern, text) is not None


def search(pattern: str, text: str) -> Any:
    """Return the first match of ``pattern``, which must be right, as RE2 gives it; None when there is none."""
    return _compiled(pattern).search(text)


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> Any:
    import re2

    options = re2.Options()
    options.log_errors = False
    options.max_mem = 8 * 1024 * 1024
    return re2.compile(pattern, options)

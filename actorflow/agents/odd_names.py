"""Starts a program with variables that a shell would drop or change on their way: the last step in front of it.

A POSIX shell hands on only variables whose names are identifiers, and sets some itself. The functions that bash
exports (``BASH_FUNC_module%%``) have such names. ``carried`` packs them into one variable and puts this file, as
a program, in front of the argv; it unpacks them and becomes the program. Costs the start of an interpreter, and
only attempts that have such variables.
"""

from __future__ import annotations

import json
import os
import re
import sys
from collections.abc import Mapping, Sequence

__all__ = ["carried"]

_CARRIER = "ACTORFLOW_CARRIED"
_IDENTIFIER = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_SET_BY_SHELLS = frozenset(
    {"BASHOPTS", "BASH_XTRACEFD", "IFS", "LINENO", "OPTIND", "POSIXLY_CORRECT", "PPID", "SHELLOPTS"}
)


def carried(argv: Sequence[str], environment: Mapping[str, str]) -> tuple[list[str], Mapping[str, str]]:
    """Return argv and environment such that the program gets every variable; both as they are when a shell would change none."""
    odd = {
        name: value
        for name, value in environment.items()
        if name in _SET_BY_SHELLS or not _IDENTIFIER.fullmatch(name)
    }
    if not odd or not sys.executable:
        return list(argv), environment
    plain = {name: value for name, value in environment.items() if name not in odd}
    return [sys.executable, "-I", "-S", __file__, *argv], {**plain, _CARRIER: json.dumps(odd)}


def _main() -> None:
    environment = dict(os.environ)
    odd = json.loads(environment.pop(_CARRIER, "{}"))
    for name in _SET_BY_SHELLS:
        environment.pop(name, None)
    argv = sys.argv[1:]
    try:
        os.execvpe(argv[0], argv, {**environment, **odd})  # noqa: S606 - that is what this is for
    except OSError as error:
        sys.stderr.write(f"{argv[0]}: {error.strerror}\n")
        raise SystemExit(127 if isinstance(error, FileNotFoundError) else 126) from None


if __name__ == "__main__":
    _main()

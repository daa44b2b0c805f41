"""Judges the builtins of the shell, and a few programs, that read some of their arguments as names, operators, formats or options.

Takes what is suspected and the arguments of one command; refuses the holes whose values would be read so. In
bash a variable's name may have a subscript, ``a[$(command)]``, and naming the variable runs the command: that
is what most of these rules are about. Pure.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeAlias

from actorflow.workflow.shell_options import is_plain_test
from actorflow.workflow.shell_parts import Word
from actorflow.workflow.shell_suspicion import Suspicion

__all__ = ["BUILTINS", "Rule"]

Rule: TypeAlias = Callable[[Suspicion, str, Sequence[Word]], None]
"""Judges the arguments of the command of that name."""

_SUBSCRIPTS = "takes names of variables, in which bash evaluates subscripts"
_TEST_HINT = "may read it as an operator; write [ … = … ], [ -n … ], and join tests with && or ||"
_JQ_PAIRS = frozenset("--arg --argjson --slurpfile --rawfile".split())
_JQ_VALUES = frozenset("--indent -L -f --from-file".split())


def _naming(judge: Suspicion, name: str, arguments: Sequence[Word]) -> None:
    judge.refuse(arguments, "E920", f"{name} {_SUBSCRIPTS}")


def _assigning(judge: Suspicion, name: str, arguments: Sequence[Word]) -> None:
    options = {letter for word in arguments if word.text.startswith("-") for letter in word.text}
    for word in arguments:
        if not word.assigned or word.array:
            judge.refuse([word], "E920", f"{name} {_SUBSCRIPTS}")
        elif judge.lexed.arrays or options & set("aAin"):
            judge.refuse([word], "E920", f"{name} evaluates the values of arrays, integers and references")
        elif word.splits:
            judge.refuse([word], "E920", f"{name} may split an unquoted expansion; quote it")
        else:
            judge.assignment(word.assigned, word)


def _test(judge: Suspicion, name: str, arguments: Sequence[Word]) -> None:
    closed = name != "[" or (bool(arguments) and arguments[-1].text == "]")
    shape = list(arguments[:-1]) if name == "[" and closed else list(arguments)
    if len(shape) > 1 and shape[0].is_static and shape[0].text == "!":
        shape = shape[1:]
    judge.refuse(
        [word for word in shape if word.splits], "E920", "unquoted it may become operators of test; quote it"
    )
    if not closed or not is_plain_test(shape):
        judge.refuse(shape, "E920", f"{name} {_TEST_HINT}")


def _printf(judge: Suspicion, name: str, arguments: Sequence[Word]) -> None:
    rest = arguments
    if rest and rest[0].text == "-v":
        judge.refuse(rest[1:2], "E920", f"{name} -v {_SUBSCRIPTS}")
        rest = rest[2:]
    if rest and rest[0].text == "--":
        rest = rest[1:]
    if not rest or judge.shifts(rest, name):
        return
    judge.refuse(rest[:1], "E920", f"{name} reads it as a format; write printf '%s' before it")


def _set(judge: Suspicion, name: str, arguments: Sequence[Word]) -> None:
    ends = [i for i, word in enumerate(arguments) if word.text == "--"]
    options = arguments[: ends[0]] if ends else arguments
    judge.refuse(options, "E920", f"{name} may read it as an option; write set -- before it")


def _jq(judge: Suspicion, name: str, arguments: Sequence[Word]) -> None:
    i = 0
    while i < len(arguments) and not judge.shifts(arguments[i:], name):
        option = arguments[i].text
        if not option.startswith("-"):
            judge.refuse(arguments[i : i + 1], "E919", f"{name} runs it as a program; pass it with --arg")
            return
        judge.refuse(arguments[i : i + 1], "E919", f"an option of {name}")
        if option in _JQ_VALUES:
            judge.refuse(arguments[i + 1 : i + 2], "E919", f"an option of {name}")
        i += 3 if option in _JQ_PAIRS else 2 if option in _JQ_VALUES else 1


BUILTINS: Final[Mapping[str, Rule]] = {
    **dict.fromkeys("read unset getopts mapfile readarray wait".split(), _naming),
    **dict.fromkeys("export readonly local declare typeset integer".split(), _assigning),
    **dict.fromkeys("test [".split(), _test),
    "printf": _printf,
    "set": _set,
    "jq": _jq,
}
"""Name -> how its arguments are judged."""

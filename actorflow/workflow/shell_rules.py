"""Judges the commands of a shell text: where would a value be run instead of used?

Takes what ``shell_lexer`` read and gives a refusal for each hole whose value, however well quoted, some program would read as code: as
the name of a command, as program text for another shell or interpreter, as a name or operator that the shell evaluates. It follows
variables that get their value from a hole (``X=${hole}; eval "$X"``). Knows programs only through ``shell_programs``. It cannot know what an
unlisted program does with its arguments; docs/explanation/shell-holes.md says what is left to the author.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from actorflow.workflow import shell_programs as programs
from actorflow.workflow.env_names import is_forbidden
from actorflow.workflow.shell_parts import DYNAMIC, HOLE, Command, Lexed, Refusal, Word

__all__ = ["judge"]

_POSITIONAL = frozenset("123456789@*")
_BINARY_OPERATORS = frozenset("= == != < > =~ -eq -ne -lt -le -gt -ge -nt -ot -ef".split())
_UNARY_OPERATORS = frozenset("-n -z -e -f -d -r -w -x -s -L -h -b -c -p -S -u -g -k -O -G -N -t".split())
_FIND_ACTIONS = frozenset("-exec -execdir -ok -okdir".split())
_FIND_FILES = frozenset("-fprint -fprint0 -fls -fprintf -files0-from".split())
_JQ_PAIRS = frozenset("--arg --argjson --slurpfile --rawfile".split())
_BSD_SUFFIXES = frozenset(["", ".bak", ".orig"])
_JQ_VALUES = frozenset("--indent --tab".split())

_COMMAND_WORD = "a value would decide which program runs"
_VARIABLE_AS_CODE = "its value gets into a variable that the shell reads as code later on"


def judge(lexed: Lexed) -> dict[int, Refusal]:
    """Return the holes of ``lexed`` that must not stand where they stand (by number), each with the reason."""
    return _Judge(lexed).judge()


class _Judge:
    """One text's commands, and which variables carry values of holes."""

    def __init__(self, lexed: Lexed) -> None:
        self.lexed = lexed
        self.refused: dict[int, Refusal] = {}
        self.carriers = _carriers(lexed)
        self.command = Command()

    def judge(self) -> dict[int, Refusal]:
        self._evaluated_variables()
        for command in self.lexed.commands:
            self.command = command
            self._refuse(command.duplications, "E923", "bash expands what follows >& a second time")
            for name, word in command.assigns:
                self._assignment(name, word)
            if command.words:
                self._simple(command.words)
        return self.refused

    # -- suspicion --------------------------------------------------------------------------------------------------

    def _sources(self, word: Word) -> set[int]:
        """Return the holes whose values may be part of ``word``."""
        carried = (self.carriers[name] for name in word.names if name in self.carriers)
        return set(word.holes).union(*carried)

    def _refuse(self, words: Sequence[Word], code: str, reason: str) -> None:
        for word in words:
            for hole in self._sources(word):
                said = reason if hole in word.holes else _VARIABLE_AS_CODE
                self.refused.setdefault(hole, Refusal(code if hole in word.holes else "E922", said))

    def _is_suspect(self, word: Word) -> bool:
        return bool(word.holes) or not self.carriers.keys().isdisjoint(word.names)

    def _evaluated_variables(self) -> None:
        for name in self.lexed.evaluated & self.carriers.keys():
            for hole in self.carriers[name]:
                self.refused.setdefault(hole, Refusal("E922", _VARIABLE_AS_CODE))

    def _assignment(self, name: str, word: Word) -> None:
        if programs.INTEGER_VARIABLES.fullmatch(name):
            self._refuse([word], "E921", f"bash evaluates what {name} is given")
        elif is_forbidden(name) or programs.STEERING_VARIABLES.fullmatch(name):
            self._refuse([word], "E921", f"{name} decides how programs run")

    # -- simple commands --------------------------------------------------------------------------------------------

    def _simple(self, words: Sequence[Word]) -> None:
        """Judge a command with its arguments; called again for what a wrapper runs."""
        head, arguments = words[0], words[1:]
        if self._is_suspect(head):
            self._refuse([head], "E918", _COMMAND_WORD)
        name = _known_name(head)
        if name in programs.INERT:
            return
        if not name or name in programs.SHELLS:
            self._shell(name or "a program chosen by the shell", arguments)
        elif name in programs.INTERPRETERS:
            self._interpreter(name, programs.INTERPRETERS[name], arguments)
        elif name in programs.CODE:
            self._refuse(arguments, "E919", f"{name}: {programs.CODE[name]}")
            if not arguments:
                self._stdin_is_code(name)
        elif name in programs.WRAPPERS:
            self._wrapper(name, programs.WRAPPERS[name], arguments)
        else:
            self._builtin(name, arguments)

    def _builtin(self, name: str, arguments: Sequence[Word]) -> None:
        if name in programs.NAMING:
            self._refuse(
                arguments, "E920", f"{name} takes names of variables, in which bash evaluates subscripts"
            )
        elif name in programs.ASSIGNING:
            self._assigning(name, arguments)
        elif name in programs.EVALUATING:
            self._test(name, arguments)
        elif name == "printf":
            self._printf(arguments)
        elif name == "set":
            self._set(arguments)
        elif name == "find":
            self._find(arguments)
        elif name == "jq":
            self._jq(arguments)
        else:
            self._unlisted(arguments)

    def _unlisted(self, arguments: Sequence[Word]) -> None:
        for i, word in enumerate(arguments):
            name = _known_name(word)
            if name in programs.SHELLS or name in programs.INTERPRETERS or name in programs.FOREIGN:
                self._simple(arguments[i:])
                return
            if (
                not word.is_static
                and i + 1 < len(arguments)
                and re.fullmatch(r"-[A-Za-z]*c", arguments[i + 1].text)
            ):
                self._refuse(arguments[i + 1 :], "E919", "the program before -c may be a shell")

    # -- programs that take program text ----------------------------------------------------------------------------

    def _shell(self, name: str, arguments: Sequence[Word]) -> None:
        code = stdin = ended = False
        i = 0
        while i < len(arguments) and not ended:
            word = arguments[i]
            ended = word.text in ("--", "-")
            if not ended and not word.text.startswith(("-", "+")):
                break
            self._refuse([word], "E919", f"an option of {name}")
            i += 1
            if not word.text.startswith("--"):
                code, stdin = code or "c" in word.text, stdin or "s" in word.text
            if _shell_option_takes_argument(word.text):
                self._refuse(arguments[i : i + 1], "E919", f"an option of {name}")
                i += 1
        if stdin and not code:
            self._stdin_is_code(name)
            self._refuse(() if ended else arguments[i:], "E919", f"an option of {name}; write -- before it")
        elif i < len(arguments):
            self._refuse(arguments[i : i + 1], "E919", f"{name} runs it as code")
            self._replaced_text(arguments[i])
        elif not any(word.text in ("--version", "--help") for word in arguments):
            self._stdin_is_code(name)

    def _interpreter(self, name: str, rule: programs.Interpreter, arguments: Sequence[Word]) -> None:
        given = ended = False
        i = 0
        while i < len(arguments) and not ended:
            word = arguments[i]
            ended = word.text == "--"
            if not ended and (not word.text.startswith("-") or word.text == "-"):
                break
            i += 1
            if ended:
                continue
            kind = _option_kind(rule, word.text)
            self._interpreter_option(name, rule, arguments[i - 1 : i + 1], kind)
            if kind == "final":
                return
            given = given or kind == "code"
            if kind != "flag" and not _is_attached(rule, word.text):
                i += 1
            elif word.text == "-i" and arguments[i : i + 1] and arguments[i].text in _BSD_SUFFIXES:
                i += 1  # sed -i '' of macOS
        if not (given and ended):
            self._program_operand(name, rule, arguments[i:], given=given)

    def _interpreter_option(
        self, name: str, rule: programs.Interpreter, words: Sequence[Word], kind: str
    ) -> None:
        """Judge an option and, when its argument is the next word, that one."""
        is_data = kind == "value" and _is_value_of(rule, words[0].text)
        if not (is_data and _is_attached(rule, words[0].text)):
            self._refuse(words[:1], "E919", f"an option of {name}")
        if kind != "flag" and not is_data and not _is_attached(rule, words[0].text):
            self._refuse(words[1:], "E919", f"{name} runs it as code")

    def _program_operand(
        self, name: str, rule: programs.Interpreter, operands: Sequence[Word], *, given: bool
    ) -> None:
        if given:
            # Options may follow what an option gave: a value that begins with - would be one, unless -- came before.
            if not rule.operand_is_code:
                self._refuse(operands[:1], "E919", f"an option of {name}; write -- before it")
        elif operands and operands[0].text != "-":
            self._refuse(operands[:1], "E919", f"{name} runs it as code")
        elif rule.stdin_is_code:
            self._stdin_is_code(name)

    def _stdin_is_code(self, name: str) -> None:
        """Refuse the holes whose values may reach the standard input of ``name``, which runs it."""
        command, reason = self.command, f"{name} runs what it reads as code"
        if command.own_stdin:
            self._refuse(command.redirections, "E919", reason)
            return
        own = [hole for word in command.words for hole in word.holes]
        for hole in range(min(own, default=command.holes_end)):
            self.refused.setdefault(hole, Refusal("E919", reason))

    def _replaced_text(self, code: Word) -> None:
        """``xargs -I{} sh -c '… {} …'``: the value would become part of the program."""
        if "{}" in code.text or ("%" in code.text and self.command.words[0].text == "xargs"):
            for hole in range(self.command.holes_end):
                self.refused.setdefault(hole, Refusal("E919", "{} puts it into a program"))

    def _jq(self, arguments: Sequence[Word]) -> None:
        i = 0
        while i < len(arguments) and (arguments[i].text.startswith("-")):
            option = arguments[i].text
            self._refuse(arguments[i : i + 1], "E919", "an option of jq")
            if option in _JQ_PAIRS:
                i += 2
            elif option in _JQ_VALUES or option in ("-L", "-f", "--from-file"):
                self._refuse(arguments[i + 1 : i + 2], "E919", "an option of jq")
                i += 1
            i += 1
        self._refuse(arguments[i : i + 1], "E919", "jq runs it as a program; pass it with --arg")

    # -- programs that run another command --------------------------------------------------------------------------

    def _wrapper(self, name: str, rule: programs.Wrapper, arguments: Sequence[Word]) -> None:
        if name == "command" and arguments and arguments[0].text in ("-v", "-V"):
            return
        i, operands = 0, rule.operands
        while i < len(arguments):
            word = arguments[i]
            if word.text.startswith("-") and word.text not in ("-", "--"):
                taken = _wrapper_option(rule, word.text)
                if taken is None:
                    self._refuse(
                        arguments, "E919", f"what {name} {word.text.split('=')[0]} runs cannot be told"
                    )
                    return
                self._refuse([word], "E919", f"an option of {name}")
                i += taken
            elif rule.assignments and "=" in word.text and word.assigned:
                self._assignment(word.assigned, word)
            elif operands and word.text != "--":
                operands -= 1
            elif word.text not in ("-", "--"):
                break
            i += 1
        if i < len(arguments):
            self._simple(arguments[i:])

    def _find(self, arguments: Sequence[Word]) -> None:
        for i, word in enumerate(arguments):
            if word.text in _FIND_ACTIONS and i + 1 < len(arguments):
                self._simple(arguments[i + 1 :])
            elif word.text in _FIND_FILES:
                self._refuse(arguments[i + 1 : i + 2], "E919", f"{word.text} of find")

    # -- builtins that evaluate -------------------------------------------------------------------------------------

    def _assigning(self, name: str, arguments: Sequence[Word]) -> None:
        options = "".join(word.text for word in arguments if word.text.startswith("-"))
        for word in arguments:
            if not word.assigned or word.array:
                self._refuse(
                    [word], "E920", f"{name} takes names of variables, in which bash evaluates subscripts"
                )
            elif self.lexed.arrays or set(options) & set("aAin"):
                self._refuse(
                    [word], "E920", f"{name} evaluates the values of arrays, integers and references"
                )
            elif word.splits and word.holes:
                self._refuse([word], "E920", f"{name} splits an unquoted $( … ); quote it")
            else:
                self._assignment(word.assigned, word)

    def _test(self, name: str, arguments: Sequence[Word]) -> None:
        shape = [word for word in arguments if word.text != "]"] if name == "[" else list(arguments)
        if len(shape) > 1 and shape[0].text == "!":
            shape = shape[1:]
        for word in arguments:
            if word.splits:
                self._refuse([word], "E920", "unquoted it may become operators of test; quote it")
        if not _is_plain_test(shape):
            self._refuse(
                shape,
                "E920",
                f"{name} may read it as an operator; write [ … = … ], [ -n … ], and join tests with && or ||",
            )

    def _printf(self, arguments: Sequence[Word]) -> None:
        i = 0
        if arguments and arguments[0].text == "-v":
            self._refuse(arguments[1:2], "E920", "printf -v takes a name, in which bash evaluates subscripts")
            i = 2
        if arguments[i : i + 1] and arguments[i].text == "--":
            i += 1
        self._refuse(arguments[i : i + 1], "E920", "printf reads it as a format; write printf '%s' before it")

    def _set(self, arguments: Sequence[Word]) -> None:
        for i, word in enumerate(arguments):
            if word.text == "--":
                return
            self._refuse(arguments[i : i + 1], "E920", "set may read it as an option; write set -- before it")


def _known_name(word: Word) -> str:
    """Return the program that the word names, as far as it can be told; "" when it cannot."""
    last = word.text.rsplit("/", 1)[-1]
    if word.splits or not last or HOLE in last or DYNAMIC in last:
        return ""
    return programs.program_name(last)


def _carriers(lexed: Lexed) -> dict[str, set[int]]:
    """Return the shell variables that may hold a value of a hole -> which holes."""
    carriers: dict[str, set[int]] = {}
    flows = list(_flows(lexed))
    changed = True
    while changed:
        changed = False
        for name, holes, names in flows:
            reached = holes.union(*(carriers[other] for other in names if other in carriers))
            if reached - carriers.get(name, set()):
                carriers[name] = carriers.get(name, set()) | reached
                changed = True
    return carriers


def _flows(lexed: Lexed) -> list[tuple[str, set[int], set[str]]]:
    """Return which variables get which holes and which other variables' values."""
    flows: list[tuple[str, set[int], set[str]]] = []
    everything = set(range(len(lexed.places)))
    for command in lexed.commands:
        flows += [(name, set(word.holes), word.names) for name, word in command.assigns]
        name = _known_name(command.words[0]) if command.words else ""
        arguments = command.words[1:]
        flows += [(w.assigned, set(w.holes), w.names) for w in arguments if w.assigned]
        if name in programs.NAMING:  # what is read may come from any hole through a pipe or a file
            flows += [(word.text, everything, set()) for word in arguments if not word.text.startswith("-")]
            flows += [(default, everything, set()) for default in ("REPLY", "MAPFILE", "OPTARG")]
        elif name == "printf" and arguments and arguments[0].text == "-v":
            flows += [(arguments[1].text, set(w.holes), w.names) for w in arguments[2:]]
        elif name == "set" or lexed.functions:
            flows += [(place, set(w.holes), w.names) for w in arguments for place in _POSITIONAL]
    return [flow for flow in flows if flow[1] or flow[2]]


def _shell_option_takes_argument(option: str) -> bool:
    if option in ("--rcfile", "--init-file"):
        return True
    return not option.startswith("--") and option[-1:] in "oO" and len(option) > 1


def _letters(option: str) -> str:
    return option[1:] if option.startswith("-") and not option.startswith("--") else ""


def _option_kind(rule: programs.Interpreter, option: str) -> str:
    """Say what an option of an interpreter does: ``code``, ``value`` (has an argument), ``final`` or ``flag``."""
    long = option.split("=", maxsplit=1)[0]
    if long in rule.code_long:
        return "code"
    if long in rule.takes_long:
        return "value"
    for letter in _letters(option):
        if letter in rule.final:
            return "final"
        if letter in rule.code:
            return "code"
        if letter in rule.takes:
            return "value"
    return "flag"


def _is_attached(rule: programs.Interpreter, option: str) -> bool:
    """Whether the option's argument is part of the same word."""
    if option.startswith("--"):
        return "=" in option
    for i, letter in enumerate(_letters(option), 1):
        if letter in rule.final or letter in rule.code or letter in rule.takes:
            return i < len(option) - 1
    return False


def _is_value_of(rule: programs.Interpreter, option: str) -> bool:
    """Whether the option is one whose argument is plain data (only awk's are known to be)."""
    return rule.operand_is_code and (
        option[:2] in ("-v", "-F") or option.split("=", maxsplit=1)[0] in rule.takes_long
    )


def _wrapper_option(rule: programs.Wrapper, option: str) -> int | None:
    """Return how many words after an option belong to it; None when the option is not known."""
    letters = _letters(option)
    if not letters:
        return None
    for i, letter in enumerate(letters):
        if letter in rule.takes:
            return 0 if i < len(letters) - 1 else 1
        if letter not in rule.flags:
            return None
    return 0


def _is_plain_test(shape: Sequence[Word]) -> bool:
    match len(shape):
        case 0 | 1:
            return True
        case 2:
            return shape[0].is_static and shape[0].text in _UNARY_OPERATORS
        case 3:
            return shape[1].is_static and shape[1].text in _BINARY_OPERATORS
        case _:
            return False

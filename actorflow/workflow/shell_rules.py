"""Judges the commands of a shell text: where would a value be run instead of used?

Takes what ``shell_lexer`` read and gives a refusal for each hole whose value, however well quoted, some
program would read as code: as the name of a command, as program text for another shell or interpreter, as a
name or operator that the shell evaluates. It follows variables that get their value from a hole, and looks
into the static program text of nested shells and ``eval``. Knows programs only through ``shell_programs``. It
cannot know what an unlisted program does with its arguments; docs/explanation/shell-holes.md says what is
left to the author.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet

from actorflow.workflow import shell_programs as programs
from actorflow.workflow.shell_builtins import BUILTINS
from actorflow.workflow.shell_flows import POSITIONAL
from actorflow.workflow.shell_lexer import lex
from actorflow.workflow.shell_options import (
    argument_is_data,
    has_attached_argument,
    known_name,
    option_kind,
    shell_option_takes_argument,
    words_of_wrapper_option,
)
from actorflow.workflow.shell_parts import HOLE, Lexed, Refusal, Tangled, Word
from actorflow.workflow.shell_suspicion import Suspicion

__all__ = ["judge"]

_FIND_ACTIONS = frozenset("-exec -execdir -ok -okdir".split())
_FIND_FILES = frozenset("-fprint -fprint0 -fls -fprintf -files0-from".split())
_FEEDERS = frozenset("xargs find parallel".split())
_BSD_SUFFIXES = frozenset(["", ".bak", ".orig"])
_STANDS_FOR_ITSELF = frozenset("--version --help".split())
_DEEPEST = 5


def judge(lexed: Lexed) -> dict[int, Refusal]:
    """Return the holes of ``lexed`` that must not stand where they stand (by number), each with the reason."""
    return _Judge(lexed, frozenset(range(len(lexed.places))), {}, depth=0).judge()


class _Judge(Suspicion):
    """The rules; ``depth`` counts nested shells."""

    def __init__(
        self,
        lexed: Lexed,
        everything: AbstractSet[int],
        inherited: Mapping[str, AbstractSet[int]],
        *,
        depth: int,
    ) -> None:
        super().__init__(lexed, everything, inherited)
        self.depth = depth
        self.fed: set[int] = set()

    def judge(self) -> dict[int, Refusal]:
        for name in self.lexed.evaluated & self.carriers.keys():
            self.refuse_holes(self.carriers[name], self.VARIABLE_AS_CODE)
        for command in self.lexed.commands:
            self.command = command
            self.fed = set()
            self.refuse(command.duplications, "E923", "bash expands what follows >& a second time")
            for name, word in command.assigns:
                self.assignment(name, word)
            if command.words:
                self._simple(command.words)
        return self.refused

    # -- simple commands --------------------------------------------------------------------------------------------

    def _simple(self, words: Sequence[Word]) -> None:
        """Judge a command with its arguments; called again for what a wrapper runs."""
        head, arguments = words[0], words[1:]
        self.refuse([head], "E918", "a value would decide which program runs")
        self._named(known_name(head), arguments)
        if arguments and (head.splits or head.text.startswith("-")):
            # The expansion may vanish; `time -p` and `time --` are followed by the command.
            self._simple(arguments)

    def _named(self, name: str, arguments: Sequence[Word]) -> None:
        """Judge the arguments of the program ``name``; of any program, when it is ""."""
        if name in _FEEDERS:
            self.fed |= self._earlier()
        if name in programs.INERT:
            return
        if not name or name in programs.SHELLS:
            self._shell(name or "a program chosen by the shell", arguments)
        elif name in programs.INTERPRETERS:
            self._interpreter(name, programs.INTERPRETERS[name], arguments)
        elif name in programs.CODE:
            self._code(name, arguments)
        elif name in programs.WRAPPERS:
            self._wrapper(name, programs.WRAPPERS[name], arguments)
        elif name in BUILTINS:
            BUILTINS[name](self, name, arguments)
        elif name == "find":
            self._find(arguments)
        else:
            self._unlisted(arguments)

    def _code(self, name: str, arguments: Sequence[Word]) -> None:
        self.refuse(arguments, "E919", f"{name}: {programs.CODE[name]}")
        if name in programs.SHELL_CODE:
            self._program(" ".join(word.text for word in arguments), set())
        elif not arguments:
            self._standard_input(name, set())

    def _unlisted(self, arguments: Sequence[Word]) -> None:
        for i, word in enumerate(arguments):
            name = known_name(word)
            if name in programs.SHELLS or name in programs.INTERPRETERS or name in programs.FOREIGN:
                self._simple(arguments[i:])
                return
            following = arguments[i + 1].text if i + 1 < len(arguments) else ""
            if not word.is_static and re.fullmatch(r"-[A-Za-z]*c", following):
                self.refuse(arguments[i + 1 :], "E919", "the program before -c may be a shell")

    # -- program text -----------------------------------------------------------------------------------------------

    def _program(self, text: str, parameters: AbstractSet[int]) -> None:
        """Judge the static program text of a nested shell (or of ``eval``), which gets these holes as its parameters."""
        inherited = {**self.carriers, **(dict.fromkeys(POSITIONAL, parameters) if parameters else {})}
        if HOLE in text or not inherited:
            return  # refused already, or nothing to refuse
        try:
            if self.depth >= _DEEPEST:
                raise Tangled("nested too deeply")
            refused: AbstractSet[int] = (
                _Judge(lex(text), self.everything, inherited, depth=self.depth + 1).judge().keys()
            )
        except Tangled:
            refused = set().union(*inherited.values())
        self.refuse_holes(refused, self.VARIABLE_AS_CODE)

    def _standard_input(self, name: str, parameters: AbstractSet[int]) -> None:
        """Judge what a program reads as its program: a here-document of its own, or what comes through a pipe."""
        reason = f"{name} runs what it reads as code"
        if not self.command.own_stdin:
            self.refuse_holes(self._earlier(), Refusal("E919", reason))
            return
        self.refuse(self.command.redirections, "E919", reason)
        self.refuse(self.command.here_documents, "E919", reason)
        for document in self.command.here_documents if name in programs.SHELLS else ():
            self._program(document.text, parameters)

    def _earlier(self) -> set[int]:
        """Return the holes whose values may come through a pipe or from around the command: those that stand before it.

        Inside functions and nested texts that is not known, so it is all; what a group is given (``{ sh; } <
        file``) stands behind it.
        """
        if self.depth or self.lexed.functions:
            return set(self.everything)
        groups = [command for command in self.lexed.commands if not command.words]
        given = [word for group in groups for word in (*group.redirections, *group.here_documents)]
        own = [hole for word in self.command.words for hole in word.holes]
        return set(range(min(own, default=self.command.holes_end))) | self.sources(given)

    def _shell(self, name: str, arguments: Sequence[Word]) -> None:
        letters = ""
        i = 0
        ended = False
        while i < len(arguments) and not ended:
            word = arguments[i]
            if self.shifts(arguments[i:], name):
                return
            ended = word.text in ("--", "-")
            if not ended and not word.text.startswith(("-", "+")):
                break
            self.refuse([word], "E919", f"an option of {name}")
            letters += "" if word.text.startswith("--") else word.text
            i += 1
            if shell_option_takes_argument(word.text):
                self.refuse(arguments[i : i + 1], "E919", f"an option of {name}")
                i += 1
        self._shell_operands(name, letters, arguments[i:], ended=ended, options=arguments[:i])

    def _shell_operands(
        self, name: str, letters: str, operands: Sequence[Word], *, ended: bool, options: Sequence[Word]
    ) -> None:
        """Judge what follows the options of a shell: program text, a script or parameters."""
        if operands and ("c" in letters or "s" not in letters):
            if self.shifts(operands, name):
                return
            self.refuse(operands[:1], "E919", f"{name} runs it as code")
            if "c" in letters:
                self._replaced_text(operands[0])
                self._program(operands[0].text, self.sources(operands[1:]) | self.fed)
            return
        if not ended:
            self.refuse(operands, "E919", f"an option of {name}; write -- before it")
        if not any(word.text in _STANDS_FOR_ITSELF for word in options):
            self._standard_input(name, self.sources(operands))

    def _replaced_text(self, code: Word) -> None:
        """``xargs -I{} sh -c '… {} …'``: the value would become part of the program."""
        words = self.command.words
        marks = {"{}"}
        for word, following in zip(words, [*words[1:], Word()], strict=True):
            if word.text.startswith(("-I", "-J", "-i")):
                marks.add(word.text[2:] or following.text)
        if self.fed and any(mark and mark in code.text for mark in marks):
            self.refuse_holes(
                self.fed | self.sources(words), Refusal("E919", "its text would become part of a program")
            )

    def _interpreter(self, name: str, rule: programs.Interpreter, arguments: Sequence[Word]) -> None:
        given = False
        i = 0
        while i < len(arguments) and arguments[i].text.startswith("-") and arguments[i].text != "-":
            option = arguments[i].text
            i += 1
            if option == "--":
                self._program_operand(name, rule, arguments[i:], given=given, ended=True)
                return
            kind = option_kind(rule, option)
            separate = kind != "flag" and not has_attached_argument(rule, option)
            if self._interpreter_option(name, rule, arguments[i - 1 :], separate=separate):
                return
            if kind == "final":
                return
            given = given or kind == "code"
            i += separate or (option == "-i" and bool(arguments[i:]) and arguments[i].text in _BSD_SUFFIXES)
        self._program_operand(name, rule, arguments[i:], given=given, ended=False)

    def _interpreter_option(
        self, name: str, rule: programs.Interpreter, words: Sequence[Word], *, separate: bool
    ) -> bool:
        """Judge an option and, when its argument is the next word, that one; True when nothing after it has a certain place."""
        is_data = argument_is_data(rule, words[0].text)
        if not is_data or separate:
            self.refuse(words[:1], "E919", f"an option of {name}")
        if words[0].splits and self.shifts(words, name):
            return True
        if separate and len(words) > 1:
            if self.shifts(words[1:], name):
                return True
            self.refuse(() if is_data else words[1:2], "E919", f"{name} runs it as code")
        return False

    def _program_operand(
        self, name: str, rule: programs.Interpreter, operands: Sequence[Word], *, given: bool, ended: bool
    ) -> None:
        if given and (ended or rule.operand_is_code):
            return
        if operands and self.shifts(operands, name):
            return
        if given:
            # Options may follow what an option gave: a value that begins with - would be one, unless -- came before.
            self.refuse(operands[:1], "E919", f"an option of {name}; write -- before it")
        elif operands and operands[0].text != "-":
            self.refuse(operands[:1], "E919", f"{name} runs it as code")
        elif rule.stdin_is_code:
            self._standard_input(name, set())

    # -- programs that run another command --------------------------------------------------------------------------

    def _wrapper(self, name: str, rule: programs.Wrapper, arguments: Sequence[Word]) -> None:
        if name == "command" and arguments and arguments[0].text in ("-v", "-V"):
            return
        i, operands = 0, rule.operands
        while i < len(arguments):
            word = arguments[i]
            if word.text.startswith("-") and word.text not in ("-", "--"):
                taken = words_of_wrapper_option(rule, word.text)
                if taken is None:
                    option = word.text.split("=")[0]
                    self.refuse(arguments, "E919", f"what {name} {option} runs cannot be told")
                    return
                self.refuse([word], "E919", f"an option of {name}")
                i += taken
            elif rule.assignments and word.assigned:
                self.assignment(word.assigned, word)
            elif operands and word.text != "--":
                operands -= 1
            elif word.text not in ("-", "--"):
                break
            i += 1
        if any(word.splits for word in arguments[:i]):
            self.refuse(
                arguments,
                "E919",
                f"an unquoted expansion may vanish, and {name} would run what follows; quote it",
            )
        if i < len(arguments):
            self._simple(arguments[i:])

    def _find(self, arguments: Sequence[Word]) -> None:
        for i, word in enumerate(arguments):
            if word.text in _FIND_ACTIONS and i + 1 < len(arguments):
                self.fed |= self.sources(arguments)
                self._simple(arguments[i + 1 :])
            elif word.text in _FIND_FILES:
                self.refuse(arguments[i + 1 : i + 2], "E919", f"{word.text} of find")

"""What is known of the holes of a text while its commands are judged: where their values may get to, and which are refused so far.

The base of ``shell_rules`` and ``shell_builtins``. A word is suspect when it holds a hole or reads a variable
that carries the value of one; refusing a word refuses all these holes, each with the reason that fits it.
Knows nothing of programs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet

from actorflow.workflow import shell_programs as programs
from actorflow.workflow.env_names import is_forbidden
from actorflow.workflow.shell_flows import carriers_of
from actorflow.workflow.shell_parts import Command, Lexed, Refusal, Word

__all__ = ["Suspicion"]

_SHIFTED = (
    "an unquoted expansion before it may vanish, and the value would take its place; quote the expansion"
)


class Suspicion:
    """One text's holes, and which variables carry their values.

    Args:
        lexed: the text.
        everything: the numbers of all holes, those of the surrounding text too.
        inherited: what variables and positional parameters of the surrounding text carry.

    Attributes:
        command: the command that is being judged.
        refused: hole -> why.
    """

    VARIABLE_AS_CODE = Refusal("E922", "its value gets to where a shell reads it as code later on")

    def __init__(
        self, lexed: Lexed, everything: AbstractSet[int], inherited: Mapping[str, AbstractSet[int]]
    ) -> None:
        self.lexed = lexed
        self.everything = everything
        self.carriers = carriers_of(lexed, everything, inherited)
        self.command = Command()
        self.refused: dict[int, Refusal] = {}

    def sources(self, words: Sequence[Word]) -> set[int]:
        """Return the holes whose values may be part of ``words``."""
        found = {hole for word in words for hole in word.holes}
        return found.union(*(self.carriers.get(name, ()) for word in words for name in word.names))

    def refuse(self, words: Sequence[Word], code: str, reason: str) -> None:
        """Refuse what may be part of ``words``; holes elsewhere, whose values come through variables, with a reason of their own."""
        for word in words:
            self.refuse_holes(set(word.holes), Refusal(code, reason))
            self.refuse_holes(self.sources([word]), self.VARIABLE_AS_CODE)

    def refuse_holes(self, holes: AbstractSet[int], refusal: Refusal) -> None:
        """Refuse ``holes``, as far as they are not yet."""
        for hole in holes:
            self.refused.setdefault(hole, refusal)

    def shifts(self, words: Sequence[Word], name: str) -> bool:
        """Refuse all ``words`` when the first may vanish or become several, so that none of them has a certain place."""
        if not words[0].splits:
            return False
        self.refuse(words[:1], "E919", f"{name} may read it as an option or as code")
        self.refuse(words[1:], "E919", _SHIFTED)
        return True

    def assignment(self, name: str, word: Word) -> None:
        """Judge giving a value to the variable ``name``."""
        if programs.INTEGER_VARIABLES.fullmatch(name):
            self.refuse([word], "E921", f"bash evaluates what {name} is given")
        elif is_forbidden(name) or programs.STEERING_VARIABLES.fullmatch(name):
            self.refuse([word], "E921", f"{name} decides how programs run")

"""What a function is, and how the standard ones are collected.

A standard function takes the frame first, so that it can pay for what it does; its docstring is its documentation: a
first line, then examples as ``expression -> result`` or ``expression -> error code``, which tests run. A host's function takes values
only. Must not decide anything about how functions are called: that is ``calls``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from inspect import signature
from types import CodeType
from typing import Any, TypeVar

__all__ = ["Function", "Registry", "host_function"]

_F = TypeVar("_F", bound=Callable[..., Any])

_VARIADIC = 0x04
"""CPython's code flag for ``*args``."""


@dataclass(frozen=True, slots=True)
class Function:
    """A function of the language.

    Attributes:
        name: the name it is documented under.
        call: the Python function.
        minimum: how many arguments it needs; for the method form the receiver is the first of them.
        maximum: how many it takes, None for any number.
        takes_frame: whether ``call`` gets the frame before the arguments (the standard functions do).
        parameters: the names of its parameters, for messages and documentation.
        aliases: other names of the same function.
        section: the heading it is documented under.
    """

    name: str
    call: Callable[..., Any]
    minimum: int
    maximum: int | None
    takes_frame: bool = False
    parameters: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    section: str = ""

    def accepts(self, count: int) -> bool:
        """Whether the function can be called with ``count`` arguments."""
        return self.minimum <= count and (self.maximum is None or count <= self.maximum)

    @property
    def signature(self) -> str:
        """How a call of it is written: ``round(number, digits?)``."""
        optional = (name if i < self.minimum else f"{name}?" for i, name in enumerate(self.parameters))
        return f"{self.name}({', '.join(optional)}{', …' if self.maximum is None else ''})"


def _standard(name: str, call: Callable[..., Any], aliases: tuple[str, ...], section: str) -> Function:
    # From the code object: signatures of all of them would cost milliseconds whenever this package is imported.
    code: CodeType = call.__code__
    parameters = code.co_varnames[1 : code.co_argcount]
    required = len(parameters) - len(getattr(call, "__defaults__", None) or ())
    maximum = None if code.co_flags & _VARIADIC else len(parameters)
    return Function(name, call, required, maximum, True, parameters, aliases, section)  # it takes the frame


def host_function(name: str, call: Callable[..., Any] | Function) -> Function:
    """Return a host's callable as a function; the number of its arguments is read from its signature, if it has one.

    Raises:
        TypeError: it needs keyword arguments, which the language does not have.
    """
    if isinstance(call, Function):
        return call
    try:
        parameters = signature(call).parameters.values()
    except ValueError:  # some builtins have none
        return Function(name, call, 0, None)
    if any(p.kind is p.KEYWORD_ONLY and p.default is p.empty for p in parameters):
        raise TypeError(f"the function {name!r} needs keyword arguments")
    places = [p for p in parameters if p.kind in {p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD}]
    maximum = None if any(p.kind is p.VAR_POSITIONAL for p in parameters) else len(places)
    required = sum(p.default is p.empty for p in places)
    return Function(name, call, required, maximum, parameters=tuple(p.name for p in places))


class Registry:
    """Collects the functions of one section."""

    __slots__ = ("functions", "section")

    def __init__(self, section: str) -> None:
        self.section = section
        self.functions: dict[str, Function] = {}

    def __call__(self, name: str, *aliases: str) -> Callable[[_F], _F]:
        """Return a decorator that adds a function under ``name`` and its aliases."""

        def add(call: _F) -> _F:
            function = _standard(name, call, aliases, self.section)
            for spelling in (name, *aliases):
                self.functions[spelling] = function
            return call

        return add

"""What the command line and embedders call: validate, run, resume, cancel, inspect, tree.

Each takes a ``Settings`` and values, gives values, and raises ``ActorflowError``s that carry their exit code. Nothing here prints. Names are loaded on first use, so that
``validate`` imports no trio.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from actorflow.api.checking import Checked as Checked
    from actorflow.api.checking import validate as validate
    from actorflow.api.looking import Inspection as Inspection
    from actorflow.api.looking import inspect as inspect
    from actorflow.api.requesting import Cancelled as Cancelled
    from actorflow.api.requesting import cancel as cancel
    from actorflow.api.requesting import tree as tree
    from actorflow.api.running import Finished as Finished
    from actorflow.api.running import resume as resume
    from actorflow.api.running import run as run
    from actorflow.engine.feed import Feed as Feed
    from actorflow.engine.feed import Update as Update
    from actorflow.engine.feed import Watch as Watch
    from actorflow.state.recorded import Recorded as Recorded

_MODULES = {
    "Cancelled": "actorflow.api.requesting",
    "Checked": "actorflow.api.checking",
    "Feed": "actorflow.engine.feed",
    "Finished": "actorflow.api.running",
    "Inspection": "actorflow.api.looking",
    "Recorded": "actorflow.state.recorded",
    "Update": "actorflow.engine.feed",
    "Watch": "actorflow.engine.feed",
    "cancel": "actorflow.api.requesting",
    "inspect": "actorflow.api.looking",
    "resume": "actorflow.api.running",
    "run": "actorflow.api.running",
    "tree": "actorflow.api.requesting",
    "validate": "actorflow.api.checking",
}

__all__ = sorted(_MODULES)  # noqa: PLE0605 (the table above is the list)


def __getattr__(name: str) -> object:
    try:
        module = import_module(_MODULES[name])
    except KeyError:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}") from None
    value: object = getattr(module, name)
    globals()[name] = value
    return value

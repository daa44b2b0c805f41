"""What can go wrong with another program, as kinds of errors, each with whether another attempt can help.

A description maps exit codes and messages to these kinds. Plain data.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

__all__ = ["KINDS", "Kind"]


@dataclass(frozen=True, slots=True)
class Kind:
    """What is the same for all errors of a kind."""

    meaning: str
    is_retryable: bool
    hint: str = ""


KINDS: Final[Mapping[str, Kind]] = {
    "authentication": Kind("nobody is logged in, or the key is wrong", False, "log in with the program itself, or set its key in the environment that starts actorflow"),
    "billing": Kind("no credit is left", False, "add credit to the account, or use another one"),
    "rate_limit": Kind("too many requests; does not use up an attempt", True),
    "usage_limit": Kind("a plan's limit is reached; does not use up an attempt", True),
    "overloaded": Kind("the service is overloaded", True),
    "server_error": Kind("the service failed", True),
    "connection": Kind("the service cannot be reached", True, "is the network there?"),
    "model_not_found": Kind("the model is not there, or not for this account", False, "options.model chooses another"),
    "invalid_request": Kind("the program or its service refuses what it was given", False),
    "prompt_too_long": Kind("the conversation does not fit the model", False, "hand over less, or split the task"),
    "max_turns": Kind("the program's own limit of turns is reached", False, "raise it in the program's settings, or split the task"),
    "permission_denied": Kind("the program was not allowed to do what it needed", False, "give it more rights in its description"),
    "not_trusted": Kind("the program does not trust the folder", False, "start it there by hand once, or say in its description that the folder is trusted"),
    "session_not_found": Kind("the session to go on with is not there; a fresh one is begun, and no attempt is used up", True),
    "agent_failed": Kind("the program says that it has failed, in some other way", True),
}  # fmt: skip
"""Kind -> what it means."""

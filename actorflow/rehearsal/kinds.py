"""The kinds of errors that a rehearsal can play, and what an attempt that fails with one says.

Plain data: kind -> message and whether another attempt can help, as the agents and the engine themselves have
them; a test compares the table with their code. A kind that only a plug-in knows is played when its stub says
itself whether it may be retried.
"""

from __future__ import annotations

from typing import Final, NamedTuple

__all__ = ["KINDS", "KnownKind"]


class KnownKind(NamedTuple):
    """What an attempt that fails in this way says, and whether another one can help."""

    message: str
    retryable: bool = True


KINDS: Final[dict[str, KnownKind]] = {
    "argument_too_long": KnownKind("an argument is too long", retryable=False),
    "command_not_found": KnownKind("the program is not there", retryable=False),
    "crashed": KnownKind("the agent crashed"),
    "exit_status": KnownKind("it failed with exit code 1"),
    "exit_unknown": KnownKind("nobody knows how the program ended"),
    "invalid_options": KnownKind("the options cannot be used", retryable=False),
    "invalid_output": KnownKind("the output does not fit output_schema"),
    "invalid_parameters": KnownKind("the parameters cannot be used", retryable=False),
    "lost": KnownKind("nobody knows how it ended"),
    "no_interpreter": KnownKind("there is no Python to run it", retryable=False),
    "no_result": KnownKind("the agent ended without a result"),
    "no_resources": KnownKind("the program cannot be started now"),
    "not_executable": KnownKind("the program cannot be executed", retryable=False),
    "output_not_stored": KnownKind("the output could not be stored"),
    "output_too_large": KnownKind("the output is too large", retryable=False),
    "survivor": KnownKind("processes of an earlier attempt still run", retryable=False),
    "timeout": KnownKind("the attempt took too long"),
    "working_directory": KnownKind("the working directory is not there", retryable=False),
    # What agents that call a model meet.
    "authentication": KnownKind("the login was refused", retryable=False),
    "billing": KnownKind("no credit is left", retryable=False),
    "budget": KnownKind("the budget is used up", retryable=False),
    "connection": KnownKind("the service cannot be reached"),
    "execution": KnownKind("the session failed"),
    "hook_stopped": KnownKind("a hook stopped the agent", retryable=False),
    "interrupted": KnownKind("somebody interrupted the session"),
    "invalid_request": KnownKind("the service refuses the request", retryable=False),
    "max_budget": KnownKind("the attempt cost more than it may", retryable=False),
    "max_turns": KnownKind("the agent took more turns than it may", retryable=False),
    "model_not_found": KnownKind("the model is not there", retryable=False),
    "overloaded": KnownKind("the service is overloaded"),
    "permission_denied": KnownKind("a tool was refused", retryable=False),
    "permission_mode": KnownKind("this mode of permissions cannot be used here", retryable=False),
    "prompt_too_long": KnownKind("the conversation does not fit the model's context", retryable=False),
    "rate_limit": KnownKind("too many requests, slow down"),
    "refused": KnownKind("the model declines to do this", retryable=False),
    "request_too_large": KnownKind("the request has too many bytes", retryable=False),
    "server_error": KnownKind("the service failed"),
    "session_in_use": KnownKind("another process works in the session"),
    "session_not_found": KnownKind("the session to go on with is not there"),
    "usage_limit": KnownKind("the usage limit is reached"),
    "verify_failed": KnownKind("verify fails"),
}
"""Kind -> what an attempt that fails with it says. ``rate_limit``, ``usage_limit`` and ``session_not_found`` use up no attempt."""

"""Whether ``claude`` is logged in, found out before a run begins.

An environment that names a key or a token is taken at its word. Otherwise ``claude auth status`` is asked, a
quarter of a second, once for a process. Only a clear "no" counts: a version that does not know the command, or
no answer in time, is left for the first attempt to find out.
"""

from __future__ import annotations

import json
import subprocess
from collections.abc import Mapping, Sequence
from typing import Final

import trio

from actorflow.agents.claude.command import inherited_environment
from actorflow.errors import ConfigurationError

__all__ = ["LOGIN_VARIABLES", "check_login"]

LOGIN_VARIABLES: Final = frozenset(
    "ANTHROPIC_API_KEY ANTHROPIC_AUTH_TOKEN CLAUDE_CODE_OAUTH_TOKEN CLAUDE_CODE_USE_BEDROCK CLAUDE_CODE_USE_VERTEX"
    " CLAUDE_CODE_USE_FOUNDRY".split()
)
"""Each of these says how to log in."""

_PATIENCE_SECONDS: Final = 10.0
_LONGEST_ANSWER_BYTES: Final = 64 * 1024


async def check_login(program: str) -> None:
    """Find out that nobody is logged in.

    Raises:
        ConfigurationError: nobody is; says what to do.
    """
    environment = inherited_environment()
    if any(environment.get(name) for name in LOGIN_VARIABLES):
        return
    if await _logged_in(program, environment) is False:
        raise ConfigurationError(
            "Claude Code is not logged in",
            hint="log in with 'claude auth login' (or 'claude' and /login), or set ANTHROPIC_API_KEY",
        )


async def _logged_in(program: str, environment: Mapping[str, str]) -> bool | None:
    """Return what ``claude auth status`` says, None when it says nothing that we understand."""
    try:
        with trio.move_on_after(_PATIENCE_SECONDS):
            answer = json.loads(await _first_of_stdout([program, "auth", "status", "--json"], environment))
            return answer["loggedIn"] if isinstance(answer["loggedIn"], bool) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return None


async def _first_of_stdout(argv: Sequence[str], environment: Mapping[str, str]) -> bytes:
    """Return what a program prints, or as much of it as an answer can have; then it is ended."""
    said = b""
    process = await trio.lowlevel.open_process(
        argv,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=dict(environment),
    )
    assert process.stdout is not None  # noqa: S101 - for the type checker: it is a pipe
    try:
        async for piece in process.stdout:
            said += piece
            if len(said) > _LONGEST_ANSWER_BYTES:
                break
    finally:
        process.kill()
        with trio.move_on_after(_PATIENCE_SECONDS, shield=True):
            await process.stdout.aclose()
            await process.wait()
    return said

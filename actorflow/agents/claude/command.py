"""How ``claude`` is called: its argv, its environment, and the files that it reads its instructions from.

Takes what an attempt may do and who the agent is. What is long, or nobody else's business, goes into files of
the attempt's folder: argv can be read by every user of the machine. An agent that a file defines is given to
Claude Code as an agent of its own, with the tools that are granted, so that its system prompt, hooks, memory
and MCP servers mean what they mean there. Must not start anything.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import msgspec

from actorflow.agents.claude.mcp_names import is_mcp, refusals
from actorflow.agents.claude.options import ClaudeOptions
from actorflow.agents.claude.rights import Rights
from actorflow.agents.definitions import AgentDefinition
from actorflow.agents.environment import caller_environment, process_environment
from actorflow.agents.interface import AgentRequest
from actorflow.errors import AgentError

__all__ = ["arguments", "child_environment", "inherited_environment"]

_STRUCTURED: Final = "StructuredOutput"

_MOST_SCHEMA_BYTES: Final = 128_000
"""It is taken in argv only, where Linux allows 128 KiB for one word."""

_MOST_SETTINGS_BYTES: Final = 2_000_000
"""Claude Code reads no settings of more than 2 MiB."""

_OF_A_PARENT: Final = (
    "CLAUDECODE",
    "CLAUDE_CODE_SESSION_ID",
    "CLAUDE_CODE_ENTRYPOINT",
    "CLAUDE_CODE_SSE_PORT",
    "CLAUDE_CODE_CHILD_SESSION",
    "CLAUDE_CODE_TASK_LIST_ID",
    "CLAUDE_AGENT_SDK_VERSION",
    "CLAUDE_PID",
    "CLAUDE_EFFORT",
)
"""What Claude Code tells programs that it starts, about itself. A workflow may be one of them."""


def inherited_environment() -> dict[str, str]:
    """Return what a ``claude`` gets that works for no attempt."""
    return _without_parent(caller_environment())


def _without_parent(environment: dict[str, str]) -> dict[str, str]:
    return {name: value for name, value in environment.items() if name not in _OF_A_PARENT}


def child_environment(
    request: AgentRequest, options: ClaudeOptions, definition: AgentDefinition | None
) -> dict[str, str]:
    """Return the whole environment of the process.

    Raises:
        AgentError: a variable cannot be set.
    """
    environment = _without_parent(process_environment(request))
    if not options.expand_prompt:
        environment["CLAUDE_CODE_DISABLE_FILE_MENTIONS"] = "1"
    if definition is not None and definition.omit_claude_md:
        environment["CLAUDE_CODE_DISABLE_CLAUDE_MDS"] = "1"
    return environment


def arguments(
    request: AgentRequest,
    options: ClaudeOptions,
    rights: Rights,
    definition: AgentDefinition | None,
    *,
    schema: Mapping[str, Any] | None,
    session_id: str,
    max_budget_usd: float | None,
    add_dirs: tuple[Path, ...] = (),
) -> list[str]:
    """Return what follows the program's name.

    Args:
        schema: of the structured output; None for text.
        session_id: of a fresh session, and of one that begins with another task's; not used when the task's own is
            gone on with.
        max_budget_usd: what the attempt may cost; None is no limit.
        add_dirs: folders that we need it to read.
    """
    folder = request.folder
    flags = dict(
        _flags(request, options, rights, definition, session_id=session_id, max_budget_usd=max_budget_usd)
    )
    if schema is not None:
        flags["json-schema"] = _schema_text(schema)
    if definition is not None:
        agent = _agent(definition, options, rights, is_structured=schema is not None)
        flags["agents"] = _written(folder / "agents.json", {definition.name: agent})
        flags["agent"] = definition.name
    elif options.append_system_prompt:
        flags["append-system-prompt-file"] = _written_text(
            folder / "system-prompt.md", options.append_system_prompt
        )
    if options.mcp_servers:
        flags["mcp-config"] = _written(folder / "mcp.json", {"mcpServers": options.mcp_servers})
    argv = ["-p", "--input-format", "stream-json", "--output-format", "stream-json", "--verbose"]
    # As one word, so that no value can be taken for another option.
    argv += [f"--{name}={value}" for name, value in flags.items()]
    if request.session is not None and not request.interrupted_by:
        # Another task's session goes on in one of its own: several tasks may begin there, at the same time too.
        argv.append("--fork-session")
    if options.strict_mcp_config:
        argv.append("--strict-mcp-config")
    dirs = [request.project_root / path for path in options.add_dirs]
    argv += [f"--add-dir={path}" for path in (*dirs, *add_dirs)]
    return argv


def _flags(
    request: AgentRequest,
    options: ClaudeOptions,
    rights: Rights,
    definition: AgentDefinition | None,
    *,
    session_id: str,
    max_budget_usd: float | None,
) -> Iterator[tuple[str, str]]:
    is_other_tasks = request.session is not None and not request.interrupted_by
    if request.session is not None:
        yield "resume", request.session
    if request.session is None or is_other_tasks:
        yield "session-id", session_id
    if is_other_tasks and definition is not None:
        yield "system-prompt-snapshot", "off"  # another agent goes on with the session, as itself
    yield "permission-mode", rights.mode
    wanted = {
        "model": options.model or (definition.model if definition else None),
        "fallback-model": ",".join(options.fallback_model),
        "effort": options.effort or (definition.effort if definition else None),
        "max-turns": _least(options.max_turns, definition.max_turns if definition else None),
        "max-budget-usd": None if max_budget_usd is None else f"{max(max_budget_usd, 1e-6):.6f}",
        "allowedTools": ",".join(rights.allowed),
        "disallowedTools": ",".join(rights.refused),
    }
    yield from ((name, str(value)) for name, value in wanted.items() if value)
    tools = rights.tools if definition is None else rights.session_tools
    if tools is not None:
        yield "tools", ",".join(tool for tool in tools if not is_mcp(tool))
    if rights.session_tools is not None and (refused := refusals(rights.session_tools)):
        yield "settings", _written_text(request.folder / "settings.json", _settings_text(refused))
    if options.setting_sources is not None:
        yield "setting-sources", ",".join(options.setting_sources)


def _schema_text(schema: Mapping[str, Any]) -> str:
    encoded = msgspec.json.encode(schema)
    if len(encoded) > _MOST_SCHEMA_BYTES:
        message = (
            f"output_schema has {len(encoded):,} bytes; Claude Code takes at most {_MOST_SCHEMA_BYTES:,}"
        )
        hint = "say less in it, or have the agent write a file and return its path"
        raise AgentError("invalid_options", message, hint=hint, retryable=False)
    return encoded.decode()


def _settings_text(refused: tuple[str, ...]) -> str:
    encoded = msgspec.json.encode({"permissions": {"deny": refused}})
    if len(encoded) > _MOST_SETTINGS_BYTES:
        message = (
            "so many MCP tools are named one by one that Claude Code cannot be told to leave out the others"
        )
        raise AgentError("invalid_options", message, hint="name servers: mcp__NAME", retryable=False)
    return encoded.decode()


def _least(*limits: int | None) -> int | None:
    return min((limit for limit in limits if limit is not None), default=None)


def _agent(
    definition: AgentDefinition, options: ClaudeOptions, rights: Rights, *, is_structured: bool
) -> dict[str, Any]:
    """Return the definition as Claude Code takes it in JSON; what it only obeys as an option of the command is left out."""
    prompt = "\n\n".join(text for text in (definition.prompt, options.append_system_prompt) if text)
    agent: dict[str, Any] = {"description": definition.description or definition.name, "prompt": prompt}
    if rights.tools is not None:
        # Claude Code offers the tool for structured output to everybody but agents with a list.
        agent["tools"] = [*rights.tools, *([_STRUCTURED] if is_structured else [])]
    # A rule for some uses of a tool would take away the whole tool here; it is an option of the command instead.
    refused = [tool for tool in definition.disallowed_tools if "(" not in tool]
    if refused:
        agent["disallowedTools"] = refused
    if definition.mcp_servers:
        agent["mcpServers"] = [
            name if server is None else {name: server} for name, server in definition.mcp_servers.items()
        ]
    optional = {"skills": definition.skills, "hooks": definition.hooks, "memory": definition.memory}
    return agent | {name: value for name, value in optional.items() if value}


def _written(file: Path, value: Any) -> str:
    return _written_text(file, msgspec.json.encode(value).decode())


def _written_text(file: Path, text: str) -> str:
    """Write a file that only its owner can read; return its path."""
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8", errors="replace") as stream:
        stream.write(text)
    return str(file)

"""What other programs print, as they were seen to print it in runs against stand-ins for their services; ids and times are made up."""

from __future__ import annotations

from typing import Any

CODEX_SESSION = "0199a213-81c0-7800-8aa1-bbab2a035a53"
GEMINI_SESSION = "2b0b1a58-5b0c-4b3e-a3d4-6d2f6f1f0b1c"
OPENCODE_SESSION = "ses_0123456789abcdefghijABCDEF"


def _codex_usage(total: int) -> dict[str, Any]:
    usage = {
        "input_tokens": total - 5,
        "cached_input_tokens": 3,
        "cache_write_input_tokens": 0,
        "output_tokens": 5,
        "reasoning_output_tokens": 2,
    }
    return {"type": "turn.completed", "usage": usage}


def codex(*texts: str, total: int = 15, session: str = CODEX_SESSION) -> list[dict[str, Any]]:
    warning = {
        "id": "item_0",
        "type": "error",
        "message": "Model metadata for `m1` not found. Defaulting to fallback metadata.",
    }
    command = {
        "id": "item_1",
        "type": "command_execution",
        "command": "/bin/bash -lc 'echo hi'",
        "aggregated_output": "",
        "exit_code": None,
        "status": "in_progress",
    }
    return [
        {"type": "thread.started", "thread_id": session},
        {"type": "item.completed", "item": warning},
        {"type": "turn.started"},
        {"type": "item.started", "item": command},
        {"type": "item.completed", "item": {**command, "aggregated_output": "hi\n", "exit_code": 0, "status": "completed"}},
        *({"type": "item.completed", "item": {"id": "item_2", "type": "agent_message", "text": text}} for text in texts),
        _codex_usage(total),
    ]  # fmt: skip


def codex_failed(message: str) -> list[dict[str, Any]]:
    return [
        {"type": "thread.started", "thread_id": CODEX_SESSION},
        {"type": "turn.started"},
        {"type": "error", "message": f"Reconnecting... 1/1 ({message})"},
        {"type": "error", "message": message},
        {"type": "turn.failed", "error": {"message": message}},
    ]


def gemini(*texts: str, status: str = "success", error: dict[str, Any] | None = None) -> list[dict[str, Any]]:
    stats = {
        "total_tokens": 30,
        "input_tokens": 20,
        "output_tokens": 10,
        "cached": 0,
        "input": 20,
        "duration_ms": 727,
        "tool_calls": 1,
    }
    return [
        {"type": "init", "timestamp": "t", "session_id": GEMINI_SESSION, "model": "gemini-x"},
        {"type": "message", "timestamp": "t", "role": "user", "content": "say hi\n"},
        {"type": "message", "timestamp": "t", "role": "assistant", "content": "let me look", "delta": True},
        {"type": "tool_use", "timestamp": "t", "tool_name": "list_directory", "tool_id": "x_0", "parameters": {"dir_path": "."}},
        {"type": "tool_result", "timestamp": "t", "tool_id": "x_0", "status": "success"},
        *({"type": "message", "timestamp": "t", "role": "assistant", "content": text, "delta": True} for text in texts),
        {"type": "error", "timestamp": "t", "severity": "warning", "message": "loop detected"},
        {"type": "result", "timestamp": "t", "status": status, **({"error": error} if error else {}), "stats": stats},
    ]  # fmt: skip


def opencode(*texts: str, cost: float = 0.0021) -> list[dict[str, Any]]:
    part = {"id": "prt_1", "messageID": "msg_1", "sessionID": OPENCODE_SESSION}
    head = {"timestamp": 1, "sessionID": OPENCODE_SESSION}
    tokens = {"total": 15, "input": 10, "output": 5, "reasoning": 0, "cache": {"write": 0, "read": 0}}
    finish = {
        "type": "step_finish",
        **head,
        "part": {**part, "reason": "stop", "type": "step-finish", "tokens": tokens, "cost": cost},
    }
    return [
        {"type": "step_start", **head, "part": {**part, "snapshot": "47c4", "type": "step-start"}},
        {"type": "text", **head, "part": {**part, "type": "text", "text": "let me look"}},
        {"type": "tool_use", **head, "part": {**part, "type": "tool", "tool": "bash", "state": {"status": "completed"}}},
        finish,
        {"type": "step_start", **head, "part": {**part, "snapshot": "47c4", "type": "step-start"}},
        *({"type": "text", **head, "part": {**part, "type": "text", "text": text}} for text in texts),
        finish,
    ]  # fmt: skip


def opencode_failed(status: int, message: str) -> list[dict[str, Any]]:
    data = {"message": message, "statusCode": status, "isRetryable": False, "responseBody": "{}"}
    return [
        {
            "type": "error",
            "timestamp": 1,
            "sessionID": OPENCODE_SESSION,
            "error": {"name": "APIError", "data": data},
        }
    ]


AIDER_BEGINS = """Aider v0.86.2
Main model: openai/gpt-4o with diff edit format
Weak model: gpt-4o-mini
Git repo: .git with 0 files
Repo-map: using 4096 tokens, auto refresh

"""
_AIDER_RATE = """litellm.RateLimitError: RateLimitError: OpenAIException - Rate limit reached for
gpt-4o in organization org on tokens per min. Please try again in 20s.
The API provider has rate limited you. Try again later or check your quotas.
"""
_AIDER_DOWN = """litellm.InternalServerError: InternalServerError: OpenAIException - Connection
error.
The API provider's servers are down or overloaded.
"""
_AIDER_QUOTA = """litellm.RateLimitError: RateLimitError: OpenAIException - You exceeded your
current quota, please check your plan and billing details.
The API provider has rate limited you. Try again later or check your quotas.
"""
_AIDER_EDIT = """I create it.

hello.txt
```
<<<<<<< SEARCH
=======
hi there
>>>>>>> REPLACE
```

Tokens: 1.2k sent, 34 received. Cost: $0.0033 message, $0.0033 session.

hello.txt
Applied edit to hello.txt
Commit 270181b I create it.
"""
AIDER_FAILED = {
    "401": (
        "authentication",
        """litellm.AuthenticationError: AuthenticationError: OpenAIException - Incorrect
API key provided: sk-...x.
The API provider is not able to authenticate you. Check your API key.
""",
    ),
    "429": ("rate_limit", f"{_AIDER_RATE}Retrying in 32.0 seconds...\n{_AIDER_RATE}"),
    "no credit": ("billing", f"{_AIDER_QUOTA}Retrying in 32.0 seconds...\n{_AIDER_QUOTA}"),
    "404": (
        "model_not_found",
        """litellm.NotFoundError: OpenAIException - The model `gpt-9` does not exist or you
do not have access to it.
""",
    ),
    "too long": (
        "prompt_too_long",
        """Tokens: 1.9k sent, 0 received. Cost: $0.0048 message, $0.0048 session.


Model openai/gpt-4o has hit a token limit!
Token counts below are approximate.

Input tokens: ~1,919 of 128,000
Output tokens: ~0 of 16,384
Total tokens: ~1,919 of 128,000
https://aider.chat/docs/troubleshooting/token-limits.html
""",
    ),
    "403": ("invalid_request", "litellm.BadRequestError: OpenAIException - Country not supported\n"),
    "nobody there": ("connection", f"{_AIDER_DOWN}Retrying in 32.0 seconds...\n{_AIDER_DOWN}"),
    "500": (
        "server_error",
        "litellm.InternalServerError: InternalServerError: OpenAIException - The server had an error\n",
    ),
}
AIDER_DONE = {
    "an edit": _AIDER_EDIT,
    "after a limit": f"{_AIDER_RATE}Retrying in 0.2 seconds...\n{_AIDER_EDIT}",
    "after nobody was there": f"{_AIDER_DOWN}Retrying in 0.2 seconds...\n{_AIDER_DOWN}Retrying in 0.5 seconds...\n{_AIDER_EDIT}",
}
"""What aider 0.86.2 printed in front of a stand-in for its service."""

"""Lines as ``claude`` writes them, shortened to what is read of them."""

from __future__ import annotations

import json
from typing import Any

SESSION = "0f9f3a52-0f6c-4c4e-8a55-6f0d3d1f7a11"


def line(kind: str, subtype: str = "", **fields: Any) -> bytes:
    head = {"type": kind, **({"subtype": subtype} if subtype else {})}
    return json.dumps({**head, "session_id": SESSION, **fields}).encode()


def init(**fields: Any) -> bytes:
    return line("system", "init", model="claude-opus-5-5", permissionMode="acceptEdits", **fields)


def said(text: str, **fields: Any) -> bytes:
    usage = {"input_tokens": 100, "output_tokens": 1}
    content = [{"type": "text", "text": text}]
    return line("assistant", message={"id": f"msg_{text}", "content": content, "usage": usage}, **fields)


def used(name: str, **arguments: Any) -> bytes:
    content = [{"type": "tool_use", "id": "toolu_1", "name": name, "input": arguments}]
    return line("assistant", message={"id": f"msg_{name}", "content": content})


def result(text: str = "done", *, cost: float | None = 0.5, tokens: int = 120, **fields: Any) -> bytes:
    usage = {"input_tokens": tokens - 20, "output_tokens": 20}
    models = {"claude-opus-5-5": {"inputTokens": tokens - 20, "outputTokens": 20, "costUSD": cost}}
    given = {"is_error": False, "result": text, "total_cost_usd": cost, "usage": usage, "modelUsage": models}
    return line("result", **{"subtype": "success", **given, "permission_denials": [], **fields})


def failed(text: str = "API Error", *, status: int | None = None, **fields: Any) -> bytes:
    return result(
        text, cost=0.0, is_error=True, terminal_reason="api_error", api_error_status=status, **fields
    )


def background(*kinds: str) -> bytes:
    return line("system", "background_tasks_changed", tasks=[{"task_type": kind} for kind in kinds])


def retry(attempt: int, *, status: int, delay: float) -> bytes:
    return line("system", "api_retry", attempt=attempt, error_status=status, retry_delay_ms=delay * 1000)


def limit(status: str, resets_at: float | None = None) -> bytes:
    info = {"status": status, "resetsAt": resets_at, "rateLimitType": "five_hour"}
    return line("rate_limit_event", rate_limit_info=info)

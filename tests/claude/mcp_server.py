"""An MCP server on stdin and stdout: ``python mcp_server.py LOG NAME TOOL...``. Whatever is called is written to LOG, as ``NAME.TOOL``."""

from __future__ import annotations

import json
import sys
from typing import Any


def answer(request: dict[str, Any], log: str, name: str, tools: list[str]) -> dict[str, Any] | None:
    match request["method"]:
        case "initialize":
            return {
                "protocolVersion": request["params"]["protocolVersion"],
                "capabilities": {"tools": {}},
                "serverInfo": {"name": name, "version": "1"},
            }
        case "tools/list":
            schema = {"type": "object"}
            return {"tools": [{"name": tool, "description": tool, "inputSchema": schema} for tool in tools]}
        case "tools/call":
            called = f"{name}.{request['params']['name']}"
            with open(log, "a", encoding="utf-8") as file:
                file.write(f"{called}\n")
            return {"content": [{"type": "text", "text": f"called {called}"}]}
    return None


def main() -> None:
    log, name, *tools = sys.argv[1:]
    for line in sys.stdin:
        request = json.loads(line)
        if "id" not in request:
            continue
        result = answer(request, log, name, tools)
        said = {"error": {"code": -32601, "message": "unknown"}} if result is None else {"result": result}
        print(json.dumps({"jsonrpc": "2.0", "id": request["id"], **said}), flush=True)  # noqa: T201 - it is how it speaks


if __name__ == "__main__":
    main()

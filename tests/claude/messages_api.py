"""A stub of the Messages API, as far as the real ``claude`` uses it: answers over SSE, errors, delays, streams that break off.

``MessagesApi`` serves from threads, on any socket that listens. What it answers is scripted: ``when(marker, *steps)`` plays the
steps, one a request, for every session whose conversation holds the marker. It counts what is asked, and
knows how many requests are open at once.
"""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

NEVER = 3600.0
SESSION_HEADER = "X-Claude-Code-Session-Id"


@dataclass(frozen=True)
class Step:
    """One answer.

    Attributes:
        content: text blocks and tool calls, as the API has them.
        delay: seconds before it begins.
        status: an HTTP error instead.
        headers: of the error.
        breaks: the connection breaks in the middle of the answer.
    """

    content: tuple[dict[str, Any], ...] = ()
    delay: float = 0.0
    status: int = 200
    error: str = "api_error"
    headers: dict[str, str] = field(default_factory=dict)
    breaks: bool = False


def text(words: str, **options: Any) -> Step:
    return Step(({"type": "text", "text": words},), **options)


def tool(name: str, **arguments: Any) -> Step:
    return Step(({"type": "tool_use", "name": name, "input": arguments},))


def error(status: int, kind: str = "api_error", **headers: str) -> Step:
    return Step(
        status=status, error=kind, headers={name.replace("_", "-"): value for name, value in headers.items()}
    )


@dataclass
class Request:
    session: str
    body: dict[str, Any]

    @property
    def conversation(self) -> str:
        return json.dumps(self.body["messages"])

    @property
    def tools(self) -> list[str]:
        return [tool["name"] for tool in self.body.get("tools", [])]

    @property
    def system(self) -> str:
        return "\n".join(block["text"] for block in self.body.get("system", []))


class MessagesApi:
    """See the module. A context manager; ``url`` is where it serves."""

    def __init__(self, listening: socket.socket | None = None) -> None:
        self.requests: list[Request] = []
        self.open = self.most_open = 0
        self._scripts: list[tuple[str, tuple[Step, ...]]] = []
        self._played: dict[tuple[str, str], int] = {}
        self._lock = threading.Lock()
        self._gone = threading.Event()
        self._server = _Server(listening or socket.create_server(("127.0.0.1", 0)), _handler_of(self))
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True
        )

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._gone.set()
        self._server.shutdown()
        self._server.server_close()

    def when(self, marker: str, *steps: Step) -> None:
        """Play ``steps`` for each session that holds ``marker``; the last one again and again."""
        self._scripts.append((marker, steps))

    def of(self, marker: str) -> list[Request]:
        """Return the requests of the conversations that hold ``marker``."""
        return [request for request in self.requests if marker in request.conversation]

    def answer(self, request: Request) -> Step:
        with self._lock:
            self.requests.append(request)
            for marker, steps in reversed(self._scripts):  # what was said last counts
                if marker in request.conversation:
                    key = (marker, request.session)
                    number = self._played.get(key, 0)
                    self._played[key] = number + 1
                    return steps[min(number, len(steps) - 1)]
        return error(400, "invalid_request_error")

    def wait(self, seconds: float) -> None:
        self._gone.wait(seconds)

    def entered(self, by: int) -> None:
        with self._lock:
            self.open += by
            self.most_open = max(self.most_open, self.open)


def events_of(step: Step, model: str, number: int) -> Iterator[dict[str, Any]]:
    usage = {"input_tokens": 100, "output_tokens": 1}
    message = {"id": f"msg_{number}", "type": "message", "role": "assistant", "model": model, "content": []}
    yield {
        "type": "message_start",
        "message": {**message, "stop_reason": None, "stop_sequence": None, "usage": usage},
    }
    is_tool = False
    for index, block in enumerate(step.content):
        if block["type"] == "text":
            begin, delta = {"type": "text", "text": ""}, {"type": "text_delta", "text": block["text"]}
        else:
            is_tool = True
            begin = {"type": "tool_use", "id": f"toolu_{number}_{index}", "name": block["name"], "input": {}}
            delta = {"type": "input_json_delta", "partial_json": json.dumps(block["input"])}
        yield {"type": "content_block_start", "index": index, "content_block": begin}
        yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    reason = "tool_use" if is_tool else "end_turn"
    ending = {"stop_reason": reason, "stop_sequence": None}
    yield {"type": "message_delta", "delta": ending, "usage": {"output_tokens": 20}}
    yield {"type": "message_stop"}


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, listening: socket.socket, handler: type[BaseHTTPRequestHandler]) -> None:
        super().__init__(listening.getsockname(), handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listening


def _handler_of(api: MessagesApi) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            return

        def do_HEAD(self) -> None:
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["content-length"])))
            step = api.answer(Request(self.headers.get(SESSION_HEADER, ""), body))
            api.entered(1)
            try:
                api.wait(step.delay)
                if step.status == 200:
                    self._stream(step, body["model"])
                else:
                    self._refuse(step)
            except OSError:  # the program has gone
                self.close_connection = True
            finally:
                api.entered(-1)

        def _refuse(self, step: Step) -> None:
            said = json.dumps(
                {"type": "error", "error": {"type": step.error, "message": "the stub says no"}}
            ).encode()
            self.send_response(step.status)
            for name, value in step.headers.items():
                self.send_header(name, value)
            self.send_header("content-type", "application/json")
            self.send_header("content-length", str(len(said)))
            self.end_headers()
            self.wfile.write(said)

        def _stream(self, step: Step, model: str) -> None:
            self.close_connection = True
            self.send_response(200)
            self.send_header("content-type", "text/event-stream")
            self.send_header("connection", "close")
            self.end_headers()
            events = list(events_of(step, model, time.monotonic_ns()))
            for event in events[: 2 if step.breaks else None]:
                self.wfile.write(f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode())
                self.wfile.flush()

    return Handler

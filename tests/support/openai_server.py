"""A small server in OpenAI's shape on a real socket, whose answers a test writes; for what asks such servers."""

import contextlib
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


class Exchange(BaseHTTPRequestHandler):
    """One request, and the means to answer it in any way."""

    protocol_version = "HTTP/1.1"
    server: "OpenAIServer"

    def do_GET(self) -> None:  # http.server's name
        self.server.asked.append((self.path, dict(self.headers.items()), {}))
        if self.path == "/v1/models":
            self.whole(200, {"object": "list", "data": [*map(self.server.described, self.server.models)]})
        else:
            self.whole(404, {"error": {"message": "No such path."}})

    def do_POST(self) -> None:  # http.server's name
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        self.server.asked.append((self.path, dict(self.headers.items()), body))
        try:
            self.server.answer(self, body)
        except OSError:
            self.close_connection = True
            self.server.left.set()

    def whole(self, status: int, body: object, kind: str = "application/json") -> None:
        """Answer in one piece."""
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def begin(self, kind: str = "text/event-stream") -> None:
        """Begin to answer in chunks."""
        self.send_response(200)
        self.send_header("content-type", kind)
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()

    def chunk(self, data: bytes) -> None:
        """Send ``data`` in a chunk of its own; the empty one is the last."""
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        self.wfile.flush()

    def event(self, payload: object) -> None:
        """Send an event."""
        self.chunk(b"data: " + (payload if isinstance(payload, bytes) else json.dumps(payload).encode()) + b"\n\n")

    def say(self, text: str) -> None:
        """Send an event with a piece of the answer."""
        self.event({"choices": [{"index": 0, "delta": {"content": text}, "finish_reason": None}], "usage": None})

    def end(self, tokens: int | None = None) -> None:
        """End an answer as it should be."""
        self.event({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}], "usage": None})
        if tokens is not None:
            self.event({"choices": [], "usage": {"prompt_tokens": 3, "completion_tokens": tokens, "total_tokens": 9}})
        self.event(b"[DONE]")
        self.chunk(b"")

    def until_left(self, pause: float = 0.01) -> None:
        """Go on answering until nobody listens any more, or a test would be stuck."""
        until = time.monotonic() + 20
        while time.monotonic() < until:
            self.say("tick ")
            time.sleep(pause)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # http.server's name
        """Nothing."""


def answering(*pieces: str, tokens: int | None = None, pause: float = 0.0) -> Callable[[Exchange, Any], None]:
    """An answer in these pieces."""

    def answer(exchange: Exchange, _body: Any) -> None:
        exchange.begin()
        for piece in pieces:
            exchange.say(piece)
            time.sleep(pause)
        exchange.end(tokens)

    return answer


class OpenAIServer(ThreadingHTTPServer):
    """Answers chats with ``answer``; ``asked`` has all requests, ``left`` is set once a client went before the end."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Exchange)
        self.answer: Callable[[Exchange, Any], None] = answering("Hello", "!", tokens=2)
        self.models = ["tiny", "other", "vendor/*"]
        self.embedding: set[str] = set()
        self.asked: list[tuple[str, dict[str, str], Any]] = []
        self.left = threading.Event()

    def described(self, name: str) -> dict[str, object]:
        """A model as it is listed."""
        return {"id": name} | ({"operations": ["embeddings"]} if name in self.embedding else {})

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients may come and go as they please."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"

    @property
    def chats(self) -> list[Any]:
        """The bodies of all chats so far."""
        return [body for path, _, body in self.asked if path.endswith("/chat/completions")]


@contextlib.contextmanager
def openai_server() -> Iterator[OpenAIServer]:
    """One that lives as long as the context."""
    with OpenAIServer() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()

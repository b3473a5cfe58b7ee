"""A small API of OpenAI's shape behind the real page, which answers, stalls or fails as it is told."""

import asyncio
import contextlib
import socket
import threading
from collections.abc import AsyncIterator, Iterator, MutableMapping
from typing import Any

import msgspec
import uvicorn

from forebay.core.stream import DONE, event
from forebay.web.static import Pages, Receive, Scope, Send

REQUEST_ID = "req-0123"
# The first is what the page selects; each name says how a chat with it goes.
MODELS = (
    "words",
    "echo",
    "stalls",
    "bytewise",
    "no-usage",
    "fails-first",
    "breaks",
    "cut",
    "refuses",
    "html",
    "empty",
    "vendor/*",
)
FIGURES = (
    (b"x-forebay-model", b"words"),
    (b"x-forebay-deployment", b"local/words"),
    (b"x-forebay-attempts", b"2"),
    (b"x-cache", b"HIT"),
    (b"x-watermark", b"autumn"),
    (b"x-forebay-cost", b"0.00012"),
    (b"server-timing", b"gateway;dur=1.25, provider;dur=20.50"),
)
STORY = {
    "id": REQUEST_ID,
    "object": "request",
    "model": "words",
    "deployment": "local/words",
    "cost_dollars": "0.00012",
    "stages": [{"name": "guard", "seconds": 0.02}],
    "attempts": [
        {"model": "words", "deployment": "far/words", "reason": "first", "outcome": "timeout", "seconds": 0.5},
        {"model": "words", "deployment": "local/words", "reason": "next", "outcome": "ok", "seconds": 0.02},
    ],
    "cache": {"result": "hit"},
    "guards": [{"guard": "personal", "side": "input", "action": "mask", "outcome": "fixed", "kinds": ["EMAIL"]}],
    "watermark": "autumn",
}


def chunk(text: str) -> bytes:
    return event(msgspec.json.encode({"choices": [{"index": 0, "delta": {"content": text}}], "usage": None}))


def finish(reason: str) -> bytes:
    return event(msgspec.json.encode({"choices": [{"index": 0, "delta": {}, "finish_reason": reason}]}))


def usage(tokens: int) -> bytes:
    told = {"prompt_tokens": 12, "completion_tokens": tokens, "prompt_tokens_details": {"cached_tokens": 8}}
    return event(msgspec.json.encode({"choices": [], "usage": told}))


class FakeApi:
    """Serves the real page, and answers chats as the requested model's name says."""

    def __init__(self) -> None:
        self._pages = Pages()
        self.reset()

    def reset(self) -> None:
        """As new."""
        self.key: str | None = None
        self.models = list(MODELS)
        self.operations: dict[str, list[str]] = {}
        self.asked: list[dict[str, Any]] = []
        self.bodies: dict[str, dict[str, Any]] = {}
        self.answers: dict[str, object] = {f"/v1/requests/{REQUEST_ID}": STORY}
        self.pause = 0.01
        self.cancelled = threading.Event()

    def answer(self, model: str, asked: str) -> str:
        return asked if model == "echo" else f"You said: {asked}"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        if self._pages.find(path):
            await self._pages(scope, receive, send)
        elif path in self.answers:
            self.bodies[path] = msgspec.json.decode(await _body(receive) or b"{}")
            await self._whole(send, 200, self.answers[path])
        elif path == "/auth/session" or self._is_keyed(path) is None:
            await self._error(send, 404, f"There is no {path}.", "not_found")
        elif self.key and dict(scope["headers"]).get(b"authorization") != f"Bearer {self.key}".encode():
            await self._error(send, 401, "Incorrect API key provided.", "invalid_api_key")
        elif path == "/v1/models":
            told = {name: {"operations": found} for name, found in self.operations.items()}
            rows = [{"id": name} | told.get(name, {}) for name in self.models]
            await self._whole(send, 200, {"object": "list", "data": rows})
        else:
            await self._chat(receive, send)

    @staticmethod
    def _is_keyed(path: str) -> bool | None:
        return True if path in {"/v1/models", "/v1/chat/completions"} else None

    async def _chat(self, receive: Receive, send: Send) -> None:
        asked = msgspec.json.decode(await _body(receive))
        self.asked.append(asked)
        model = asked["model"]
        if model not in self.models and not model.startswith("vendor/"):
            await self._error(send, 404, f"There is no model '{model}'.", "model_not_found")
            return
        if model == "refuses" or (model == "fails-first" and len(self.asked) == 1):
            await self._error(send, 429, "Too many requests.", "rate_limit_exceeded")
            return
        content_type = b"text/html" if model == "html" else b"text/event-stream; charset=utf-8"
        await self._start(send, 200, content_type, FIGURES if model == "words" else ())
        gone = asyncio.ensure_future(receive())
        async for piece in self._stream(model, asked["messages"], gone):
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        gone.cancel()
        await send({"type": "http.response.body", "body": b""})

    async def _stream(
        self, model: str, messages: list[dict[str, str]], gone: asyncio.Future[MutableMapping[str, Any]]
    ) -> AsyncIterator[bytes]:
        said = self.answer(model, messages[-1]["content"])
        words = [word if not at else f" {word}" for at, word in enumerate(said.split(" "))]
        if model == "empty":
            yield usage(0) + DONE
        elif model == "bytewise":
            text = (chunk("Grüße, 水 🌊") + DONE).replace(b"\n", b"\r\n")
            for at in range(len(text)):
                yield text[at : at + 1]
        else:
            for word in words:
                yield chunk(word)
                await asyncio.sleep(self.pause)
            if model == "stalls":
                await gone
                self.cancelled.set()
            elif model == "breaks":
                yield event(b'{"error": {"message": "The upstream broke.", "code": "upstream_error"}}')
            elif model != "cut":
                yield finish("stop") + (b"" if model == "no-usage" else usage(len(words))) + DONE

    async def _error(self, send: Send, status: int, message: str, code: str) -> None:
        await self._whole(send, status, {"error": {"message": message, "type": "t", "param": None, "code": code}})

    async def _whole(self, send: Send, status: int, body: object) -> None:
        await self._start(send, status, b"application/json")
        await send({"type": "http.response.body", "body": msgspec.json.encode(body)})

    async def _start(
        self, send: Send, status: int, content_type: bytes, more: tuple[tuple[bytes, bytes], ...] = ()
    ) -> None:
        headers = [(b"content-type", content_type), (b"x-request-id", REQUEST_ID.encode()), *more]
        await send({"type": "http.response.start", "status": status, "headers": headers})


async def _body(receive: Receive) -> bytes:
    whole = bytearray()
    while True:
        message = await receive()
        whole += message.get("body", b"")
        if not message.get("more_body"):
            return bytes(whole)


@contextlib.contextmanager
def serving(api: FakeApi) -> Iterator[str]:
    """`api` on a free port of this machine, in a thread of its own."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(api, lifespan="off", ws="none", log_level="warning", timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join()

"""A browser, and a small API of OpenAI's shape behind the page that answers, stalls or fails as it is told."""

import asyncio
import contextlib
import shutil
import socket
import threading
from collections.abc import AsyncIterator, Iterator, MutableMapping
from typing import Any

import msgspec
import pytest
import uvicorn
from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

from forebay.core.stream import DONE, event
from forebay.web.static import Pages, Receive, Scope, Send

REQUEST_ID = "req-0123"
# The first is what the page selects; each name says how a chat with it goes.
MODELS = (
    "words",
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


def chunk(text: str) -> bytes:
    return event(msgspec.json.encode({"choices": [{"index": 0, "delta": {"content": text}}], "usage": None}))


def usage(tokens: int) -> bytes:
    return event(msgspec.json.encode({"choices": [], "usage": {"completion_tokens": tokens}}))


class FakeApi:
    """Serves the real page, and answers chats as the requested model's name says."""

    def __init__(self) -> None:
        self.key: str | None = None
        self.asked: list[dict[str, Any]] = []
        self.cancelled = threading.Event()
        self._pages = Pages()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        if self._pages.find(path):
            await self._pages(scope, receive, send)
        elif self.key and dict(scope["headers"]).get(b"authorization") != f"Bearer {self.key}".encode():
            await self._error(send, 401, "Incorrect API key provided.", "invalid_api_key")
        elif path == "/v1/models":
            data = [{"id": name, "object": "model"} for name in MODELS]
            await self._whole(send, 200, {"object": "list", "data": data})
        else:
            await self._chat(receive, send)

    async def _chat(self, receive: Receive, send: Send) -> None:
        asked = msgspec.json.decode((await receive())["body"])
        self.asked.append(asked)
        model = asked["model"]
        if model == "refuses" or (model == "fails-first" and len(self.asked) == 1):
            await self._error(send, 429, "Too many requests.", "rate_limit_exceeded")
            return
        content_type = b"text/html" if model == "html" else b"text/event-stream; charset=utf-8"
        await self._start(send, 200, content_type)
        gone = asyncio.ensure_future(receive())
        async for piece in self._stream(model, asked["messages"], gone):
            await send({"type": "http.response.body", "body": piece, "more_body": True})
        gone.cancel()
        await send({"type": "http.response.body", "body": b""})

    async def _stream(
        self, model: str, messages: list[dict[str, str]], gone: asyncio.Future[MutableMapping[str, Any]]
    ) -> AsyncIterator[bytes]:
        last = messages[-1]["content"]
        words = [f"You {word}" if not at else f" {word}" for at, word in enumerate(f"said: {last}".split(" "))]
        if model == "empty":
            yield usage(0) + DONE
        elif model == "bytewise":
            text = (chunk("Grüße, 水 🌊") + DONE).replace(b"\n", b"\r\n")
            for at in range(len(text)):
                yield text[at : at + 1]
        else:
            for word in words:
                yield chunk(word)
                await asyncio.sleep(0.01)
            if model == "stalls":
                await gone
                self.cancelled.set()
            elif model == "breaks":
                yield event(b'{"error": {"message": "The upstream broke.", "code": "upstream_error"}}')
            elif model != "cut":
                yield (b"" if model == "no-usage" else usage(len(words))) + DONE

    async def _error(self, send: Send, status: int, message: str, code: str) -> None:
        await self._whole(send, status, {"error": {"message": message, "type": "t", "param": None, "code": code}})

    async def _whole(self, send: Send, status: int, body: object) -> None:
        await self._start(send, status, b"application/json")
        await send({"type": "http.response.body", "body": msgspec.json.encode(body)})

    async def _start(self, send: Send, status: int, content_type: bytes) -> None:
        headers = [(b"content-type", content_type), (b"x-request-id", REQUEST_ID.encode())]
        await send({"type": "http.response.start", "status": status, "headers": headers})


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


@pytest.fixture
def api() -> FakeApi:
    return FakeApi()


@pytest.fixture
def api_url(api: FakeApi) -> Iterator[str]:
    with serving(api) as url:
        yield url


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Debian's Chromium. For one module only: while it runs, its event loop keeps asynchronous tests from theirs."""
    with sync_playwright() as playwright:
        # Chromium refuses its sandbox to root, and in containers without user namespaces.
        yield playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox"])


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    context = browser.new_context(viewport={"width": 1000, "height": 700}, reduced_motion="reduce")
    context.set_default_timeout(10_000)
    yield context
    context.close()


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    """A page that must load nothing from elsewhere, break no policy and raise nothing."""
    page = context.new_page()
    problems: list[str] = []
    wanted: list[str] = []
    page.on("pageerror", lambda error: problems.append(str(error)))
    page.on("console", lambda line: problems.append(line.text) if _is_problem(line.type, line.text) else None)
    page.on("request", lambda request: wanted.append(request.url))
    yield page
    elsewhere = [url for url in wanted if not url.startswith("http://127.0.0.1:")]
    assert not elsewhere
    assert not problems


def _is_problem(kind: str, text: str) -> bool:
    # The browser itself reports every refused request that way; the page shows it, which the tests look at.
    return kind in {"error", "warning"} and not text.startswith("Failed to load resource")

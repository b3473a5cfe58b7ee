"""A stand-in for a Hugging Face hub: what its client asks, answered over real sockets, with the faults a test wants.

It follows the hub's HTTP API: ``/api/models`` lists a commit's files with their hashes, ``/resolve`` gives a small file
itself and sends for a large one (Git LFS) to another host, which serves ranges.
"""

import hashlib
import json
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

COMMIT = "8d1f3a" + "0" * 34
LFS_FROM = 1000
"""Files of so many bytes or more lie with Git LFS."""


class Asked:
    """A request as it arrived."""

    def __init__(self, handler: BaseHTTPRequestHandler) -> None:
        self.path = unquote(urlsplit(handler.path).path)
        self.host = handler.headers["host"].partition(":")[0]
        self.range = handler.headers.get("range")
        self.token = handler.headers.get("authorization")
        self.agent = handler.headers.get("user-agent")


class Refusal:
    """A status, and what the hub says of it in headers."""

    def __init__(self, status: int, code: str = "", message: str = "") -> None:
        self.status = status
        self.headers = {"x-error-code": code, "x-error-message": message}


class Hub:
    """A hub with repositories: ``repositories["owner/name"]["path"]`` is a file.

    ``refuse`` may answer any request with a refusal; ``cuts`` are the bytes after which the next transfers break off;
    ``ranges`` tells whether parts of files are given; ``instead`` are files that are not what the listing says;
    ``stall`` makes transfers stop without ending.
    """

    def __init__(self) -> None:
        self.repositories: dict[str, Mapping[str, bytes]] = {}
        self.asked: list[Asked] = []
        self.refuse: Callable[[Asked], Refusal | None] = lambda _asked: None
        self.cuts: list[int] = []
        self.ranges = True
        self.hashes = True
        self.instead: dict[str, bytes] = {}
        self.stall: threading.Event | None = None
        self.url = ""
        self.port = 0

    def transfers(self) -> list[str | None]:
        """The ranges of all transfers of files."""
        return [asked.range for asked in self.asked if asked.path.startswith("/lfs/")]


class _Handler(BaseHTTPRequestHandler):
    hub: Hub

    def do_GET(self) -> None:
        asked = Asked(self)
        self.hub.asked.append(asked)
        if refusal := self.hub.refuse(asked):
            self._send(refusal.status, b'{"error": "refused"}', refusal.headers)
        elif asked.path.startswith("/api/models/"):
            self._list(asked.path.removeprefix("/api/models/"))
        elif asked.path.startswith("/lfs/"):
            self._transfer(*asked.path.removeprefix("/lfs/").split("/", 2))
        else:
            repository, _, rest = asked.path[1:].partition("/resolve/")
            self._resolve(repository, rest.partition("/")[2])

    def _list(self, path: str) -> None:
        repository, _, revision = path.partition("/revision/")
        files = self.hub.repositories.get(repository)
        if files is None:
            self._send(404, b"", {"x-error-code": "RepoNotFound"})
        elif revision not in {"", "main", "v1", COMMIT}:
            self._send(404, b"", {"x-error-code": "RevisionNotFound"})
        else:
            siblings = [self._described(name, content) for name, content in files.items()]
            body = {"id": repository, "sha": COMMIT, "siblings": siblings}
            self._send(200, json.dumps(body).encode(), {"content-type": "application/json"})

    def _described(self, name: str, content: bytes) -> dict[str, object]:
        if not self.hub.hashes:
            return {"rfilename": name}
        blob = hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()
        described: dict[str, object] = {"rfilename": name, "size": len(content), "blobId": blob}
        if len(content) >= LFS_FROM:
            sha256 = hashlib.sha256(content).hexdigest()
            described["lfs"] = {"sha256": sha256, "size": len(content), "pointerSize": 134}
        return described

    def _resolve(self, repository: str, name: str) -> None:
        content = self.hub.repositories.get(repository, {}).get(name)
        if content is None:
            self._send(404, b"", {"x-error-code": "EntryNotFound"})
        elif len(content) >= LFS_FROM:
            self._send(302, b"", {"location": f"http://localhost:{self.hub.port}/lfs/{repository}/{name}"})
        else:
            self._send(200, self.hub.instead.get(name, content), {})

    def _transfer(self, owner: str, repository: str, name: str) -> None:
        content = self.hub.instead.get(name) or self.hub.repositories[f"{owner}/{repository}"][name]
        start = int((self.headers.get("range") or "bytes=0-")[6:-1])
        if start and self.hub.ranges:
            there = {"content-range": f"bytes {start}-{len(content) - 1}/{len(content)}"}
            self._send(206 if start < len(content) else 416, content[start:], there)
        else:
            self._send(200, content, {})

    def _send(self, status: int, body: bytes, headers: Mapping[str, str]) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        self.send_header("connection", "close")
        self.end_headers()
        is_file = status in {200, 206} and "content-type" not in headers
        cut = self.hub.cuts.pop(0) if is_file and self.hub.cuts else len(body)
        self.wfile.write(body[:cut])
        self.wfile.flush()
        if is_file and self.hub.stall:
            self.hub.stall.wait(30)
        self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class _Server(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """A client that goes away is no error."""


@contextmanager
def hub(repositories: Mapping[str, Mapping[str, bytes]] | None = None) -> Iterator[Hub]:
    """A hub on a free port, as long as the context."""
    found = Hub()
    found.repositories.update(repositories or {})
    with _Server(("127.0.0.1", 0), type("Handler", (_Handler,), {"hub": found})) as server:
        found.port = server.server_address[1]
        found.url = f"http://127.0.0.1:{found.port}"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield found
        finally:
            with suppress(AttributeError):
                found.stall.set()  # type: ignore[union-attr]
            server.shutdown()
            thread.join()

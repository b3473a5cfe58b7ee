"""The other end: an OpenAI-compatible server, asked with nothing but the standard library."""

import http.client
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

import msgspec

from forebay import __version__
from forebay.cli.chat.answer import Answer
from forebay.cli.chat.failures import ChatError, refusal, told

CONNECT_SECONDS: Final = 10.0
READ_SECONDS: Final = 600.0
MAX_BODY: Final = 16 * 1024 * 1024
WILDCARD: Final = "/*"
CHAT: Final = "chat/completions"


class _Model(msgspec.Struct):
    id: str
    operations: Sequence[str] = (CHAT,)  # not every server tells


class _Models(msgspec.Struct):
    data: Sequence[_Model]


class Client:
    """Asks the server at ``url``, which is what stands before ``/chat/completions``, as whoever holds ``key``."""

    def __init__(self, url: str, key: str | None = None) -> None:
        try:
            parts = urlsplit(url)
            host, port = parts.hostname, parts.port
        except ValueError:
            parts, host, port = urlsplit(""), None, None
        path = parts.path.rstrip("/") or "/v1"
        if not host or parts.scheme not in {"http", "https"} or not (path.isascii() and path.isprintable()):
            raise ChatError(f"'{url}' is no server's URL, such as http://127.0.0.1:8080/v1")
        if key and not (key.isascii() and key.isprintable()):
            raise ChatError("The key has characters that no key can have.")
        self.url = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        self._secure = parts.scheme == "https"
        self._host, self._port = host, port
        self._path = path
        self._headers = {"user-agent": f"forebay/{__version__}"} | ({"authorization": f"Bearer {key}"} if key else {})

    def models(self) -> list[str]:
        """The names of the server's models that can chat, but not its wildcards."""
        connection = self.connection()
        try:
            self.connect(connection)
            response = self.ask(connection, "GET", "/models")
            with told(self.url):
                listed = msgspec.json.decode(response.read(MAX_BODY), type=_Models)
        except msgspec.DecodeError:
            raise ChatError(f"What answers at {self.url}{self._path} is no OpenAI-compatible server.") from None
        finally:
            connection.close()
        return [model.id for model in listed.data if CHAT in model.operations and not model.id.endswith(WILDCARD)]

    def default_model(self) -> str:
        """The first of them."""
        names = self.models()
        if not names:
            raise ChatError(f"The server at {self.url} lists no model that can chat; choose one with --model.")
        return names[0]

    def answer(self, body: bytes) -> Answer:
        """The completion of a chat, on its way."""
        return Answer(self, body)

    def connection(self) -> http.client.HTTPConnection:
        """A connection that is not open yet."""
        if self._secure:
            return http.client.HTTPSConnection(self._host, self._port, timeout=CONNECT_SECONDS)
        return http.client.HTTPConnection(self._host, self._port, timeout=CONNECT_SECONDS)

    def connect(self, connection: http.client.HTTPConnection) -> None:
        """Open ``connection``.

        Raises:
            ChatError: it cannot be opened.
        """
        with told(self.url):
            connection.connect()
            connection.sock.settimeout(READ_SECONDS)

    def ask(
        self, connection: http.client.HTTPConnection, method: str, path: str, body: bytes | None = None
    ) -> http.client.HTTPResponse:
        """The head of a successful response; its body is still to be read.

        Raises:
            ChatError: it is no success, or never came.
        """
        with told(self.url):
            headers = self._headers | ({"content-type": "application/json"} if body else {})
            connection.request(method, self._path + path, body, headers)
            response = connection.getresponse()
            if response.status != http.client.OK:
                raise refusal(response)
            return response

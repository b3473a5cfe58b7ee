"""The server that is asked."""

import os
import time
from typing import Any, Final

import msgspec

from forebay.cli.replay.exchange import OK, PATHS, Exchange, Outcome, objections, text_of
from forebay.cli.replay.failures import ReplayError
from forebay.core.types import TimeOuts
from forebay.providers.transport import Client, Response, TransportError, UnsendableError

MOST_BYTES: Final = 64 * 1024 * 1024
PATIENCE: Final = TimeOuts(10.0, 600.0, 600.0, 900.0)


class Target:
    """The server at ``url``, which is what stands before ``/v1``, asked as whoever holds ``key``."""

    def __init__(self, url: str, key: str | None) -> None:
        self.url = url.rstrip("/").removesuffix("/v1")
        headers = {"content-type": "application/json", "x-forebay-capture": "off"}
        if key:
            headers["authorization"] = f"Bearer {key}"
        try:
            self._client = Client(f"{self.url}/v1", headers=headers, environ=os.environ)
        except UnsendableError as error:
            raise ReplayError(str(error)) from None

    async def ask(self, exchange: Exchange, model: str | None) -> Outcome:
        """What becomes of a request now; a failure is an outcome too."""
        body = {**exchange.body, "stream": False}
        body.pop("stream_options", None)
        if model:
            body["model"] = model
        began = time.perf_counter()
        try:
            response = await self._post(PATHS[exchange.operation], body)
            data = await response.read(MOST_BYTES)
        except TransportError as error:
            return Outcome(0, time.perf_counter() - began, error=str(error) or type(error).__name__)
        latency = time.perf_counter() - began
        reply = _object(data)
        verdicts = await self._verdicts(response)
        if response.status != OK:
            return Outcome(response.status, latency, error=_code(reply, response.status), verdicts=verdicts)
        usage = reply.get("usage") or {}
        return Outcome(
            response.status,
            latency,
            text_of(reply),
            "",
            _dollars(response),
            int(usage.get("completion_tokens") or 0),
            verdicts,
        )

    async def vectors(self, model: str, texts: list[str]) -> list[list[float]] | None:
        """The embeddings of ``texts``; ``None`` where the server has no such model."""
        try:
            response = await self._post("/embeddings", {"model": model, "input": texts})
            data = _object(await response.read(MOST_BYTES))
            return [each["embedding"] for each in data["data"]] if response.status == OK else None
        except (TransportError, KeyError, TypeError):
            return None

    async def read(self, path: str) -> dict[str, Any]:
        """What is at ``path``.

        Raises:
            ReplayError: it cannot be had.
        """
        try:
            response = await self._client.send(b"GET", path.encode(), timeouts=PATIENCE)
            found = _object(await response.read(MOST_BYTES))
        except TransportError as error:
            raise ReplayError(f"{self.url} cannot be asked: {error}") from None
        if response.status != OK:
            said = (found.get("error") or {}).get("message", "")
            raise ReplayError(f"{self.url} answered with status {response.status}: {said}")
        return found

    async def close(self) -> None:
        """Close all connections."""
        await self._client.aclose()

    async def _post(self, path: str, body: dict[str, Any]) -> Response:
        return await self._client.send(b"POST", path.encode(), msgspec.json.encode(body), timeouts=PATIENCE)

    async def _verdicts(self, response: Response) -> tuple[str, ...] | None:
        """What guards said of the request, if the server is a Forebay that tells."""
        request_id = (response.header(b"x-request-id") or b"").decode("latin-1")
        if not request_id.startswith("req_"):
            return None
        try:
            return objections(await self.read(f"/requests/{request_id}"))
        except (ReplayError, KeyError, TypeError):
            return None


def _object(data: bytes) -> dict[str, Any]:
    try:
        found = msgspec.json.decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return {}
    return found if isinstance(found, dict) else {}


def _code(reply: dict[str, Any], status: int) -> str:
    """What an error is called, in OpenAI's form or another."""
    told = reply.get("error")
    found = told.get("code") or told.get("type") if isinstance(told, dict) else None
    return str(found or f"status {status}")


def _dollars(response: Response) -> float | None:
    try:
        return float(response.header(b"x-forebay-cost") or b"")
    except ValueError:
        return None

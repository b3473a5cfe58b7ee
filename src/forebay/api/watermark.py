"""``POST /v1/watermark/detect``: how likely a text without the mark looks like this one."""

import asyncio
from collections.abc import Callable
from typing import Annotated, Any, Final, Protocol

import msgspec
from msgspec import Meta

from forebay.api.http import JSON, Receive, Scope, Send, header, require_json, send_body
from forebay.api.tokenize import reader_of
from forebay.core.decode import decode
from forebay.core.marks import SchemeName, Tokens
from forebay.core.ports import Authenticator
from forebay.gateway.route import Route

PATH: Final = "/v1/watermark/detect"
NOTE: Final = (
    "p is the chance that a text which was not generated with one of these keys looks as marked as this one. It is no "
    "proof of who wrote the text; a text without a mark may be a machine's, and one with a mark may have been edited."
)


class DetectBody(msgspec.Struct, frozen=True):
    """Whether ``text`` carries a mark, in the tokens of ``model``; a false ``mask`` leaves the tokens out."""

    text: str
    model: Annotated[str, Meta(min_length=1)]
    keys: Annotated[tuple[str, ...], Meta(min_length=1, max_length=64)] | None = None
    schemes: Annotated[tuple[SchemeName, ...], Meta(min_length=1, max_length=5)] | None = None
    significance: Annotated[float, Meta(gt=0, lt=1)] | None = None
    mask: bool = True


class Examine(Protocol):
    """Examines the tokens of a model at a provider, and answers with what JSON can say."""

    def __call__(self, tokens: Tokens, provider: str, body: DetectBody, /) -> dict[str, Any]:
        """It takes a while and must not run on the event loop.

        Raises:
            ForebayError: it cannot be asked so.
        """
        ...


class Detect:
    """The endpoint; ``readable`` refuses what is no text, and one text at a time is examined."""

    def __init__(
        self, route: Route, authenticator: Authenticator, readable: Callable[[str], str], examine: Examine
    ) -> None:
        self._route = route
        self._authenticator = authenticator
        self._readable = readable
        self._examine = examine
        self._turn = asyncio.Semaphore(1)

    async def __call__(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        """Examine one text."""
        principal = await self._authenticator.authenticate(header(scope, b"authorization"))
        require_json(header(scope, b"content-type"))
        body = decode((await receive())["body"], DetectBody)
        deployment, provider = reader_of(self._route, body.model, principal)
        text = await asyncio.to_thread(self._readable, body.text)
        async with self._turn:
            tokens = await provider.tokens(deployment, text)
            found = await asyncio.to_thread(self._examine, tokens, deployment.provider, body)
        told = {"object": "watermark.detection", "model": body.model, **found, "note": NOTE}
        if body.mask:
            told["tokens"] = tokens.texts
        headers = [JSON, (b"x-request-id", request_id.encode())]
        await send_body(send, 200, headers, await asyncio.to_thread(msgspec.json.encode, told))

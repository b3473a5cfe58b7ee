"""``POST /tokenize``: what a model reads in a text, asked and answered in the words of vLLM's server."""

from typing import Annotated, Any, Final

import msgspec
from msgspec import Meta

from forebay.api.http import Receive, Scope, Send, header, require_json, send_json
from forebay.core.decode import decode
from forebay.core.errors import InvalidRequestError
from forebay.core.marking import Tokenizing
from forebay.core.ports import Authenticator
from forebay.core.types import Deployment, Principal
from forebay.gateway.route import Route

PATH: Final = "/tokenize"


class TokenizeBody(msgspec.Struct, frozen=True):
    """The text, and the model that is to read it; no special tokens are added to it."""

    model: Annotated[str, Meta(min_length=1)]
    prompt: str
    return_token_strs: bool = False


class Tokenize:
    """The endpoint. Beside vLLM's fields the answer has ``vocab_size``: how many tokens the model knows."""

    def __init__(self, route: Route, authenticator: Authenticator) -> None:
        self._route = route
        self._authenticator = authenticator

    async def __call__(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        """Tell the tokens of one text."""
        principal = await self._authenticator.authenticate(header(scope, b"authorization"))
        require_json(header(scope, b"content-type"))
        body = decode((await receive())["body"], TokenizeBody)
        deployment, provider = reader_of(self._route, body.model, principal)
        tokens = await provider.tokens(deployment, body.prompt)
        told: dict[str, Any] = {"count": len(tokens.ids), "tokens": tokens.ids, "vocab_size": tokens.vocabulary}
        if body.return_token_strs:
            told["token_strs"] = tokens.texts
        await send_json(send, request_id, told)


def reader_of(route: Route, model: str, principal: Principal) -> tuple[Deployment, Tokenizing]:
    """A deployment of ``model`` whose tokenizer can be asked.

    Raises:
        ForebayError: there is no such model for ``principal``, or no tokenizer of it.
    """
    for target in route.find(model, principal):
        if isinstance(target.provider, Tokenizing):
            return target.deployment, target.provider
    raise InvalidRequestError(
        f"The tokenizer of '{model}' is not here: name a model of the embedded engine.", param="model"
    )

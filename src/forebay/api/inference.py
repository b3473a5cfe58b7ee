"""The endpoints that ask a model: body in, pipeline, reply out, whole or as server-sent events."""

import time

from forebay.api.exchange import form_of, headers_of, send_reply
from forebay.api.http import Receive, Scope, Send, refuse_other_origins, require_json
from forebay.api.multipart import is_form
from forebay.api.requests import FormReader, Reader
from forebay.core.ports import Authenticator, Handler
from forebay.core.types import Call, Trace


class Inference:
    """One inference endpoint: ``read`` turns its bodies into requests, ``ask`` is the pipeline.

    ``read_form`` does so for forms, where it takes any.
    """

    def __init__(
        self, read: Reader, authenticator: Authenticator, ask: Handler, read_form: FormReader | None = None
    ) -> None:
        self._read = read
        self._read_form = read_form
        self._authenticator = authenticator
        self._ask = ask

    async def __call__(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        """Answer one request; raises what is to be told as an error while nothing has been sent."""
        trace = Trace(accepted=time.perf_counter())
        authorization, content_type, session, cache_control = headers_of(scope)
        principal = await self._authenticator.authenticate(authorization)
        if self._read_form is not None and is_form(content_type):
            refuse_other_origins(scope, authorization)
            request = self._read_form(await form_of(content_type, (await receive())["body"]))
        else:
            require_json(content_type)
            request = self._read((await receive())["body"])
        call = Call(request_id, request, principal, trace, session, cache_control)
        await send_reply(send, call, await self._ask(call))

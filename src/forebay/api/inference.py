"""The endpoints that ask a model: body in, pipeline, reply out, whole or as server-sent events."""

import time

from forebay.api.exchange import call_of, form_of, head_of, send_reply
from forebay.api.http import Receive, Scope, Send, refuse_other_origins, require_json
from forebay.api.multipart import is_form
from forebay.api.refusals import NOBODY, Refused, unmetered, unread
from forebay.api.requests import FormReader, Reader
from forebay.core.errors import ForebayError
from forebay.core.ports import Authenticator, Handler
from forebay.core.prompts import Expand, as_it_is
from forebay.core.types import Operation, Trace


class Inference:
    """One inference endpoint: ``read`` turns its bodies into requests, ``ask`` is the pipeline.

    ``read_form`` does so for forms, where it takes any. ``refused`` is told of calls that do not come so far.
    ``expand`` puts prompts into bodies, where there are any.
    """

    def __init__(  # noqa: PLR0913, PLR0917  # the last three are there only where they are wanted
        self,
        operation: Operation,
        read: Reader,
        authenticator: Authenticator,
        ask: Handler,
        read_form: FormReader | None = None,
        refused: Refused = unmetered,
        expand: Expand = as_it_is,
    ) -> None:
        self._operation = operation
        self._read = read
        self._read_form = read_form
        self._authenticator = authenticator
        self._ask = ask
        self._refused = refused
        self._expand = expand

    async def __call__(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        """Answer one request; raises what is to be told as an error while nothing has been sent."""
        trace = Trace(accepted=time.perf_counter())
        head = head_of(scope)
        principal = NOBODY
        try:
            principal = await self._authenticator.authenticate(head.authorization)
            if self._read_form is not None and is_form(head.content_type):
                refuse_other_origins(scope, head.authorization)
                request = self._read_form(await form_of(head.content_type, (await receive())["body"]))
            else:
                require_json(head.content_type)
                body, trace.prompt = self._expand((await receive())["body"], principal)
                request = self._read(body)
        except ForebayError as error:
            self._refused(unread(request_id, self._operation, principal, trace), error)
            raise
        call = call_of(request_id, request, principal, trace, head)
        await send_reply(send, call, await self._ask(call))

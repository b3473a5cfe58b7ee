"""``POST /v1/responses`` where there is a store: what was said before is asked again, and what is said is kept.

body ─► history (store) ─► a whole request ─► pipeline ─► reply ─► kept ─► its end
"""

import asyncio
import functools
import time

import msgspec

from forebay.api.chat.answer import Answer
from forebay.api.conversations.history import asked
from forebay.api.conversations.keeper import Keeper
from forebay.api.conversations.session import Session
from forebay.api.conversations.titles import Titling, prompt
from forebay.api.exchange import call_of, head_of, reply_headers, send_stream
from forebay.api.http import JSON, Receive, Scope, Send, require_json, send_body
from forebay.api.refusals import NOBODY, Refused, unread
from forebay.api.responses.events import ResponseEvents
from forebay.api.responses.request import chat_of
from forebay.api.responses.response import NOWHERE, Place, Replies, Response, response_id
from forebay.api.responses.shapes import Item, ResponseParams
from forebay.api.rewritten import Ends, Rewritten
from forebay.api.translated import bearer_of
from forebay.core.cachecontrol import afresh
from forebay.core.conversations import Owner
from forebay.core.decode import decode
from forebay.core.errors import ForebayError, InvalidRequestError, PayloadTooLargeError, UnavailableError
from forebay.core.ports import Authenticator, Handler
from forebay.core.prompts import Expand
from forebay.core.types import Call, Operation, Principal, Stream, Trace, Whole


class Respond:
    """The endpoint of one generation; the ``keeper`` is the process's.

    ``refused`` is told of calls that do not come into the pipeline, ``expand`` puts prompts into bodies.
    """

    def __init__(
        self, keeper: Keeper, authenticator: Authenticator, ask: Handler, refused: Refused, expand: Expand
    ) -> None:
        self._expand = expand
        self._refused = refused
        self._keeper = keeper
        self._authenticator = authenticator
        self._ask = ask

    async def __call__(self, scope: Scope, receive: Receive, send: Send, request_id: str) -> None:
        """Answer one request; raises what is to be told as an error while nothing has been sent."""
        trace = Trace(accepted=time.perf_counter())
        head = head_of(scope)
        principal, session = NOBODY, None
        try:
            principal = await self._authenticator.authenticate(head.authorization or bearer_of(scope))
            require_json(head.content_type)
            body, trace.prompt = self._expand((await receive())["body"], principal)
            params = decode(body, ResponseParams)
            _require_consistent(params)
            session = await self._begin(principal, params, request_id)
            request = chat_of(await self._whole(principal, params, session))
        except ForebayError as error:
            self._refused(unread(request_id, Operation.CHAT, principal, trace), error)
            await self._forget(session)
            raise
        if session is not None and session.again:  # whoever asks again has seen what the cache would answer
            head = msgspec.structs.replace(head, cache_control=afresh(head.cache_control))
        call = call_of(request_id, request, principal, trace, head)
        try:
            reply = await self._ask(call)
            answer = Exchange(self._keeper, session, params, call, Titling(self._ask, self._keeper.store.conversations))
            if isinstance(reply, Stream):
                events = answer.events(reply)
            else:
                told = await answer.body(reply)
        except asyncio.CancelledError:
            if session is not None:
                self._keeper.abandon(session)
            raise
        except Exception:
            await self._forget(session)
            raise
        headers = reply_headers(call, reply)
        if isinstance(reply, Stream):
            await send_stream(send, events, headers, events.broken, call.id)
        else:
            await send_body(send, 200, [JSON, *headers], told)

    async def _forget(self, session: Session | None) -> None:
        """There was no answer."""
        if session is not None:
            self._keeper.ended(session)
            await session.withdraw()

    async def _begin(self, principal: Principal, params: ResponseParams, request_id: str) -> Session | None:
        """What keeps the response, if anything does; a client that has not asked for it does without, if it must."""
        if params.store is False:
            return None
        try:
            return await self._keeper.begin(Owner.of(principal), params, response_id(request_id))
        except (UnavailableError, PayloadTooLargeError):
            if params.store or params.conversation or params.previous_response_id:
                raise
            return None

    async def _whole(self, principal: Principal, params: ResponseParams, session: Session | None) -> ResponseParams:
        """The request with everything that was said before."""
        owner = Owner.of(principal)
        if session is not None:
            items = asked(session.history)
        elif params.previous_response_id:
            before = await self._keeper.store.responses.history(owner, params.previous_response_id)
            said = await self._keeper.sent(owner, params)
            items = [*asked(before), *([Item(role="user", content=said)] if isinstance(said, str) else said)]
        else:
            return params
        return msgspec.structs.replace(params, input=items, previous_response_id=None, conversation=None)


class Exchange:
    """One answer on its way to the client and into the store; without a ``session`` it is only told."""

    def __init__(
        self, keeper: Keeper, session: Session | None, params: ResponseParams, call: Call, titling: Titling
    ) -> None:
        self._keeper = keeper
        self._session = session
        self._params = params
        self._call = call
        self._titling = titling
        self._place = NOWHERE
        if session is not None:
            listed = session.conversation.listed
            self._place = Place(stored=True, conversation=session.conversation.id if listed else "")

    async def body(self, reply: Whole) -> bytes:
        """A whole answer; it has been kept.

        Raises:
            UnavailableError: it could not be, and its client wanted that.
        """
        replies = Replies(self._params, self._call, self._place)
        answer = Answer.of(replies.answer_id, reply.body)
        response = replies.ended(answer)
        if self._session is not None:
            await self._session.end(response, replies.kept(answer), replies.facts(answer))
            self._kept(self._session, response)
        return msgspec.json.encode(response)

    def events(self, reply: Stream) -> Rewritten:
        """An answer as it comes; its last event leaves when all of it has been kept."""
        writer = ResponseEvents(self._params, self._call, self._place)
        if self._session is not None:
            self._session.draft = writer
        return Rewritten(reply.events, writer, Ends(functools.partial(self._end, writer), self._cut, self._leave))

    async def _end(self, writer: ResponseEvents) -> None:
        if self._session is not None and writer.response is not None:
            await self._session.end(writer.response, writer.kept(), writer.facts())
            self._kept(self._session, writer.response)

    async def _cut(self) -> None:
        if self._session is not None:
            self._keeper.ended(self._session)
            await self._session.cut()

    def _leave(self) -> None:
        if self._session is not None:
            self._keeper.abandon(self._session)

    def _kept(self, session: Session, response: Response) -> None:
        self._keeper.ended(session)
        before = session.history
        first = not any(item.output for item in before)
        if self._keeper.settings.titles == "model" and session.conversation.titled == "words" and first:
            question = next((item.text for item in before if item.role == "user"), "")
            said = prompt(question, _text(response))
            call = self._call
            title = self._titling(call.principal, call.request.model, call.id, session.conversation.id, said)
            self._keeper.later(title)


def _require_consistent(params: ResponseParams) -> None:
    if params.conversation and params.previous_response_id:
        raise InvalidRequestError(
            "'previous_response_id' and 'conversation' exclude each other: send one of them.",
            param="previous_response_id",
        )
    if params.conversation and params.store is False:
        raise InvalidRequestError(
            "What is said in a conversation is kept: leave out 'store', or 'conversation'.", param="store"
        )


def _text(response: Response) -> str:
    parts = (part for item in response.output if item["type"] == "message" for part in item["content"])
    return "\n".join(part.get("text", "") for part in parts)

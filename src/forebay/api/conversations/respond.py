"""``POST /v1/responses`` where there is a store: what was said before is asked again, and what is said is kept.

body ─► history (store) ─► a whole request ─► pipeline ─► reply ─► kept ─► its end
"""

import asyncio
import logging
import time
from typing import Self

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
from forebay.api.translated import bearer_of
from forebay.core.conversations import Owner
from forebay.core.decode import decode
from forebay.core.errors import ForebayError, InvalidRequestError, PayloadTooLargeError, UnavailableError
from forebay.core.ports import Authenticator, Handler
from forebay.core.prompts import Expand
from forebay.core.types import Call, Event, Events, Operation, Principal, Stream, Trace, Whole

logger = logging.getLogger("forebay.api")


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

    def events(self, reply: Stream) -> "Kept":
        """An answer as it comes."""
        writer = ResponseEvents(self._params, self._call, self._place)
        if self._session is not None:
            self._session.draft = writer
        return Kept(reply.events, writer, self)

    async def end(self, writer: ResponseEvents) -> None:
        """The last event has been written: keep the whole before it leaves."""
        if self._session is not None and writer.response is not None:
            await self._session.end(writer.response, writer.kept(), writer.facts())
            self._kept(self._session, writer.response)

    async def cut(self) -> None:
        """The answer broke: keep what there is."""
        if self._session is not None:
            self._keeper.ended(self._session)
            await self._session.cut()

    def leave(self) -> None:
        """Whoever waited for it is gone, or has it all."""
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


class Kept:
    """The events of a response, the last of which leaves when all of it has been kept."""

    __slots__ = ("_ended", "_events", "_exchange", "_writer")

    def __init__(self, events: Events, writer: ResponseEvents, exchange: Exchange) -> None:
        self._events = events
        self._writer = writer
        self._exchange = exchange
        self._ended = False

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        """The next events.

        Raises:
            StopAsyncIteration: the answer is whole.
            ForebayError: it broke, or cannot be kept.
        """
        while not self._ended:
            try:
                event = await self._events.__anext__()
                data = self._writer.feed(event.data)
            except StopAsyncIteration:
                self._ended = True
                return await self._last()
            except ForebayError:
                self._ended = True
                await self._exchange.cut()
                raise
            if data:
                return Event(data, event.content)
        raise StopAsyncIteration

    def broken(self, error: ForebayError) -> bytes:
        """The event after which nothing comes."""
        return self._writer.broken(error)

    async def aclose(self) -> None:
        """Stop the work behind the reply, and keep what there is of it."""
        try:
            await self._events.aclose()
        finally:
            self._exchange.leave()

    async def _last(self) -> Event:
        try:
            data = self._writer.end()
        except ForebayError:
            await self._exchange.cut()
            raise
        await self._exchange.end(self._writer)
        return Event(data, content=False)


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

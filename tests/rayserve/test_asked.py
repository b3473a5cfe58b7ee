"""An answer as it crosses from an engine replica to a gateway."""

import asyncio
from contextlib import aclosing

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay.api.http import Message, Receive, Scope, Send, send_body
from forebay.core.errors import ServerError
from forebay.rayserve.asked import Asked, Head, answered, asked

REQUEST = Asked("POST", "/v1/chat/completions", b"a=1", [(b"content-type", b"application/json")], b'{"model": "m"}')


async def test_application_sees_the_request_as_it_was() -> None:
    seen: list[Scope | Message] = []

    async def application(scope: Scope, receive: Receive, send: Send) -> None:
        seen.extend((scope, await receive()))
        await send_body(send, 201, [(b"x-y", b"z")], b"hello")

    found = [each async for each in answered(application, REQUEST)]
    assert found == [Head(201, [(b"x-y", b"z"), (b"content-length", b"5")]), b"hello"]
    scope, message = seen
    assert (scope["method"], scope["path"], scope["query_string"]) == ("POST", "/v1/chat/completions", b"a=1")
    assert (b"content-type", b"application/json") in scope["headers"]
    assert message["body"] == REQUEST.body
    assert not message["more_body"]


@given(st.lists(st.binary(max_size=40), max_size=20))
async def test_nothing_is_lost_however_it_is_cut(pieces: list[bytes]) -> None:
    async def application(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for number, piece in enumerate(pieces):
            await send({"type": "http.response.body", "body": piece, "more_body": True})
            if number % 3:
                await asyncio.sleep(0)
        await send({"type": "http.response.body", "body": b""})

    head, *found = [each async for each in answered(application, REQUEST)]
    assert head == Head(200, [])
    assert b"".join(each for each in found if isinstance(each, bytes)) == b"".join(pieces)


async def test_half_an_answer_is_not_taken_for_a_whole_one() -> None:
    async def application(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"half", "more_body": True})

    answer = answered(application, REQUEST)
    assert [await anext(answer), await anext(answer)] == [Head(200, []), b"half"]
    with pytest.raises(ServerError, match="broke off"):
        await anext(answer)


async def test_no_answer_is_an_error() -> None:
    async def application(_scope: Scope, _receive: Receive, _send: Send) -> None:
        return

    with pytest.raises(ServerError, match="did not answer"):
        await anext(answered(application, REQUEST))


async def test_who_leaves_cancels_the_work() -> None:
    cancelled = asyncio.Event()

    async def application(_scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        try:
            await receive()
        except asyncio.CancelledError:
            cancelled.set()
            raise

    async with aclosing(answered(application, REQUEST)) as answer:
        assert await anext(answer) == Head(200, [])
    assert cancelled.is_set()


@pytest.mark.parametrize(
    ("body", "model", "adapter"),
    [
        (b'{"model": "m"}', "m", ""),
        (b'{"model": "m:poet"}', "m:poet", "m:poet"),
        (b'{"model": 3}', "", ""),
        (b"", "", ""),
        (b"\xff{", "", ""),
    ],
)
def test_model_and_adapter(body: bytes, model: str, adapter: str) -> None:
    found = Asked("POST", "/", b"", [], body)
    assert (found.model, found.adapter) == (model, adapter)


def test_host_and_connection_are_of_one_hop() -> None:
    headers = [(b"host", b"gateway"), (b"connection", b"close"), (b"x-trace", b"1")]
    scope: Scope = {"method": "GET", "path": "/p", "query_string": b"", "headers": headers}
    assert asked(scope, b"").headers == [(b"x-trace", b"1")]

"""What an application gets, and a client, where Serve's proxy is between them."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay.api.http import Message, Receive, Scope, Send, send_body
from forebay.rayserve.ingress import Ingress

LIMIT = 100


async def _echo(_scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with the body, as an endpoint reads it: in one message."""
    await send_body(send, 200, [], (await receive())["body"])


async def _sent(pieces: list[bytes], application: Ingress) -> list[Message]:
    coming = [{"type": "http.request", "body": each, "more_body": True} for each in pieces]
    coming.append({"type": "http.request", "body": b"", "more_body": False})
    answer: list[Message] = []

    async def receive() -> Message:
        return coming.pop(0)

    async def send(message: Message) -> None:
        answer.append(message)

    await application({"type": "http", "path": "/v1/chat/completions"}, receive, send)
    return answer


@given(st.lists(st.binary(max_size=40), max_size=6))
async def test_bodies_are_whole_or_refused(pieces: list[bytes]) -> None:
    start, rest = await _sent(pieces, Ingress(_echo, LIMIT))
    whole = b"".join(pieces)
    if len(whole) <= LIMIT:
        assert (start["status"], rest["body"]) == (200, whole)
    else:
        assert start["status"] == 413
        assert "server.body_limit" in msgspec.json.decode(rest["body"])["error"]["message"]


@pytest.mark.parametrize("pieces", [[b"x"], [b"x" * 2 * LIMIT]])
async def test_every_answer_forbids_sniffing_once(pieces: list[bytes]) -> None:
    start, _ = await _sent(pieces, Ingress(_echo, LIMIT))
    assert [value for name, value in start["headers"] if name == b"x-content-type-options"] == [b"nosniff"]


async def test_what_says_so_itself_is_left_alone() -> None:
    async def page(_scope: Scope, _receive: Receive, send: Send) -> None:
        await send_body(send, 200, [(b"x-content-type-options", b"nosniff")], b"")

    start, _ = await _sent([], Ingress(page, LIMIT))
    assert len([name for name, _ in start["headers"] if name == b"x-content-type-options"]) == 1

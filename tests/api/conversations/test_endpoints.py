"""Conversations and feedback over HTTP, as OpenAI's document and ours say, and for their owners only."""

import json
from collections.abc import Mapping
from typing import Any

import aiohttp

from forebay.settings import Settings
from tests.api.conftest import Serve
from tests.support.chunks import MESSAGE, whole
from tests.support.schemas import check
from tests.support.serving import Running

HI = whole({"role": "assistant", "content": "Hi!"})
USER = {"type": "message", "role": "user", "content": "Rivers of Europe"}


class Client:
    """Asks as one of the keys of the settings."""

    def __init__(self, running: Running, http: aiohttp.ClientSession) -> None:
        self._url = f"{running.url}/v1"
        self._http = http

    async def __call__(
        self, method: str, path: str, body: object = None, key: str = "alice", kind: str = "application/json"
    ) -> tuple[int, Any]:
        data = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
        headers: Mapping[str, str] = {"authorization": f"Bearer key-{key}", "content-type": kind}
        async with self._http.request(method, self._url + path, data=data, headers=headers) as reply:
            text = await reply.text()
            return reply.status, json.loads(text) if "json" in reply.content_type else text


async def made(ask: Client, **fields: Any) -> Any:
    status, found = await ask("POST", "/conversations", fields)
    assert status == 200, found
    return found


async def test_conversations_are_listed_in_pages_and_found(serve: Serve, settings: Settings) -> None:
    async with serve([HI], settings) as (running, _), aiohttp.ClientSession() as http:
        ask = Client(running, http)
        names = [(await made(ask, title=f"Number {n}"))["id"] for n in range(3)]
        await ask("POST", f"/conversations/{names[0]}/items", {"items": [USER]})
        _, first = await ask("GET", "/conversations?limit=2")
        _, second = await ask("GET", f"/conversations?limit=2&after={first['last_id']}")
        _, found = await ask("GET", "/conversations?query=RIVERS")
        _, none = await ask("GET", "/conversations?until=1000")
        _, others = await ask("GET", "/conversations", key="bob")
    assert [each["id"] for each in first["data"] + second["data"]] == [names[0], names[2], names[1]]
    assert (first["has_more"], second["has_more"]) == (True, False)
    assert [each["id"] for each in found["data"]] == [names[0]]
    assert none == others == {"object": "list", "data": [], "first_id": "", "last_id": "", "has_more": False}


WRONG: list[tuple[str, str, object, str]] = [
    ("GET", "/conversations?limit=0", None, "limit"),
    ("GET", "/conversations?limit=9" + "9" * 40, None, "limit"),
    ("GET", "/conversations?since=yesterday", None, "since"),
    ("GET", "/conversations?after=conv_none", None, "after"),
    ("GET", "/conversations?nonsense=1", None, "nonsense"),
    ("GET", f"/conversations?query={'x' * 201}", None, "query"),
    ("POST", "/conversations", {"items": [USER] * 21}, "items"),
    ("POST", "/conversations", {"items": [{"role": "user"}]}, "items[0].content"),
    ("POST", "/conversations", {"metadata": {"k": "v" * 513}}, "metadata[...]"),
    ("POST", "/conversations", {"metadata": {str(n): "" for n in range(17)}}, "metadata"),
    ("POST", "/conversations/{id}", {"current_item": "msg_none"}, "current_item"),
    ("POST", "/conversations/{id}/items", {"items": []}, "items"),
    ("POST", "/conversations/{id}/items", {"items": [USER], "parent": "x"}, "conversation.parent"),
    ("GET", "/conversations/{id}/items?order=up", None, "order"),
    ("GET", "/conversations/{id}/items?leaf=x", None, "leaf"),
    ("GET", "/conversations/{id}/export?format=pdf", None, "format"),
    ("POST", "/conversations/import", {"object": "chat"}, "object"),
    ("POST", "/conversations/import", {"object": "forebay.conversation", "version": 2, "items": []}, "version"),
    ("POST", "/feedback", {"rating": "up"}, "response_id"),
    ("POST", "/feedback", {"request_id": "req_1"}, "rating"),
    ("POST", "/feedback", {"request_id": "req_1", "rating": "sideways"}, "rating"),
]


async def test_what_is_wrong_is_told_by_its_name(serve: Serve, settings: Settings) -> None:
    async with serve([HI], settings) as (running, _), aiohttp.ClientSession() as http:
        ask = Client(running, http)
        identity = (await made(ask))["id"]
        for method, path, body, param in WRONG:
            status, told = await ask(method, path.replace("{id}", identity), body)
            assert (status, told["error"]["param"]) == (400, param), told


async def test_nobody_else_has_it(serve: Serve, settings: Settings) -> None:
    async with serve([HI], settings) as (running, _), aiohttp.ClientSession() as http:
        ask = Client(running, http)
        found = await made(ask, items=[USER])
        _, response = await ask("POST", "/responses", {"model": "m", "input": "x", "conversation": found["id"]})
        here, item = f"/conversations/{found['id']}", found["current_item"]
        for method, path, body in (
            ("GET", here, None),
            ("POST", here, {"title": "mine"}),
            ("DELETE", here, None),
            ("GET", f"{here}/items", None),
            ("POST", f"{here}/items", {"items": [USER]}),
            ("GET", f"{here}/items/{item}", None),
            ("DELETE", f"{here}/items/{item}", None),
            ("GET", f"{here}/export", None),
            ("GET", f"/responses/{response['id']}", None),
            ("DELETE", f"/responses/{response['id']}", None),
            ("GET", f"/responses/{response['id']}/input_items", None),
            ("POST", "/responses", {"model": "m", "input": "x", "conversation": found["id"]}),
            ("POST", "/feedback", {"response_id": response["id"], "rating": "up"}),
            ("POST", "/feedback", {"item_id": item, "rating": "up"}),
        ):
            for key in ("bob", "root"):
                status, told = await ask(method, path, body, key)
                assert (status, told["error"]["code"]) == (404, "not_found"), path
        status, _ = await ask("GET", here, key="nobody")
    assert status == 401


async def test_a_file_of_it_makes_the_same_again(serve: Serve, settings: Settings) -> None:
    async with serve([HI], settings) as (running, _), aiohttp.ClientSession() as http:
        ask = Client(running, http)
        found = await made(ask, title="A / B", metadata={"k": "v"})
        here = f"/conversations/{found['id']}"
        await ask("POST", "/responses", {"model": "m", "input": "One", "conversation": found["id"]})
        edit = {"id": found["id"], "parent": None}
        await ask("POST", "/responses", {"model": "m", "input": "<!-- forebay:user -->\n# Two", "conversation": edit})
        _, file = await ask("GET", f"{here}/export")
        _, brought = await ask("POST", "/conversations/import", file)
        _, again = await ask("GET", f"/conversations/{brought['id']}/export")
        _, text = await ask("GET", f"{here}/export?format=markdown")
        _, read = await ask("POST", "/conversations/import", text.encode(), kind="text/markdown")
        _, same = await ask("GET", f"/conversations/{read['id']}/export?format=markdown")
        wrong = file | {"items": [file["items"][0], file["items"][-1] | {"parent": "msg_other"}]}
        _, bare = await ask("POST", "/conversations/import", b"<!-- forebay:user -->\nHi there\n", kind="text/markdown")
        assert bare["title"] == "Hi there"
        _, foreign = await ask("POST", "/conversations/import", {"object": "chat"})
        assert foreign["error"]["message"].startswith("This file is no conversation of Forebay's. ")
        status, told = await ask("POST", "/conversations/import", wrong)
        other, _ = await ask("POST", "/conversations/import", b"x", kind="text/plain")
    assert [len(each["siblings"]) for each in again["items"]] == [2, 2, 1, 1]
    assert _nameless(again) == _nameless(file)
    assert (same, read["title"]) == (text, "A / B")
    assert (status, told["error"]["param"], other) == (400, "items[1].parent", 415)


def _nameless(file: Any) -> Any:
    """A file without its ids, by which item comes after which."""
    places = {item["id"]: number for number, item in enumerate(file["items"])}
    items = []
    for item in file["items"]:
        own = {name: value for name, value in item.items() if name not in {"id", "siblings", "response_id"}}
        facts = {name: value for name, value in (item.get("forebay") or {}).items() if name != "response_id"}
        items.append(own | {"parent": places.get(item["parent"]), "forebay": facts})
    return file | {"items": items, "current_item": places[file["current_item"]]}


async def test_feedback_is_the_last_word_of_each(serve: Serve, settings: Settings) -> None:
    async with serve([HI], settings) as (running, _), aiohttp.ClientSession() as http:
        ask = Client(running, http)
        _, response = await ask("POST", "/responses", {"model": "m", "input": "x"})
        opinion = {"response_id": response["id"], "rating": "up", "labels": ["short"]}
        status, first = await ask("POST", "/feedback", opinion)
        _, second = await ask("POST", "/feedback", opinion | {"rating": "down", "comment": "no", "score": 0.25})
        of_bob = await chatted(running, http, "bob")
        await ask("POST", "/feedback", {"request_id": of_bob, "correction": "Hello"}, "bob")
        _, mine = await ask("GET", "/feedback")
        _, everybodys = await ask("GET", "/feedback?limit=1", key="root")
        _, rest = await ask("GET", f"/feedback?after={everybodys['last_id']}", key="root")
        _, ups = await ask("GET", "/feedback?rating=up")
        gone, _ = await ask("DELETE", f"/feedback/{first['id']}", key="bob")
        done, _ = await ask("DELETE", f"/feedback/{first['id']}")
        _, none = await ask("GET", "/feedback")
    assert status == 201
    assert (first["id"], first["labels"], second["rating"], second["score"]) == (second["id"], ["short"], "down", 0.25)
    assert mine["data"] == [second]
    assert (everybodys["data"][0]["principal"], everybodys["has_more"]) == ("bob", True)
    assert (rest["data"], ups["data"], none["data"]) == ([second], [], [])
    assert (gone, done) == (404, 200)


async def chatted(running: Running, http: aiohttp.ClientSession, key: str) -> str:
    """The id of a chat that has just been answered."""
    body = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
    headers = {"authorization": f"Bearer key-{key}"}
    async with http.post(f"{running.url}/v1/chat/completions", json=body, headers=headers) as reply:
        assert reply.status == 200
        return reply.headers["x-request-id"]


async def test_only_what_one_asked_oneself_is_rated(serve: Serve, settings: Settings) -> None:
    async with serve([HI], settings) as (running, _), aiohttp.ClientSession() as http:
        ask = Client(running, http)
        mine, others = await chatted(running, http, "alice"), await chatted(running, http, "bob")
        status, kept = await ask("POST", "/feedback", {"request_id": mine, "rating": "up"})
        assert (status, kept["request_id"]) == (201, mine)
        for field, value in (
            ("request_id", others),
            ("request_id", "chatcmpl-1"),
            ("request_id", f"req_{'0' * 20}"),
            ("response_id", "resp_1"),
            ("item_id", "msg_1"),
        ):
            status, told = await ask("POST", "/feedback", {field: value, "rating": "up"})
            assert (status, told["error"]["code"], told["error"]["param"]) == (404, "not_found", field), told


async def test_what_openai_describes_is_as_it_describes(serve: Serve, settings: Settings) -> None:
    message = {**MESSAGE, "content": "Hi!"}
    async with serve([whole(message, "tool_calls")], settings) as (running, _), aiohttp.ClientSession() as http:
        ask = Client(running, http)
        found = await made(ask, items=[USER], metadata={"k": "v"})
        here = f"/conversations/{found['id']}"
        _, response = await ask("POST", "/responses", {"model": "m", "input": "x", "conversation": found["id"]})
        _, items = await ask("GET", f"{here}/items")
        _, inputs = await ask("GET", f"/responses/{response['id']}/input_items")
        _, kept = await ask("GET", f"/responses/{response['id']}")
        _, gone = await ask("DELETE", here)
    check("ConversationResource", found)
    check("ConversationItemList", items)
    check("ResponseItemList", inputs)
    check("Response", response)
    check("Response", kept)
    check("DeletedConversationResource", gone)
    assert {item["type"] for item in items["data"]} == {"message", "reasoning", "function_call"}


async def test_a_key_may_come_as_other_vendors_clients_send_it(serve: Serve, settings: Settings) -> None:
    async with serve([HI], settings) as (running, _), aiohttp.ClientSession() as http:
        body = {"model": "m", "input": "x"}
        async with http.post(f"{running.url}/v1/responses", json=body, headers={"x-api-key": "key-alice"}) as reply:
            assert reply.status == 200

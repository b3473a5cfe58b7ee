"""OpenAI's own client over responses and conversations that are kept."""

import asyncio
import json
from pathlib import Path
from typing import Any

import msgspec
import openai
import pytest
from openai.types.conversations import Message

from forebay.core.errors import UpstreamError
from forebay.settings import ConversationSettings, Secret, Settings, StoreSettings, cache_settings
from tests.api.conftest import Serve
from tests.api.conversations.conftest import client
from tests.support.chunks import SIGNED, pieces, whole

HI = whole({"role": "assistant", "content": "Hi!"})
STREAM = list(pieces({"role": "assistant", "content": "Hello you"}, "stop"))


def asked(provider: Any, number: int = -1) -> list[tuple[str, str]]:
    body = json.loads(provider.calls[number][0].request.body)
    return [(each["role"], each["content"]) for each in body["messages"]]


def stored(response: openai.BaseModel) -> object:
    return (response.model_extra or {})["store"]


def facts_of(response: openai.BaseModel) -> Any:
    return (response.model_extra or {})["forebay"]


def text(item: Any) -> str:
    assert item.type == "message"
    part: Any = item.content[0]
    return str(part.text)


async def test_a_response_follows_another(serve: Serve, settings: Settings) -> None:
    async with serve([HI], settings) as (running, provider), client(running) as sdk:
        first = await sdk.responses.create(model="m", input="One")
        second = await sdk.responses.create(model="m", input="Two", previous_response_id=first.id)
        third = await sdk.responses.create(model="m", input="Three", previous_response_id=second.id, store=False)
        found = await sdk.responses.retrieve(second.id)
        items = [item async for item in sdk.responses.input_items.list(second.id, order="asc", limit=2)]
        await sdk.responses.delete(first.id)
        with pytest.raises(openai.NotFoundError):
            await sdk.responses.retrieve(first.id)
        with pytest.raises(openai.NotFoundError):
            await sdk.responses.retrieve(third.id)
        with pytest.raises(openai.BadRequestError, match="background"):
            await sdk.responses.cancel(second.id)
    assert asked(provider, 1) == [("user", "One"), ("assistant", "Hi!"), ("user", "Two")]
    assert len(asked(provider, 2)) == 5
    assert second.previous_response_id == first.id
    assert (stored(first), stored(third)) == (True, False)
    assert first.model_extra["forebay"]["ttft"] is None  # type: ignore[index]  # it came whole
    assert (found.output_text, found.status, found.usage) == ("Hi!", "completed", second.usage)
    assert [text(item) for item in items] == ["One", "Hi!", "Two"]


async def test_a_conversation(serve: Serve, settings: Settings) -> None:
    async with serve(STREAM, settings) as (running, provider), client(running) as sdk:
        made = await sdk.conversations.create(metadata={"topic": "x"})
        for said in ("One", "Two"):
            async with sdk.responses.stream(model="m", input=said, conversation=made.id) as stream:
                response = await stream.get_final_response()
        assert response.conversation is not None
        assert response.conversation.id == made.id
        facts = response.model_extra["forebay"]  # type: ignore[index]
        assert (facts["model"], facts["deployment"], facts["finish_reason"]) == ("m", "p/m", "stop")
        assert facts["ttft"] > 0
        items = [item async for item in sdk.conversations.items.list(made.id, order="asc")]
        last = await sdk.conversations.items.retrieve(items[-1].id or "", conversation_id=made.id)
        changed = await sdk.conversations.update(made.id, metadata={"title": "Mine"})
        added = await sdk.conversations.items.create(
            made.id, items=[{"type": "message", "role": "developer", "content": "Be kind."}]
        )
        left = await sdk.conversations.items.delete(added.data[0].id or "", conversation_id=made.id)
        gone = await sdk.conversations.delete(made.id)
        with pytest.raises(openai.NotFoundError):
            await sdk.conversations.retrieve(made.id)
    assert [text(item) for item in items] == ["One", "Hello you", "Two", "Hello you"]
    assert asked(provider) == [("user", "One"), ("assistant", "Hello you"), ("user", "Two")]
    extra = last.model_extra or {}
    assert (added.data[0].model_extra or {})["siblings"] == [added.data[0].id]
    assert facts["tokens_per_second"] is None  # it came at once
    assert (extra["parent"], extra["siblings"]) == (items[-2].id, [last.id])
    assert extra["forebay"]["request_id"].startswith("req_")
    assert (changed.model_extra or {})["title"] == "Mine"
    assert (left.model_extra or {})["item_count"] == 4
    assert gone.deleted


async def test_an_edit_and_another_answer(serve: Serve, settings: Settings) -> None:
    async with serve([HI], settings) as (running, provider), client(running) as sdk:
        made = await sdk.conversations.create()
        await sdk.responses.create(model="m", input="One", conversation=made.id)
        (answer, question) = (await sdk.conversations.items.list(made.id)).data
        again: Any = {"id": made.id, "parent": question.id}
        await sdk.responses.create(model="m", input=[], conversation=again)
        edit: Any = {"id": made.id, "parent": None}
        await sdk.responses.create(model="m", input="Uno", conversation=edit)
        now = (await sdk.conversations.items.list(made.id)).data
        body = {"current_item": answer.id}
        back = await sdk.post(f"/conversations/{made.id}", cast_to=object, body=body)
        then = (await sdk.conversations.items.list(made.id)).data
        aside = await sdk.conversations.items.list(made.id, extra_query={"leaf": now[0].id})
    assert asked(provider, 1) == [("user", "One")]
    assert asked(provider, 2) == [("user", "Uno")]
    assert [text(item) for item in now] == ["Hi!", "Uno"]
    assert (then[0].id, len((then[0].model_extra or {})["siblings"])) == (answer.id, 2)
    assert [item.id for item in aside.data] == [item.id for item in now]
    assert isinstance(back, dict)
    assert back["current_item"] == answer.id


async def test_another_answer_is_never_the_cached_one_and_is_kept_in_its_place(
    serve: Serve, settings: Settings
) -> None:
    cached = msgspec.structs.replace(settings, cache=cache_settings("memory"))
    async with serve([HI], cached) as (running, provider), client(running) as sdk:
        made = await sdk.conversations.create()
        await sdk.responses.create(model="m", input="One", conversation=made.id)
        (_, question) = (await sdk.conversations.items.list(made.id)).data
        provider.script = [whole({"role": "assistant", "content": "Hello!"})]
        again: Any = {"id": made.id, "parent": question.id}
        second = await sdk.responses.create(model="m", input=[], conversation=again)
        elsewhere = await sdk.responses.create(model="m", input="One")
    assert (second.output_text, elsewhere.output_text) == ("Hello!", "Hello!")
    assert (facts_of(second)["cache"], facts_of(elsewhere)["cache"]) == ("refresh", "hit")
    assert len(provider.calls) == 2


async def test_a_question_that_nobody_has_answered_may_be_answered_from_the_cache(
    serve: Serve, settings: Settings
) -> None:
    cached = msgspec.structs.replace(settings, cache=cache_settings("memory"))
    async with serve([HI], cached) as (running, provider), client(running) as sdk:
        await sdk.responses.create(model="m", input="One")
        made = await sdk.conversations.create(items=[{"type": "message", "role": "user", "content": "One"}])
        first = await sdk.responses.create(model="m", input=[], conversation=made.id)
    assert facts_of(first)["cache"] == "hit"
    assert len(provider.calls) == 1


async def test_what_breaks_stays_as_far_as_it_came(serve: Serve, settings: Settings) -> None:
    broken = [*STREAM[:4], UpstreamError("gone")]
    async with serve(broken, settings) as (running, _), client(running) as sdk:
        made = await sdk.conversations.create()
        stream = await sdk.responses.create(model="m", input="One", conversation=made.id, stream=True)
        kinds = [event.type async for event in stream]
        items = (await sdk.conversations.items.list(made.id, order="asc")).data
    assert kinds[-1] == "response.failed"
    assert isinstance(items[1], Message)
    assert (items[1].status, text(items[1])) == ("incomplete", "Hel")


async def test_what_fails_at_once_leaves_nothing(serve: Serve, settings: Settings) -> None:
    async with serve([UpstreamError("no")], settings) as (running, _), client(running) as sdk:
        made = await sdk.conversations.create()
        with pytest.raises(openai.APIStatusError):
            await sdk.responses.create(model="m", input="One", conversation=made.id)
        assert not (await sdk.conversations.items.list(made.id)).data


async def test_a_client_that_leaves_finds_what_came(serve: Serve, settings: Settings) -> None:
    long = list(pieces({"role": "assistant", "content": "x" * 30_000}, "stop"))
    async with serve(long, settings) as (running, _), client(running) as sdk:
        made = await sdk.conversations.create()
        stream = await sdk.responses.create(model="m", input="One", conversation=made.id, stream=True)
        async for event in stream:
            if event.type == "response.output_text.delta":
                break
        await stream.close()
        async with asyncio.timeout(20):
            while True:
                (last, *_) = (await sdk.conversations.items.list(made.id)).data
                if isinstance(last, Message) and last.status == "incomplete":
                    break
    assert 0 < len(text(last)) < 30_000
    assert set(text(last)) == {"x"}


async def test_two_at_once_are_siblings(serve: Serve, settings: Settings) -> None:
    async with serve(STREAM, settings) as (running, _), client(running) as sdk:
        made = await sdk.conversations.create(items=[{"type": "message", "role": "developer", "content": "Be kind."}])

        async def say(what: str) -> None:
            async with sdk.responses.stream(model="m", input=what, conversation=made.id) as stream:
                await stream.get_final_response()

        await asyncio.gather(*(say(f"Message {number}") for number in range(5)))
        found: Any = await sdk.get(f"/conversations/{made.id}/export", cast_to=object)
    said = [part["text"] for item in found["items"] for part in item["content"]]
    assert sorted(said) == sorted(["Be kind.", *(f"Message {n}" for n in range(5)), *["Hello you"] * 5])


async def test_a_store_that_is_away_is_told_to_who_wants_it(serve: Serve, tmp_path: Path) -> None:
    away = Settings(store=StoreSettings(Secret("postgresql://nobody@127.0.0.1:1/nothing"), journal=str(tmp_path)))
    async with serve([HI], away) as (running, _), client(running) as sdk:
        assert not stored(await sdk.responses.create(model="m", input="One"))
        assert (await sdk.responses.create(model="m", input="One", store=False)).output_text == "Hi!"
        with pytest.raises(openai.InternalServerError, match="store") as told:
            await sdk.responses.create(model="m", input="One", store=True)
        with pytest.raises(openai.InternalServerError, match="store"):
            await sdk.conversations.create()
    assert told.value.status_code == 503


async def test_contradictions_are_told(serve: Serve, settings: Settings) -> None:
    async with serve([HI], settings) as (running, provider), client(running) as sdk:
        made = await sdk.conversations.create()
        for wrong, param in (
            ({"conversation": made.id, "previous_response_id": "resp_1"}, "previous_response_id"),
            ({"conversation": made.id, "store": False}, "store"),
            ({"conversation": {"id": made.id, "parent": "msg_none"}}, "conversation.parent"),
            ({"input": []}, "input"),
            ({"input": [{"type": "nonsense"}]}, "input[0].type"),
            ({"conversation": made.id, "input": "x" * 200_000}, "input"),
        ):
            fields: Any = {"model": "m", "input": "One"} | wrong
            with pytest.raises(openai.APIStatusError) as told:
                await sdk.responses.create(**fields)
            assert told.value.status_code in {400, 413}
            assert told.value.body["param"] == param  # type: ignore[index]
        for missing in ({"conversation": "conv_none"}, {"previous_response_id": "resp_none"}):
            fields = {"model": "m", "input": "One"} | missing
            with pytest.raises(openai.NotFoundError):
                await sdk.responses.create(**fields)
        assert not (await sdk.conversations.items.list(made.id)).data
    assert not provider.calls


async def test_an_item_may_be_named(serve: Serve, settings: Settings) -> None:
    async with serve([HI], settings) as (running, provider), client(running) as sdk:
        first = await sdk.responses.create(model="m", input="One")
        (said,) = (await sdk.responses.input_items.list(first.id)).data
        named: Any = [{"type": "item_reference", "id": said.id}]
        await sdk.responses.create(model="m", input=named)
        async with client(running, "bob") as other:
            with pytest.raises(openai.NotFoundError):
                await other.responses.create(model="m", input=named)
    assert asked(provider) == [("user", "One")]


async def test_signed_reasoning_goes_back_to_the_model(serve: Serve, settings: Settings) -> None:
    message = {"role": "assistant", "content": "I look.", "thinking_blocks": [SIGNED]}
    async with serve([whole(message)], settings) as (running, provider), client(running) as sdk:
        first = await sdk.responses.create(model="m", input="One")
        await sdk.responses.create(model="m", input="Two", previous_response_id=first.id)
        found = await sdk.responses.retrieve(first.id)
    body = json.loads(provider.calls[-1][0].request.body)
    assert body["messages"][1]["thinking_blocks"] == [SIGNED]
    assert "encrypted_content" not in found.output[0].model_dump(exclude_none=True)


async def test_a_model_makes_the_title(serve: Serve, settings: Settings) -> None:
    assert settings.store is not None
    kept = msgspec.structs.replace(settings.store, conversations=ConversationSettings())
    title = whole({"role": "assistant", "content": '"A Greeting"'})
    async with serve([title], msgspec.structs.replace(settings, store=kept)) as (running, _), client(running) as sdk:
        made = await sdk.conversations.create()
        await sdk.responses.create(model="m", input="Say hello to me", conversation=made.id)
        async with asyncio.timeout(20):
            while (found := await sdk.conversations.retrieve(made.id)).model_extra["title"] != "A Greeting":  # type: ignore[index]
                assert (found.model_extra or {})["title"] == "Say hello to me"


async def test_what_is_old_is_forgotten(serve: Serve, settings: Settings) -> None:
    assert settings.store is not None
    short = ConversationSettings(titles="off", retention=0.001)
    kept = msgspec.structs.replace(settings, store=msgspec.structs.replace(settings.store, conversations=short))
    async with serve([HI], settings) as (running, _), client(running) as sdk:
        await sdk.conversations.create()
    async with serve([HI], kept) as (running, _), client(running) as sdk, asyncio.timeout(20):
        while (await sdk.get("/conversations", cast_to=object))["data"]:  # type: ignore[index]
            pass


async def test_what_is_too_large_to_keep_is_answered_if_nobody_wants_it_kept(serve: Serve, settings: Settings) -> None:
    async with serve([HI], settings) as (running, _), client(running) as sdk:
        assert not stored(await sdk.responses.create(model="m", input="x" * 200_000))
        with pytest.raises(openai.APIStatusError, match="max_item"):
            await sdk.responses.create(model="m", input="x" * 200_000, store=True)

"""The queue of answers to review over HTTP: flagged, labelled by who may, for their tenant only, and exported."""

import asyncio
import json
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from click.testing import CliRunner

from forebay.cli import main
from forebay.core.feedback import Feedback
from forebay.evaluation.cases import Contains, read
from forebay.generation import check
from forebay.reviewing import drawn
from forebay.settings import (
    AuthSettings,
    CaptureSettings,
    KeySettings,
    ReviewSettings,
    Secret,
    Settings,
    SettingsError,
    StoreSettings,
    section,
)
from forebay.settings.guards import GuardSettings, PolicySettings, RuleSettings
from forebay.store.plugin import build
from tests.api.conftest import WHOLE, Serve

KEYS = AuthSettings(
    (
        KeySettings(Secret("one"), "alice", "team"),
        KeySettings(Secret("two"), "bob", "others"),
        KeySettings(Secret("root"), "root", admin=True),
    )
)
WATCHING = {"words": GuardSettings(RuleSettings(mode="monitor"), section("ban_list", {"words": ["xyzzy"]}))}


class Asking:
    """Asks as one of the keys."""

    def __init__(self, url: str, http: aiohttp.ClientSession) -> None:
        self._url = url
        self._http = http

    async def __call__(self, method: str, path: str, body: object = None, key: str = "one") -> tuple[int, Any, str]:
        headers = {"authorization": f"Bearer {key}"}
        async with self._http.request(method, f"{self._url}/v1{path}", json=body, headers=headers) as reply:
            return reply.status, await reply.json(), reply.headers.get("x-request-id", "")

    async def chat(self, text: str, key: str = "one") -> str:
        body = {"model": "m", "messages": [{"role": "user", "content": text}]}
        status, _, request_id = await self("POST", "/chat/completions", body, key)
        assert status == 200
        return request_id

    async def queue(self, number: int, query: str = "", key: str = "one") -> list[Any]:
        """The queue, once there are so many in it."""
        async with asyncio.timeout(10):
            while len(found := (await self("GET", f"/reviews{query}", key=key))[1]["data"]) < number:  # noqa: ASYNC110  # no event
                await asyncio.sleep(0.05)
        return list(found)


def store_of(tmp_path: Path) -> StoreSettings:
    return StoreSettings(Secret(f"sqlite:///{tmp_path / 'forebay.db'}"))


def configured(tmp_path: Path, **fields: Any) -> Settings:
    given: dict[str, Any] = {
        "reviews": ReviewSettings(),
        "guards": WATCHING,
        "policies": PolicySettings(models={"m": ("words",)}),
    }
    return Settings(auth=KEYS, store=store_of(tmp_path), **(given | fields))


async def test_flagged_answers_are_listed_with_their_texts_and_labelled(serve: Serve, tmp_path: Path) -> None:
    settings = configured(tmp_path, capture=CaptureSettings(requests=True))
    async with serve(WHOLE, settings) as (running, _), aiohttp.ClientSession() as http:
        ask = Asking(running.url, http)
        await ask.chat("Nothing to see")
        said = await ask.chat("My word is xyzzy")
        disliked = await ask.chat("Hello")
        await ask("POST", "/feedback", {"request_id": disliked, "rating": "down"})
        found = await ask.queue(2)
        async with asyncio.timeout(10):
            while not (each := (await ask("GET", f"/reviews/{said}"))[1])["text_kept"]:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        body = {"labels": ["wrong"], "comment": "no", "correction": "Hello!"}
        status, labelled, _ = await ask("POST", f"/reviews/{said}", body)
        still_open = await ask.queue(1, "?state=open")
        by_guard = await ask.queue(1, "?reason=guard&model=m&state=labelled", "root")
    assert [(one["id"], one["reasons"]) for one in found] == [(disliked, ["thumbs_down"]), (said, ["guard"])]
    assert (each["messages"], each["answer"], each["kept_by"]) == (
        [{"role": "user", "content": "My word is xyzzy"}],
        "Hi",
        "capture",
    )
    assert (status, labelled["state"], labelled["reviewer"], labelled["labels"]) == (
        200,
        "labelled",
        "alice",
        ["wrong"],
    )
    assert [one["id"] for one in still_open] == [disliked]
    assert by_guard == [labelled]


async def test_other_tenants_answers_are_not_there(serve: Serve, tmp_path: Path) -> None:
    async with serve(WHOLE, configured(tmp_path)) as (running, _), aiohttp.ClientSession() as http:
        ask = Asking(running.url, http)
        said = await ask.chat("xyzzy")
        (found,) = await ask.queue(1)
        await ask("POST", "/feedback", {"request_id": said, "rating": "down"}, "two")
        assert await ask.queue(0, key="two") == []
        assert (await ask("GET", f"/reviews/{said}", key="two"))[0] == 404
        assert (await ask("POST", f"/reviews/{said}", {"labels": ["x"]}, "two"))[0] == 404
        assert (await ask("GET", "/reviews?tenant=team", key="two"))[0] == 400
        assert [each["id"] for each in await ask.queue(1, "?tenant=team", "root")] == [said]
        assert (await ask.queue(1))[0]["reasons"] == ["guard"]
    assert (found["text_kept"], found["messages"], found["answer"]) == (False, [], None)


@pytest.mark.parametrize(
    "body", [{}, {"labels": []}, {"labels": [""]}, {"labels": ["x"] * 17}, {"labels": ["x"], "more": 1}, []]
)
async def test_what_is_no_label_is_refused(serve: Serve, tmp_path: Path, body: object) -> None:
    async with serve(WHOLE, configured(tmp_path)) as (running, _), aiohttp.ClientSession() as http:
        ask = Asking(running.url, http)
        assert (await ask("POST", "/reviews/req_1", body))[0] == 400
        for query in ("state=x", "reason=x", "limit=0", "before=x", "what=x"):
            assert (await ask("GET", f"/reviews?{query}"))[0] == 400


async def test_a_sample_is_drawn_and_pages_follow_each_other(serve: Serve, tmp_path: Path) -> None:
    settings = configured(tmp_path, reviews=ReviewSettings(sample=1.0, flags=("sample",)))
    async with serve(WHOLE, settings) as (running, _), aiohttp.ClientSession() as http:
        ask = Asking(running.url, http)
        sent = [await ask.chat("xyzzy") for _ in range(3)]
        found = await ask.queue(3)
        _, first, _ = await ask("GET", "/reviews?limit=2")
        _, rest, _ = await ask("GET", f"/reviews?limit=2&before={first['last']}")
    assert {each["id"] for each in found} == set(sent)
    assert (first["has_more"], rest["has_more"]) == (True, False)
    assert first["data"] + rest["data"] == found
    assert found[0]["reasons"] == ["sample"]


async def test_without_the_setting_there_is_no_queue(serve: Serve, tmp_path: Path) -> None:
    async with serve(WHOLE, configured(tmp_path, reviews=None)) as (running, _), aiohttp.ClientSession() as http:
        assert (await Asking(running.url, http)("GET", "/reviews"))[0] == 404
    with pytest.raises(SettingsError, match="configure 'store'"):
        check(Settings(reviews=ReviewSettings()))


async def test_labelled_answers_become_a_dataset(serve: Serve, tmp_path: Path) -> None:
    settings = configured(tmp_path, capture=CaptureSettings(requests=True))
    async with serve(WHOLE, settings) as (running, _), aiohttp.ClientSession() as http:
        ask = Asking(running.url, http)
        said = await ask.chat("xyzzy")
        await ask.queue(1)
    config = tmp_path / "forebay.yaml"
    config.write_text(f'store: {{url: "sqlite:///{tmp_path / "forebay.db"}"}}\nreviews: {{}}\n')

    async def run(*arguments: str) -> str:
        result = await asyncio.to_thread(CliRunner().invoke, main, ["reviews", *arguments, "--config", str(config)])
        assert result.exit_code == 0, result.output
        return result.output

    assert f"{said}  m  guard  Hi" in await run("list")
    await run("label", said, "wrong", "rude", "--correction", "Hello!", "--reviewer", "eve")
    assert await run("list") == ""
    dataset = tmp_path / "cases.jsonl"
    await run("export", "--output", str(dataset), "--reason", "guard")
    (line,) = map(json.loads, dataset.read_text().splitlines())
    assert (line["labels"], line["reviewer"], line["answer"]) == (["wrong", "rude"], "eve", "Hi")
    (case,) = read(dataset, [Contains()])
    assert (case.expected, case.messages) == ("Hello!", [{"role": "user", "content": "xyzzy"}])
    result = await asyncio.to_thread(CliRunner().invoke, main, ["reviews", "label", "--config", str(config), "x", "y"])
    assert (result.exit_code, "there is no answer 'x'" in result.output) == (1, True)


async def test_a_thumb_down_for_an_item_finds_its_request(serve: Serve, tmp_path: Path) -> None:
    settings = configured(tmp_path, guards={}, policies=PolicySettings())
    async with serve(WHOLE, settings) as (running, _), aiohttp.ClientSession() as http:
        ask = Asking(running.url, http)
        _, made, request_id = await ask("POST", "/responses", {"model": "m", "input": "Hello"})
        item = made["output"][-1]["id"]
        await ask("POST", "/feedback", {"item_id": item, "rating": "down"})
        (found,) = await ask.queue(1)
    assert found["id"] == request_id
    assert (found["kept_by"], found["messages"], found["answer"]) == (
        "conversation",
        [{"role": "user", "content": "Hello"}],
        "Hi",
    )


async def test_feedback_about_what_is_not_known_flags_nothing(serve: Serve, tmp_path: Path) -> None:
    store = build(store_of(tmp_path))
    await store.feedback.put(Feedback("fb_1", 1e9, "team", "alice", "request", "req_unknown", "down"))
    await store.feedback.put(Feedback("fb_2", 1e9, "team", "alice", "item", "msg_unknown", "down"))
    await store.close()
    async with serve(WHOLE, configured(tmp_path)) as (running, _), aiohttp.ClientSession() as http:
        assert await Asking(running.url, http).queue(0) == []


def test_the_same_requests_are_drawn_each_time() -> None:
    names = [f"req_{number}" for number in range(2000)]
    few, more = ({name for name in names if drawn(name, share)} for share in (0.1, 0.3))
    assert few < more
    assert 140 < len(few) < 260
    assert not any(drawn(name, 0.0) for name in names)
    assert all(drawn(name, 1.0) for name in names)

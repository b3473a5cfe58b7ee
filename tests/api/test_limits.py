"""Limits and budgets as clients meet them: refusals, headers, `/v1/limits`, and what outlives the server."""

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import openai
import pytest

from forebay.api.keys import KeyRequest
from forebay.core.errors import InvalidRequestError
from forebay.core.money import PICO
from forebay.core.types import Limits
from forebay.settings import (
    AuthSettings,
    Dollars,
    IssuedKeySettings,
    KeySettings,
    LimitSettings,
    LimitsSettings,
    PerToken,
    PriceSettings,
    RateSettings,
    Secret,
    Settings,
    StoreSettings,
)
from tests.api.conftest import STREAM, WHOLE, Serve

CENT = PICO // 100
CHAT = {"model": "m", "messages": [{"role": "user", "content": "Hi"}]}
PRICES = {"p/m": PriceSettings(PerToken(CENT // 10), PerToken(4 * CENT))}
COST = 43 * CENT // 10
"""Of one answer: three tokens of the prompt and one of the answer."""


def key(name: str, tenant: str = "default", limits: LimitSettings | None = None) -> KeySettings:
    return KeySettings(Secret(f"sk-{name}"), name, tenant, limits=limits)


def settings(*keys: KeySettings, limits: LimitsSettings | None = None, **more: Any) -> Settings:
    return Settings(auth=AuthSettings(keys), limits=limits or LimitsSettings(), **more)


async def ask(http: aiohttp.ClientSession, url: str, who: str, **body: Any) -> tuple[int, Any, dict[str, str]]:
    headers = {"authorization": f"Bearer sk-{who}"}
    async with http.post(f"{url}/v1/chat/completions", json={**CHAT, **body}, headers=headers) as reply:
        told = {name.lower(): value for name, value in reply.headers.items()}
        return reply.status, await reply.json() if "json" in reply.content_type else await reply.text(), told


async def limits_of(http: aiohttp.ClientSession, url: str, who: str) -> list[dict[str, Any]]:
    async with http.get(f"{url}/v1/limits", headers={"authorization": f"Bearer sk-{who}"}) as reply:
        assert reply.status == 200
        found: list[dict[str, Any]] = (await reply.json())["data"]
        return found


async def test_the_strictest_limit_decides_and_the_refusal_says_whose_it_was(serve: Serve) -> None:
    limits = LimitsSettings(
        keys=LimitSettings(rpm=3), tenants={"team": LimitSettings(rpm=4)}, models={"m": RateSettings(rpm=6)}
    )
    keys = [key("a", "team"), key("b", "team"), key("c"), key("d", limits=LimitSettings(rpm=100))]
    async with serve(WHOLE, settings(*keys, limits=limits)) as (running, _), aiohttp.ClientSession() as http:
        refused = []
        for who, times in (("a", 4), ("b", 2), ("d", 3)):
            for _ in range(times):
                status, body, headers = await ask(http, running.url, who)
                if status != 200:
                    refused.append((status, body["error"]["message"], headers["x-forebay-limit"]))
                    assert int(headers["retry-after"]) > 0
    assert [each[2] for each in refused] == ["key requests", "tenant requests", "model requests"]
    assert [each[0] for each in refused] == [429] * 3
    assert "limit is 3 a minute for this key" in refused[0][1]
    assert "limit is 4 a minute for the tenant 'team'" in refused[1][1]
    assert "limit is 6 a minute for the model 'm'" in refused[2][1]


async def test_headers_tell_the_tightest(serve: Serve) -> None:
    limits = LimitsSettings(
        tenants={"*": LimitSettings(rpm=50, tpm=10_000)}, models={"m": RateSettings(rpm=20, tpm=90_000)}
    )
    async with serve(WHOLE, settings(key("a"), limits=limits)) as (running, _), aiohttp.ClientSession() as http:
        _, _, headers = await ask(http, running.url, "a")
    assert (headers["x-ratelimit-limit-requests"], headers["x-ratelimit-remaining-requests"]) == ("20", "19")
    assert headers["x-ratelimit-limit-tokens"] == "10000"


async def test_a_budget_is_spent_to_the_pico_dollar_and_then_refuses(serve: Serve) -> None:
    limits = LimitSettings(budget_day=Dollars(2 * COST), budget_month=Dollars(PICO))
    config = settings(key("a", limits=limits), prices=PRICES)
    async with serve(WHOLE, config) as (running, _), aiohttp.ClientSession() as http:
        for _ in range(2):
            assert (await ask(http, running.url, "a"))[0] == 200
        status, body, headers = await ask(http, running.url, "a")
        (told,) = await limits_of(http, running.url, "a")
        client = openai.AsyncOpenAI(api_key="sk-a", base_url=f"{running.url}/v1")
        async with asyncio.timeout(5), client:
            with pytest.raises(openai.RateLimitError, match="begins anew at"):
                await client.chat.completions.create(model="m", messages=[{"role": "user", "content": "Hi"}])
    assert (status, body["error"]["type"], body["error"]["code"]) == (429, "insufficient_quota", "insufficient_quota")
    assert "0.086 dollars a day" in body["error"]["message"]
    assert 0 < int(headers["retry-after"]) <= 86_400
    assert told["budget_day"]["spent"] == told["budget_day"]["limit"] == 0.086
    assert told["budget_month"] | {"begins_anew": ""} == {
        "limit": 1,
        "spent": 0.086,
        "remaining": 0.914,
        "begins_anew": "",
    }


async def test_what_may_cost_too_much_is_refused_before_it_is_asked(serve: Serve) -> None:
    config = settings(key("a", limits=LimitSettings(budget_month=Dollars(PICO))), prices=PRICES)
    async with serve(WHOLE, config) as (running, provider), aiohttp.ClientSession() as http:
        status, body, _ = await ask(http, running.url, "a", max_tokens=1000)
        assert not provider.calls
        (told,) = await limits_of(http, running.url, "a")
    assert (status, "too little left" in body["error"]["message"]) == (429, True)
    assert told["budget_month"]["spent"] == 0


async def test_a_stream_is_settled_at_its_end(serve: Serve) -> None:
    config = settings(key("a", limits=LimitSettings(budget_day=Dollars(PICO), parallel=1)), prices=PRICES)
    async with serve(STREAM, config) as (running, _), aiohttp.ClientSession() as http:
        for _ in range(3):
            assert (await ask(http, running.url, "a", stream=True))[0] == 200
        (told,) = await limits_of(http, running.url, "a")
    assert told["parallel"] == {"limit": 1, "remaining": 1}
    assert told["budget_day"]["spent"] == 0.129


async def test_a_model_without_a_price_is_not_counted_and_is_said_once(
    serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    config = settings(key("a", limits=LimitSettings(budget_day=Dollars(1))))
    async with serve(WHOLE, config) as (running, _), aiohttp.ClientSession() as http:
        for _ in range(3):
            assert (await ask(http, running.url, "a"))[0] == 200
        async with http.get(f"{running.url}/metrics", headers={"authorization": "Bearer sk-a"}) as reply:
            assert 'forebay_limits_unpriced_total{counted_in="memory"} 3' in await reply.text()
    assert caplog.text.count("no price is known for 'm'") == 1
    assert "budgets begin anew at every start" in caplog.text


async def test_who_has_no_limits_is_told_that(serve: Serve) -> None:
    async with serve(WHOLE, settings(key("a"))) as (running, _), aiohttp.ClientSession() as http:
        assert await limits_of(http, running.url, "a") == []
        async with http.get(f"{running.url}/v1/limits") as reply:
            assert reply.status == 401


async def test_budgets_outlive_the_server_in_the_ledger(serve: Serve, tmp_path: Path) -> None:
    limits = LimitsSettings(tenants={"team": LimitSettings(budget_month=Dollars(3 * COST))})
    config = settings(
        key("a", "team", LimitSettings(budget_day=Dollars(2 * COST))),
        key("b", "team"),
        limits=limits,
        prices=PRICES,
        store=StoreSettings(Secret(f"sqlite:///{tmp_path / 'forebay.db'}")),
    )
    async with serve(WHOLE, config) as (running, _), aiohttp.ClientSession() as http:
        for _ in range(2):
            assert (await ask(http, running.url, "a"))[0] == 200
    async with serve(WHOLE, config) as (running, _), aiohttp.ClientSession() as http:
        status, _, headers = await ask(http, running.url, "a")
        assert (status, headers["x-forebay-limit"]) == (429, "key budget_day")
        assert (await ask(http, running.url, "b"))[0] == 200
        status, _, headers = await ask(http, running.url, "b")
        assert (status, headers["x-forebay-limit"]) == (429, "tenant budget_month")


class Issued:
    """A server that issues keys, and what one of them may."""

    def __init__(self, http: aiohttp.ClientSession, url: str) -> None:
        self._http = http
        self._url = url

    async def ask(self, key: str, path: str, method: str = "GET", body: Any = None) -> tuple[int, Any]:
        headers = {"authorization": f"Bearer {key}"}
        async with self._http.request(method, self._url + path, json=body, headers=headers) as reply:
            return reply.status, await reply.json() if "json" in reply.content_type else await reply.text()

    async def make(self, **wish: Any) -> tuple[str, dict[str, Any]]:
        status, made = await self.ask("sk-root", "/admin/keys", "POST", {"name": "x", **wish})
        assert status == 201, made
        async with asyncio.timeout(5):
            while (await self.ask(made["key"], "/v1/models"))[0] == 401:  # noqa: ASYNC110  # it has no event
                await asyncio.sleep(0.02)
        return made["key"], made


@pytest.fixture
def issuing(tmp_path: Path) -> Settings:
    keys = (KeySettings(Secret("sk-root"), "root", admin=True),)
    auth = AuthSettings(keys, IssuedKeySettings(Secret("a pepper of 16 characters")))
    return Settings(auth=auth, prices=PRICES, store=StoreSettings(Secret(f"sqlite:///{tmp_path / 'forebay.db'}")))


async def test_issued_keys_have_budgets(serve: Serve, issuing: Settings) -> None:
    async with serve(WHOLE, issuing) as (running, _), aiohttp.ClientSession() as http:
        server = Issued(http, running.url)
        text, made = await server.make(budget_day=0.043, budget_month=1.5)
        assert (made["budget_day"], made["budget_month"]) == (0.043, 1.5)
        statuses = [(await server.ask(text, "/v1/chat/completions", "POST", CHAT))[0] for _ in range(2)]
        assert statuses == [200, 429]
        async with asyncio.timeout(5):
            while True:
                _, shown = await server.ask("sk-root", f"/admin/keys/{made['id']}")
                if shown["spent_day"] == shown["spent_month"] == 0.043:
                    break
                await asyncio.sleep(0.05)


@pytest.mark.parametrize("budget", ["-1", "1e7", '"much"', "1e-13", '"NaN"', "1e999999", '"Infinity"', "true", "[]"])
def test_a_budget_that_is_no_amount_is_refused(budget: str) -> None:
    with pytest.raises((InvalidRequestError, msgspec.ValidationError)):
        msgspec.json.decode(f'{{"name": "x", "budget_day": {budget}}}', type=KeyRequest).wish()


@pytest.mark.parametrize(("budget", "expected"), [("0.1", PICO // 10), ('"1e-12"', 1), ("1000000", 10**18), ("0", 0)])
def test_a_budget_is_read_exactly(budget: str, expected: int) -> None:
    wish = msgspec.json.decode(f'{{"name": "x", "budget_day": {budget}}}', type=KeyRequest).wish()
    assert wish.limits == Limits(budget_day=expected)


async def test_a_key_for_chats_lists_its_models_and_runs_nothing(serve: Serve, issuing: Settings) -> None:
    async with serve(WHOLE, issuing) as (running, _), aiohttp.ClientSession() as http:
        server = Issued(http, running.url)
        text, _ = await server.make(scopes=["chat"])
        other, _ = await server.make(scopes=["chat"], models=["another"])
        admin, _ = await server.make(scopes=["admin"])
        status, models = await server.ask(text, "/v1/models")
        assert (status, [each["id"] for each in models["data"]]) == (200, ["m"])
        assert (await server.ask(other, "/v1/models"))[1]["data"] == []
        asked = [
            ("/v1/embeddings", "POST", {"model": "m", "input": "x"}),
            ("/v1/load_lora_adapter", "POST", {"lora_name": "a", "lora_path": "b"}),
            ("/v1/unload_lora_adapter", "POST", {"lora_name": "a"}),
            ("/v1/files", "GET", None),
            ("/metrics", "GET", None),
            ("/admin/keys", "GET", None),
            ("/admin/keys", "POST", {"name": "y"}),
            ("/admin/audit", "GET", None),
        ]
        statuses = {path: (await server.ask(text, path, method, body))[0] for path, method, body in asked}
        assert statuses == {path: 403 for path, _, _ in asked}
        assert (await server.ask(admin, "/metrics"))[0] == 200
        assert (await server.ask(admin, "/admin/keys"))[0] == 200
        assert (await server.ask(admin, "/v1/chat/completions", "POST", CHAT))[0] == 403
        _, made = await server.ask(admin, "/admin/keys", "POST", {"name": "z"})
        assert msgspec.json.encode(made)

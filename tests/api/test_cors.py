"""What a browser is told about pages of other origins: nothing, until the configuration names them."""

import aiohttp
import pytest

from forebay.api.cors import Cors
from forebay.app import application
from forebay.settings import Settings, SettingsError, load
from tests.support.serving import serving

PAGE = "https://app.example"


def settings(origins: str = "", auth: str = "auth: {keys: [{key: fb-key, name: a}]}") -> Settings:
    cors = f"server: {{cors: {{origins: [{origins}]}}}}\n" if origins else ""
    return load(
        f"{cors}{auth}\nproviders: {{a: {{kind: openai}}}}\nmodels: {{m: {{provider: a}}}}", source="f", environ={}
    )


def allowed(answer: aiohttp.ClientResponse) -> dict[str, str]:
    return {name.lower(): value for name, value in answer.headers.items() if name.lower().startswith("access-control-")}


async def test_off_unless_asked_for() -> None:
    async with serving(application(settings())) as running, aiohttp.ClientSession() as http:
        for method in ("OPTIONS", "GET", "POST"):
            headers = {"origin": PAGE, "access-control-request-method": "POST"}
            async with http.request(method, f"{running.url}/v1/models", headers=headers) as answer:
                assert allowed(answer) == {}


async def test_the_origin_that_is_named() -> None:
    async with serving(application(settings(PAGE))) as running, aiohttp.ClientSession() as http:
        wish = {
            "origin": PAGE,
            "access-control-request-method": "POST",
            "access-control-request-headers": "authorization,x-a",
        }
        async with http.options(f"{running.url}/v1/chat/completions", headers=wish) as answer:
            assert answer.status == 204
            assert allowed(answer) == {
                "access-control-allow-origin": PAGE,
                "access-control-allow-methods": "GET, HEAD, POST, PUT, DELETE",
                "access-control-allow-headers": "authorization,x-a",
                "access-control-max-age": "600",
            }
            assert answer.headers["vary"] == "origin"
        own = {"origin": PAGE, "authorization": "Bearer fb-key"}
        for headers, status in ((own, 200), ({"origin": PAGE}, 401)):  # a page may read errors, too
            async with http.get(f"{running.url}/v1/models", headers=headers) as answer:
                assert answer.status == status
                assert allowed(answer)["access-control-allow-origin"] == PAGE
                assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize(
    "origin",
    ["https://app.example.evil", "http://app.example", "https://app.example:444", "null", "https://APP.example"],
)
async def test_any_other_origin(origin: str) -> None:
    async with serving(application(settings(PAGE))) as running, aiohttp.ClientSession() as http:
        wish = {"origin": origin, "access-control-request-method": "POST"}
        async with http.options(f"{running.url}/v1/models", headers=wish) as answer:
            assert allowed(answer) == {}
        async with http.get(f"{running.url}/v1/models", headers={"origin": origin}) as answer:
            assert "access-control-allow-origin" not in answer.headers
            assert answer.headers["vary"] == "origin"


async def test_all_origins() -> None:
    async with serving(application(settings("'*'"))) as running, aiohttp.ClientSession() as http:
        wish = {"origin": PAGE, "access-control-request-method": "GET", "access-control-request-headers": "a" * 2000}
        async with http.options(f"{running.url}/v1/models", headers=wish) as answer:
            assert allowed(answer)["access-control-allow-origin"] == "*"
            assert not {"access-control-allow-headers", "access-control-allow-credentials"} & {*allowed(answer)}


async def test_a_client_that_is_no_browser() -> None:
    async with (
        serving(application(settings(PAGE))) as running,
        aiohttp.ClientSession() as http,
        http.get(f"{running.url}/health") as answer,
    ):
        assert allowed(answer) == {}


def test_every_page_of_the_world_and_no_key() -> None:
    with pytest.raises(SettingsError, match=r"server\.cors\.origins\[0\]: '\*' needs 'auth'"):
        settings("'*'", auth="")
    assert isinstance(application(settings(PAGE, auth="")), Cors)


@pytest.mark.parametrize(
    "origin", ["https://app.example/", "app.example", "https://*.example", "https://A.example", "''"]
)
def test_what_no_browser_would_send(origin: str) -> None:
    with pytest.raises(SettingsError, match=r"server\.cors\.origins\[0\]"):
        settings(origin)

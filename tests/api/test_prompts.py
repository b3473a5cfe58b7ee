"""``/v1/prompts`` and requests that name a prompt: through the whole server to the upstream's body and the ledger."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import aiohttp
import msgspec
import pytest

from forebay.settings import AuthSettings, KeySettings, PromptSettings, Secret, Settings, StoreSettings
from tests.api.conftest import WHOLE, Serve

ADMIN = {"authorization": "Bearer sk-root"}
ALICE = {"authorization": "Bearer sk-a"}
DRAFT = {
    "id": "support",
    "messages": [{"role": "system", "content": "Help {{who}}."}],
    "variables": {"who": {"type": "string", "maxLength": 20}},
    "model": "m",
}


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    folder = tmp_path / "prompts"
    folder.mkdir()
    (folder / "filed.md").write_text("---\nmodel: m\n---\nFrom a file.\n")
    return Settings(
        auth=AuthSettings((KeySettings(Secret("sk-root"), "root", admin=True), KeySettings(Secret("sk-a"), "alice"))),
        store=StoreSettings(Secret(f"sqlite:///{tmp_path / 'forebay.db'}")),
        prompts=PromptSettings(str(folder)),
    )


class Client:
    """What a test asks of a server."""

    def __init__(self, session: aiohttp.ClientSession, url: str) -> None:
        self._session = session
        self._url = url

    async def ask(
        self, method: str, path: str, body: Any = None, headers: dict[str, str] = ADMIN
    ) -> tuple[int, Any, Mapping[str, str]]:
        async with self._session.request(method, self._url + path, json=body, headers=headers) as reply:
            return reply.status, await reply.json(), reply.headers

    async def until(self, path: str, done: Any) -> Any:
        async with asyncio.timeout(5):
            while True:
                status, body, _ = await self.ask("GET", path)
                if status == 200 and done(body):
                    return body
                await asyncio.sleep(0.02)


async def test_a_prompt_from_its_making_to_the_ledger(serve: Serve, settings: Settings) -> None:
    async with serve(WHOLE, settings) as (running, upstream), aiohttp.ClientSession() as session:
        client = Client(session, running.url)
        status, made, _ = await client.ask("POST", "/v1/prompts", DRAFT)
        assert (status, made["version"], made["author"]) == (201, 1, "root")
        second = {**DRAFT, "messages": [{"role": "system", "content": "Serve {{who}}."}]}
        assert (await client.ask("POST", "/v1/prompts", second))[1]["version"] == 2
        assert (await client.ask("PUT", "/v1/prompts/support/labels/production", {"version": 1}))[0] == 200
        shown = await client.until("/v1/prompts/support", lambda found: found["labels"])
        assert (shown["versions"], shown["labels"]) == ([1, 2], {"production": {"1": 1.0}})
        _, told, _ = await client.ask("GET", "/v1/prompts/support/diff?from=1&to=2", headers=ALICE)
        assert "-  content: Help {{who}}." in told["diff"]
        named = {"id": "support", "variables": {"who": "Bob"}}
        status, _, headers = await client.ask("POST", "/v1/chat/completions", {"prompt": named}, ALICE)
        assert (status, headers["x-forebay-prompt"]) == (200, "support@1")
        sent = msgspec.json.decode(upstream.calls[-1][0].request.body)
        assert sent == {"model": "m", "messages": [{"role": "system", "content": "Help Bob."}]}
        _, story, _ = await client.ask("GET", f"/v1/requests/{headers['x-request-id']}/route", headers=ALICE)
        assert story["prompt"] == "support@1"
        responded = {"prompt": {**named, "version": "2"}, "input": "Now."}
        status, _, headers = await client.ask("POST", "/v1/responses", responded, ALICE)
        assert (status, headers["x-forebay-prompt"]) == (200, "support@2")
        usage = await client.until("/v1/usage?group_by=prompt", lambda found: len(found["data"]) == 2)
        assert {each["group"] for each in usage["data"]} == {"support@1", "support@2"}
        _, audit, _ = await client.ask("GET", "/v1/prompts")
        assert [each["id"] for each in audit["data"]] == ["filed", "support"]
        assert (await client.ask("DELETE", "/v1/prompts/support/labels/production"))[1]["deleted"]


@pytest.mark.parametrize(
    ("method", "path", "body", "headers", "expected"),
    [
        ("POST", "/v1/prompts", DRAFT, ALICE, 403),
        ("POST", "/v1/prompts", {**DRAFT, "id": "filed"}, ADMIN, 409),
        ("POST", "/v1/prompts", {**DRAFT, "variables": {}}, ADMIN, 400),
        ("POST", "/v1/prompts", {**DRAFT, "id": "../x"}, ADMIN, 400),
        ("POST", "/v1/prompts", {**DRAFT, "more": 1}, ADMIN, 400),
        ("GET", "/v1/prompts/none", None, ALICE, 404),
        ("GET", "/v1/prompts/filed/versions/7", None, ALICE, 404),
        ("GET", "/v1/prompts/filed/versions/x", None, ALICE, 404),
        ("PUT", "/v1/prompts/filed/labels/production", {"version": 1}, ADMIN, 409),
        ("PUT", "/v1/prompts/none/labels/production", {"version": 1}, ADMIN, 404),
        ("PUT", "/v1/prompts/none/labels/7", {"version": 1}, ADMIN, 400),
        ("PUT", "/v1/prompts/none/labels/a b", {"version": 1}, ADMIN, 400),
        ("PUT", "/v1/prompts/none/labels/x", {}, ADMIN, 400),
        ("POST", "/v1/chat/completions", {"prompt": {"id": "none"}}, ALICE, 404),
        ("POST", "/v1/chat/completions", {"prompt": {"id": "filed", "variables": {"x": 1}}}, ALICE, 400),
        ("POST", "/v1/chat/completions", {"prompt": {"id": "filed"}}, ALICE, 200),
        ("GET", "/v1/prompts", None, {}, 401),
    ],
)
async def test_what_may_not_be_is_told(  # noqa: PLR0913, PLR0917  # a table
    serve: Serve, settings: Settings, method: str, path: str, body: Any, headers: dict[str, str], expected: int
) -> None:
    async with serve(WHOLE, settings) as (running, _), aiohttp.ClientSession() as session:
        found, told, _ = await Client(session, running.url).ask(method, path, body, headers)
        assert found == expected, told

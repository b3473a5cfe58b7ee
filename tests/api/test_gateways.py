"""A gateway before another Forebay lists for its models what these answer there, as soon as that one is there."""

import asyncio

import aiohttp

from forebay.app import application, assemble
from forebay.core.types import Operation
from forebay.settings import DeploymentSettings, LogSettings, ModelSettings, Settings, section
from tests.support.scripted import Scripted
from tests.support.serving import serving

QUIET = LogSettings(requests=False)


def upstream() -> Settings:
    served = {"chatty": "chats", "vectors": "embeds", "far/*": "embeds"}
    models = {name: ModelSettings((DeploymentSettings(provider),)) for name, provider in served.items()}
    return Settings(models=models, log=QUIET)


def gateway(url: str) -> Settings:
    models = {
        name: ModelSettings((DeploymentSettings("other", model),))
        for name, model in {"m": "chatty", "v": "vectors", "f": "far/away", "x": "unheard-of", "all/*": "*"}.items()
    }
    providers = {"other": section("forebay", {"base_url": f"{url}/v1"})}
    return Settings(providers=providers, models=models, log=QUIET)


async def test_the_models_of_another_forebay_answer_what_it_says_of_them() -> None:
    chats, embeds = Scripted([]), Scripted([])
    chats.operations = frozenset({Operation.CHAT, Operation.COMPLETION, Operation.FILES})
    embeds.operations = frozenset({Operation.EMBEDDING})
    async with (
        serving(assemble(upstream(), {"chats": chats, "embeds": embeds})) as behind,
        serving(application(gateway(behind.url))) as before,
        aiohttp.ClientSession() as http,
    ):

        async def operations(path: str) -> dict[str, list[str]]:
            async with http.get(f"{before.url}/v1/models{path}") as reply:
                told = await reply.json()
            return {each["id"]: each["operations"] for each in told.get("data", [told])}

        listed = await operations("")
        assert listed["m"] == ["chat/completions", "completions"]
        assert listed["v"] == listed["f"] == ["embeddings"]
        assert listed["all/*"] == ["chat/completions", "completions", "embeddings"]
        assert {"chat/completions", "rerank"} < set(listed["x"])
        assert await operations("/all/vectors") == {"all/vectors": ["embeddings"]}


async def test_it_learns_them_when_the_other_one_comes_later() -> None:
    chats = Scripted([])
    chats.operations = frozenset({Operation.CHAT})
    other = assemble(upstream(), {"chats": chats, "embeds": Scripted([])})
    async with serving(other) as gone:
        port = gone.port
    async with serving(application(gateway(f"http://127.0.0.1:{port}"))) as before, aiohttp.ClientSession() as http:

        async def operations() -> list[str]:
            async with http.get(f"{before.url}/v1/models/m") as reply:
                told: list[str] = (await reply.json())["operations"]
            return told

        assert "rerank" in await operations()
        again = assemble(upstream(), {"chats": chats, "embeds": Scripted([])})
        async with serving(again, port=port), asyncio.timeout(10):
            while await operations() != ["chat/completions"]:  # noqa: ASYNC110  # it has no event
                await asyncio.sleep(0.05)

"""A cache stage around a scripted provider, for tests of what it does with calls."""

import asyncio
import time
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from typing import Any

import msgspec

from forebay.cache.memory import MemoryStore
from forebay.core.cachecontrol import CacheControl
from forebay.core.ports import CacheStore, Similar
from forebay.core.stream import DONE, event, payloads
from forebay.core.types import Call, Deployment, Operation, Principal, Reply, Request, Stream, Trace, Usage, Whole
from forebay.gateway.cache.asked import Reader
from forebay.gateway.cache.identity import Identities
from forebay.gateway.cache.judge import LABEL, PRINCIPAL, Judge
from forebay.gateway.cache.keeper import Keeper
from forebay.gateway.cache.shadow import Shadow
from forebay.gateway.cache.stage import Cache
from forebay.gateway.inward import Inward
from forebay.gateway.pipeline import compose
from forebay.gateway.route import Route
from forebay.gateway.target import Model, Target
from forebay.settings import CacheSettings, SemanticSettings, section
from tests.support.scripted import Scripted

USAGE = Usage(3, 1)
MESSAGES: list[dict[str, Any]] = [{"role": "user", "content": "What is a forebay?"}]
SETTINGS = CacheSettings(section("memory", {}))


def completion(content: str = "Hi", finish: str = "stop", **message: Any) -> bytes:
    """A whole chat."""
    return msgspec.json.encode(
        {
            "id": "chatcmpl-upstream",
            "object": "chat.completion",
            "created": 1,
            "model": "m-1",
            "choices": [
                {
                    "index": 0,
                    "message": {"role": "assistant", "content": content, **message},
                    "logprobs": None,
                    "finish_reason": finish,
                }
            ],
            "usage": {"prompt_tokens": 3, "completion_tokens": 1, "total_tokens": 4},
        }
    )


def chunks(*contents: str, finish: str | None = "stop") -> list[bytes]:
    """The same as a stream, without a usage."""
    deltas: list[tuple[dict[str, Any], str | None]] = [({"role": "assistant", "content": ""}, None)]
    deltas += [({"content": each}, None) for each in contents]
    deltas += [({}, finish)] if finish else []
    return [*(event(chunk(delta, end)) for delta, end in deltas), DONE]


def chunk(delta: dict[str, Any], finish: str | None = None, index: int = 0) -> bytes:
    choice = {"index": index, "delta": delta, "logprobs": None, "finish_reason": finish}
    head = {"id": "chatcmpl-upstream", "object": "chat.completion.chunk", "created": 1, "model": "m-1"}
    return msgspec.json.encode({**head, "choices": [choice]})


class Clock:
    """A clock that a test sets."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


class Site:
    """One model ``m`` behind a cache; ``provider`` answers what the cache does not."""

    def __init__(  # noqa: PLR0913  # all by name
        self,
        script: Sequence[Any],
        settings: CacheSettings = SETTINGS,
        *,
        mode: str = "exact",
        similar: Similar | None = None,
        store: CacheStore | None = None,
        models: Mapping[str, Model] | None = None,
    ) -> None:
        self.clock = Clock()
        self.provider = Scripted(script, USAGE)
        self.keeper = Keeper("memory", store or MemoryStore(10**7, self.clock), similar, self.clock)
        target = Target(Deployment("p/x", "p", "x"), self.provider)
        self.route = Route(models or {"m": Model("m", (target,), cache=mode)})
        reader = Reader(settings, Identities({"p": "digest"}))
        judge = settings.semantic and settings.semantic.judge
        judged = Judge(Inward(PRINCIPAL, self.route, LABEL), judge, self.keeper.counts) if judge else None
        shadow = Shadow(self.route, self.keeper, settings.semantic) if settings.semantic else None
        stage = Cache(self.route.model, reader, self.keeper, settings.max_entry, shadow, judged)
        self.ask = compose([stage], self.route)
        self.number = 0

    @property
    def asked(self) -> int:
        """How often the provider was."""
        return len(self.provider.calls)

    def call(  # noqa: PLR0913  # all by name
        self,
        *,
        operation: Operation = Operation.CHAT,
        stream: bool = False,
        usage: bool = False,
        tenant: str = "team",
        cache: CacheControl | None = None,
        header: str = "",
        model: str = "m",
        models: frozenset[str] | None = None,
        **fields: Any,
    ) -> Call:
        self.number += 1
        default: dict[str, Any] = {"messages": MESSAGES} if operation is Operation.CHAT else {}
        body: dict[str, Any] = {"model": model, **default, **fields}
        if stream:
            body["stream"] = True
        request = Request(operation, model, msgspec.json.encode(body), stream, usage, cache=cache)
        principal = Principal("alice", tenant, models)
        return Call(f"req_{self.number:04}", request, principal, Trace(time.perf_counter()), "", header)

    async def fetch(self, **how: Any) -> tuple[str, Any]:
        """What the cache did, and what was answered: the whole reply, or the chunks of a stream."""
        return await read(await self.ask(self.call(**how)))

    def hold(self) -> asyncio.Event:
        """Let the provider answer only once the event is set."""
        gate, answer = asyncio.Event(), self.provider.answer

        async def held(call: Call, deployment: Deployment) -> Reply:
            await gate.wait()
            return await answer(call, deployment)

        self.provider.answer = held  # type: ignore[method-assign]
        return gate

    async def settle(self) -> None:
        """Wait until everything is stored that will be."""
        while self.keeper._tasks:
            await asyncio.wait(self.keeper._tasks)


async def read(reply: Reply) -> tuple[str, Any]:
    label = dict(reply.headers).get("x-cache", "")
    if isinstance(reply, Whole):
        return label, msgspec.json.decode(reply.body)
    return label, [msgspec.json.decode(each) for each in payloads(await drained(reply)) if each != b"[DONE]"]


async def drained(reply: Stream) -> bytes:
    async with aclosing(reply.events) as events:
        return b"".join([each.data async for each in events])


def text_of(answer: Any) -> str:
    """The content of a whole reply, or of chunks."""
    if isinstance(answer, list):
        return "".join(choice["delta"].get("content") or "" for each in answer for choice in each["choices"])
    content: str = answer["choices"][0]["message"]["content"]
    return content


SEMANTIC = msgspec.structs.replace(SETTINGS, semantic=SemanticSettings(section("local", {})))

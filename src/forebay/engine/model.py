"""A model that answers: requests in OpenAI's form in, replies in OpenAI's form out.

request ─► requests (checked) ─► prompts (tokens) ─► Answer ─► Runner ─► Engine, in its thread
reply   ◄─ replies (bytes)    ◄─ text (characters) ◄─┘ ◄─ tokens of every step ◄─┘
"""

import asyncio
import contextlib
import hashlib
import time
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping
from collections.abc import Sequence as Items
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Final, NamedTuple, TypeVar

import msgspec
import openvino as ov

from forebay.core.decode import decode
from forebay.core.errors import InvalidRequestError, ModelNotFoundError
from forebay.core.stream import Primed
from forebay.core.types import Call, Deployment, Event, Operation, Reply, Stream, Whole
from forebay.engine import library, memory, messages
from forebay.engine.adapter_store import AdapterStore, Lease
from forebay.engine.answer import Answer, Prompt, Words
from forebay.engine.call_replies import CallFormat
from forebay.engine.chat_replies import ChatFormat
from forebay.engine.completion_replies import CompletionFormat
from forebay.engine.core import Engine
from forebay.engine.grammar import Constraint, Grammar
from forebay.engine.graph import PagedGraph, Precision
from forebay.engine.marks import Marks
from forebay.engine.options import EngineSettings
from forebay.engine.prompts import Prompter
from forebay.engine.replies import Format, Head
from forebay.engine.requests import Body, ChatBody, CompletionBody
from forebay.engine.runner import Runner
from forebay.engine.sequence import Origin

T = TypeVar("T")
_COMPILING_SECONDS: Final = 10.0

AnyFormat = Format[Any, Any]


class _Asked(NamedTuple):
    """What a request wants: its body, the prompts in it, how the reply is written, and what it is made of."""

    body: Body
    prompts: list[Prompt]
    form: Callable[..., AnyFormat]
    pieces: Items[bytes]


class LocalModel:
    """One model, loaded: its tokenizer and templates, its engine in a thread of its own, and what it answers."""

    def __init__(
        self, settings: EngineSettings, renamed: dict[str, str] | None = None, marks: Marks | None = None
    ) -> None:
        """Nothing is loaded yet; ``renamed`` are the ``paths`` of an `AdapterStore`."""
        self._settings = settings
        self._marks = marks or Marks()
        self._renamed = {} if renamed is None else renamed
        self._advice = settings.advice()
        self._runner = Runner(settings.max_running + settings.max_waiting)
        # Templates and tokenisers take a millisecond, or many for a long prompt: never on the event loop.
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="forebay-prompts")
        # A grammar may take a second, for which no other request's prompt should wait.
        self._grammars = ThreadPoolExecutor(1, thread_name_prefix="forebay-grammars")
        self._engine: Engine | None = None
        self._prompter: Prompter
        self._graph: PagedGraph | None = None
        self._adapters: AdapterStore | None = None
        self._fingerprint = f"fp_{hashlib.sha256(f'{settings.model} {ov.__version__}'.encode()).hexdigest()[:10]}"

    async def weigh(self) -> int:
        """About how many bytes of memory it will take; it is fetched and converted first if need be.

        Raises:
            LibraryError: it cannot be had.
        """
        adapters = self._settings.adapters
        cache = self._settings.kv_cache + (adapters.max_bytes if adapters else 0)
        return await self._in_thread(lambda: memory.estimate(self._folder(), cache=cache))

    async def start(self) -> None:
        """Load the model; fetch and convert it first if need be.

        Raises:
            LibraryError: it cannot be had, or is not whole.
            RuntimeError: it cannot be used; the message says why.
        """
        settings = self._settings
        folder = await self._in_thread(self._folder)
        engine = await self._runner.start(partial(self._load, folder))
        if settings.adapters is not None and self._graph is not None:
            self._adapters = AdapterStore(settings.adapters, self._graph, self._renamed)
        limit = min(engine.capacity, settings.context or engine.capacity)
        self._prompter = await self._in_thread(partial(Prompter, folder, limit))
        self._engine = engine

    async def close(self) -> None:
        """Stop the threads; those who still wait are told."""
        if self._adapters is not None:
            await self._adapters.close()
        # The thread is to be the last one that holds the engine: freeing that takes a while.
        self._engine = self._graph = self._adapters = None
        await self._runner.close()
        self._thread.shutdown(wait=False)
        self._grammars.shutdown(wait=False)

    def failure(self) -> str | None:
        """It can answer from its start to its end, unless its thread has died."""
        return self._runner.failure()

    def gauges(self) -> Mapping[str, float]:
        """What the engine is doing, for metrics."""
        if self._engine is None:
            return {}
        scheduler, blocks = self._engine.scheduler, self._engine.blocks
        running = len(scheduler.running)
        return {
            **(self._adapters.gauges() if self._adapters else {}),
            "running": running,
            "waiting": max(self._runner.live - running, 0),
            "kv_blocks_used": blocks.used,
            "kv_blocks_total": blocks.total,
            "kv_blocks_kept": blocks.kept,
            "kv_cache_usage_ratio": blocks.used / blocks.total,
            "prefix_cache_queries_total": scheduler.prefixes.asked,
            "prefix_cache_hits_total": scheduler.prefixes.found,
            "generated_tokens_total": self._engine.generated,
            "preemptions_total": scheduler.preemptions,
        }

    @property
    def adapters(self) -> AdapterStore:
        """Its adapters.

        Raises:
            ModelNotFoundError: it is not configured to have any.
        """
        if self._adapters is None:
            raise no_adapters()
        return self._adapters

    async def answer(self, call: Call, deployment: Deployment, /) -> Reply:
        """Answer a chat, a completion or how long a prompt is, with an adapter if ``deployment`` names one.

        Raises:
            ForebayError: the request cannot be answered, or not now.
        """
        call.trace.provider_started = time.perf_counter()
        self._runner.check()
        if call.request.operation is Operation.COUNT:
            return await self._count(call)
        asked = await self._read(call)
        with contextlib.ExitStack() as held:
            lease = await self._lease(call, deployment.adapter) if deployment.adapter else Lease()
            origin = self._settings.origin(call.principal, held.enter_context(lease))
            return await self._reply(call, asked, origin, held)

    async def _lease(self, call: Call, adapter: str) -> Lease:
        try:
            return await self.adapters.use(adapter)
        except (InvalidRequestError, ModelNotFoundError) as error:
            if call.request.fields().get("adapter_id"):
                error.param = "adapter_id"
            raise

    async def _read(self, call: Call) -> "_Asked":
        if call.request.operation is Operation.CHAT:
            return await self._chat(call)
        if call.request.operation is Operation.COMPLETION:
            return await self._complete(call)
        raise InvalidRequestError("This model makes text and nothing else.", param="model")

    async def _chat(self, call: Call) -> "_Asked":
        body = decode(call.request.body, ChatBody)
        body.check(len(self._prompter.names))
        self._check_room(1, body.choices)
        found, tools = messages.plain(body.messages), body.chosen_tools()
        tokens = await self._in_thread(partial(self._prompter.chat, found, tools))
        if tools is None:
            return _Asked(body, [Prompt(tokens)], ChatFormat, self._prompter.pieces)
        calls = self._prompter.calls(tools)
        return _Asked(body, [Prompt(tokens)], partial(CallFormat, calls.reader), calls.pieces)

    async def _count(self, call: Call) -> Whole:
        """How many tokens the prompt of a chat has."""
        (prompt,) = (await self._chat(call)).prompts
        call.trace.provider_answered = time.perf_counter()
        return Whole(msgspec.json.encode({"object": "response.input_tokens", "input_tokens": len(prompt.tokens)}))

    async def _complete(self, call: Call) -> "_Asked":
        body = decode(call.request.body, CompletionBody)
        body.check(len(self._prompter.names))
        prompts = body.prompts()
        self._check_room(len(prompts), body.choices)
        tokens = await self._in_thread(partial(self._prompter.completions, prompts))
        leads = [self._prompter.text(prompt) if body.echo else "" for prompt in prompts]
        return _Asked(body, list(map(Prompt, tokens, leads)), CompletionFormat, self._prompter.pieces)

    def _check_room(self, prompts: int, choices: int) -> None:
        limit = self._runner.limit
        if prompts > limit:
            raise InvalidRequestError(f"At most {limit} prompts are taken at once.", param="prompt")
        if prompts * choices > limit:
            raise InvalidRequestError(f"At most {limit} choices are made at once, over all prompts.", param="n")

    async def _reply(self, call: Call, asked: "_Asked", origin: Origin, held: contextlib.ExitStack) -> Reply:
        """The answer, while ``held`` is open; a stream takes what is in it along."""
        body = asked.body
        mark = self._marks.wanted(body.watermark, len(self._prompter.names))
        grammar = await self._compiled(body.constraint())
        words = Words(self._prompter.ends, asked.pieces)
        answer = Answer(self._runner, words, grammar=grammar, origin=origin, marker=mark.make)
        for prompt in asked.prompts:
            sampling = body.sampling(self._prompter.context - len(prompt.tokens), self._advice)
            answer.add(prompt, sampling, body.choices)
        writer = asked.form(
            Head(int(time.time()), call.request.model, self._fingerprint),
            self._prompter.names,
            choices=body.choices,
            logprobs=body.wants_logprobs,
            include_usage=call.request.include_usage,
        )
        if not call.request.stream:
            return msgspec.structs.replace(await _whole(call, answer, writer), headers=mark.headers)
        events = await Primed.of(_events(call, answer, writer, held.pop_all()))
        call.trace.provider_answered = time.perf_counter()
        return Stream(events, mark.headers)

    async def _compiled(self, constraint: Constraint | None) -> Grammar | None:
        if constraint is None:
            return None
        compiler = self._prompter.compiler
        in_thread = partial(asyncio.get_running_loop().run_in_executor, self._grammars)
        await in_thread(compiler.warm_up)
        try:
            return await asyncio.wait_for(in_thread(compiler.compile, constraint), _COMPILING_SECONDS)
        except TimeoutError:
            raise InvalidRequestError(
                f"'{constraint.param}' takes too long to compile: simplify it.", param=constraint.param
            ) from None

    def _folder(self) -> Path:
        return library.ensure(self._settings.model)

    def _load(self, folder: Path) -> Engine:
        settings = self._settings
        # Where rows with and without adapters meet, these must not be rounded otherwise than among themselves.
        precision: Precision | None = "f32" if settings.adapters else None
        graph = PagedGraph(folder, kv_cache=settings.kv_cache, threads=settings.threads, precision=precision)
        self._graph = graph
        return Engine(graph, max_running=settings.max_running, max_batched_tokens=settings.max_batched_tokens)

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)


def no_adapters() -> ModelNotFoundError:
    """The answer to whoever asks for an adapter of a model that takes none."""
    return ModelNotFoundError("This model takes no adapters: 'adapters.folder' is not configured.", param="model")


@contextlib.contextmanager
def _working(call: Call, answer: Answer) -> Iterator[None]:
    """Have the engine work; whatever ends that, the sequences are freed and the usage is known."""
    answer.start()
    try:
        yield
    finally:
        answer.close()
        call.trace.usage = answer.usage


async def _events(
    call: Call, answer: Answer, writer: AnyFormat, held: contextlib.ExitStack
) -> AsyncGenerator[Event, None]:
    with held, _working(call, answer):
        data = writer.opening()
        while pieces := await answer.pieces():
            call.trace.queue_seconds = call.trace.queue_seconds or answer.queue_seconds
            data += b"".join(map(writer.chunk, pieces))
            if answer.finished:
                call.trace.usage = answer.usage
                data += writer.closing(answer.usage)
            if data:
                yield Event(data, content=any(piece.text for piece in pieces))
            data = b""


async def _whole(call: Call, answer: Answer, writer: AnyFormat) -> Whole:
    with _working(call, answer):
        while pieces := await answer.pieces():
            for piece in pieces:
                writer.collect(piece)
    call.trace.queue_seconds = answer.queue_seconds
    call.trace.provider_answered = time.perf_counter()
    return Whole(writer.whole(answer.usage), answer.usage)

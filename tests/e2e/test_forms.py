"""Structured answers and calls of tools, with OpenAI's own client and its helpers."""

import json
from collections.abc import Iterator

import openai
import pytest
from openai import OpenAI
from openai.types.chat import ChatCompletionToolParam
from pydantic import BaseModel

from tests.support.served import Served

pytestmark = pytest.mark.needs("engine")

MODEL = "smollm2"


class City(BaseModel):
    """What is asked for."""

    name: str
    inhabitants: int
    rivers: list[str]


WEATHER: ChatCompletionToolParam = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "strict": True,
        "parameters": {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
            "additionalProperties": False,
        },
    },
}


@pytest.fixture(scope="module")
def client(served: Served) -> Iterator[OpenAI]:
    with OpenAI(base_url=f"{served.url}/v1", api_key="none", max_retries=0) as made:
        yield made


def test_a_reply_is_parsed_into_a_model(client: OpenAI) -> None:
    answer = client.chat.completions.parse(
        model=MODEL, messages=[{"role": "user", "content": "Tell me about Rome."}], response_format=City, max_tokens=60
    )
    city = answer.choices[0].message.parsed
    assert isinstance(city, City)
    assert answer.choices[0].finish_reason == "stop"


def test_a_stream_is_parsed_as_it_comes(client: OpenAI) -> None:
    with client.chat.completions.stream(
        model=MODEL, messages=[{"role": "user", "content": "Tell me about Rome."}], response_format=City, max_tokens=60
    ) as stream:
        kinds = {event.type for event in stream}
        final = stream.get_final_completion()
    assert {"chunk", "content.delta", "content.done"} <= kinds
    assert isinstance(final.choices[0].message.parsed, City)


def test_a_call_is_streamed_and_answered(client: OpenAI) -> None:
    question = "What is the weather in Paris?"
    with client.chat.completions.stream(
        model=MODEL,
        messages=[{"role": "user", "content": question}],
        tools=[WEATHER],
        tool_choice="required",
        parallel_tool_calls=False,
        max_tokens=60,
    ) as stream:
        kinds = [event.type for event in stream]
        message = stream.get_final_completion().choices[0].message
    assert kinds.count("tool_calls.function.arguments.delta") > 2
    assert message.tool_calls
    (call,) = message.tool_calls
    assert json.loads(call.function.arguments).keys() == {"city"}
    answer = client.chat.completions.create(
        model=MODEL,
        messages=[
            {"role": "user", "content": question},
            {"role": "assistant", "tool_calls": [
                {"id": call.id, "type": "function",
                 "function": {"name": call.function.name, "arguments": call.function.arguments}},
            ]},
            {"role": "tool", "tool_call_id": call.id, "content": "Sunny, 20 degrees."},
        ],
        max_tokens=30,
    )  # fmt: skip
    assert answer.choices[0].message.content
    assert answer.choices[0].message.tool_calls is None


def test_an_image_is_a_clear_mistake(client: OpenAI) -> None:
    with pytest.raises(openai.BadRequestError, match="reads only text") as caught:
        client.chat.completions.create(
            model=MODEL,
            messages=[
                {"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}]}
            ],
        )
    assert caught.value.param == "messages[0].content[0]"

"""Clients that speak other dialects, against ``forebay serve`` and a real model."""

import anthropic
import openai
import pytest

from tests.support.served import Served

MODEL = "smollm2"

pytestmark = [pytest.mark.needs("engine")]


def test_anthropic_s_client_talks_to_the_embedded_engine(served: Served) -> None:
    question: anthropic.types.MessageParam = {"role": "user", "content": "Name a colour."}
    with anthropic.Anthropic(base_url=served.url, api_key="none") as client:
        message = client.messages.create(
            model=MODEL, max_tokens=8, messages=[question], system="Be brief.", extra_body={"temperature": 0}
        )
        assert message.content[0].type == "text"
        assert message.content[0].text
        counted = client.messages.count_tokens(model=MODEL, messages=[question], system="Be brief.")
        usage = message.usage
        assert counted.input_tokens == usage.input_tokens + (usage.cache_read_input_tokens or 0)
        with client.messages.stream(
            model=MODEL, max_tokens=8, messages=[question], system="Be brief.", extra_body={"temperature": 0}
        ) as stream:
            assert "".join(stream.text_stream) == message.content[0].text
            assert stream.get_final_message().usage.output_tokens == usage.output_tokens
        image: anthropic.types.ImageBlockParam = {
            "type": "image",
            "source": {"type": "url", "url": "https://example.com/a.png"},
        }
        with pytest.raises(anthropic.BadRequestError, match="only text"):
            client.messages.create(model=MODEL, max_tokens=8, messages=[{"role": "user", "content": [image]}])


def test_openai_s_newer_client_talks_to_the_embedded_engine(served: Served) -> None:
    with openai.OpenAI(base_url=f"{served.url}/v1", api_key="none") as client:
        response = client.responses.create(
            model=MODEL, input="Name a colour.", instructions="Be brief.", max_output_tokens=16, temperature=0
        )
        assert response.output_text
        counted = client.responses.input_tokens.count(model=MODEL, input="Name a colour.", instructions="Be brief.")
        assert response.usage is not None
        assert counted.input_tokens == response.usage.input_tokens
        with client.responses.stream(
            model=MODEL, input="Name a colour.", instructions="Be brief.", max_output_tokens=16, temperature=0
        ) as stream:
            text = "".join(event.delta for event in stream if event.type == "response.output_text.delta")
        assert text == response.output_text

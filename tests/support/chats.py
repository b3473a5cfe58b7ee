"""Chats as OpenAI's clients may send them, for hypothesis: every order of roles, parts, parameters."""

from typing import Any

from hypothesis import strategies as st

Fields = dict[str, Any]

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGNgYGBgAAAABQABpfZFQAAAAABJRU5ErkJggg=="
PDF = "JVBERi0xLjQK"

texts = st.text(max_size=12) | st.sampled_from(["", " ", "Hello", "a\nb", "🌍"])
names = st.from_regex(r"\A[a-zA-Z0-9_-]{1,20}\Z")
ids = st.sampled_from(["call_1", "call_2", "call.3", "toolu_01", "", "ü"])
cache_control = st.sampled_from([{"type": "ephemeral"}, {"type": "ephemeral", "ttl": "1h"}])
urls = st.sampled_from(
    [f"data:image/png;base64,{PIXEL}", "https://example.com/a.jpg", f"data:image/jpg;base64,{PIXEL}"]
)

text_parts = st.fixed_dictionaries({"type": st.just("text"), "text": texts}, optional={"cache_control": cache_control})
image_parts = st.fixed_dictionaries({"type": st.just("image_url"), "image_url": st.fixed_dictionaries({"url": urls})})
file_parts = st.sampled_from(
    [
        {"type": "file", "file": {"file_data": f"data:application/pdf;base64,{PDF}", "filename": "a.pdf"}},
        {"type": "file", "file": {"file_data": PDF}},
    ]
)
refusal_parts = st.fixed_dictionaries({"type": st.just("refusal"), "refusal": texts})
contents = texts | st.lists(text_parts, min_size=1, max_size=3)
shown = texts | st.lists(text_parts | image_parts | file_parts, min_size=1, max_size=3)
arguments = st.sampled_from(["{}", "", '{"city": "Paris"}', "not JSON", "[1]", '{"a": {"b": [1, null]}}', '"x"'])
calls = st.builds(
    lambda call_id, name, text: {"id": call_id, "type": "function", "function": {"name": name, "arguments": text}},
    ids,
    names,
    arguments,
)
thinking = st.sampled_from(
    [
        {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"},
        {"type": "thinking", "thinking": "", "signature": "", "index": 0},
        {"type": "redacted_thinking", "data": "eA=="},
    ]
)


def _message(
    role: str, content: st.SearchStrategy[Any], **optional: st.SearchStrategy[Any]
) -> st.SearchStrategy[Fields]:
    return st.fixed_dictionaries({"role": st.just(role), "content": content}, optional=optional)


assistants = _message(
    "assistant",
    st.none() | texts | st.lists(text_parts | refusal_parts, min_size=1, max_size=3),
    tool_calls=st.lists(calls, min_size=1, max_size=3),
    thinking_blocks=st.lists(thinking, max_size=2),
    reasoning_content=texts,
    refusal=st.none() | texts,
)
tools_messages = st.fixed_dictionaries({"role": st.just("tool"), "content": contents, "tool_call_id": ids})
messages = st.lists(
    _message("system", contents)
    | _message("developer", contents, name=names)
    | _message("user", shown, name=names)
    | assistants
    | tools_messages,
    min_size=1,
    max_size=7,
)

schemas: st.SearchStrategy[Fields] = st.sampled_from(
    [
        {},
        {"type": "object", "properties": {}},
        {
            "type": "object",
            "properties": {"city": {"type": "string"}},
            "required": ["city"],
            "additionalProperties": False,
        },
        {
            "type": "object",
            "properties": {"next": {"$ref": "#/$defs/node"}, "size": {"type": ["integer", "null"], "minimum": 0}},
            "$defs": {
                "node": {"type": "object", "properties": {"value": {"anyOf": [{"type": "string"}, {"const": 1}]}}}
            },
        },
    ]
)
functions: st.SearchStrategy[Fields] = st.fixed_dictionaries(
    {"name": names}, optional={"description": texts, "parameters": schemas, "strict": st.none() | st.booleans()}
)
tools = st.lists(functions, min_size=1, max_size=3, unique_by=lambda function: str(function["name"])).map(
    lambda found: [{"type": "function", "function": function} for function in found]
)
formats = st.sampled_from([{"type": "text"}, {"type": "json_object"}]) | schemas.map(
    lambda schema: {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema, "strict": True}}
)

counterparts: dict[str, st.SearchStrategy[Any]] = {
    "max_tokens": st.none() | st.integers(1, 100_000),
    "max_completion_tokens": st.none() | st.integers(1, 100_000),
    "temperature": st.none() | st.floats(0, 2),
    "top_p": st.none() | st.floats(0, 1),
    "stop": st.none() | texts | st.lists(texts, min_size=1, max_size=4),
    "response_format": formats,
    "reasoning_effort": st.sampled_from([None, "none", "minimal", "low", "medium", "high", "xhigh"]),
    "user": texts,
}
"""Parameters that most vendors have."""

others: dict[str, st.SearchStrategy[Any]] = {
    "n": st.none() | st.integers(1, 4),
    "seed": st.none() | st.integers(-5, 2**40),
    "frequency_penalty": st.none() | st.floats(-2, 2),
    "presence_penalty": st.none() | st.floats(-2, 2),
    "logit_bias": st.none() | st.just({"50256": -100}),
    "logprobs": st.none() | st.booleans(),
    "top_logprobs": st.integers(0, 20),
    "modalities": st.sampled_from([["text"], ["text", "audio"]]),
    "store": st.booleans(),
    "metadata": st.just({"team": "blue"}),
    "service_tier": st.sampled_from(["auto", "default", "flex"]),
}
"""Parameters that many have not."""


@st.composite
def chats(draw: st.DrawFn, *, portable: bool = False) -> Fields:
    """A body; a ``portable`` one has only what most vendors have a counterpart for."""
    body: Fields = {"model": "m", "messages": draw(messages)}
    body |= draw(st.fixed_dictionaries({}, optional=counterparts if portable else {**counterparts, **others}))
    if draw(st.booleans()):
        body["tools"] = draw(tools)
        named = {"type": "function", "function": {"name": body["tools"][0]["function"]["name"]}}
        some = {"type": "allowed_tools", "allowed_tools": {"mode": "required", "tools": [named]}}
        choices = st.sampled_from(["none", "auto", "required", named, some])
        body |= draw(st.fixed_dictionaries({}, optional={"tool_choice": choices, "parallel_tool_calls": st.booleans()}))
    return body

"""Requests for responses as OpenAI's newer clients may send them, for hypothesis: every order of items."""

from typing import Any

from hypothesis import strategies as st

from tests.support.anthropic_requests import names, schemas, texts
from tests.support.chats import PDF, PIXEL

Fields = dict[str, Any]

HELLO = {"role": "user", "content": "Hello"}

ids = st.sampled_from(["call_1", "call_2"])
input_parts = st.one_of(
    st.fixed_dictionaries({"type": st.just("input_text"), "text": texts}),
    st.fixed_dictionaries(
        {
            "type": st.just("input_image"),
            "image_url": st.sampled_from([f"data:image/png;base64,{PIXEL}", "https://example.com/a.jpg"]),
            "detail": st.sampled_from(["auto", "low", "high"]),
        }
    ),
    st.sampled_from(
        [
            {"type": "input_file", "file_data": f"data:application/pdf;base64,{PDF}", "filename": "a.pdf"},
            {"type": "input_file", "file_url": "https://example.com/a.pdf"},
        ]
    ),
)
output_parts = st.one_of(
    st.fixed_dictionaries(
        {"type": st.just("output_text"), "text": texts, "annotations": st.just([]), "logprobs": st.just([])}
    ),
    st.fixed_dictionaries({"type": st.just("refusal"), "refusal": texts}),
)
items: st.SearchStrategy[Fields] = st.one_of(
    st.fixed_dictionaries(
        {
            "role": st.sampled_from(["user", "system", "developer"]),
            "content": texts | st.lists(input_parts, min_size=1, max_size=2),
        },
        optional={"type": st.just("message")},
    ),
    st.fixed_dictionaries({"role": st.just("assistant"), "content": texts}),
    st.fixed_dictionaries(
        {
            "type": st.just("message"),
            "id": st.just("msg_1"),
            "role": st.just("assistant"),
            "status": st.just("completed"),
            "content": st.lists(output_parts, max_size=2),
        }
    ),
    st.fixed_dictionaries(
        {
            "type": st.just("function_call"),
            "call_id": ids,
            "name": names,
            "arguments": st.sampled_from(["{}", '{"city": "Paris"}', "not JSON"]),
        },
        optional={"id": st.just("fc_1"), "status": st.just("completed")},
    ),
    st.fixed_dictionaries(
        {
            "type": st.just("function_call_output"),
            "call_id": ids,
            "output": texts | st.lists(input_parts, min_size=1, max_size=2),
        }
    ),
    st.fixed_dictionaries(
        {"type": st.just("reasoning"), "id": st.just("rs_1"), "summary": st.just([])},
        optional={
            "content": st.just([{"type": "reasoning_text", "text": "Hm."}]),
            "encrypted_content": st.sampled_from([None, "gAAAA", "forebay:no", "forebay:e30="]),
        },
    ),
)
tools = st.fixed_dictionaries(
    {
        "type": st.just("function"),
        "name": st.sampled_from(["weather", "time"]),
        "parameters": schemas | st.none(),
        "strict": st.sampled_from([True, False, None]),
    },
    optional={"description": st.none() | texts},
)
tooled: st.SearchStrategy[Fields] = st.just({}) | st.fixed_dictionaries(
    {"tools": st.lists(tools, min_size=1, max_size=2)},
    optional={"tool_choice": st.sampled_from(["auto", "none", "required"]), "parallel_tool_calls": st.booleans()},
)
requests = st.builds(
    lambda body, tooled: body | tooled,
    st.fixed_dictionaries(
        {"model": st.just("m"), "input": texts | st.lists(items, max_size=5).map(lambda found: [HELLO, *found])},
        optional={
            "instructions": st.none() | texts,
            "stream": st.none() | st.booleans(),
            "max_output_tokens": st.none() | st.integers(16, 10**6),
            "temperature": st.none() | st.floats(0, 2),
            "top_p": st.none() | st.floats(0, 1),
            "metadata": st.just({"a": "b"}),
            "user": texts,
            "safety_identifier": st.just("x"),
            "prompt_cache_key": st.just("k"),
            "store": st.none() | st.booleans(),
            "truncation": st.sampled_from([None, "auto", "disabled"]),
            "include": st.sampled_from([None, [], ["reasoning.encrypted_content"]]),
            "reasoning": st.none()
            | st.fixed_dictionaries(
                {},
                optional={
                    "effort": st.sampled_from([None, "low", "medium", "high"]),
                    "summary": st.sampled_from([None, "auto"]),
                },
            ),
            "text": st.fixed_dictionaries(
                {},
                optional={
                    "format": st.sampled_from(
                        [
                            {"type": "text"},
                            {"type": "json_object"},
                            {"type": "json_schema", "name": "a", "schema": {"type": "object"}, "strict": True},
                        ]
                    ),
                    "verbosity": st.sampled_from(["low", "medium"]),
                },
            ),
            "service_tier": st.just("auto"),
            "background": st.sampled_from([None, False]),
        },
    ),
    tooled,
)

"""Requests as Anthropic's clients may send them, for hypothesis: every order of turns, blocks, parameters."""

from typing import Any

from hypothesis import strategies as st

from tests.support.chats import PDF, PIXEL

Fields = dict[str, Any]

texts = st.text(min_size=1, max_size=12) | st.sampled_from(["Hello", " ", "a\nb", "🌍"])
names = st.from_regex(r"\A[a-zA-Z0-9_-]{1,20}\Z")
ids = st.sampled_from(["toolu_01", "call_1", "a-b"])
marks = st.none() | st.sampled_from([{"type": "ephemeral"}, {"type": "ephemeral", "ttl": "1h"}])
schemas = st.sampled_from(
    [{"type": "object"}, {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}]
)


def _block(kind: str, optional: dict[str, st.SearchStrategy[Any]] | None = None, **fields: Any) -> Any:
    required = {name: each if isinstance(each, st.SearchStrategy) else st.just(each) for name, each in fields.items()}
    return st.fixed_dictionaries({"type": st.just(kind), **required}, optional=optional or {})


marked = {"cache_control": marks}
text_blocks = _block("text", marked, text=texts)
image_blocks = _block(
    "image",
    marked,
    source=st.sampled_from(
        [
            {"type": "base64", "media_type": "image/png", "data": PIXEL},
            {"type": "url", "url": "https://example.com/a.jpg"},
        ]
    ),
)
document_blocks = _block(
    "document",
    {**marked, "title": st.none() | texts, "context": st.none() | texts, "citations": st.just({"enabled": False})},
    source=st.sampled_from(
        [
            {"type": "base64", "media_type": "application/pdf", "data": PDF},
            {"type": "url", "url": "https://example.com/a.pdf"},
            {"type": "text", "media_type": "text/plain", "data": "All of it."},
            {"type": "content", "content": "Said."},
            {"type": "content", "content": [{"type": "text", "text": "Said."}]},
        ]
    ),
)
search_blocks = _block("search_result", marked, source=texts, title=texts, content=st.lists(text_blocks, max_size=2))
shown = text_blocks | image_blocks | document_blocks | search_blocks
tool_results = _block(
    "tool_result",
    {**marked, "is_error": st.booleans(), "content": texts | st.lists(shown, max_size=2)},
    tool_use_id=ids,
)
inputs = st.dictionaries(names, st.integers() | texts | st.none(), max_size=2)
said = (
    text_blocks
    | _block("tool_use", marked, id=ids, name=names, input=inputs)
    | _block("thinking", thinking=texts | st.just(""), signature=st.sampled_from(["", "c2ln"]))
    | _block("redacted_thinking", data=st.just("eA=="))
)


def _turn(role: str, blocks: st.SearchStrategy[Any]) -> st.SearchStrategy[Fields]:
    return st.fixed_dictionaries({"role": st.just(role), "content": texts | st.lists(blocks, max_size=3)})


turns = st.lists(_turn("user", shown | tool_results) | _turn("assistant", said), min_size=1, max_size=4)
tools = st.fixed_dictionaries(
    {"name": names, "input_schema": schemas},
    optional={"type": st.just("custom"), "description": texts, "strict": st.booleans(), **marked},
)
choices = st.fixed_dictionaries(
    {"type": st.sampled_from(["auto", "any"])}, optional={"disable_parallel_tool_use": st.booleans()}
) | st.just({"type": "none"})
tooled: st.SearchStrategy[Fields] = st.just({}) | st.fixed_dictionaries(
    {"tools": st.lists(tools, min_size=1, max_size=2)}, optional={"tool_choice": choices}
)
requests = st.builds(
    lambda body, tooled: body | tooled,
    st.fixed_dictionaries(
        {"model": st.just("m"), "max_tokens": st.integers(1, 10**6), "messages": turns},
        optional={
            "system": texts | st.lists(text_blocks, max_size=2),
            "stop_sequences": st.lists(texts, max_size=2),
            "temperature": st.floats(0, 1),
            "top_p": st.floats(0, 1),
            "top_k": st.integers(0, 100),
            "stream": st.booleans(),
            "metadata": st.fixed_dictionaries({}, optional={"user_id": st.none() | st.text(max_size=8)}),
            "thinking": st.sampled_from(
                [{"type": "enabled", "budget_tokens": 4096}, {"type": "disabled"}, {"type": "adaptive"}]
            ),
            "output_config": st.fixed_dictionaries(
                {},
                optional={
                    "effort": st.sampled_from(["low", "medium", "high", "xhigh", "max", None]),
                    "format": st.none() | st.just({"type": "json_schema", "schema": {"type": "object"}}),
                },
            ),
            "cache_control": marks,
            "service_tier": st.just("auto"),
        },
    ),
    tooled,
)

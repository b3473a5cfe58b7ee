"""Calls are found as they come: whatever the pieces, the same is found, and nothing that a model says is lost."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay.engine.tool_calls import (
    ARRAY,
    HERMES,
    LLAMA,
    MISTRAL,
    Arguments,
    Begin,
    CallReader,
    Content,
    Found,
    NamedReader,
    RequiredReader,
    Style,
    style_of,
)

NAMES = frozenset({"weather", "stop-it"})
CALL = '{"name": "weather", "arguments": {"city": "Paris {\\"}", "days": [1, {}]}}'
WEATHER: list[Found] = [Begin("weather"), Arguments('{"city": "Paris {\\"}", "days": [1, {}]}')]
STOP: list[Found] = [Begin("stop-it"), Arguments("{}")]


def read(style: Style, pieces: list[str]) -> list[Found]:
    """What is found, neighbours of one kind taken together."""
    reader = CallReader(style, NAMES)
    found = [each for piece in pieces for each in reader.feed(piece)] + reader.end()
    joined: list[Found] = []
    for each in found:
        last = joined[-1] if joined else None
        if isinstance(each, Content) and isinstance(last, Content):
            joined[-1] = Content(last.text + each.text)
        elif isinstance(each, Arguments) and isinstance(last, Arguments):
            joined[-1] = Arguments(last.text + each.text)
        else:
            joined.append(each)
    return joined


CASES: list[tuple[Style, str, list[Found]]] = [
    (HERMES, "Nothing to call.", [Content("Nothing to call.")]),
    (HERMES, "", []),
    (HERMES, f"<tool_call>\n{CALL}\n</tool_call>", [*WEATHER]),
    (HERMES, f"Let me see. <tool_call>{CALL}</tool_call> Well.", [Content("Let me see. "), *WEATHER, Content("Well.")]),
    (
        HERMES,
        f'<tool_call>\n{CALL}\n</tool_call>\n<tool_call>{{ "name":"stop-it" ,"arguments":{{}} }}</tool_call>',
        [*WEATHER, *STOP],
    ),
    (HERMES, f"<tool_call>{CALL}", [*WEATHER]),
    (HERMES, "<tool_call>{broken</tool_call>", [Content("<tool_call>{broken</tool_call>")]),
    (HERMES, '<tool_call>{"name": "wea', [Content('<tool_call>{"name": "wea')]),
    (HERMES, "a <tool_ca", [Content("a <tool_ca")]),
    (
        HERMES,
        '<tool_call>{"name": "unknown", "arguments": {}}</tool_call>',
        [Content('<tool_call>{"name": "unknown", "arguments": {}}</tool_call>')],
    ),
    (HERMES, f"<tool_call>no<tool_call>{CALL}</tool_call>", [Content("<tool_call>no"), *WEATHER]),
    (
        HERMES,
        '<tool_call>{"name": "weather", "arguments": {"city": "Pa',
        [Begin("weather"), Arguments('{"city": "Pa')],
    ),
    (LLAMA, CALL.replace("arguments", "parameters"), [*WEATHER]),
    (LLAMA, f"<|python_tag|>{CALL}", [*WEATHER]),
    (LLAMA, f'{CALL}; {{"name": "stop-it", "parameters": {{}}}}\n', [*WEATHER, *STOP]),
    (LLAMA, '{"answer": 42}', [Content('{"answer": 42}')]),
    (LLAMA, "<|python", [Content("<|python")]),
    (LLAMA, f"I could say {CALL}", [Content(f"I could say {CALL}")]),
    (MISTRAL, f'[TOOL_CALLS] [{CALL}, {{"name": "stop-it", "arguments": {{}}}}]', [*WEATHER, *STOP]),
    (MISTRAL, f"[TOOL_CALLS][{CALL}]", [*WEATHER]),
    (MISTRAL, "[TOOL_CALLS] none", [Content("[TOOL_CALLS] none")]),
    (MISTRAL, f"[TOOL_CALLS][{CALL}, 5]", [*WEATHER, Content(", 5]")]),
    (ARRAY, f'[{CALL},\n{{"name": "stop-it", "arguments": {{}}}}]', [*WEATHER, *STOP]),
    (ARRAY, "[5]", [Content("[5]")]),
]


@pytest.mark.parametrize(("style", "text", "found"), CASES)
def test_calls_are_found_and_the_rest_is_text(style: Style, text: str, found: list[Found]) -> None:
    assert read(style, [text]) == found


@pytest.mark.parametrize(("style", "text", "found"), CASES)
def test_the_pieces_make_no_difference(style: Style, text: str, found: list[Found]) -> None:
    assert read(style, [*text]) == found
    for at in range(len(text)):
        assert read(style, [text[:at], text[at:]]) == found


PARTS = st.sampled_from([
    "<tool_call>", "</tool_call>", "[TOOL_CALLS]", "<|python_tag|>",
    "[", "]", "{", "}", ",", ";", " ", "\n", '"', "\\\\",
    '{"name": "weather", "arguments": ', '{"a": [1]}', CALL, "hello", "<", '"name"', ":",
])  # fmt: skip


@given(
    style=st.sampled_from([HERMES, LLAMA, MISTRAL, ARRAY]),
    parts=st.lists(PARTS, max_size=12),
    places=st.lists(st.integers(0, 400), max_size=12),
)
def test_whatever_is_said_the_pieces_make_no_difference(style: Style, parts: list[str], places: list[int]) -> None:
    text = "".join(parts)
    ends = [*sorted(place % (len(text) + 1) for place in places), len(text)]
    pieces = [text[start:end] for start, end in zip([0, *ends], ends, strict=False)]
    whole = read(style, [text])
    assert read(style, pieces) == whole
    assert read(style, [*text]) == whole
    if not any(isinstance(each, Begin) for each in whole):
        assert "".join(each.text for each in whole if isinstance(each, Content)) == text, "something was lost"


def test_arguments_are_told_as_they_grow() -> None:
    reader = CallReader(HERMES, NAMES)
    assert reader.feed('<tool_call>{"name": "weather", "arg') == []
    assert reader.feed('uments": {"ci') == [Begin("weather"), Arguments('{"ci')]
    assert reader.feed('ty": 1') == [Arguments('ty": 1')]


def test_the_arguments_of_a_named_function_are_all_there_is() -> None:
    reader = NamedReader("weather")
    assert [*reader.feed('{"a"'), *reader.feed(": 1}"), *reader.end()] == [
        Begin("weather"), Arguments('{"a"'), Arguments(": 1}"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("template", "style"),
    [("... <tool_call> ...", HERMES), ("{{ '[TOOL_CALLS]' }}", MISTRAL), ('{"name": .., "parameters": ..}', LLAMA)],
)
def test_the_style_is_told_by_the_template(template: str, style: Style) -> None:
    assert style_of(template) is style


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("", []),
        ('[{"name":"wea', []),
        ('[{"name":"weather"', [Begin("weather")]),
        ('[{"name":"weather","arguments":', [Begin("weather")]),
        ('[{"name":"weather","arguments":{"ci', [Begin("weather"), Arguments('{"ci')]),
        ('[{"name":"stop-it","arguments":{}},{"name":"weather","arg', [*STOP, Begin("weather")]),
    ],
)
def test_a_required_call_that_is_cut_shows_nothing_of_how_calls_are_written(text: str, found: list[Found]) -> None:
    reader = RequiredReader(ARRAY, NAMES)
    assert [*reader.feed(text), *reader.end()] == found

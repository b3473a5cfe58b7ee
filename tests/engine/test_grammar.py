"""Whatever a model would like to say, what it may say is what the grammar allows, and whole when the tokens run out."""

import json
import random
import re
import string
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Literal

import jsonschema_rs
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from forebay.core.errors import InvalidRequestError
from forebay.engine.grammar import Compiler, Constraint, Grammar
from forebay.engine.tokenizer import Tokenizer

pytestmark = pytest.mark.engine

Schema = dict[str, Any]
END = 2


@pytest.fixture(scope="module", params=["smollm2", "tiny_llama"])
def tokenizer(request: pytest.FixtureRequest) -> Tokenizer:
    """Tokens that are words, and tokens that are bytes."""
    folder: Path = request.getfixturevalue(request.param)
    return Tokenizer(folder)


@pytest.fixture(scope="module")
def compiler(tokenizer: Tokenizer) -> Compiler:
    return Compiler(tokenizer.twin(), frozenset({END}))


Kind = Literal["json_schema", "regex", "lark"]


def compiled(compiler: Compiler, source: Schema | str, kind: Kind = "json_schema") -> Grammar:
    return compiler.compile(Constraint(kind, source if isinstance(source, str) else json.dumps(source), "field"))


def legal(grammar: Grammar, text: bytes, tokenizer: Tokenizer) -> bool:
    """Whether the grammar allows ``text`` and then an end."""
    state = grammar.matcher()._state
    tokens = [tokenizer.names.index(bytes([byte])) for byte in text]
    return state.validate_tokens([*tokens, END]) == len(tokens) + 1


class Said(list[int]):
    """The tokens of an answer, and whether it was ended before its tokens ran out."""

    ended = False


def speak(
    grammar: Grammar, max_tokens: int, pick: Callable[[Sequence[int]], int], vocabulary: int, said: Said | None = None
) -> Said:
    """What a model says that picks any legal token; `said` grows meanwhile."""
    said = Said() if said is None else said
    matcher = grammar.matcher()
    while len(said) < max_tokens and not said.ended:
        token = matcher.only()
        if token is None:
            row = np.zeros(vocabulary, np.float32)
            matcher.restrict(row)
            token = pick(np.flatnonzero(np.isfinite(row)).tolist())
        token = matcher.advance(token, max_tokens - len(said) - 1)
        assert matcher.failure is None
        said.append(token)
        said.ended = token == END or matcher.ended
    return said


def text_of(said: Said, tokenizer: Tokenizer) -> str:
    return b"".join(tokenizer.pieces[token] for token in said).decode()


def shortest(grammar: Grammar) -> int:
    """How many tokens the shortest known text has."""
    way = grammar._lexicon.closing.way(grammar.matcher()._state, 10_000)
    assert way is not None
    return len(way)


def fixed(**properties: Any) -> Schema:
    return {"type": "object", "properties": properties, "required": [*properties], "additionalProperties": False}


NAMES = st.text(string.ascii_lowercase + '_é"', min_size=1, max_size=6)
SCALARS: st.SearchStrategy[Schema] = st.one_of(
    st.sampled_from([
        {"type": "string"}, {"type": "integer"}, {"type": "number"}, {"type": "boolean"}, {"type": "null"},
        {"type": "string", "minLength": 3, "maxLength": 20}, {"type": "string", "pattern": "^[A-Z]{2}-[0-9]{3}$"},
        {"type": "string", "format": "date"}, {"type": "integer", "minimum": 10, "maximum": 20},
        {"type": ["string", "null"]}, {"const": {"a": [1, None]}}, {"type": "object"}, {"type": "array"},
    ]),
    st.lists(NAMES | st.integers(-5, 5) | st.none(), min_size=1, max_size=4).map(lambda values: {"enum": values}),
)  # fmt: skip


def _nested(inner: st.SearchStrategy[Schema]) -> st.SearchStrategy[Schema]:
    arrays = st.builds(
        lambda items, least, more: {"type": "array", "items": items, "minItems": least, "maxItems": least + more},
        inner, st.integers(0, 3), st.integers(0, 3),
    )  # fmt: skip
    properties = st.dictionaries(NAMES, inner, max_size=4)
    objects = properties.flatmap(
        lambda found: st.builds(
            lambda required: {"type": "object", "properties": found, "required": required,
                              "additionalProperties": False},
            st.lists(st.sampled_from([*found]), unique=True) if found else st.just([]),
        )
    )  # fmt: skip
    return st.one_of(arrays, objects, st.lists(inner, min_size=1, max_size=3).map(lambda each: {"anyOf": each}))


SCHEMAS = st.recursive(SCALARS, _nested, max_leaves=8)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], deadline=None)
@given(schema=SCHEMAS, spare=st.integers(0, 80), seed=st.integers(0, 10))
def test_whole_and_valid_however_few_tokens_there_are(
    compiler: Compiler, tokenizer: Tokenizer, schema: Schema, spare: int, seed: int
) -> None:
    grammar = compiled(compiler, schema)
    most = shortest(grammar) + spare
    said = speak(grammar, most, random.Random(seed).choice, len(tokenizer.names))
    assert len(said) <= most
    # A number may be larger than a float can be, which is still JSON.
    answer = json.loads(text_of(said, tokenizer), parse_float=lambda digits: max(min(float(digits), 1e300), -1e300))
    jsonschema_rs.Draft202012Validator(schema).validate(answer)


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        (fixed(a={"type": "string", "format": "date-time"}, b={"type": "string", "format": "uuid"}), "json_schema"),
        (fixed(a={"type": "string", "minLength": 60}, b={"type": "number", "exclusiveMinimum": 0}), "json_schema"),
        ({"type": "number", "multipleOf": 7, "minimum": 50}, "json_schema"),
        ({"type": "array", "minItems": 30, "items": {"const": {"a": [1, None]}}}, "json_schema"),
        ({"$ref": "#/$defs/x", "$defs": {"x": fixed(x={"anyOf": [{"$ref": "#/$defs/x"}, {"type": "null"}]})}},
         "json_schema"),
        (r"\d{3}-\d{4}( ext\d{1,5})?", "regex"),
        ("(ab|cd)+;", "regex"),
        ('start: "yes" | "no" ", " start', "lark"),
        ('root ::= "[" [0-9]+ ("," [0-9]+)* "]"', "lark"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("spare", [0, 1, 5, 40])
def test_other_grammars_end_in_time_too(
    compiler: Compiler, tokenizer: Tokenizer, source: Schema | str, kind: Kind, spare: int
) -> None:
    grammar = compiled(compiler, source, kind)
    for seed in range(5):
        said = speak(grammar, shortest(grammar) + spare, random.Random(seed).choice, len(tokenizer.names))
        assert legal(grammar, text_of(said, tokenizer).encode(), tokenizer)


def test_with_too_few_tokens_it_is_not_ended(compiler: Compiler, tokenizer: Tokenizer) -> None:
    grammar = compiled(compiler, fixed(name={"type": "string"}, age={"type": "integer"}))
    said = speak(grammar, shortest(grammar) // 2, random.Random(0).choice, len(tokenizer.names))
    assert not said.ended
    assert text_of(said, tokenizer).startswith("{")


def test_with_tokens_to_spare_a_model_says_what_it_likes(compiler: Compiler, tokenizer: Tokenizer) -> None:
    text = '{"name":"Ada Lovelace","born":1815}'
    grammar = compiled(compiler, fixed(name={"type": "string"}, born={"type": "integer"}))
    for most in (1000, len(tokenizer.encode(text)) + 4):
        said = Said()
        speak(grammar, most, partial(_going_on, text.encode(), said, tokenizer), len(tokenizer.names), said)
        assert text_of(said, tokenizer) == text
        assert said.ended


def _going_on(text: bytes, said: Said, tokenizer: Tokenizer, found: Sequence[int]) -> int:
    """The longest token of `found` with which `text` goes on after what is said."""
    rest = text.removeprefix(text_of(said, tokenizer).encode())
    pieces = tokenizer.pieces
    fitting = (token for token in found if pieces[token] and rest.startswith(pieces[token]))
    return max(fitting, key=lambda token: len(pieces[token])) if rest else END


def test_no_special_token_stands_in_a_text(compiler: Compiler, tokenizer: Tokenizer) -> None:
    matcher = compiled(compiler, ".*", "regex").matcher()
    assert matcher.only() is None
    row = np.zeros(len(tokenizer.names) + 7, np.float32)
    matcher.restrict(row)
    allowed = set(np.flatnonzero(np.isfinite(row)).tolist())
    assert allowed & tokenizer.special == {END}
    assert max(allowed) < len(tokenizer.names), "a row may be longer than the vocabulary"


def test_the_text_of_a_special_token_is_spelt(compiler: Compiler, tokenizer: Tokenizer) -> None:
    said = speak(compiled(compiler, {"const": "<|im_end|>"}), 40, min, len(tokenizer.names))
    assert text_of(said, tokenizer) == '"<|im_end|>"'


def test_json_has_no_space_between_its_tokens(compiler: Compiler, tokenizer: Tokenizer) -> None:
    grammar = compiled(compiler, fixed(a={"type": "integer"}))
    assert legal(grammar, b'{"a":1}', tokenizer)
    assert not legal(grammar, b'{"a": 1}', tokenizer)


@pytest.mark.parametrize(
    ("schema", "text"),
    [
        (
            fixed(
                name={"type": "string"},
                inhabitants={"type": "integer"},
                tags={"type": "array", "items": {"type": "string"}},
            ),
            '{"name":"","inhabitants":0,"tags":[]}',
        ),
        (fixed(a={"type": "boolean"}), '{"a":true}'),
    ],
)
def test_whole_from_as_many_tokens_on_as_the_shortest_answer_has(
    compiler: Compiler, tokenizer: Tokenizer, schema: Schema, text: str
) -> None:
    grammar = compiled(compiler, schema)
    least = len(tokenizer.encode(text))
    for most in range(least, least + 8):
        for seed in range(5):
            said = speak(grammar, most, random.Random(seed).choice, len(tokenizer.names))
            jsonschema_rs.Draft202012Validator(schema).validate(json.loads(text_of(said, tokenizer)))


def test_digits_are_those_of_ascii(compiler: Compiler, tokenizer: Tokenizer) -> None:
    grammar = compiled(compiler, r"\d+/\w", "regex")
    assert legal(grammar, b"12/a", tokenizer)
    assert not legal(grammar, "\u0661/a".encode(), tokenizer)


def test_what_was_compiled_is_kept(compiler: Compiler) -> None:
    first = compiled(compiler, {"type": "null"})
    assert compiled(compiler, {"type": "null"}) is first
    for number in range(40):
        compiled(compiler, {"const": number})
    assert compiled(compiler, {"type": "null"}) is not first
    assert len(compiler._kept) <= 32


DEEP: Schema = {"type": "integer"}
for _ in range(400):
    DEEP = fixed(a=DEEP)
ALL_OF = {
    "allOf": [{"anyOf": [{"properties": {f"{name}{at}": {"pattern": ".*x.*"}}} for name in "ab"]} for at in range(16)]
}


@pytest.mark.parametrize(
    ("source", "kind", "reason"),
    [
        ({"type": "strong"}, "json_schema", "strong"),
        ({"not": {}}, "json_schema", "not"),
        ({"type": "array", "uniqueItems": True}, "json_schema", "uniqueItems"),
        ({"$ref": "https://example.com/schema"}, "json_schema", "example.com"),
        (fixed(a=False), "json_schema", "required property 'a'"),
        ({"$ref": "#"}, "json_schema", "field"),
        (DEEP, "json_schema", "recursion"),
        (ALL_OF, "json_schema", "too large"),
        ({"enum": ["x" * 70_000]}, "json_schema", "too long"),
        ("(", "regex", "regex"),
        ("(?=a)b", "regex", "look-ahead"),
        ("root ::= nothing", "lark", "nothing"),
        ("start: %json", "lark", "field"),
    ],
)
def test_what_cannot_be_a_grammar_is_refused_with_the_reason(
    compiler: Compiler, source: Schema | str, kind: Kind, reason: str
) -> None:
    with pytest.raises(InvalidRequestError, match=re.escape(reason)) as caught:
        compiled(compiler, source, kind)
    assert caught.value.param == "field"
    assert "field" in caught.value.message
    assert len(caught.value.message) < 600
    assert "\n" not in caught.value.message


def test_a_grammar_that_takes_too_long_to_follow_is_given_up(compiler: Compiler, tokenizer: Tokenizer) -> None:
    matcher = compiled(compiler, "a+", "regex").matcher()
    assert matcher.advance(tokenizer.names.index(b"a"), 5) == tokenizer.names.index(b"a")
    assert (matcher.failure, matcher.ended) == (None, False)
    # Whatever the reason, a matcher that has failed stays so; an illegal token is the simplest one.
    matcher.advance(tokenizer.names.index(b"!"), 10_000)
    assert matcher.failure
    assert matcher.ended

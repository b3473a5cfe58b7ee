"""How a plug-in reads its own settings: any Struct, any type that msgspec knows, the same messages."""

import datetime as dt
import enum
import uuid
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, NewType, Optional

import msgspec
import pytest
import rich.pretty
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from forebay.settings import Duration, Secret, Section, SettingsError, Size, load, section

Percent = NewType("Percent", int)


class Mode(enum.Enum):
    """A kind that only msgspec reads."""

    FAST = "fast"


class Inner(msgspec.Struct, frozen=True, kw_only=True):
    """A part."""

    a: int = 1
    b: str


class Everything(msgspec.Struct, frozen=True, rename="kebab"):
    """A field of every kind that a plug-in may have."""

    text: str = ""
    number: int = 0
    ratio: float = 0.0
    flag: bool = False
    choice: Literal["x", "y", 3] = "x"
    words: tuple[str, ...] = ()
    pair: tuple[int, str] = (0, "")
    some: list[int] = []
    unique: frozenset[str] = frozenset()
    sequence: Sequence[int] = ()
    headers: dict[str, str] = {}
    weights: Mapping[int, float] = {}
    inner: Inner | None = None
    old_style: Optional[int] = None  # noqa: UP045
    limit: Size = 0
    wait: Duration = 0.0
    short_wait: Annotated[Duration, msgspec.Meta(le=10)] = 0.0
    either: str | tuple[str, ...] = ()
    patience: Duration | Literal["forever"] = "forever"
    token: Secret | None = None
    percent: Percent = Percent(0)
    slug: Annotated[str, msgspec.Meta(pattern="^[a-z]+$")] = "a"
    even: Annotated[int, msgspec.Meta(multiple_of=2)] = 0
    bounded: Annotated[float, msgspec.Meta(gt=0, lt=1)] = 0.5
    mode: Mode = Mode.FAST
    day: dt.date = dt.date(2000, 1, 1)
    id: uuid.UUID = uuid.UUID(int=0)
    anything: Any = None
    long_token: Annotated[Secret, msgspec.Meta(min_length=5)] | None = None
    maybe: Annotated[int | None, msgspec.Meta(ge=1)] = None
    mixed: frozenset[Any] = frozenset()
    unset: int | msgspec.UnsetType = msgspec.UNSET


def of_file(yaml: str, environ: Mapping[str, str] | None = None) -> Section:
    text = "providers:\n  p:\n    kind: k\n" + "".join(f"    {line}\n" for line in yaml.splitlines())
    return load(text, source="f", environ=environ or {}).providers["p"]


def read(yaml: str, environ: Mapping[str, str] | None = None) -> Everything:
    return of_file(yaml, environ).read(Everything)


@pytest.mark.parametrize(
    ("written", "field", "value"),
    [
        ("text: 5s", "text", "5s"),
        ("text: ${V}", "text", "12"),
        ("number: 0x10", "number", 16),
        ("number: ${V}", "number", 12),
        ("ratio: 2", "ratio", 2.0),
        ("ratio: 1e3", "ratio", 1000.0),
        ("ratio: ${V}", "ratio", 12.0),
        ("flag: True", "flag", True),
        ("choice: y", "choice", "y"),
        ("choice: 3", "choice", 3),
        ("choice: ${W:-y}", "choice", "y"),
        ("words: [a, '1']", "words", ("a", "1")),
        ("words:", "words", ()),
        ("pair: [1, a]", "pair", (1, "a")),
        ("some: [1]", "some", [1]),
        ("unique: [a, a]", "unique", frozenset("a")),
        ("sequence: [1, 2]", "sequence", (1, 2)),
        ("headers: {x-a: b, 1: c}", "headers", {"x-a": "b", "1": "c"}),
        ("weights: {1: 2}", "weights", {1: 2.0}),
        ("inner: {b: x}", "inner", Inner(b="x")),
        ("inner:", "inner", None),
        ("old-style: 1", "old_style", 1),
        ("limit: 1.5KiB", "limit", 1536),
        ("limit: ${V}", "limit", 12),
        ("wait: 250ms", "wait", 0.25),
        ("wait: 3", "wait", 3.0),
        ("short-wait: 10s", "short_wait", 10.0),
        ("either: a", "either", "a"),
        ("either: [a]", "either", ("a",)),
        ("patience: 5s", "patience", 5.0),
        ("patience: forever", "patience", "forever"),
        ("token: abc", "token", Secret("abc")),
        ("token: ${V}", "token", Secret("12")),
        ("token: ${W:-}", "token", None),
        ("percent: 5", "percent", 5),
        ("long-token: abcde", "long_token", Secret("abcde")),
        ("maybe:", "maybe", None),
        ("mode: fast", "mode", Mode.FAST),
        ("day: 2020-02-03", "day", dt.date(2020, 2, 3)),
        ("id: 00000000-0000-0000-0000-000000000005", "id", uuid.UUID(int=5)),
        ("anything: [1, {a: b}]", "anything", [1, {"a": "b"}]),
    ],
)
def test_each_type(written: str, field: str, value: object) -> None:
    found = getattr(read(written, {"V": "12"}), field)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        ("txet: a", "txet: unknown key 'txet'; did you mean 'text'?"),
        ("old_style: 1", "old_style: unknown key 'old_style'; did you mean 'old-style'?"),
        ("text: 1", "text: expected a string, got an integer"),
        ("number: a", "number: expected an integer, got a string"),
        ("ratio: .inf", "ratio: expected a number, got a string"),
        ("ratio: 1e999", "ratio: expected a number that is finite"),
        ("choice: xx", "choice: expected 'x' or 'y' or '3', got 'xx'; did you mean 'x'?"),
        ("choice: '3'", "choice: expected 'x' or 'y' or '3', got '3'"),
        ("choice: [x]", "choice: expected 'x' or 'y' or '3', got a list"),
        ("words: a", "words: expected a list, got a string"),
        ("words: [a, 1]", "words[1]: expected a string, got an integer"),
        ("pair: [1]", "pair: expected a list of 2, got one of 1"),
        ("headers: {a: 1}", "headers.a: expected a string, got an integer"),
        ("headers: []", "headers: expected a mapping, got a list"),
        ("weights: {a: 1}", "weights.a: expected an integer, got a string"),
        ("inner: {}", "inner.b: is missing, and has no default"),
        ("inner: {b: x, c: 1}", "inner.c: unknown key 'c'; known are: a, b"),
        ("old-style: a", "old-style: expected an integer, got a string"),
        ("wait: -1", "wait: must be at least 0"),
        ("short-wait: 11s", "short-wait: must be at most 10"),
        ("either: {}", "either: expected a string or a list, got a mapping"),
        ("patience: never", "patience: expected a duration, such as 30s or 'forever', got a string"),
        ("token: 12", "token: expected a string, got an integer"),
        ("slug: A-1", "slug: must match '^[a-z]+$'"),
        ("even: 3", "even: must be a multiple of 2"),
        ("bounded: 0", "bounded: must be more than 0"),
        ("bounded: 1", "bounded: must be less than 1"),
        ("mode: slow", "mode: Invalid enum value 'slow'"),
        ("mode: ${V}", "mode: expected a Mode"),
        ("id: x", "id: Invalid UUID"),
        ("long-token: abcd", "long-token: must have a length of at least 5"),
        ("maybe: 0", "maybe: must be at least 1"),
        ("mixed: [[]]", "mixed: expected a list of plain values"),
        ("unset: a", "unset: expected an integer, got a string"),
    ],
)
def test_each_mistake(written: str, problem: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read(written, {"V": "12"})
    assert str(caught.value) == f"f:4: providers.p.{problem}"


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=3)
    | st.sampled_from(["x", "5s", "1MiB"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=5,
)
FIELDS = [field.encode_name for field in msgspec.structs.fields(Everything)]


@given(st.dictionaries(st.sampled_from(FIELDS) | st.text(max_size=3), VALUES, max_size=5))
@hypothesis_settings(max_examples=500, deadline=None)
def test_any_options_are_read_or_refused(options: dict[str, object]) -> None:
    try:
        assert isinstance(section("k", options).read(Everything), Everything)
    except SettingsError as error:
        assert str(error)  # noqa: PT017  # either will do


class Picky(msgspec.Struct, frozen=True):
    """One with an opinion, and loose lips."""

    token: Secret
    other: str = ""

    def __post_init__(self) -> None:
        if self.other != self.token.reveal():
            raise ValueError(f"{self.other!r} is not the token {self.token.reveal()!r}")


def test_a_structs_own_check_is_told_without_its_secrets() -> None:
    with pytest.raises(SettingsError) as caught:
        of_file("token: hush-hush\nother: x").read(Picky)
    assert str(caught.value) == "f:2: providers.p: 'x' is not the token '***'"
    with pytest.raises(SettingsError) as caught:
        of_file("token: hush-hush\nother: ${V}", {"V": "from outside"}).read(Picky)
    assert str(caught.value) == "f:2: providers.p: '***' is not the token '***'"


def test_all_problems_of_a_section_come_together() -> None:
    with pytest.raises(SettingsError) as caught:
        read("number: a\nflag: b\nfoo: c")
    assert [problem.line for problem in caught.value.problems] == [4, 5, 6]


def test_a_section_shows_none_of_its_values() -> None:
    found = of_file("api_key: ${V}\nplain: hush", {"V": "hush"})
    for shown in (repr(found), rich.pretty.pretty_repr(found)):
        assert "hush" not in shown
        assert "api_key" in shown


def test_an_error_that_no_type_can_tell() -> None:
    found = of_file("base: x")
    assert str(found.error("no such kind")) == "f:3: providers.p.kind: no such kind"
    assert str(found.error("no such place", "base")) == "f:4: providers.p.base: no such place"
    assert str(found.error("is needed", "missing")) == "f:2: providers.p.missing: is needed"


def test_a_section_made_in_code() -> None:
    made = section("k", {"text": "${V}", "words": ("a",), "inner": {"b": "x"}, "token": Secret("t"), "ratio": 1})
    assert made.kind == "k"
    assert made.read(Everything) == Everything(
        text="${V}", words=("a",), inner=Inner(b="x"), token=Secret("t"), ratio=1.0
    )
    with pytest.raises(SettingsError) as caught:
        section("k", {"number": "a", "wait": "x"}, path="providers.p").read(Everything)
    assert str(caught.value).splitlines() == [
        "built-in settings: providers.p.number: expected an integer, got a string",
        "built-in settings: providers.p.wait: expected a duration, such as 30s, got 'x'",
    ]

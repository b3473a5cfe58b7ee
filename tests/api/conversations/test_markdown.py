"""A conversation as people read it is read again as it was."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay.api.conversations.markdown import ROLES, Said, read, write
from forebay.core.errors import InvalidRequestError

lines = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_characters="\n"), max_size=20),
    st.sampled_from(["", "# x", "## User", "<!-- forebay:user -->", "\\<!-- forebay:user -->", "\\\\<!-- forebay:x"]),
)
texts = st.lists(lines, max_size=6).map("\n".join)


@given(st.lists(st.builds(Said, st.sampled_from(ROLES), texts), min_size=1, max_size=5))
def test_what_was_said_comes_back(said: list[Said]) -> None:
    assert read(write("A title", said).encode()) == ("A title", said)


@pytest.mark.parametrize("body", [b"", b"# Title\n\ntext", b"<!-- forebay:robot -->\nHi", b"\xff"])
def test_what_is_none_of_ours_is_refused(body: bytes) -> None:
    with pytest.raises(InvalidRequestError):
        read(body)


@given(st.binary())
def test_anything_is_read_or_refused(body: bytes) -> None:
    try:
        read(b"<!-- forebay:user -->\n" + body)
    except InvalidRequestError as error:
        assert error.message  # noqa: PT017

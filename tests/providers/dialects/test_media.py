"""Links and data URLs, and nothing else."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from forebay.core.errors import InvalidRequestError
from forebay.providers.dialects.media import Inline, Link, inline, media


@given(st.binary(min_size=1, max_size=40))
def test_what_is_inline_is_what_it_was(data: bytes) -> None:
    text = base64.b64encode(data).decode()
    for written in (text, text.rstrip("=")):
        found = media(f"data:image/png;name=x;base64,{written}", "p")
        assert isinstance(found, Inline)
        assert found == Inline("image/png", text)
        assert found.decoded() == data


@given(st.text() | st.text().map(lambda rest: "data:image/png;base64," + rest) | st.text().map("http://".__add__))
def test_anything_else_is_refused(url: str) -> None:
    try:
        found = media(url, "p")
    except InvalidRequestError as error:
        found = None
        told = error
    if found is None:
        assert told.param == "p"
    elif isinstance(found, Link):
        assert found.url == url
        assert url.isprintable()
    else:
        assert base64.b64decode(found.data, validate=True) == found.decoded()


@pytest.mark.parametrize("data", ["", "=", "A", "A===", "Äx==", "AA AA", "A" * 30_000_001])
def test_what_is_no_base64(data: str) -> None:
    with pytest.raises(InvalidRequestError):
        inline(data, "image/png", "p")

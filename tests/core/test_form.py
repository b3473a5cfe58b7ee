"""A form that is written can be read in one way only, whatever stands in its parts."""

import email
import email.policy

from hypothesis import given
from hypothesis import strategies as st

from forebay.api.multipart import field, read_form
from forebay.core.form import Form, Part

BOUNDARY = b"c0ffee"
NAMES = st.from_regex(r"[a-z_]{1,10}(\[[a-z]{0,4}\])?", fullmatch=True)
FILENAMES = st.none() | st.text(st.characters(exclude_categories=["Cc", "Cs"], exclude_characters="%\\"), max_size=20)
TYPES = st.sampled_from(["", "audio/mpeg", "text/plain; charset=utf-8"])
PARTS = st.builds(Part, NAMES, st.binary(max_size=40) | st.just(b"\r\n--c0ffe\r\n--"), FILENAMES, TYPES)


@given(st.lists(PARTS, min_size=1, max_size=5).map(tuple))
def test_what_is_written_is_read_again(parts: tuple[Part, ...]) -> None:
    form = Form(parts)
    assert read_form("multipart/form-data; boundary=c0ffee", form.written(BOUNDARY, {})) == form


def test_names_cannot_leave_their_place() -> None:
    part = Part('a"; filename="x', b"", 'b"\r\nX-Evil: 1\r\n\r\n--c0ffee', "text/plain")
    message = email.message_from_bytes(
        b"content-type: multipart/form-data; boundary=c0ffee\r\n\r\n" + Form((part,)).written(BOUNDARY, {}),
        policy=email.policy.HTTP,
    )
    (only,) = message.iter_parts()
    assert only.keys() == ["Content-Disposition", "Content-Type"]


def test_values_take_the_place_of_fields() -> None:
    form = Form((Part("file", b"x", "f"), Part("model", b"a"), Part("model", b"b")))
    found = read_form("multipart/form-data; boundary=c0ffee", form.written(BOUNDARY, {"model": "réal"}))
    assert field(found, "model") == "réal"
    assert [part.name for part in found.parts] == ["model", "file"]

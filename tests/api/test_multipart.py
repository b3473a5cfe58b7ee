"""Forms as clients send them, and whatever else calls itself one."""

import contextlib

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from forebay.api.multipart import MOST_PARTS, field, is_form, read_form
from forebay.core.errors import InvalidRequestError, UnsupportedMediaTypeError
from forebay.core.form import Form, Part

TYPE = "multipart/form-data; boundary=b"
WELL = b'--b\r\nContent-Disposition: form-data; name="model"\r\n\r\nm\r\n--b--\r\n'
PIECES = st.sampled_from(
    [
        *(b"--b", b"\r\n", b"--b\r\n", b"--b--", b"--b--\r\n", b"\n", b"\r", b"--", b": ", b'"', b";", b"\x00", b"%22"),
        *(
            b"Content-Disposition: form-data",
            b'; name="model"',
            b'; filename="x"',
            b"Content-Type: a/b",
            b"\\",
            b"\xff",
        ),
        *(b"Content-Length: 3", b"Content-Transfer-Encoding: base64", b"m", b" ", b"=?utf-8?q?m?="),
        *(b"\\", b"\xff"),
    ]
)


@settings(max_examples=400)
@given(st.lists(PIECES | st.binary(max_size=5), max_size=25).map(b"".join))
@example(WELL)
def test_any_bytes_are_a_form_or_an_error_of_the_client(body: bytes) -> None:
    try:
        form = read_form(TYPE, body)
    except InvalidRequestError:
        return
    again = form.written(b"unknown", {})
    assert not form.parts or read_form("multipart/form-data; boundary=unknown", again) == form


@settings(max_examples=300)
@given(st.integers(0, len(WELL)), st.binary(max_size=3), st.integers(0, 4))
def test_a_damaged_form_is_a_form_or_an_error_of_the_client(at: int, more: bytes, less: int) -> None:
    try:
        form = read_form(TYPE, WELL[:at] + more + WELL[at + less :])
        field(form, "model")
    except InvalidRequestError:
        pass


@given(st.text(max_size=30) | st.text(max_size=10).map(lambda text: f"multipart/form-data; boundary={text}"))
def test_any_content_type_is_one_of_a_form_or_refused(content_type: str) -> None:
    with contextlib.suppress(InvalidRequestError, UnsupportedMediaTypeError):
        assert field(read_form(content_type, WELL), "model") == "m"


@pytest.mark.parametrize(
    "content_type", [TYPE, 'Multipart/Form-Data; boundary="b"', "multipart/form-data;charset=utf-8;boundary=b"]
)
def test_a_content_type_may_be_written_in_several_ways(content_type: str) -> None:
    assert is_form(content_type)
    assert read_form(content_type, WELL) == Form((Part("model", b"m"),))


@pytest.mark.parametrize("boundary", ["", "a@b", "b ", "\u00e4", "b" * 71])
def test_a_boundary_is_as_rfc_2046_has_it(boundary: str) -> None:
    with pytest.raises(UnsupportedMediaTypeError):
        read_form(f'multipart/form-data; boundary="{boundary}"', WELL)


def test_there_may_be_no_more_parts_than_that() -> None:
    part = b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n\r\n'
    assert len(read_form(TYPE, part * MOST_PARTS + b"--b--").parts) == MOST_PARTS
    with pytest.raises(InvalidRequestError, match="not a valid form"):
        read_form(TYPE, part * (MOST_PARTS + 1) + b"--b--")


@pytest.mark.parametrize(
    "header",
    [
        b'Content-Disposition: form-data; name="x"\r\nContent-Disposition: form-data; name="model"',
        b"Content-Disposition: form-data",
        b'Content-Disposition: attachment; name="x"',
        b'X-Other: form-data; name="x"',
        b'Content-Disposition: form-data; name="x"\r\n name="model"',
        b'Content-Disposition: form-data; name=""',
    ],
)
def test_a_part_has_one_name(header: bytes) -> None:
    with pytest.raises(InvalidRequestError):
        read_form(TYPE, b"--b\r\n" + header + b"\r\n\r\nm\r\n--b--\r\n")


def test_the_field_is_found_wherever_it_stands() -> None:
    parts = [Part(f"f{n}", b"\r\n--b", "x") for n in range(5)]
    for place in range(6):
        form = Form((*parts[:place], Part("model", b"m"), *parts[place:]))
        assert field(read_form("multipart/form-data; boundary=ab", form.written(b"ab", {})), "model") == "m"
        assert field(form, "other") is None

"""The bytes that the protocol writes without an application."""

import httptools
import pytest

from forebay.core.errors import InvalidRequestError
from forebay.server.wire import cause, header_lines, rendered, target


@pytest.mark.parametrize(
    ("url", "split"),
    [
        (b"/v1/models", (b"/v1/models", b"")),
        (b"/v1/models?limit=2&x=?", (b"/v1/models", b"limit=2&x=?")),
        (b"http://host/v1?a=b", (b"/v1", b"a=b")),
        (b"/v1#part", (b"/v1", b"")),
    ],
)
def test_a_target_is_a_path_and_a_query(url: bytes, split: tuple[bytes, bytes]) -> None:
    assert target(url) == split


def test_what_is_no_target_is_refused() -> None:
    with pytest.raises(httptools.HttpParserError):
        target(b"#")


def test_an_error_is_a_whole_answer_that_closes() -> None:
    head, _, body = rendered(InvalidRequestError("No.")).partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert lines[0] == b"HTTP/1.1 400 Bad Request"
    assert b"content-length: %d" % len(body) in lines
    assert b"connection: close" in lines


def test_header_lines_end_each() -> None:
    assert header_lines(((b"server", b"x"), (b"date", b"y"))) == b"server: x\r\ndate: y\r\n"


def test_a_cause_is_short_and_never_empty() -> None:
    assert cause(httptools.HttpParserError("Invalid method")) == "invalid method"
    assert cause(httptools.HttpParserError("")) == "malformed"
    assert len(cause(httptools.HttpParserError("x" * 1000))) == 200

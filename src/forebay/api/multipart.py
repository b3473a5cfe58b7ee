"""Reads forms (``multipart/form-data``), which is what clients send files in.

The library's parser is strict, and what it lets pass is looked at once more: a part becomes nothing but a name, perhaps
a file's name and type, and bytes, from which `core.form` writes a form anew.

Source: RFC 7578; RFC 2046, section 5.1.1 (boundaries).
"""

import re
from collections.abc import Iterator

from multipart import MultipartError, MultipartSegment, PushMultipartParser, parse_options_header

from forebay.core.errors import InvalidRequestError, UnsupportedMediaTypeError
from forebay.core.form import Form, Part

MEDIA_TYPE = "multipart/form-data"
MOST_PARTS = 256

_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,\-./:=? ]{0,69}[0-9A-Za-z'()+_,\-./:=?]")
_CONTENT_TYPE = re.compile(r"[\x20-\x7e]{1,255}")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_NAME = re.compile(r"[0-9A-Za-z_.\-]{1,128}(?:\[[0-9A-Za-z_.\-]{0,128}\]){0,4}")
_FILENAME = re.compile(r"[^\x00-\x1f\x7f\\]{0,512}")
_PLAIN = frozenset({"binary", "7bit", "8bit"})


def is_form(content_type: str | None) -> bool:
    """Whether a body of this type is a form."""
    return content_type is not None and content_type.lower().lstrip().startswith(MEDIA_TYPE)


def read_form(content_type: str, body: bytes) -> Form:
    """The form in ``body``, by the ``Content-Type`` of the request.

    Raises:
        UnsupportedMediaTypeError: it is of another type, or of this one without a boundary that RFC 2046 allows.
        InvalidRequestError: it is no such form, or of more than `MOST_PARTS` parts.
    """
    kind, options = parse_options_header(content_type)
    boundary = options.get("boundary", "")
    if kind != MEDIA_TYPE or not _BOUNDARY.fullmatch(boundary):
        raise UnsupportedMediaTypeError(f"Send the body as a form, with 'content-type: {MEDIA_TYPE}; boundary=…'.")
    try:
        return Form(tuple(_parts(boundary, body)))
    except MultipartError as error:
        raise InvalidRequestError(f"The body is not a valid form: {error.args[0]}.") from None


def field(form: Form, name: str) -> str | None:
    """The text of the field called ``name``, ``None`` if there is none.

    Raises:
        InvalidRequestError: it stands there twice, is a file, or no text in UTF-8.
    """
    found = [part for part in form.parts if part.name.partition("[")[0] == name]
    if not found:
        return None
    (part, *others) = found
    if others:
        raise InvalidRequestError(f"The form has the field '{name}' twice.", param=name)
    try:
        text = part.data.decode()
    except UnicodeDecodeError:
        text = "\0"
    if part.name != name or part.filename is not None or _CONTROL.search(text):
        raise InvalidRequestError(f"The form's field '{name}' is not plain text.", param=name)
    return text


def _parts(boundary: str, body: bytes) -> Iterator[Part]:
    parser = PushMultipartParser(boundary, len(body), max_segment_count=MOST_PARTS, strict=True)
    with parser:
        for event in parser.parse(body) if body else ():
            if isinstance(event, MultipartSegment):
                segment, pieces = event, list[bytes]()
            elif event is None:
                yield _part(segment, pieces)
            else:
                pieces.append(bytes(event))


def _part(segment: MultipartSegment, pieces: list[bytes]) -> Part:
    names = [name for name, _ in segment.headerlist]
    if len({*names}) != len(names):
        raise InvalidRequestError("A part of the form has a header twice.")
    name, filename = segment.name or "", segment.filename
    content_type = segment.header("Content-Type", "")
    if not _NAME.fullmatch(name):
        raise InvalidRequestError(f"The form has a field with a malformed name, {name[:80]!a}.")
    if not _FILENAME.fullmatch(filename or ""):
        raise InvalidRequestError(f"The file's name in the form's field '{name}' is malformed.", param=name)
    if content_type and not _CONTENT_TYPE.fullmatch(content_type):
        raise InvalidRequestError(f"The content type of the form's field '{name}' is malformed.", param=name)
    if segment.header("Content-Transfer-Encoding", "binary").lower() not in _PLAIN:
        raise InvalidRequestError(f"The form's field '{name}' is encoded; send its bytes as they are.", param=name)
    return Part(name, pieces[0] if len(pieces) == 1 else b"".join(pieces), filename, content_type)

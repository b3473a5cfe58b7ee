"""A form (``multipart/form-data``) in its parts, and how one is written; it is read where requests are.

Source: RFC 7578; the WHATWG HTML standard, section 4.10.21.8 "Multipart form data", for what is escaped in names.
"""

from collections.abc import Mapping

import msgspec

_ESCAPED = str.maketrans({'"': "%22", "\r": "%0D", "\n": "%0A"})


class Part(msgspec.Struct, frozen=True, gc=False):
    """A field of a form; one with a ``filename`` is a file. ``content_type`` is empty where the client gave none."""

    name: str
    data: bytes
    filename: str | None = None
    content_type: str = ""


class Form(msgspec.Struct, frozen=True, gc=False):
    """The fields of a form, in their order; a name may stand there several times."""

    parts: tuple[Part, ...]

    @property
    def size(self) -> int:
        """The bytes of its fields."""
        return sum([len(part.data) for part in self.parts])

    def written(self, boundary: bytes, values: Mapping[str, str]) -> bytes:
        """The form as a body, with ``values`` in place of the fields of these names, or added to them.

        Nothing of the client's own framing is left: it was read once, and can be read in no other way. ``boundary`` is
        to be unknown to whoever wrote the parts.
        """
        kept = [part for part in self.parts if part.name not in values]
        told = [Part(name, value.encode()) for name, value in values.items()]
        pieces = [piece for part in (*told, *kept) for piece in _written(part, boundary)]
        return b"".join((*pieces, b"--", boundary, b"--\r\n"))


def _written(part: Part, boundary: bytes) -> tuple[bytes, ...]:
    disposition = f'Content-Disposition: form-data; name="{_escaped(part.name)}"'
    if part.filename is not None:
        disposition += f'; filename="{_escaped(part.filename)}"'
    kind = f"Content-Type: {part.content_type}\r\n" if part.content_type else ""
    return b"--", boundary, b"\r\n", f"{disposition}\r\n{kind}\r\n".encode(), part.data, b"\r\n"


def _escaped(name: str) -> str:
    return name.translate(_ESCAPED)

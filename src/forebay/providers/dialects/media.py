"""Images and documents as OpenAI's clients send them: a link, or a data URL (RFC 2397) in base64."""

import binascii

import msgspec

from forebay.core.errors import InvalidRequestError

MOST_CHARACTERS = 30_000_000
_ALPHABET = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_SHOWN = 40


class Link(msgspec.Struct, frozen=True):
    """Something on the web, which the vendor fetches itself."""

    url: str


class Inline(msgspec.Struct, frozen=True):
    """Something that came with the request, in base64."""

    media_type: str
    data: str

    def decoded(self) -> bytes:
        """The bytes themselves."""
        return binascii.a2b_base64(self.data)


def media(url: str, param: str) -> Link | Inline:
    """What is at ``url``; ``param`` is the field it stood in.

    Raises:
        InvalidRequestError: neither http(s) nor a data URL in base64, or more than 30 MB.
    """
    if url[:8].lower().startswith(("https://", "http://")):
        if len(url) > MOST_CHARACTERS or not url.isprintable() or " " in url:
            raise _wrong(url, param)
        return Link(url)
    if url[:5].lower() == "data:":
        return _inline(url, param)
    raise _wrong(url, param)


def inline(data: str, media_type: str, param: str) -> Inline:
    """``data`` in base64, checked.

    Raises:
        InvalidRequestError: it is no base64, empty, or more than 30 MB.
    """
    if len(data) > MOST_CHARACTERS:
        raise InvalidRequestError(f"'{param}' is larger than {MOST_CHARACTERS // 1_000_000} MB.", param=param)
    bare = data.rstrip("=")
    padded = bare + "=" * (-len(bare) % 4)
    if not bare or len(bare) % 4 == 1 or not bare.isascii() or bare.encode().translate(None, _ALPHABET):
        raise InvalidRequestError(f"'{param}' is no base64.", param=param)
    return Inline(media_type, padded)


def _inline(url: str, param: str) -> Inline:
    head, comma, data = url.partition(",")
    media_type, *parameters = head[5:].lower().split(";")
    if not comma or "base64" not in parameters:
        raise _wrong(url, param)
    return inline(data, "image/jpeg" if media_type == "image/jpg" else media_type, param)


def _wrong(url: str, param: str) -> InvalidRequestError:
    return InvalidRequestError(
        f"Invalid URL in '{param}': expected http://, https:// or data:TYPE;base64,DATA, got '{url[:_SHOWN]}'.",
        param=param,
    )

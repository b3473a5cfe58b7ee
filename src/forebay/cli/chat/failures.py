"""Everything that can go wrong in a chat, as one line that says what to do."""

import contextlib
import http.client
import socket
import ssl
from collections.abc import Iterator
from typing import Final

import msgspec

from forebay.cli.chat.text import one_line
from forebay.core.errors import ForebayError

MAX_ERROR_BYTES: Final = 64 * 1024
BROKEN_OFF: Final = "The server broke off its answer."


class ChatError(Exception):
    """Something that went wrong, told in one line."""


@contextlib.contextmanager
def told(url: str) -> Iterator[None]:
    """Tell what goes wrong with the connection to ``url`` as a `ChatError`."""
    try:
        yield
    except ConnectionRefusedError:
        raise ChatError(f"No server answers at {url}. To start one: forebay serve") from None
    except (socket.gaierror, UnicodeError):
        raise ChatError(f"There is no host of the name in {url}.") from None
    except TimeoutError:
        raise ChatError(f"The server at {url} takes too long to answer.") from None
    except ssl.SSLError as error:
        raise ChatError(f"There is no safe connection to {url}: {_reason(error)}") from None
    except ConnectionError:
        raise ChatError(BROKEN_OFF) from None
    except OSError as error:
        raise ChatError(f"{url} cannot be reached: {error.strerror or error}") from None
    except http.client.IncompleteRead:
        raise ChatError(BROKEN_OFF) from None
    except http.client.HTTPException:
        raise ChatError(f"What answers at {url} does not speak HTTP.") from None
    except ForebayError as error:
        raise ChatError(error.message) from None


def refusal(response: http.client.HTTPResponse) -> ChatError:
    """Why the server did not answer, in its own words if it has some."""
    text = message_of(response.read(MAX_ERROR_BYTES)) or response.reason or "no reason given"
    remedy = " Give a key with --key or FOREBAY_API_KEY." if response.status == http.client.UNAUTHORIZED else ""
    return ChatError(f"{text} (status {response.status}){remedy}")


def message_of(body: bytes) -> str:
    """What an error's body says, in OpenAI's form or a common other one; empty if nothing."""
    with contextlib.suppress(msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        said = msgspec.json.decode(body)
        for name in ("error", "message", "detail"):
            said = said.get(name, said) if isinstance(said, dict) else said
        if isinstance(said, str):
            return one_line(said)
    return ""


def _reason(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return error.verify_message
    return (error.reason or str(error)).lower().replace("_", " ")

"""What everything that talks to a hub shares: its address, the token, and what its refusals mean to a user."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

import httpx2
from huggingface_hub import constants, get_token
from huggingface_hub.errors import (
    GatedRepoError,
    HfHubHTTPError,
    OfflineModeIsEnabled,
    RemoteEntryNotFoundError,
    RevisionNotFoundError,
)

from forebay.engine.errors import FetchError
from forebay.engine.reference import Reference

_UNAUTHORISED: Final = 401
_FORBIDDEN: Final = 403
_MISSING: Final = 404
_TOO_MANY: Final = 429
_TROUBLE: Final = 500


class PassingError(FetchError):
    """Something that may be over soon: it is worth another attempt."""


def endpoint() -> str:
    """The hub's address: the environment's, asked anew so that it holds whenever the client was imported."""
    return (os.environ.get("HF_ENDPOINT") or constants.ENDPOINT).rstrip("/")


def host() -> str:
    """The hub as messages name it: an address may hold a password."""
    return httpx2.URL(endpoint()).host


def credentials() -> Mapping[str, str]:
    """The header with the user's token, if there is one."""
    token = None if constants.HF_HUB_DISABLE_IMPLICIT_TOKEN else get_token()
    return {"authorization": f"Bearer {token}"} if token else {}


@contextmanager
def explained(reference: Reference) -> Iterator[None]:
    """Turn what the client raises into what it means to somebody who wanted ``reference``.

    Raises:
        PassingError: the hub cannot be reached, or has trouble.
        FetchError: it refuses; the message has the remedy.
    """
    try:
        yield
    except OfflineModeIsEnabled:
        raise FetchError(f"{reference} is not here, and HF_HUB_OFFLINE forbids to fetch it; unset that.") from None
    except GatedRepoError:
        raise FetchError(
            f"{reference.repository} is given only to those who accept its terms: do so at its page on {host()}, and "
            "set HF_TOKEN to your token."
        ) from None
    except RevisionNotFoundError:
        raise FetchError(f"{reference.repository} has no revision '{reference.revision or 'main'}'.") from None
    except HfHubHTTPError as error:
        # The client's own message has the whole address, which may be a signed one.
        raise _refused(reference, error) from None
    except httpx2.TransportError as error:
        raise PassingError(
            f"{host()} cannot be reached ({type(error).__name__}); check the network, HTTPS_PROXY and HF_ENDPOINT."
        ) from None
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise FetchError(f"{host()} does not answer as a hub does ({type(error).__name__}).") from None


def _refused(reference: Reference, error: HfHubHTTPError) -> FetchError:
    status, repository = error.response.status_code, reference.repository
    if isinstance(error, RemoteEntryNotFoundError):
        return FetchError(f"{repository} lacks a file that it lists; try again, or ask its owner.")
    if status in {_UNAUTHORISED, _MISSING}:
        token = "HF_TOKEN is not valid, or may not see it" if credentials() else "if it is private, set HF_TOKEN"
        return FetchError(f"There is no {repository} at {host()}, or it is private. Check the name; {token}.")
    if status == _FORBIDDEN:
        return FetchError(f"{host()} does not let you read {repository}: does the token in HF_TOKEN permit it?")
    if status == _TOO_MANY:
        return PassingError(f"{host()} says that it is asked too often; wait a while, or set HF_TOKEN.")
    if status >= _TROUBLE:
        return PassingError(f"{host()} has trouble of its own (status {status}); try again later.")
    return FetchError(f"{host()} refuses {repository} with status {status}.")

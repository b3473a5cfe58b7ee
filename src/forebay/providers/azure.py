"""The provider kind ``azure``: OpenAI's API at an address of the customer's own, in either of its two forms.

With an ``api_version`` the deployment stands in the path (``/openai/deployments/NAME/chat/completions``); without, it
is the model's name, as at OpenAI (``/openai/v1/chat/completions``).

Source: Microsoft's "Azure OpenAI in Foundry Models REST API reference".
"""

from typing import Annotated

import msgspec

from forebay.plugins import ProviderPlugin
from forebay.providers.catalog import VENDORS, Vendor
from forebay.providers.openai import OpenAIProvider, OpenAISettings
from forebay.providers.transport import BaseUrl
from forebay.settings import Secret

ApiVersion = Annotated[str, msgspec.Meta(pattern=r"\A[0-9A-Za-z.-]+\Z")]


class AzureSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A resource, such as ``https://NAME.openai.azure.com``, and its ``api_key`` or an Entra ``access_token``."""

    base_url: str
    api_key: Secret | None = None
    access_token: Secret | None = None
    api_version: ApiVersion | None = None
    headers: dict[str, str] = {}
    max_connections: Annotated[int, msgspec.Meta(ge=1)] = 4096
    usage_in_stream: bool = True

    def __post_init__(self) -> None:
        if self.api_key and self.access_token:
            raise ValueError("give either an 'api_key' or an 'access_token'")
        BaseUrl.of(self.row().base_url)

    def row(self) -> Vendor:
        """Azure's row, with this resource's address."""
        resource = self.base_url.rstrip("/").removesuffix("/openai/v1").removesuffix("/openai")
        changes: dict[str, object] = {"base_url": f"{resource}/openai/v1", "usage_in_stream": self.usage_in_stream}
        if self.api_version:
            changes["base_url"] = f"{resource}/openai?api-version={self.api_version}"
            changes["path"] = "/deployments/{model}/{operation}"
        if self.access_token:
            changes |= {"key_header": "authorization", "key_prefix": "Bearer "}
        return msgspec.structs.replace(VENDORS["azure"], **changes)


def build(name: str, settings: AzureSettings) -> OpenAIProvider:
    """A provider that asks Azure."""
    row = settings.row()
    key = settings.access_token or settings.api_key
    options = OpenAISettings(row.base_url, key, None, settings.headers, settings.max_connections)
    return OpenAIProvider(name, options, row)


plugin = ProviderPlugin(settings=AzureSettings, build=build)

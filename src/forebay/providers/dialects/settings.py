"""The keys that all kinds with a dialect of their own have."""

from typing import Annotated

import msgspec

from forebay.providers.transport import BaseUrl
from forebay.settings import Secret


class DialectSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where the vendor is, our key there, and what is done about parameters without a counterpart.

    ``drop_params``: they are left out instead of refused. ``max_tokens``: the longest answer where a request does not
    say.
    """

    api_key: Secret | None = None
    base_url: str = ""
    headers: dict[str, str] = {}
    max_connections: Annotated[int, msgspec.Meta(ge=1)] = 4096
    drop_params: bool = False
    max_tokens: Annotated[int, msgspec.Meta(ge=1)] | None = None

    def __post_init__(self) -> None:
        BaseUrl.of(self.base_url)

"""What a configuration says of a provider that LiteLLM asks."""

from typing import Annotated, Any

import msgspec

from forebay.settings import Secret

OURS = frozenset(
    {
        "acompletion",
        "api_base",
        "api_key",
        "api_version",
        "atext_completion",
        "base_url",
        "custom_llm_provider",
        "drop_params",
        "extra_headers",
        "input",
        "max_retries",
        "messages",
        "mock_response",
        "model",
        "num_retries",
        "prompt",
        "stream",
        "stream_options",
        "timeout",
    }
)
"""Parameters of LiteLLM's that do not belong into `params`: they have keys of their own, or are Forebay's business."""

_MIN_SECRET = 6  # replacing anything shorter in a message would only garble it


class LiteLLMSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A ``provider`` by LiteLLM's name for it (what stands before the ``/`` there), and how it is asked.

    ``params`` and ``secrets`` are parameters of LiteLLM's functions by name, such as ``aws_region_name``; those of a
    request count more where both say something. ``links`` lets clients give images by an address: some of LiteLLM's
    providers fetch what is there, from this machine. ``drop_params`` leaves out what the provider does not know.
    """

    provider: Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9_.-]+\Z")]
    api_key: Secret | None = None
    api_base: str | None = None
    api_version: str | None = None
    params: dict[str, Any] = {}
    secrets: dict[str, Secret] = {}
    headers: dict[str, str] = {}
    drop_params: bool = False
    links: bool = False

    def __post_init__(self) -> None:
        for name in (*self.params, *self.secrets):
            if name in OURS:
                raise ValueError(f"'{name}' does not belong there: it has a key of its own, or none")

    def own(self) -> dict[str, Any]:
        """The parameters that hold for every request, in LiteLLM's words, and that no request can change."""
        given = {
            "api_key": self.api_key.reveal() if self.api_key else None,
            "api_base": self.api_base,
            "api_version": self.api_version,
            "extra_headers": self.headers or None,
        }
        fixed: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
        fixed |= {name: secret.reveal() for name, secret in self.secrets.items()}
        return {**fixed, "drop_params": self.drop_params, "max_retries": 0, "num_retries": 0}

    def hidden(self) -> tuple[str, ...]:
        """What no message may show."""
        secrets = [secret.reveal() for secret in (self.api_key, *self.secrets.values()) if secret]
        return tuple(each for each in (*secrets, *self.headers.values()) if len(each) >= _MIN_SECRET)

"""What a configuration may say about a TGI or a LoRAX."""

from typing import Annotated, Literal

import msgspec

from forebay.providers.dialects.settings import DialectSettings
from forebay.providers.dialects.tgi.prompt import Prompter
from forebay.settings import Secret

AdapterName = Annotated[str, msgspec.Meta(pattern=r"\A[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}\Z")]


class TGISettings(DialectSettings, frozen=True, forbid_unknown_fields=True):
    """A server that runs at ``base_url``, and over which ``api`` it is asked.

    ``chat_template`` is a Jinja file, a ``tokenizer_config.json`` or a folder with either; only the native API needs
    it. ``adapters`` are the LoRA adapters that may be used, by the names that callers know: any id would make the
    server load what a stranger chose.
    """

    api: Literal["openai", "native"] = "openai"
    chat_template: str | None = None
    adapters: dict[AdapterName, str] = {}  # noqa: RUF012  # msgspec copies it

    def __post_init__(self) -> None:
        if not self.base_url:
            raise ValueError("give the 'base_url' at which the server runs")
        if (self.api == "native") != (self.chat_template is not None):
            raise ValueError("'api: native' needs a 'chat_template', and nothing else does")
        if self.chat_template is not None:
            Prompter.of(self.chat_template)  # what is wrong with it is told with all other mistakes
        msgspec.structs.force_setattr(self, "base_url", self.base_url.rstrip("/").removesuffix("/v1"))
        super().__post_init__()


class LoraxSettings(TGISettings, frozen=True, forbid_unknown_fields=True):
    """``adapter_source`` is where LoRAX finds the adapters, ``adapter_token`` what opens private ones there."""

    adapter_source: Literal["hub", "pbase", "local", "s3"] | None = None
    adapter_token: Secret | None = None

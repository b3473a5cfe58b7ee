"""What becomes of a parameter that a vendor has no counterpart for: an error that names it, or nothing.

A provider's setting ``drop_params`` decides. A parameter that says what holds anyway (``null``, ``n: 1``) is no reason
for either, and one that does not change the answer is left out without a word.
"""

from collections.abc import Mapping

import msgspec

from forebay.core.decode import decode
from forebay.core.errors import UnsupportedParameterError
from forebay.core.types import Request
from forebay.providers.dialects.chat import Chat

ALWAYS = frozenset({"model", "messages", "stream", "stream_options"})
ADVISORY = frozenset(
    {
        "metadata",
        "prediction",
        "prompt_cache_key",
        "prompt_cache_retention",
        "safety_identifier",
        "service_tier",
        "store",
        "user",
    }
)
"""Bookkeeping and hints: the answer is the same without them."""

IN_OTHER_WORDS = "thinking"
"""What a translated request says in OpenAI's words, too, as far as these go; one dialect has use for the original."""

NEUTRAL: Mapping[str, object] = {
    "frequency_penalty": 0,
    "functions": [],
    "logit_bias": {},
    "logprobs": False,
    "modalities": ["text"],
    "n": 1,
    "parallel_tool_calls": True,
    "presence_penalty": 0,
    "top_logprobs": 0,
    "verbosity": "medium",
}

_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])


class Parameters:
    """Which parameters a dialect translates, and what is done about all others."""

    def __init__(self, translated: frozenset[str], *, drop: bool) -> None:
        self._known = translated | ALWAYS | ADVISORY
        self._drop = drop

    def read(self, request: Request) -> Chat:
        """The chat in ``request``.

        Raises:
            InvalidRequestError: it is none.
            UnsupportedParameterError: it has a parameter without a counterpart, and those are not dropped.
        """
        chat = decode(request.body, Chat)
        if not self._drop:
            fields = _fields.decode(request.body)
            if request.translated:
                fields.pop(IN_OTHER_WORDS, None)
            if not self._known.issuperset(fields):
                self._check(fields)
        return chat

    def _check(self, fields: Mapping[str, msgspec.Raw]) -> None:
        for name, raw in fields.items():
            if name not in self._known and _matters(name, raw):
                self.unsupported(name)

    def unsupported(self, name: str, why: str = "This provider has no counterpart for it") -> None:
        """Refuse the parameter called ``name``, or return if it is to be dropped.

        Raises:
            UnsupportedParameterError: such parameters are not dropped.
        """
        if not self._drop:
            raise UnsupportedParameterError(
                f"Unsupported parameter: '{name}'. {why}; leave it out, or set 'drop_params: true' for the provider.",
                param=name,
            )


def _matters(name: str, raw: msgspec.Raw) -> bool:
    value = msgspec.json.decode(raw)
    return value is not None and value != NEUTRAL.get(name)

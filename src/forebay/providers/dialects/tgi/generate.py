"""A chat as ``GenerateRequest``, the native API's: a prompt and parameters.

Source: TGI's and LoRAX's own OpenAPI documents, ``GenerateParameters``.
"""

from typing import Any

from forebay.core.types import Request
from forebay.providers.dialects.chat import Chat, SchemaFormat, TextFormat
from forebay.providers.dialects.parameters import Parameters
from forebay.providers.dialects.tgi.prompt import Prompter

TRANSLATED = frozenset(
    {
        "frequency_penalty",
        "max_completion_tokens",
        "max_tokens",
        "response_format",
        "seed",
        "stop",
        "temperature",
        "top_k",
        "top_p",
    }
)
MOST_STOPS = 4
LEAST_PENALTY = -1.99
_SEEDS = 2**63
Fields = dict[str, Any]


def generate_request(
    request: Request, max_tokens: int | None, parameters: Parameters, prompter: Prompter
) -> tuple[Fields, Chat]:
    """The body, without what the server's kind decides, and the chat that it was made of.

    Raises:
        InvalidRequestError: it is no chat, or one that the template refuses.
        UnsupportedParameterError: there is no counterpart for a parameter.
    """
    chat = parameters.read(request)
    found: Fields = {
        "details": True,
        "return_full_text": False,
        "max_new_tokens": chat.limit or max_tokens,  # null is all that is left of the context, absence is 100
        **sampling(chat),
        **penalty(chat),
        **stops(chat, parameters),
    }
    return {"inputs": prompter.prompt(chat.messages), "parameters": found}, chat


def sampling(chat: Chat) -> Fields:
    """How tokens are chosen: by chance, unless the temperature is 0."""
    if chat.temperature == 0:
        return {"do_sample": False} | seed(chat)
    found: Fields = {"do_sample": True} | seed(chat)
    if chat.temperature is not None:
        found["temperature"] = chat.temperature
    if chat.top_p is not None and 0 < chat.top_p < 1:
        found["top_p"] = chat.top_p
    if chat.top_k:
        found["top_k"] = chat.top_k
    return found


def seed(chat: Chat) -> Fields:
    """A seed must be positive there."""
    return {} if chat.seed is None else {"seed": chat.seed % _SEEDS or 1}


def penalty(chat: Chat) -> Fields:
    """``frequency_penalty``, which must be more than -2 there."""
    return {"frequency_penalty": max(chat.frequency_penalty, LEAST_PENALTY)} if chat.frequency_penalty else {}


def stops(chat: Chat, parameters: Parameters) -> Fields:
    """At most four."""
    found = [stop for stop in chat.stops if stop]
    if len(found) > MOST_STOPS:
        parameters.unsupported("stop", f"This provider takes at most {MOST_STOPS} of them")
    return {"stop": found[:MOST_STOPS]} if found else {}


def schema_of(chat: Chat, parameters: Parameters) -> Fields | None:
    """The JSON Schema that the answer must have; without one these servers have nothing to hold it to."""
    wanted = chat.response_format
    if isinstance(wanted, SchemaFormat) and wanted.json_schema.schema:
        return dict(wanted.json_schema.schema)
    if wanted is not None and not isinstance(wanted, TextFormat):
        parameters.unsupported("response_format", "This provider needs a schema ('json_schema')")
    return None

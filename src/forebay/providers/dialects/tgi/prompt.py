"""Makes one prompt of a chat, for servers that take nothing else.

The server splits the prompt into tokens, so nobody but the template may write what it takes for a special token: in a
message a zero-width space breaks it up.
"""

import importlib
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from forebay.core.errors import InvalidRequestError
from forebay.providers.dialects.chat import (
    AssistantMessage,
    Content,
    DeveloperMessage,
    Message,
    TextPart,
    ToolMessage,
    arguments_of,
    parts_of,
)

CONFIG, TEMPLATE = "tokenizer_config.json", "chat_template.jinja"
BREAK = "\u200b"
_MARKS = re.compile(r"<\|[^<>|\s]{1,60}\|>|</?[a-z][a-z_]{0,40}>|\[/?[A-Z][A-Z_]{1,40}\]|<<?/?[A-Z]{2,20}>>?")

Fields = dict[str, Any]


class _Token(msgspec.Struct, frozen=True):
    content: str


class _Named(msgspec.Struct, frozen=True):
    """One of several templates."""

    name: str
    template: str


class _Config(msgspec.Struct, frozen=True):
    """Of Hugging Face's ``tokenizer_config.json``."""

    chat_template: str | list[_Named] | None = None
    bos_token: str | _Token | None = None
    eos_token: str | _Token | None = None
    add_bos_token: bool | None = None
    added_tokens_decoder: dict[str, _Token] = {}


class Prompter:
    """A chat template and the tokens that belong to it."""

    def __init__(self, source: str, config: _Config) -> None:
        try:
            templates = importlib.import_module("forebay.templates")
        except ModuleNotFoundError as error:
            raise ValueError("'chat_template' needs Jinja: pip install 'forebay[templates]'") from error
        bos, eos = _text(config.bos_token), _text(config.eos_token)
        special = {
            *_MARKS.findall(source),
            *(token.content for token in config.added_tokens_decoder.values()),
            bos,
            eos,
        }
        # The server itself begins a prompt with this token, unless its tokenizer does not.
        begin = bos if config.add_bos_token is False else ""
        try:
            self._template = templates.ChatTemplate(source, special=special - {""}, bos=begin, eos=eos)
        except templates.jinja2.TemplateError as error:
            raise ValueError(f"the 'chat_template' is none: {error}") from error

    @classmethod
    def of(cls, path: str) -> "Prompter":
        """The template at ``path``: a Jinja file, a ``tokenizer_config.json``, or a folder with either.

        Raises:
            ValueError: it is none of these, or Jinja is not installed.
        """
        place = Path(path).expanduser()
        try:
            return cls._read(place)
        except OSError as error:
            raise ValueError(f"'chat_template' cannot be read: {error.strerror} ({place})") from error

    @classmethod
    def _read(cls, place: Path) -> "Prompter":
        if place.is_dir():
            config = _config(place / CONFIG) if (place / CONFIG).exists() else _Config()
            beside = place / TEMPLATE
            source = beside.read_text("utf-8") if beside.exists() else _template(config)
        elif place.suffix == ".json":
            config = _config(place)
            source = _template(config)
        else:
            config, source = _Config(), place.read_text("utf-8")
        if not source:
            raise ValueError(f"there is no chat template in '{place}'")
        return cls(source, config)

    def prompt(self, messages: Sequence[Message]) -> str:
        """The prompt that asks for an answer to ``messages``.

        Raises:
            InvalidRequestError: the template refuses them, or they hold more than text.
        """
        pieces: list[str] = self._template.render([_fields(message) for message in messages])
        return BREAK.join(pieces)


def _config(path: Path) -> _Config:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Config)
    except msgspec.DecodeError as error:
        raise ValueError(f"'{path}' is no tokenizer_config.json: {error}") from error


def _template(config: _Config) -> str:
    found = config.chat_template
    if not isinstance(found, list):
        return found or ""
    return next((each.template for each in found if each.name == "default"), "")


def _text(token: str | _Token | None) -> str:
    return token.content if isinstance(token, _Token) else token or ""


def _fields(message: Message) -> Mapping[str, Any]:
    """As templates want a message: with plain text, and arguments as an object."""
    role = "system" if isinstance(message, DeveloperMessage) else str(message.__struct_config__.tag)
    found: Fields = {"role": role, "content": plain_text(message.content)}
    if isinstance(message, AssistantMessage):
        found["content"] = found["content"] or message.refusal or ""
        if message.tool_calls:
            found["tool_calls"] = [
                {
                    "id": call.id,
                    "type": "function",
                    "function": {"name": call.function.name, "arguments": _object(call.function)},
                }
                for call in message.tool_calls
            ]
    elif isinstance(message, ToolMessage):
        found["tool_call_id"] = message.tool_call_id
    return found


def _object(function: Any) -> Any:  # noqa: ANN401  # any JSON
    return msgspec.json.decode(msgspec.json.encode(arguments_of(function)))


def plain_text(content: Content) -> str:
    """The text of a message that may have nothing else.

    Raises:
        InvalidRequestError: it has.
    """
    parts = parts_of(content)
    texts = [part.text for part in parts if isinstance(part, TextPart)]
    if len(texts) < len(parts) and not all(hasattr(part, "text") or hasattr(part, "refusal") for part in parts):
        raise InvalidRequestError("This provider takes text only.", param="messages.content.type")
    return "".join(texts)

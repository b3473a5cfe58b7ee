"""Makes one prompt of a chat, with the model's own Jinja template, in the dialect of Hugging Face's transformers."""

import json
import secrets
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NoReturn

import jinja2
import jinja2.meta
from jinja2.ext import Extension, loopcontrols
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from forebay.core.errors import InvalidRequestError

Message = Mapping[str, Any]


class _Generation(Extension):
    """``{% generation %}…{% endgeneration %}`` marks what an assistant said, for training; here it is just its body."""

    tags = {"generation"}  # noqa: RUF012 - Jinja's own class attribute

    def parse(self, parser: Parser) -> list[jinja2.nodes.Node]:
        """The body."""
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


def _raise_exception(message: str) -> NoReturn:
    raise jinja2.TemplateError(message)


def _to_json(
    value: object,
    ensure_ascii: bool = False,  # noqa: FBT001, FBT002 - the filter's own signature
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,  # noqa: FBT001, FBT002 - as above
) -> str:
    """As in transformers: Jinja's own filter escapes HTML, which a model must not see."""
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


def _strftime_now(form: str) -> str:
    return datetime.now().astimezone().strftime(form)


def _environment() -> jinja2.Environment:
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=[_Generation, loopcontrols]
    )
    environment.filters["tojson"] = _to_json
    environment.globals["raise_exception"] = _raise_exception
    environment.globals["strftime_now"] = _strftime_now
    return environment


class ChatTemplate:
    """A compiled template. ``special`` are the tokens that only the template may write, never a message's text.

    ``has_tools`` says whether it tells the model of the tools it is given.
    """

    def __init__(self, source: str, *, special: Iterable[str] = (), bos: str = "", eos: str = "") -> None:
        """Compile ``source``.

        Raises:
            jinja2.TemplateSyntaxError: it is no template.
        """
        environment = _environment()
        self.source = source
        self.has_tools = "tools" in jinja2.meta.find_undeclared_variables(environment.parse(source))
        self._template = environment.from_string(source)
        self._special = sorted(special, key=len, reverse=True)
        self._constants = {"bos_token": bos, "eos_token": eos}
        self._cut = f"\ufdd0{secrets.token_hex(8)}\ufdd0"

    def render(self, messages: Sequence[Message], tools: Sequence[Message] = ()) -> list[str]:
        """The prompt, in pieces that are to be tokenised one by one.

        It is cut inside each special token that stands in a message, so that the token is read as plain characters and
        nobody can speak in another's name.

        Raises:
            InvalidRequestError: the template refuses these messages.
        """
        given = {"tools": [self._guarded(tool) for tool in tools]} if tools else {}
        try:
            prompt = self._template.render(
                messages=[self._guarded(message) for message in messages],
                add_generation_prompt=True,
                **given,
                **self._constants,
            )
        except (jinja2.TemplateError, TypeError, ValueError, LookupError) as error:
            raise InvalidRequestError(
                f"The model's chat template refuses these messages: {error}", param="messages"
            ) from error
        return prompt.split(self._cut)

    def _guarded(self, value: object) -> object:
        if isinstance(value, str):
            return self._guarded_text(value)
        if isinstance(value, Mapping):
            return {key: self._guarded(each) for key, each in value.items()}
        return [self._guarded(each) for each in value] if isinstance(value, list) else value

    def _guarded_text(self, text: str) -> str:
        for token in self._special:
            if token in text:
                text = text.replace(token, token[:1] + self._cut + token[1:])
        return text

"""From a checked request to the tokens of its prompt, of which none may be too long."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from forebay.core.errors import ContextLengthError, InvalidRequestError, UnsupportedParameterError
from forebay.engine import facts
from forebay.engine.grammar import Compiler
from forebay.engine.metadata import Facts
from forebay.engine.tokenizer import Tokenizer
from forebay.engine.tool_calls import ARRAY, CallReader, NamedReader, Reader, RequiredReader, style_of
from forebay.engine.tools import Tools
from forebay.templates import ChatTemplate, Message


class Calls(NamedTuple):
    """What it takes to find calls in an answer: each token's bytes, with the marks of calls, and who reads them."""

    pieces: Sequence[bytes]
    reader: Callable[[], Reader]


class Prompter:
    """What a model makes of text. Its methods are slow for a long text, and not for more than one thread at a time.

    ``context`` is how many tokens prompt and answer may have together, ``ends`` are the tokens that end an answer,
    ``pieces`` the bytes of each token as they stand in an answer, ``names`` the bytes by which it is known.
    ``compiler`` makes grammars of these tokens; it may be used by another thread.
    """

    def __init__(self, folder: Path, limit: int) -> None:
        """Load what belongs to the model in ``folder``, for a context of at most ``limit`` tokens.

        Raises:
            TokenizerError: its tokenizer cannot be used.
            LibraryError: something is not known that must be.
        """
        self._tokenizer = Tokenizer(folder)
        known = facts.of(folder, self._tokenizer)
        self.context = min(known.context_length, limit)
        self.ends = frozenset(known.eos_ids)
        self.pieces = self._tokenizer.pieces
        self.names = self._tokenizer.names
        self.compiler = Compiler(self._tokenizer.twin(), self.ends)
        self._template = self._compiled(known)

    def chat(self, messages: Sequence[Message], tools: Tools | None = None) -> list[int]:
        """The prompt of a chat in which ``tools`` may be called.

        Raises:
            InvalidRequestError: the template refuses the messages, or there is no template, or it knows no tools.
            ContextLengthError: they are too long.
        """
        parts = self._rendered(messages, tools)
        self._check_size(sum(map(len, parts)), "messages")
        tokens = [token for part in parts for token in self._tokenizer.encode(part)]
        return self._checked(tokens, "messages")

    def calls(self, tools: Tools) -> Calls:
        """How calls of ``tools`` are to be found in an answer."""
        if tools.named:
            return Calls(self.pieces, partial(NamedReader, tools.tools[0].name))
        if tools.mode == "required":
            return Calls(self.pieces, partial(RequiredReader, ARRAY, tools.names))
        style = style_of(self._template.source if self._template else "")
        return Calls(self._pieces_with(style.marker), partial(CallReader, style, tools.names))

    def _pieces_with(self, marker: str) -> Sequence[bytes]:
        """`pieces`, in which the special token ``marker`` is text too: otherwise there is nothing to see of it."""
        name = marker.encode()
        marked = [token for token in self._tokenizer.special if self.names[token] == name]
        if not marked:
            return self.pieces
        pieces = self.pieces.copy()
        for token in marked:
            pieces[token] = name
        return pieces

    def _rendered(self, messages: Sequence[Message], tools: Tools | None) -> list[str]:
        template = self._template
        if template is None:
            raise InvalidRequestError(
                "This model has no chat template: it answers /v1/completions only.", param="model"
            )
        if tools is None or template.has_tools:
            return template.render(messages, tools.given if tools else ())
        if tools.mode == "auto":
            raise UnsupportedParameterError(
                "This model has not learnt to choose tools. Set 'tool_choice' to 'required' or to a function, which "
                "works with every model, or leave out 'tools'.",
                param="tools",
            )
        return template.render(tools.described(messages))

    def completions(self, prompts: Sequence[str | list[int]]) -> list[list[int]]:
        """The prompts of a completion.

        Raises:
            InvalidRequestError: one is empty, or holds what is no token.
            ContextLengthError: one is too long.
        """
        return [self._checked(self._completion(prompt), "prompt") for prompt in prompts]

    def text(self, prompt: str | list[int]) -> str:
        """What a prompt says."""
        if isinstance(prompt, str):
            return prompt
        return b"".join(self.pieces[token] for token in prompt).decode("utf-8", "replace")

    def _completion(self, prompt: str | list[int]) -> list[int]:
        if not isinstance(prompt, str):
            return prompt
        self._check_size(len(prompt), "prompt")
        return [*self._tokenizer.prefix, *self._tokenizer.encode(prompt)] or self._beginning()

    def _beginning(self) -> list[int]:
        return [token for token in (self._tokenizer.bos, self._tokenizer.eos) if token is not None][:1]

    def _checked(self, tokens: list[int], param: str) -> list[int]:
        if not tokens:
            raise InvalidRequestError("The prompt is empty.", param=param)
        if not (min(tokens) >= 0 and max(tokens) < len(self.names)):
            raise InvalidRequestError(f"Tokens must lie between 0 and {len(self.names) - 1}.", param=param)
        if len(tokens) >= self.context:
            raise self._too_long(str(len(tokens)), param)
        return tokens

    def _check_size(self, characters: int, param: str) -> None:
        """Refuse early what cannot fit, however well it is tokenised."""
        fewest = characters // self._tokenizer.longest
        if fewest >= self.context:
            raise self._too_long(f"at least {fewest}", param)

    def _too_long(self, tokens: str, param: str) -> ContextLengthError:
        return ContextLengthError(
            f"This model's maximum context length is {self.context} tokens, for prompt and answer together. "
            f"However, your prompt has {tokens} tokens. Please shorten it.",
            param=param,
        )

    def _compiled(self, known: Facts) -> ChatTemplate | None:
        if known.chat_template is None:
            return None
        special = [self.names[token].decode("utf-8", "replace") for token in self._tokenizer.special]
        return ChatTemplate(known.chat_template, special=special, bos=known.bos_token, eos=known.eos_token)

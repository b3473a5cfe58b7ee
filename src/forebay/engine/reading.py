"""What a model reads in a text, without the model: its tokenizer alone, loaded when it is first asked for."""

import asyncio
import codecs
import threading
from collections.abc import Sequence

from forebay.core.errors import UnavailableError
from forebay.core.marks import Tokens
from forebay.engine import library
from forebay.engine.errors import LibraryError
from forebay.engine.tokenizer import Tokenizer, TokenizerError


class Reading:
    """The tokenizer of ``model``, for one text at a time."""

    def __init__(self, model: str) -> None:
        self._model = model
        self._tokenizer: Tokenizer | None = None
        self._turn = threading.Lock()

    async def tokens(self, text: str) -> Tokens:
        """The tokens of ``text``, off the event loop.

        Raises:
            UnavailableError: the tokenizer cannot be loaded.
        """
        return await asyncio.to_thread(self.read, text)

    def read(self, text: str) -> Tokens:
        """The same for whoever has a thread of his own.

        Raises:
            UnavailableError: the tokenizer cannot be loaded.
        """
        with self._turn:
            tokenizer = self._tokenizer = self._tokenizer or self._load()
            ids = tokenizer.encode(text)
        return Tokens(ids, _texts([tokenizer.names[token] for token in ids]), len(tokenizer.names))

    def _load(self) -> Tokenizer:
        try:
            return Tokenizer(library.ensure(self._model))
        except (LibraryError, TokenizerError) as error:
            raise UnavailableError(f"The tokenizer of '{self._model}' cannot be loaded: {error}") from None


def _texts(pieces: Sequence[bytes]) -> list[str]:
    """The text of each token; a character that several share stands with the one that completes it."""
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    last = len(pieces) - 1
    return [decoder.decode(piece, final=number == last) for number, piece in enumerate(pieces)]

"""The ports of watermarking: what marks an answer, what can be given a mark, and what tells the tokens of a text."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from forebay.core.marks import Tokens
from forebay.core.types import Deployment

if TYPE_CHECKING:  # Only parts of optional extras need it to run.
    import numpy as np
    import numpy.typing as npt


class Bias(Protocol):
    """What a watermark does to the choice of one token, after temperature and filters.

    A token that was drawn by its weight `stands` or is drawn again, ``tries`` times at most; then, and where the
    likeliest token is taken instead of a draw, all are weighed. ``greedy`` says whether there is a point in the latter.
    """

    tries: int
    greedy: bool

    def stands(self, token: int, chance: float, /) -> bool:
        """Whether ``token`` is taken; ``chance`` is a random number in [0, 1) for this question alone."""
        ...

    def weigh(self, tokens: "npt.NDArray[np.int64]", weights: "npt.NDArray[np.float32]", /) -> None:
        """Change the ``weights`` of ``tokens`` in place; both have the shape (n,)."""
        ...


class Marker(Protocol):
    """Puts a watermark into one answer."""

    width: int

    def bias(self, context: Sequence[int], /) -> Bias | None:
        """What to do to the token after ``context``, the last ``width`` ones of the answer; ``None``: nothing."""
        ...


class Watermark(Protocol):
    """A key with what else is needed to mark answers."""

    @property
    def key(self) -> str:
        """The id of the key."""
        ...

    def marker(self, vocabulary: int, /) -> Marker:
        """A marker for one answer of a model that knows so many tokens."""
        ...


@runtime_checkable
class Marking(Protocol):
    """What a `Provider` can do besides, if it can mark what it generates."""

    @property
    def marks(self) -> bool:
        """Whether it marks what a request wants marked; the reply then has the header ``x-watermark``."""
        ...


@runtime_checkable
class Markable(Protocol):
    """What a `Provider` is besides if it marks with what it is given."""

    def mark_with(self, watermark: Watermark | None, /) -> None:
        """Mark answers with ``watermark`` from now on; ``None``: with none."""
        ...


@runtime_checkable
class Tokenizing(Protocol):
    """What a `Provider` can do besides, if it can tell what its model reads in a text."""

    async def tokens(self, deployment: Deployment, text: str, /) -> Tokens:
        """The tokens of ``text`` for the model of ``deployment``; the model itself need not be in memory.

        Raises:
            ForebayError: it has no tokenizer here.
        """
        ...

"""The nouns of watermarks: what a configuration may choose, who may, and the tokens of a text that is examined."""

from typing import Final, Literal, NamedTuple

HEADER: Final = "x-watermark"
"""The header by which a reply says with which key its text is marked."""

SchemeName = Literal["keyed", "kgw-lefthash", "kgw-selfhash", "hf-selfhash", "gumbel"]
"""The schemes: our own, those of Kirchenbauer et al. as they are in use, and the one that changes no probability."""

Strength = Literal["soft", "hard"]
"""Whether green tokens are favoured, or nothing else may come."""

MarkPolicy = Literal["model", "choose", "always", "never"]
"""Whether the answers to a key are marked: as the model's settings say, as each request says, in any case, never."""


class Tokens(NamedTuple):
    """A text as a model reads it: the ids of its tokens, the text of each, and how many tokens the model knows."""

    ids: list[int]
    texts: list[str]
    vocabulary: int

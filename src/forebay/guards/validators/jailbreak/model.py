"""The trained classifier: logistic regression over hashed features, two small arrays and three numbers.

``training/jailbreak`` makes it; nothing of the texts it was trained on is in it but weights.
"""

import math
from functools import cache
from importlib.resources import files
from io import BytesIO

import msgspec
import numpy as np
import numpy.typing as npt

from forebay.guards.validators.jailbreak.features import buckets, folded
from forebay.guards.validators.jailbreak.views import views

FILE = "model.npz"
MANY_LOOKS = 1.5


class Model(msgspec.Struct, frozen=True):
    """``weights`` by bucket, already scaled by how rare each is, and ``rarity`` itself, for a text's length."""

    weights: npt.NDArray[np.float32]
    rarity: npt.NDArray[np.float32]
    bias: float

    def logit(self, view: str) -> float:
        """How much speaks for it that ``view`` is an attack: above 0 more than against it."""
        found = buckets(folded(view))
        rare = self.rarity[found]
        length = math.sqrt(float(rare @ rare)) or 1.0
        return float(self.weights[found].sum()) / length + self.bias

    def score(self, text: str) -> float:
        """How likely it is, between 0 and 1, that ``text`` is an attack: by the view of it that looks most like one.

        Of many views one looks bad by chance, so the more there are the worse it must look.
        """
        logits = [self.logit(view) for view in views(text)]
        most = max(logits[0], max(logits) - MANY_LOOKS * math.log(len(logits)))
        return 1 / (1 + math.exp(-max(min(most, 50.0), -50.0)))


@cache
def shipped() -> Model:
    """The model that comes with Forebay; read once."""
    with np.load(BytesIO(files(__package__).joinpath(FILE).read_bytes()), allow_pickle=False) as data:
        rarity = data["rarity"].astype(np.float32) * data["rarity_step"]
        weights = data["weights"].astype(np.float32) * data["weight_step"] * rarity
        return Model(weights, rarity, float(data["bias"]))

"""What a settings file may say about capturing the bodies of requests and replies: nothing is, unless it says so."""

from typing import Annotated

import msgspec

from forebay.settings.bounds import ordered
from forebay.settings.values import KIB, Duration, Size

Name = Annotated[str, msgspec.Meta(min_length=1)]


class CaptureSettings(msgspec.Struct, frozen=True):
    """Bodies in the store: of ``requests`` and their replies, none larger than ``max_body``.

    Older ones than ``retention`` are deleted, and the oldest where there are more than ``max_size`` bytes of them. What
    the guards ``mask`` find is masked before anything is stored. ``sample`` is the share of requests; of the tenants
    ``without`` none is captured.
    """

    requests: bool = False
    retention: Annotated[Duration, msgspec.Meta(gt=0)] = 7 * 86400.0
    mask: tuple[Name, ...] = ()
    without: tuple[Name, ...] = ()
    sample: Annotated[float, msgspec.Meta(gt=0, le=1)] = 1.0
    max_body: Size = 256 * KIB
    max_size: Size = KIB**3

    def __post_init__(self) -> None:
        ordered(self, "max_body", "max_size")

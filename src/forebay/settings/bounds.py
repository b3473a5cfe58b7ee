"""Refuses settings that contradict each other: a lower bound above its upper one."""

import msgspec


def ordered(settings: msgspec.Struct, lower: str, upper: str) -> None:
    """See that the number in the field ``lower`` is not more than that in ``upper``.

    Raises:
        ValueError: it is; the message names both, with their values (durations in seconds, sizes in bytes).
    """
    low, high = getattr(settings, lower), getattr(settings, upper)
    if low > high:
        raise ValueError(f"'{lower}' is {_shown(low)}, more than '{upper}', which is {_shown(high)}")


def _shown(number: float) -> str:
    return f"{number:g}" if isinstance(number, float) else str(number)

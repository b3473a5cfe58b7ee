"""Who asks: sessions that come by chance, more of them by day than at night, with several turns and pauses between.

These are assumptions, not measurements. Lengths of messages and answers are log-normal, turns geometric, pauses
exponential - what forgets its past may be begun in the middle, so that a simulation need not wait until it is full.
"""

import math
import random
from collections.abc import Sequence
from typing import NamedTuple

import msgspec

HOURS = 24


class Habits(msgspec.Struct, frozen=True):
    """How people chat. Tokens and seconds; means where nothing else is said."""

    system: int = 160
    question: float = 60
    answer: float = 160
    sigma: float = 0.8
    longest: int = 1024
    turns: float = 5
    pause: float = 45
    sessions_a_day: float = 3

    def rate(self, users: float, hour: float) -> float:
        """Turns a second of so many users at ``hour``."""
        return users * self.sessions_a_day * self.turns / 86_400 * curve(hour)


class Turn(NamedTuple):
    """Tokens of what is asked and of what is answered."""

    question: int
    answer: int


def curve(hour: float) -> float:
    """The load at ``hour`` beside the day's mean: least at three in the morning, most at three in the afternoon."""
    return 1 - 0.8 * math.cos((hour - 3) / HOURS * 2 * math.pi)


def peak() -> float:
    """The busiest hour beside the day's mean."""
    return max(map(curve, range(HOURS)))


class Crowd:
    """Draws sessions of people with ``habits``."""

    def __init__(self, habits: Habits, seed: int) -> None:
        self.habits = habits
        self._random = random.Random(seed)

    def between(self, rate: float) -> float:
        """Seconds until the next of ``rate`` events a second."""
        return self._random.expovariate(rate)

    def pause(self) -> float:
        """Seconds between an answer and the next turn."""
        return self._random.expovariate(1 / self.habits.pause)

    def goes_on(self) -> bool:
        """Whether another turn follows."""
        return self._random.random() >= 1 / self.habits.turns

    def turn(self) -> Turn:
        """The next turn."""
        return Turn(self._tokens(self.habits.question), self._tokens(self.habits.answer))

    def past(self) -> Sequence[Turn]:
        """The turns that a session has had that is found in its middle."""
        turns = [self.turn()]
        while self.goes_on():
            turns.append(self.turn())
        return turns

    def _tokens(self, mean: float) -> int:
        sigma = self.habits.sigma
        drawn = self._random.lognormvariate(math.log(mean) - sigma**2 / 2, sigma)
        return max(1, min(round(drawn), self.habits.longest))

"""Who is next: those who ask much wait for themselves, not for each other's hundred prompts."""

from collections import deque
from collections.abc import Iterator

from forebay.engine.sequence import Sequence


class WaitingQueue:
    """Sequences in the order of their turns: one of each owner after the other, those of one owner as they came.

    Sequences that were preempted had their turn already: they come before all others.
    """

    def __init__(self) -> None:
        self._preempted: deque[Sequence] = deque()
        # Whose turn is next comes first.
        self._lanes: dict[str, deque[Sequence]] = {}

    def __len__(self) -> int:
        return len(self._preempted) + sum(map(len, self._lanes.values()))

    def __iter__(self) -> Iterator[Sequence]:
        """All who wait, in the order of their turns. Nothing may be added or removed meanwhile."""
        yield from self._preempted
        lanes = [iter(lane) for lane in self._lanes.values()]
        while lanes:
            going = []
            for lane in lanes:
                sequence = next(lane, None)
                if sequence is not None:
                    yield sequence
                    going.append(lane)
            lanes = going

    def add(self, sequence: Sequence) -> None:
        """Queue a sequence behind those of its owner."""
        self._lanes.setdefault(sequence.owner, deque()).append(sequence)

    def put_back(self, sequence: Sequence) -> None:
        """Let a sequence that was preempted come first."""
        self._preempted.appendleft(sequence)

    def take(self, sequence: Sequence) -> None:
        """Let a sequence go, because it has its turn: the next turn of its owner comes after everybody else's."""
        if not self.remove(sequence):
            return
        if lane := self._lanes.pop(sequence.owner, None):
            self._lanes[sequence.owner] = lane

    def remove(self, sequence: Sequence) -> bool:
        """Let a sequence go that has been cancelled; whether it was one of a lane."""
        if sequence in self._preempted:
            self._preempted.remove(sequence)
            return False
        lane = self._lanes.get(sequence.owner)
        if lane is None or sequence not in lane:
            return False
        lane.remove(sequence)
        if not lane:
            del self._lanes[sequence.owner]
        return True

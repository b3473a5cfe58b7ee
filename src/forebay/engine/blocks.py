"""Who holds which block of the KV cache. Every block is either free or in exactly one sequence's table."""

from collections.abc import Iterable
from typing import Final

BLOCK: Final = 32  # Tokens in a block: what OpenVINO's kernel on a CPU is made for.
SCRATCH: Final = 0  # A block that belongs to no sequence: rows that only fill up a step write to it.


def blocks_for(tokens: int) -> int:
    """How many blocks hold ``tokens`` tokens."""
    return -(-tokens // BLOCK)


class BlockManager:
    """Hands out the blocks ``first`` to ``last - 1`` and takes them back.

    Prefix caching will belong here: blocks with a hash and a count of references.
    """

    def __init__(self, first: int, last: int) -> None:
        self.total = last - first
        # A stack: what was used last is taken first, so that memory is touched only as far as it is needed.
        self._free = list(range(last - 1, first - 1, -1))

    @property
    def free(self) -> int:
        """How many blocks nobody holds."""
        return len(self._free)

    @property
    def used(self) -> int:
        """How many blocks are held."""
        return self.total - len(self._free)

    def can_allocate(self, count: int) -> bool:
        """Whether ``count`` blocks are free."""
        return count <= len(self._free)

    def allocate(self, count: int) -> list[int]:
        """Take ``count`` blocks, which must be free."""
        return [self._free.pop() for _ in range(count)]

    def release(self, blocks: Iterable[int]) -> None:
        """Give back ``blocks``."""
        self._free.extend(blocks)

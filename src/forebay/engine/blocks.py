"""Who holds which block of the KV cache, and what stands in those that nobody holds any more.

Every block is in one of three places: free (nothing of use stands in it), held (in the tables of one or more sequences)
or kept (in no table, but filled with what a coming sequence may begin with). Kept blocks are taken for something else
only when no free one is left, the least recently used first.
"""

from collections import OrderedDict
from collections.abc import Iterable, Sequence
from typing import Final

BLOCK: Final = 32  # Tokens in a block: what OpenVINO's kernel on a CPU is made for.
SCRATCH: Final = 0  # A block that belongs to no sequence: rows that only fill up a step write to it.

Key = tuple[bytes, int]
"""What stands in a block, and how it got there: see `chain`."""


def blocks_for(tokens: int) -> int:
    """How many blocks hold ``tokens`` tokens."""
    return -(-tokens // BLOCK)


class BlockManager:
    """Hands out the blocks ``first`` to ``last - 1``, counts who holds them, and finds them again by their content."""

    def __init__(self, first: int, last: int) -> None:
        self.total = last - first
        # A stack: what was used last is taken first, so that memory is touched only as far as it is needed.
        self._free = list(range(last - 1, first - 1, -1))
        self._kept: OrderedDict[int, None] = OrderedDict()  # The least recently used first.
        self._holders = [0] * last
        self._found: dict[Key, int] = {}
        self._keys: dict[int, tuple[Key, ...]] = {}

    @property
    def free(self) -> int:
        """How many blocks nobody holds."""
        return len(self._free) + len(self._kept)

    @property
    def kept(self) -> int:
        """How many of those have a content that can be found."""
        return len(self._kept)

    @property
    def used(self) -> int:
        """How many blocks are held."""
        return self.total - self.free

    def holders(self, block: int) -> int:
        """How many sequences hold ``block``."""
        return self._holders[block]

    def can_allocate(self, count: int, sharing: Iterable[int] = ()) -> bool:
        """Whether ``count`` blocks can be taken beside ``sharing``, of which some may be kept."""
        return count <= self.free - sum(block in self._kept for block in sharing)

    def allocate(self, count: int) -> list[int]:
        """Take ``count`` blocks, which must be free or kept; what stood in them is forgotten."""
        return [self._take() for _ in range(count)]

    def share(self, blocks: Iterable[int]) -> None:
        """Hold ``blocks``, found by `find`, once more."""
        for block in blocks:
            self._kept.pop(block, None)
            self._holders[block] += 1

    def release(self, blocks: Sequence[int]) -> None:
        """Let go of ``blocks``, a sequence's whole table: the end of it will be forgotten before its beginning."""
        for block in reversed(blocks):
            self._holders[block] -= 1
            if self._holders[block]:
                continue
            if block in self._keys:
                self._kept[block] = None
            else:
                self._free.append(block)

    def keep(self, block: int, keys: Iterable[Key]) -> None:
        """Let ``block``, which is held and full, be found by ``keys``, except those by which another one is."""
        new = tuple(key for key in keys if key not in self._found)
        if new:
            self._found.update(dict.fromkeys(new, block))
            self._keys[block] = self._keys.get(block, ()) + new

    def find(self, keys: Iterable[Key]) -> list[int]:
        """The blocks with these contents, in order, up to the first that is not there."""
        blocks = []
        for key in keys:
            block = self._found.get(key)
            if block is None:
                break
            blocks.append(block)
        return blocks

    def _take(self) -> int:
        block = self._free.pop() if self._free else self._forget()
        self._holders[block] = 1
        return block

    def _forget(self) -> int:
        block, _ = self._kept.popitem(last=False)
        for key in self._keys.pop(block):
            del self._found[key]
        return block

"""Blocks are free or held, never both."""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from forebay.engine.blocks import BLOCK, BlockManager, blocks_for

FIRST, LAST = 1, 20


def test_tokens_need_as_many_blocks_as_hold_them() -> None:
    assert [blocks_for(tokens) for tokens in (0, 1, BLOCK, BLOCK + 1)] == [0, 1, 1, 2]


class Blocks(RuleBasedStateMachine):
    """Allocates and releases in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.manager = BlockManager(FIRST, LAST)
        self.tables: list[list[int]] = []

    @rule(count=st.integers(0, LAST))
    def allocate(self, count: int) -> None:
        if self.manager.can_allocate(count):
            self.tables.append(self.manager.allocate(count))
            assert len(self.tables[-1]) == count
        else:
            assert count > self.manager.free

    @precondition(lambda self: self.tables)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        self.manager.release(self.tables.pop(data.draw(st.integers(0, len(self.tables) - 1))))

    @invariant()
    def every_block_is_held_once_or_free(self) -> None:
        held = [block for table in self.tables for block in table]
        assert len(set(held)) == len(held) == self.manager.used
        assert set(held) <= set(range(FIRST, LAST))
        assert self.manager.free + self.manager.used == self.manager.total == LAST - FIRST


TestBlocks = Blocks.TestCase

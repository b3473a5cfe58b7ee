"""Blocks are free, kept or held, never two of it; and what is kept is what was put there."""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from forebay.engine.blocks import BLOCK, BlockManager, Key, blocks_for

FIRST, LAST = 1, 20


def test_tokens_need_as_many_blocks_as_hold_them() -> None:
    assert [blocks_for(tokens) for tokens in (0, 1, BLOCK, BLOCK + 1)] == [0, 1, 1, 2]


def key(name: int) -> Key:
    return bytes([name]), 0


def test_what_is_kept_is_found_until_its_block_is_needed() -> None:
    manager = BlockManager(1, 4)
    table = manager.allocate(2)
    for name, block in enumerate(table):
        manager.keep(block, [key(name)])
    assert manager.find([key(0), key(1), key(2)]) == table
    manager.release(table)
    assert (manager.used, manager.free, manager.kept) == (0, 3, 2)
    assert manager.find([key(0), key(1)]) == table
    manager.allocate(2)
    # The free one went first, then the end of the table.
    assert manager.find([key(0), key(1)]) == table[:1]
    assert manager.find([key(1)]) == []


def test_a_gap_ends_what_is_found() -> None:
    manager = BlockManager(1, 4)
    (block,) = manager.allocate(1)
    manager.keep(block, [key(1)])
    assert manager.find([key(0), key(1)]) == []


def test_the_first_with_a_content_stays_the_one_that_is_found() -> None:
    manager = BlockManager(1, 4)
    first, second = manager.allocate(2)
    manager.keep(first, [key(0)])
    manager.keep(second, [key(0)])
    assert manager.find([key(0)]) == [first]
    manager.release([first, second])
    assert manager.kept == 1


def test_what_two_hold_one_of_them_does_not_free() -> None:
    manager = BlockManager(1, 4)
    table = manager.allocate(1)
    manager.keep(table[0], [key(0)])
    manager.share(table)
    manager.release(table)
    assert manager.used == 1
    manager.release(table)
    assert (manager.used, manager.kept) == (0, 1)


def test_the_least_recently_used_is_forgotten_first() -> None:
    manager = BlockManager(1, 4)
    tables = [manager.allocate(1) for _ in range(3)]
    for name, table in enumerate(tables):
        manager.keep(table[0], [key(name)])
        manager.release(table)
    again = manager.find([key(0)])
    manager.share(again)
    manager.release(again)
    manager.allocate(1)
    assert [bool(manager.find([key(name)])) for name in range(3)] == [True, False, True]


def test_blocks_that_are_to_be_shared_are_not_there_to_be_taken() -> None:
    manager = BlockManager(1, 4)
    table = manager.allocate(2)
    manager.keep(table[0], [key(0)])
    manager.release(table)
    assert manager.can_allocate(3)
    assert manager.can_allocate(2, table[:1])
    assert not manager.can_allocate(3, table[:1])


class Blocks(RuleBasedStateMachine):
    """Allocates, fills, shares and releases in any order, beside a model of what must be so."""

    def __init__(self) -> None:
        super().__init__()
        self.manager = BlockManager(FIRST, LAST)
        self.tables: list[list[int]] = []
        self.content: dict[int, set[Key]] = {}

    @rule(count=st.integers(0, LAST))
    def allocate(self, count: int) -> None:
        if not self.manager.can_allocate(count):
            assert count > self.manager.free
            return
        table = self.manager.allocate(count)
        assert len(table) == count
        self.tables.append(table)
        for block in table:
            self.content[block] = set()

    @precondition(lambda self: any(self.tables))
    @rule(data=st.data(), name=st.integers(0, 9))
    def fill(self, data: st.DataObject, name: int) -> None:
        block = data.draw(st.sampled_from(sorted({block for table in self.tables for block in table})))
        self.manager.keep(block, [key(name)])
        self.content[block].add(key(name))

    @rule(names=st.lists(st.integers(0, 9), max_size=4, unique=True))
    def share(self, names: list[int]) -> None:
        found = self.manager.find(map(key, names))
        assert len(found) <= len(names)
        for block, name in zip(found, names, strict=False):
            assert key(name) in self.content[block]
        if len(set(found)) == len(found):
            self.manager.share(found)
            self.tables.append(found)

    @precondition(lambda self: self.tables)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        self.manager.release(self.tables.pop(data.draw(st.integers(0, len(self.tables) - 1))))

    @invariant()
    def every_block_is_in_one_place(self) -> None:
        held = {block for table in self.tables for block in table}
        assert len(held) == self.manager.used
        assert held <= set(range(FIRST, LAST))
        assert self.manager.free + self.manager.used == self.manager.total == LAST - FIRST
        assert 0 <= self.manager.kept <= self.manager.free


TestBlocks = Blocks.TestCase

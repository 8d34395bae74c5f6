"""Rows: data in memory, in an order, through functions; batches of it are gathered at once.

    from_tensor_slices → shuffle → map → batch

An element-wise pipeline costs some microseconds per element. Where the data are arrays in
memory and the steps only choose rows, the steps pass the numbers of rows along, in blocks,
and a batch is one gather per array. A map waits until the rows are gathered: it then runs
over the whole batch in one native program.

    Slices   blocks: range(0, 60000)
    Shuffle  blocks: [5, 1203, 88, …] [17, …] …
    Map      function: f
    Batch    take 128 numbers, gather the rows, run f over them
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from weft.data.element import Element, map_leaves

Block = Any
"""Numbers of rows: a Python range of step 1 where they follow each other, else an array."""

# As many rows as are run through a function at once where nobody says how many.
CHUNK = 1024


class Rows:
    """Arrays of rows and the order in which they are taken.

    Args:
        arrays: an element whose leaves have the rows as first axis.
        blocks: starts a pass: the numbers of the rows in order, in blocks.
        functions: run over the rows after they are gathered (UserFunctions).
        in_order: how many rows there are if they are taken as they lie, else None.
    """

    def __init__(
        self,
        arrays: Element,
        blocks: Callable[[], Iterator[Block]],
        functions: Sequence[Any] = (),
        in_order: int | None = None,
    ) -> None:
        self.arrays, self.blocks, self.functions = arrays, blocks, tuple(functions)
        self.in_order = in_order

    @classmethod
    def whole(cls, arrays: Element, count: int) -> Rows:
        """All rows as they lie."""
        return cls(arrays, lambda: iter([range(count)]), in_order=count)

    def reordered(self, blocks: Callable[[], Iterator[Block]]) -> Rows:
        """The same rows in another order."""
        return Rows(self.arrays, blocks, self.functions)

    def through(self, function: Any) -> Rows:
        """The same rows, with a further function run over them."""
        return Rows(self.arrays, self.blocks, (*self.functions, function), self.in_order)

    def batches(self, size: int, drop_remainder: bool = False) -> Iterator[Element]:
        """Batches of rows, the functions applied."""
        done = 0
        for block in regrouped(self.blocks(), size):
            if len(block) < size and drop_remainder:
                return
            batch = gather(self.arrays, block)
            for function in self.functions:
                batch = function.over_rows(batch, len(block), done)
            done += len(block)
            yield batch

    def materialised(self) -> Rows:
        """The rows as they are after the functions, in memory."""
        parts = list(self.batches(CHUNK))
        count = self.in_order
        assert count is not None
        joined = map_leaves(lambda *arrays: np.concatenate(arrays), *parts)
        return Rows.whole(joined, count)


def gather(arrays: Element, block: Block) -> Element:
    """The rows of one block; those that follow each other are not copied."""
    if isinstance(block, range):
        # A file that is mapped into memory may change; its rows are read now.
        return map_leaves(
            lambda array: (
                np.array(array[block.start : block.stop])
                if isinstance(array, np.memmap)
                else array[block.start : block.stop]
            ),
            arrays,
        )
    return map_leaves(lambda array: np.asarray(array.take(block, axis=0)), arrays)


def joined(blocks: Sequence[Block]) -> Block:
    """Several blocks as one."""
    if len(blocks) == 1:
        return blocks[0]
    return np.concatenate([np.asarray(block, np.int64) for block in blocks])


def regrouped(blocks: Iterator[Block], size: int) -> Iterator[Block]:
    """The same numbers in blocks of `size`; the last may be shorter."""
    pending: list[Block] = []
    waiting = 0
    for block in blocks:
        start = 0
        if waiting:
            start = min(size - waiting, len(block))
            pending.append(block[:start])
            waiting += start
            if waiting < size:
                continue
            yield joined(pending)
            pending, waiting = [], 0
        last = start + (len(block) - start) // size * size
        for begin in range(start, last, size):
            yield block[begin : begin + size]
        if last < len(block):
            pending, waiting = [block[last:]], len(block) - last
    if waiting:
        yield joined(pending)


def taken(blocks: Iterator[Block], count: int) -> Iterator[Block]:
    """The first `count` numbers; all of them if it is negative."""
    if count < 0:
        yield from blocks
        return
    for block in blocks:
        if count <= 0:
            return
        yield block[:count]
        count -= len(block)


def skipped(blocks: Iterator[Block], count: int) -> Iterator[Block]:
    """All but the first `count` numbers; none if it is negative."""
    if count < 0:
        return
    for block in blocks:
        if count >= len(block):
            count -= len(block)
            continue
        yield block[count:]
        count = 0


__all__ = ["Block", "Rows", "gather", "joined", "regrouped", "skipped", "taken"]

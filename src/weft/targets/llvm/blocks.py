"""Memory for large results, used again when the arrays in it are gone.

The system gives fresh memory page by page, and every first touch of a page costs more than
the arithmetic on it. Blocks of results that nobody holds any more are kept and handed out
again, up to a limit.
"""

from __future__ import annotations

import ctypes
import functools

import numpy as np

from weft.core.variable import ALIGNMENT
from weft.errors import OutOfMemoryError

# Smaller arrays are NumPy's business; its own cache serves them well.
SMALLEST = 1 << 18
MOST_BYTES = 1 << 28
# After so many blocks that came back their bytes are counted again.
_RECOUNT = 1 << 10


class _Memory:
    """Bytes, and where the first aligned one of them lies."""

    __slots__ = ("address", "bytes", "size")

    def __init__(self, size: int) -> None:
        self.bytes = np.empty(size + ALIGNMENT, np.uint8)
        start = self.bytes.__array_interface__["data"][0]
        self.size, self.address = size, start + -start % ALIGNMENT


class _Pool:
    """Free memory by size. Sizes are rounded up, so that near sizes share.

    There is no lock: lists are safe by themselves, and finalizers run anywhere. The count of
    bytes may therefore err by a block or two, until it is taken again.
    """

    def __init__(self) -> None:
        self.free: dict[int, list[_Memory]] = {}
        self.bytes = 0
        self._given = 0

    def take(self, size: int) -> _Memory:
        free = self.free.get(size)
        if free:
            try:
                memory = free.pop()
            except IndexError:  # another thread was quicker
                return _Memory(size)
            self.bytes -= size
            return memory
        return _Memory(size)

    def give(self, memory: _Memory) -> None:
        size = memory.size
        self._given += 1
        if self.bytes + size > MOST_BYTES or self._given > _RECOUNT:
            self._given = 0
            self.bytes = sum([size * len(free) for size, free in list(self.free.items())])
            if self.bytes + size > MOST_BYTES:
                return
        self.bytes += size
        self.free.setdefault(size, []).append(memory)


_pool = _Pool()


class Block:
    """Owns the memory of one array and of all views of it."""

    memory: _Memory

    def __del__(self) -> None:
        _pool.give(self.memory)


@functools.lru_cache(maxsize=256)
def _block_type(size: int) -> type:
    """Blocks of `size` bytes, as what arrays can be made of."""
    return type("Block", (ctypes.c_char * size, Block), {})


def address_of(array: np.ndarray) -> int:
    """Where an array begins; quickly for those that `empty` made."""
    base = array.base
    if isinstance(base, Block):  # the array itself, not a view of it
        return base.memory.address
    return array.__array_interface__["data"][0]


def empty(shape: tuple[int, ...], dtype: np.dtype) -> tuple[np.ndarray, int]:
    """An uninitialised array and its address; large ones lie aligned in memory used before."""
    size = dtype.itemsize
    for extent in shape:
        size *= extent
    if size < SMALLEST:
        small = np.empty(shape, dtype)
        return small, small.__array_interface__["data"][0]
    rounded = -(-size // SMALLEST) * SMALLEST
    try:
        memory = _pool.take(rounded)
    except MemoryError:
        raise OutOfMemoryError(
            "a compiled program: its results must fit into memory; received one of shape "
            f"{shape} and dtype {dtype}, {size / 2**30:,.0f} GiB; use smaller shapes or batches"
        ) from None
    block = _block_type(rounded).from_address(memory.address)  # type: ignore[attr-defined]
    block.memory = memory
    return np.ndarray(shape, dtype, block), memory.address

"""Memory for large results, used again when the arrays in it are gone.

The system gives fresh memory page by page, and every first touch of a page costs more than
the arithmetic on it. Blocks of results that nobody holds any more are kept and handed out
again, up to a limit.
"""

from __future__ import annotations

import threading
from typing import Any

import numpy as np

from weft.core.variable import ALIGNMENT
from weft.errors import OutOfMemoryError

# Smaller arrays are NumPy's business; its own cache serves them well.
SMALLEST = 1 << 18
MOST_BYTES = 1 << 28


class _Memory:
    """Bytes, and where the first aligned one of them lies."""

    __slots__ = ("address", "bytes", "size")

    def __init__(self, size: int) -> None:
        self.bytes = np.empty(size + ALIGNMENT, np.uint8)
        start = self.bytes.__array_interface__["data"][0]
        self.size, self.address = size, start + -start % ALIGNMENT


class _Pool:
    """Free memory by size. Sizes are rounded up, so that near sizes share."""

    def __init__(self) -> None:
        self.free: dict[int, list[_Memory]] = {}
        self.bytes = 0
        self.lock = threading.Lock()

    def take(self, size: int) -> _Memory:
        rounded = -(-size // SMALLEST) * SMALLEST
        free = self.free.get(rounded)
        if free:
            try:
                memory = free.pop()
            except IndexError:  # another thread was quicker
                return _Memory(rounded)
            with self.lock:
                self.bytes -= rounded
            return memory
        return _Memory(rounded)

    def give(self, memory: _Memory) -> None:
        size = memory.size
        # A finalizer may run anywhere, also while this thread holds the lock.
        if self.bytes + size > MOST_BYTES or not self.lock.acquire(blocking=False):
            return
        try:
            self.bytes += size
            self.free.setdefault(size, []).append(memory)
        finally:
            self.lock.release()


_pool = _Pool()


class Block:
    """Owns the memory of one array and of all views of it."""

    __slots__ = ("__array_interface__", "memory")

    def __init__(self, memory: _Memory, interface: dict[str, Any]) -> None:
        self.memory, self.__array_interface__ = memory, interface

    def __del__(self) -> None:
        _pool.give(self.memory)


def address_of(array: np.ndarray) -> int:
    """Where an array begins; quickly for those that `empty` made."""
    base = array.base
    if type(base) is Block:  # the array itself, not a view of it
        return base.memory.address
    return array.__array_interface__["data"][0]


def empty(shape: tuple[int, ...], dtype: np.dtype) -> tuple[np.ndarray, int]:
    """An uninitialised array and its address; large ones lie aligned in memory used before."""
    size = dtype.itemsize
    for extent in shape:
        size *= extent
    if size < SMALLEST or dtype.kind == "V":  # bfloat16 and the like have no interface
        small = np.empty(shape, dtype)
        return small, small.__array_interface__["data"][0]
    try:
        memory = _pool.take(size)
    except MemoryError:
        raise OutOfMemoryError(
            "a compiled program: its results must fit into memory; received one of shape "
            f"{shape} and dtype {dtype}, {size / 2**30:,.0f} GiB; use smaller shapes or batches"
        ) from None
    interface = {
        "shape": shape,
        "typestr": dtype.str,
        "data": (memory.address, False),
        "version": 3,
    }
    return np.asarray(Block(memory, interface)), memory.address

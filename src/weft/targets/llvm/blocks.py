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


class _Pool:
    """Free blocks by size. Sizes are rounded up, so that near sizes share."""

    def __init__(self) -> None:
        self.free: dict[int, list[np.ndarray]] = {}
        self.bytes = 0
        self.lock = threading.Lock()

    def take(self, size: int) -> np.ndarray:
        rounded = -(-size // SMALLEST) * SMALLEST
        blocks = self.free.get(rounded)
        if blocks:
            try:
                raw = blocks.pop()
            except IndexError:  # another thread was quicker
                return np.empty(rounded + ALIGNMENT, np.uint8)
            with self.lock:
                self.bytes -= rounded
            return raw
        return np.empty(rounded + ALIGNMENT, np.uint8)

    def give(self, raw: np.ndarray) -> None:
        size = raw.size - ALIGNMENT
        # A finalizer may run anywhere, also while this thread holds the lock.
        if self.bytes + size > MOST_BYTES or not self.lock.acquire(blocking=False):
            return
        try:
            self.bytes += size
            self.free.setdefault(size, []).append(raw)
        finally:
            self.lock.release()


_pool = _Pool()


class _Block:
    """Owns the memory of one array and of all views of it."""

    __slots__ = ("__array_interface__", "raw")

    def __init__(self, raw: np.ndarray, interface: dict[str, Any]) -> None:
        self.raw, self.__array_interface__ = raw, interface

    def __del__(self) -> None:
        _pool.give(self.raw)


def empty(shape: tuple[int, ...], dtype: np.dtype) -> np.ndarray:
    """An uninitialised array; large ones are aligned and lie in memory used before."""
    size = dtype.itemsize
    for extent in shape:
        size *= extent
    if size < SMALLEST or dtype.kind == "V":  # bfloat16 and the like have no interface
        return np.empty(shape, dtype)
    try:
        raw = _pool.take(size)
    except MemoryError:
        raise OutOfMemoryError(
            "a compiled program: its results must fit into memory; received one of shape "
            f"{shape} and dtype {dtype}, {size / 2**30:,.0f} GiB; use smaller shapes or batches"
        ) from None
    address = raw.__array_interface__["data"][0]
    interface = {
        "shape": shape,
        "typestr": dtype.str,
        "data": (address + -address % ALIGNMENT, False),
        "version": 3,
    }
    return np.asarray(_Block(raw, interface))

"""Memory of large results comes back when, and only when, nobody holds the arrays."""

from __future__ import annotations

import numpy as np

from weft.targets.llvm import blocks


def _address(array: np.ndarray) -> int:
    return array.__array_interface__["data"][0]


def test_memory_is_used_again_after_the_last_view_is_gone():
    shape, dtype = (1000, 300), np.dtype("float32")
    first, first_address = blocks.empty(shape, dtype)
    assert first_address == _address(first)
    first[...] = 1
    view, address = first[10:20], _address(first)
    del first
    second, _ = blocks.empty(shape, dtype)
    second[...] = 2
    assert _address(second) != address and (view == 1).all()
    del view
    assert blocks.empty(shape, dtype)[1] == address


def test_arrays_are_aligned_writable_and_contiguous():
    for dtype in ("float32", "float64", "uint8", "bool", "int64"):
        array, address = blocks.empty((700, 800), np.dtype(dtype))
        flags = array.flags
        assert array.dtype == dtype and flags.writeable and flags.c_contiguous
        assert address == _address(array) and address % 64 == 0


def test_what_is_kept_is_bounded():
    held = [blocks.empty((1 << 24,), np.dtype("uint8")) for _ in range(40)]
    del held
    assert blocks._pool.bytes <= blocks.MOST_BYTES


def test_addresses_of_blocks_and_of_their_views():
    array, address = blocks.empty((1 << 10, 1 << 10), np.dtype(np.float32))
    assert blocks.address_of(array) == address
    for view in (array[3:], array.T, array.reshape(-1)[5:], array.view(np.int32)[1:]):
        assert blocks.address_of(view) == view.__array_interface__["data"][0]
    small, address = blocks.empty((3,), np.dtype(np.float32))
    assert blocks.address_of(small) == address

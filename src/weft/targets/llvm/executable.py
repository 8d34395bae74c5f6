"""Executables: a native program, and the table of addresses that it is run on.

    executable = Executable(program, table)
    outputs = executable([x, w])
"""

from __future__ import annotations

import threading
import weakref
from collections.abc import Sequence
from sys import getrefcount
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from weft.core.spec import Spec
from weft.core.variable import aligned_empty
from weft.targets.llvm import blocks, team
from weft.targets.llvm.runtime import Program

if TYPE_CHECKING:
    from weft.core.graph import Graph


def _references_when_kept() -> int:
    """What getrefcount says of an array that only a list and a local name hold."""
    kept = [np.zeros(1)]
    result = kept[0]
    return getrefcount(result)


_ALONE = _references_when_kept()


class Table(NamedTuple):
    """What the entries of a program's table are for."""

    size: int
    inputs: list[tuple[int, Spec]]
    outputs: list[tuple[int, Spec]]
    arena_bytes: int
    arena: list[tuple[int, int]]
    """Entries for places in one block of memory, with their offsets."""
    constants: list[tuple[int, np.ndarray]]


class Layout(NamedTuple):
    """What an executable is made of, for explanations."""

    graph: Graph
    phases: list[tuple[int, list[Any]]]


class Executable:
    """A compiled graph. Call it with the arrays of the graph's inputs, in order.

    Arrays must have the inputs' shapes and dtypes. Outputs that were donated an input are
    written over that input's array, which must be writable, contiguous and aligned; the
    others are returned, in order.
    """

    def __init__(
        self, program: Program, table: Table, layout: Layout | None = None
    ) -> None:
        self.program, self.table, self.layout = program, table, layout
        self._inputs = [slot for slot, _ in table.inputs]
        self._outputs = [
            (slot, spec.shape, spec.dtype.numpy) for slot, spec in table.outputs
        ]
        self._lock = threading.Lock()
        self._last: list[weakref.ref | None] = [None] * len(table.inputs)
        # Small results are written to the same place again when nobody looks any more.
        self._kept: list[np.ndarray | None] = [None] * len(table.outputs)
        self._addresses: np.ndarray | None = None
        self.table_address = 0  # known from the first run on
        self._arena: np.ndarray | None = None

    def __call__(self, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        if not self._lock.acquire(blocking=False):
            # Another run is under way, in another thread or around a host call.
            return Executable(self.program, self.table)(arrays)
        try:
            return self._run(arrays)
        finally:
            self._lock.release()

    def _run(self, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        addresses = self._addresses
        if addresses is None:
            addresses = self._prepare()
        # Weak: a variable whose array somebody else holds takes a fresh one for its update.
        last = self._last
        copies: dict[int, np.ndarray] = {}
        for i, array in enumerate(arrays):
            seen = last[i]
            if seen is None or seen() is not array:
                if not array.flags.c_contiguous:
                    array = copies[i] = np.ascontiguousarray(array)
                addresses[self._inputs[i]] = blocks.address_of(array)
                last[i] = weakref.ref(array)
        kept = self._kept
        results = []
        for i, (slot, shape, dtype) in enumerate(self._outputs):
            result = kept[i]
            if result is None or getrefcount(result) > _ALONE:
                result, addresses[slot] = blocks.empty(shape, dtype)
                kept[i] = result if result.nbytes < blocks.SMALLEST else None
            results.append(result)
        status = team.run(self.program, self.table_address)
        if status:
            raise KeyboardInterrupt
        return results

    def _prepare(self) -> np.ndarray:
        table = self.table
        self._arena = aligned_empty((table.arena_bytes,), np.dtype(np.uint8))
        base = self._arena.ctypes.data
        self._addresses = addresses = np.zeros(table.size, np.int64)
        self.table_address = addresses.ctypes.data
        for slot, offset in table.arena:
            addresses[slot] = base + offset
        for slot, array in table.constants:
            addresses[slot] = array.ctypes.data
        return addresses

"""Memory: one arena per program, in which buffers share space by lifetime.

    lifetimes   a: 0 … 2    b: 1 … 5    c: 3 … 4
    offsets     a: 0        b: 64       c: 0          (c begins after a has ended)
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

ALIGNMENT = 64


@dataclass(eq=False, slots=True)
class Buffer:
    """Bytes that a program needs from its first to its last use (positions, inclusive)."""

    size: int
    first: int = -1
    last: int = -1
    offset: int = -1

    def touch(self, position: int) -> None:
        self.first = position if self.first < 0 else min(self.first, position)
        self.last = max(self.last, position)


def assign_offsets(buffers: Sequence[Buffer]) -> int:
    """Give every buffer an offset; returns the size of the arena.

    The largest are placed first, each at the lowest offset that is free all its life.
    """
    placed: list[Buffer] = []
    total = 0
    order = sorted(range(len(buffers)), key=lambda i: (-buffers[i].size, buffers[i].first, i))
    for number in order:
        buffer = buffers[number]
        size = padded(buffer.size)
        offset = 0
        for other in sorted(placed, key=lambda b: b.offset):
            if other.last < buffer.first or buffer.last < other.first:
                continue
            if offset + size <= other.offset:
                break
            offset = max(offset, other.offset + padded(other.size))
        buffer.offset = offset
        placed.append(buffer)
        total = max(total, offset + size)
    return total


def padded(size: int) -> int:
    """A size rounded up to whole cache lines, at least one."""
    return max(ALIGNMENT, -(-size // ALIGNMENT) * ALIGNMENT)

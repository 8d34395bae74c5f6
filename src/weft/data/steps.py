"""Steps that take elements one after the other: map, filter, take, shuffle, cache, …"""

from __future__ import annotations

import itertools
import threading
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np

from weft.data.background import ahead, in_parallel, worker_count
from weft.data.element import (
    INFINITE,
    UNKNOWN,
    Element,
    leaves,
    map_leaves,
    with_unknown_extents,
)
from weft.data.functions import UserFunction
from weft.data.node import Node, OneSource, counted, is_peeking, new_random
from weft.data.rows import Block, Rows, joined, skipped, taken
from weft.errors import ArgumentError
from weft.function.signature import TensorSpec

# Random numbers are drawn so many at a time, on whatever way elements come.
_DRAWS = 1024


class Map(OneSource):
    """A function of every element."""

    def __init__(
        self, source: Node, function: UserFunction, calls: int | None, in_order: bool
    ) -> None:
        super().__init__(source)
        self.function, self.workers = function, worker_count(calls)
        self.in_order = in_order

    def elements(self) -> Iterator[Element]:
        numbered = enumerate(self.source.elements())
        if not self.workers:
            return (self.function(element, number) for number, element in numbered)
        return self._in_parallel(numbered)

    def _in_parallel(self, numbered: Iterator[tuple[int, Element]]) -> Iterator[Element]:
        first = next(numbered, None)
        if first is None:
            return
        number, element = first
        program = self.function.program(element)
        yield self.function(element, number)
        if program is not None and not program.is_pure:
            # It changes variables, random states among them: one after the other.
            yield from (self.function(element, number) for number, element in numbered)
            return
        yield from in_parallel(
            numbered, self.function, self.workers, self.in_order, program is not None
        )

    def make_spec(self) -> Any:
        found = self.function.output_spec(self.source.spec)
        # What Python makes may have another shape at each element.
        return with_unknown_extents(Node.make_spec(self)) if found is None else found

    def rows(self) -> Rows | None:
        rows = self.source.rows()
        if rows is None or not _rows_fit(rows, self.function):
            return None
        return rows.through(self.function)


def _rows_fit(rows: Rows, function: UserFunction) -> bool:
    """Whether a function can wait until rows are gathered: it only computes."""
    if any(len(array) == 0 for array in leaves(rows.arrays)):
        return False
    element = map_leaves(lambda array: array[0, ...], rows.arrays)
    try:
        for earlier in rows.functions:
            element = earlier(element, 0)
        return function.is_pure(element)
    except Exception:
        return False  # The step that fails will say so at its element.


class IgnoreErrors(OneSource):
    """The elements of a map whose function does not fail."""

    def __init__(self, source: Map, log_warning: bool) -> None:
        super().__init__(source)
        self.log_warning = log_warning

    def elements(self) -> Iterator[Element]:
        mapped = self.source
        assert isinstance(mapped, Map)
        for number, element in enumerate(mapped.source.elements()):
            try:
                result = mapped.function(element, number)
            except Exception as error:
                if self.log_warning:
                    warnings.warn(str(error), stacklevel=2)
            else:
                yield result

    def cardinality(self) -> int:
        return INFINITE if self.source.cardinality() == INFINITE else UNKNOWN


class Filter(OneSource):
    """The elements for which a function holds."""

    def __init__(self, source: Node, function: UserFunction) -> None:
        super().__init__(source)
        self.function = function

    def elements(self) -> Iterator[Element]:
        for number, element in enumerate(self.source.elements()):
            if self.function.truth(element, number):
                yield element

    def cardinality(self) -> int:
        return INFINITE if self.source.cardinality() == INFINITE else UNKNOWN


class TakeWhile(Filter):
    """The elements up to the first for which a function does not hold."""

    def elements(self) -> Iterator[Element]:
        for number, element in enumerate(self.source.elements()):
            if not self.function.truth(element, number):
                return
            yield element

    def cardinality(self) -> int:
        return UNKNOWN


class Take(OneSource):
    """The first elements; all of them for -1."""

    def __init__(self, source: Node, count: int) -> None:
        super().__init__(source)
        self.count = count

    def elements(self) -> Iterator[Element]:
        elements = self.source.elements()
        return elements if self.count < 0 else itertools.islice(elements, self.count)

    def cardinality(self) -> int:
        known = self.source.cardinality()
        if self.count < 0 or known == UNKNOWN:
            return known
        return self.count if known == INFINITE else min(self.count, known)

    def rows(self) -> Rows | None:
        rows = self.source.rows()
        return rows and rows.reordered(lambda: taken(rows.blocks(), self.count))


class Skip(OneSource):
    """All but the first elements; none for -1."""

    def __init__(self, source: Node, count: int) -> None:
        super().__init__(source)
        self.count = count

    def elements(self) -> Iterator[Element]:
        if self.count < 0:
            return iter(())
        return itertools.islice(self.source.elements(), self.count, None)

    def cardinality(self) -> int:
        if self.count < 0:
            return 0
        return counted(self.source.cardinality(), lambda n: max(n - self.count, 0))

    def rows(self) -> Rows | None:
        rows = self.source.rows()
        return rows and rows.reordered(lambda: skipped(rows.blocks(), self.count))


class Shard(OneSource):
    """Every so manyth element, for one worker of several."""

    def __init__(self, source: Node, shards: int, index: int) -> None:
        super().__init__(source)
        self.shards, self.index = shards, index

    def elements(self) -> Iterator[Element]:
        return itertools.islice(self.source.elements(), self.index, None, self.shards)

    def cardinality(self) -> int:
        return counted(
            self.source.cardinality(), lambda n: max(0, -(-(n - self.index) // self.shards))
        )


class Enumerate(OneSource):
    """Elements with their numbers (int64)."""

    def __init__(self, source: Node, start: int) -> None:
        super().__init__(source)
        self.start = start

    def elements(self) -> Iterator[Element]:
        for number, element in enumerate(self.source.elements(), self.start):
            yield np.array(number, np.int64), element

    def make_spec(self) -> Any:
        return TensorSpec((), "int64"), self.source.spec


class Scan(OneSource):
    """A function of a state and an element that gives the next state and a result."""

    def __init__(self, source: Node, initial: Element, function: UserFunction) -> None:
        super().__init__(source)
        self.initial, self.function = initial, function

    def elements(self) -> Iterator[Element]:
        state = self.initial
        for number, element in enumerate(self.source.elements()):
            found = self.function((state, element), number)
            if not isinstance(found, tuple) or len(found) != 2:
                raise ArgumentError(
                    f"scan: {self.function.label} must give (next state, result); received "
                    f"{len(found) if isinstance(found, tuple) else 1} parts"
                )
            state, result = found
            yield result

    def make_spec(self) -> Any:
        return Node.make_spec(self)


class Unique(OneSource):
    """Each value once, where it comes first."""

    def elements(self) -> Iterator[Element]:
        seen = set()
        for element in self.source.elements():
            key = tuple([_value_of(array) for array in leaves(element)])
            if key not in seen:
                seen.add(key)
                yield element

    def cardinality(self) -> int:
        return UNKNOWN


def _value_of(array: np.ndarray) -> tuple:
    return array.shape, str(array.dtype), tuple(array.ravel().tolist())


class AssertCardinality(OneSource):
    """Elements whose number is promised."""

    def __init__(self, source: Node, expected: int) -> None:
        super().__init__(source)
        self.expected = expected

    def elements(self) -> Iterator[Element]:
        count = 0
        for element in self.source.elements():
            count += 1
            if 0 <= self.expected < count:
                break
            yield element
        if self.expected >= 0 and count != self.expected:
            more = "more" if count > self.expected else count
            raise ArgumentError(
                f"assert_cardinality: expected {self.expected} elements; received {more}"
            )

    def cardinality(self) -> int:
        return self.expected


class Prefetch(OneSource):
    """Elements that a thread makes ahead."""

    def __init__(self, source: Node, count: int) -> None:
        super().__init__(source)
        self.count = count

    def elements(self) -> Iterator[Element]:
        return ahead(self.source.elements, self.count)

    def rows(self) -> Rows | None:
        return self.source.rows()

    def row_batches(self) -> tuple[Rows, int, bool] | None:
        return self.source.row_batches()


# -- order -----------------------------------------------------------------------------


class Repeat(OneSource):
    """The elements again and again."""

    def __init__(self, source: Node, count: int) -> None:
        super().__init__(source)
        self.count = count

    def _passes(self) -> Iterator[int]:
        return itertools.count() if self.count < 0 else iter(range(self.count))

    def elements(self) -> Iterator[Element]:
        for _ in self._passes():
            is_empty = True
            for element in self.source.elements():
                is_empty = False
                yield element
            if is_empty:
                return  # It would go on for ever without an element.

    def cardinality(self) -> int:
        known = self.source.cardinality()
        if self.count == 0 or known == 0:
            return 0
        if self.count < 0:
            return INFINITE
        return counted(known, lambda n: n * self.count)

    def rows(self) -> Rows | None:
        rows = self.source.rows()
        return rows and rows.reordered(lambda: self._blocks(rows))

    def _blocks(self, rows: Rows) -> Iterator[Block]:
        for _ in self._passes():
            is_empty = True
            for block in rows.blocks():
                is_empty = False
                yield block
            if is_empty:
                return


class Shuffle(OneSource):
    """Elements in random order, drawn from a buffer.

    The buffer is filled; then each element that comes takes the place of one drawn at
    random, which goes on. What remains is put in random order. A buffer as large as the
    data gives every order with the same probability.
    """

    def __init__(self, source: Node, size: int, seed: int, again: bool) -> None:
        super().__init__(source)
        self.size, self.seed, self.again = size, seed, again
        self._passes = itertools.count()

    def _random(self) -> np.random.Generator:
        again = self.again and not is_peeking()
        return new_random(self.seed, next(self._passes) if again else 0)

    def elements(self) -> Iterator[Element]:
        draws = self._random()
        elements = self.source.elements()
        buffer = list(itertools.islice(elements, self.size))
        if len(buffer) == self.size:
            places = iter(_Places(draws, self.size))
            for element in elements:
                place = next(places)
                yield buffer[place]
                buffer[place] = element
        for place in draws.permutation(len(buffer)):
            yield buffer[place]

    def rows(self) -> Rows | None:
        rows = self.source.rows()
        return rows and rows.reordered(lambda: self._blocks(rows.blocks()))

    def _blocks(self, blocks: Iterator[Block]) -> Iterator[Block]:
        """`elements` on the numbers of rows, many draws at a time."""
        draws = self._random()
        waiting: list[Block] = []
        count = 0
        while count < self.size and (block := next(blocks, None)) is not None:
            waiting.append(block)
            count += len(block)
        numbers = np.asarray(joined(waiting) if waiting else [], np.int64)
        buffer, places = numbers[: self.size].copy(), _Places(draws, self.size)
        for block in itertools.chain([numbers[self.size :]], blocks):
            for start in range(0, len(block), _DRAWS):
                arrived = np.asarray(block[start : start + _DRAWS], np.int64)
                yield _exchange(buffer, arrived, places.take(len(arrived)))
        yield buffer[draws.permutation(len(buffer))]


class _Places:
    """Random places in a buffer, the same ones whether taken singly or many at once."""

    def __init__(self, draws: np.random.Generator, size: int) -> None:
        self._draws, self._size = draws, size
        self._left = np.empty(0, np.int64)

    def take(self, count: int) -> np.ndarray:
        """The next `count` places."""
        while len(self._left) < count:
            more = self._draws.integers(0, self._size, _DRAWS)
            self._left = np.concatenate([self._left, more])
        taken, self._left = self._left[:count], self._left[count:]
        return taken

    def __iter__(self) -> Iterator[int]:
        while True:
            yield from self.take(_DRAWS).tolist()


def _exchange(buffer: np.ndarray, arrived: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Put each number at its place in turn; the numbers that lay there before.

    What lies at a place is what was last put there, if anything was.
    """
    order = np.argsort(places, kind="stable")
    by_place = places[order]
    is_again = np.empty(len(places), bool)
    is_again[:1] = False
    np.equal(by_place[1:], by_place[:-1], out=is_again[1:])
    before = np.empty_like(arrived)
    before[order] = buffer[by_place]
    again = np.flatnonzero(is_again)
    before[order[again]] = arrived[order[again - 1]]
    is_last = np.append(~is_again[1:], True)
    last = order[is_last]
    buffer[places[last]] = arrived[last]
    return before


class Cache(OneSource):
    """Elements that are kept in memory at the first whole pass."""

    def __init__(self, source: Node) -> None:
        super().__init__(source)
        self._kept: list[Element] | None = None
        self._rows: Rows | None = None
        self._lock = threading.Lock()

    def elements(self) -> Iterator[Element]:
        if self._kept is not None:
            yield from self._kept
            return
        kept = []
        for element in self.source.elements():
            kept.append(element)
            yield element
        self._kept = kept

    def cardinality(self) -> int:
        return self.source.cardinality() if self._kept is None else len(self._kept)

    def rows(self) -> Rows | None:
        with self._lock:
            if self._rows is None:
                rows = self.source.rows()
                if rows is None or rows.in_order is None:
                    return None
                self._rows = rows.materialised() if rows.functions else rows
            return self._rows


__all__ = [
    "AssertCardinality", "Cache", "Enumerate", "Filter", "IgnoreErrors", "Map", "Prefetch",
    "Repeat", "Scan", "Shard", "Shuffle", "Skip", "Take", "TakeWhile", "Unique",
]  # fmt: skip

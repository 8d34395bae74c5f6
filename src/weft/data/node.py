"""Node: one step of a pipeline. A Dataset is a node and the methods that people call.

A node never changes. `elements()` starts a new pass over the data and is a Python
generator: closing it (a `break`, the last reference gone) runs the `finally` of every step
below it, and so ends their threads and files.
"""

from __future__ import annotations

import contextlib
import contextvars
import functools
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import numpy as np

from weft.data.element import INFINITE, UNKNOWN, Element, spec_of, stack, with_axis

_peeking = contextvars.ContextVar("peeking", default=False)


def is_peeking() -> bool:
    """Whether an element is only looked at, so that no shuffle may count this pass."""
    return _peeking.get()


@contextlib.contextmanager
def peeking() -> Iterator[None]:
    token = _peeking.set(True)
    try:
        yield
    finally:
        _peeking.reset(token)


class Node:
    """The base of all steps, which define `elements`, `cardinality` and `make_spec`."""

    def elements(self) -> Iterator[Element]:
        """The elements of a new pass."""
        raise NotImplementedError

    def cardinality(self) -> int:
        """The number of elements, INFINITE or UNKNOWN."""
        return UNKNOWN

    def make_spec(self) -> Any:
        """The structure of TensorSpecs; by default that of the first element."""
        with peeking(), contextlib.closing(self.elements()) as elements:  # type: ignore[type-var]
            first = next(elements, None)
        return None if first is None else spec_of(first)

    @functools.cached_property
    def spec(self) -> Any:
        return self.make_spec()

    def rows(self) -> Any:
        """The elements as rows of arrays in memory (`weft.data.rows.Rows`), or None."""
        return None

    def row_batches(self) -> tuple[Any, int, bool] | None:
        """Batches of rows of arrays: the `Rows`, how many each has, whether all have so many.

        None where the elements are no such batches.
        """
        return None

    def batched(
        self, size: int, drop_remainder: bool, who: str = "batch"
    ) -> Iterator[Element]:
        """The elements stacked by `size`: gathered by row where the data is in memory."""
        rows = self.rows()
        if rows is not None:
            return rows.batches(size, drop_remainder)
        return stacked(self.elements(), size, drop_remainder, who)

    @property
    def name(self) -> str:
        return type(self).__name__


class OneSource(Node):
    """A step that has one input, and by default its spec and number of elements."""

    def __init__(self, source: Node) -> None:
        self.source = source

    def cardinality(self) -> int:
        return self.source.cardinality()

    def make_spec(self) -> Any:
        return self.source.spec


def stacked(
    elements: Iterator[Element], size: int, drop_remainder: bool, who: str
) -> Iterator[Element]:
    """Elements stacked by `size`."""
    while group := list(islice(elements, size)):
        if len(group) < size and drop_remainder:
            return
        yield stack(group, who)


def counted(cardinality: int, change: Callable[[int], int]) -> int:
    """`change` applied to a known number of elements; the others stay as they are."""
    return change(cardinality) if cardinality >= 0 else cardinality


def groups(count: int, size: int, drop_remainder: bool) -> int:
    """How many groups of `size` there are in `count`."""
    return count // size if drop_remainder else -(-count // size)


class Batch(OneSource):
    """Elements stacked into batches."""

    def __init__(self, source: Node, size: int, drop_remainder: bool) -> None:
        super().__init__(source)
        self.size, self.drop_remainder = size, drop_remainder

    def elements(self) -> Iterator[Element]:
        return self.source.batched(self.size, self.drop_remainder)

    def row_batches(self) -> tuple[Any, int, bool] | None:
        rows = self.source.rows()
        is_known = rows is not None and self.source.cardinality() > 0
        return (rows, self.size, self.drop_remainder) if is_known else None

    def cardinality(self) -> int:
        return counted(
            self.source.cardinality(), lambda n: groups(n, self.size, self.drop_remainder)
        )

    def make_spec(self) -> Any:
        return with_axis(self.source.spec, self.size if self.drop_remainder else None)


class Tensors(Node):
    """One element."""

    def __init__(self, element: Element) -> None:
        self.element = element

    def elements(self) -> Iterator[Element]:
        yield self.element

    def cardinality(self) -> int:
        return 1

    def make_spec(self) -> Any:
        return spec_of(self.element)


class Held(Node):
    """A few elements that are held in a list."""

    def __init__(self, items: list[Element], spec: Any = None) -> None:
        self.items, self._known = items, spec

    def elements(self) -> Iterator[Element]:
        return (item for item in self.items)

    def cardinality(self) -> int:
        return len(self.items)

    def make_spec(self) -> Any:
        return self._known if self._known is not None else super().make_spec()


def new_random(seed: int, number: int = 0) -> np.random.Generator:
    """The random numbers of pass `number` of a step with this seed."""
    return np.random.default_rng([seed & 0xFFFFFFFFFFFFFFFF, number])


__all__ = [
    "INFINITE", "UNKNOWN", "Batch", "Held", "Node", "OneSource", "Tensors", "counted",
    "groups", "is_peeking", "new_random", "peeking", "stacked",
]  # fmt: skip

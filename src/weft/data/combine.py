"""Steps with several inputs, or whose function makes datasets: zip, interleave, …"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from weft.data.background import ahead
from weft.data.element import (
    INFINITE,
    UNKNOWN,
    Element,
    describe,
    leaves,
    map_leaves,
    merge_specs,
    same_structure,
    zeros_of,
)
from weft.data.functions import UserFunction
from weft.data.node import Node, OneSource, Tensors, is_peeking, new_random, peeking
from weft.data.rows import Rows
from weft.errors import ArgumentError, ArgumentTypeError


class Zip(Node):
    """The elements of several datasets side by side, up to the end of the shortest.

    Args:
        sources: a tuple or dict of nodes.
    """

    def __init__(self, sources: Any) -> None:
        self.sources = sources

    def elements(self) -> Iterator[Element]:
        passes = map_leaves(lambda node: node.elements(), self.sources)
        while True:
            try:
                yield map_leaves(next, passes)
            except StopIteration:
                return

    def cardinality(self) -> int:
        known = [node.cardinality() for node in leaves(self.sources)]
        if UNKNOWN in known:
            return UNKNOWN
        return min([n for n in known if n != INFINITE], default=INFINITE)

    def make_spec(self) -> Any:
        return map_leaves(lambda node: node.spec, self.sources)

    def rows(self) -> Rows | None:
        found = map_leaves(lambda node: node.rows(), self.sources)
        several = leaves(found)
        if len(several) != len(leaves(self.sources)):
            return None
        if any(rows.in_order is None or rows.functions for rows in several):
            return None
        count = min(rows.in_order for rows in several)
        return Rows.whole(
            map_leaves(lambda rows: map_leaves(lambda a: a[:count], rows.arrays), found),
            count,
        )


class Concatenate(Node):
    """The elements of one dataset, then those of another."""

    def __init__(self, first: Node, second: Node) -> None:
        self.first, self.second = first, second

    def elements(self) -> Iterator[Element]:
        yield from self.first.elements()
        yield from self.second.elements()

    def cardinality(self) -> int:
        known = (self.first.cardinality(), self.second.cardinality())
        if INFINITE in known:
            return INFINITE
        return UNKNOWN if UNKNOWN in known else sum(known)

    def make_spec(self) -> Any:
        one, other = self.first.spec, self.second.spec
        if not same_structure(one, other):
            raise ArgumentTypeError(
                "concatenate: both datasets must have elements of one structure; received "
                f"{one!r} and {other!r}"
            )
        return merge_specs(one, other)


class FlatMap(OneSource):
    """The elements of the datasets that a function makes, one dataset after the other."""

    def __init__(self, source: Node, function: UserFunction) -> None:
        super().__init__(source)
        self.function = function

    def inner(self) -> Iterator[Node]:
        """The datasets."""
        for number, element in enumerate(self.source.elements()):
            made = self.function(element, number)
            if not isinstance(made, Node):
                raise ArgumentTypeError(
                    f"{self.function.who}: {self.function.label} must give a Dataset; "
                    f"received {describe(made)}"
                )
            yield made

    def elements(self) -> Iterator[Element]:
        for node in self.inner():
            yield from node.elements()

    def cardinality(self) -> int:
        return UNKNOWN

    def make_spec(self) -> Any:
        with peeking():
            first = next(self.inner(), None)
        if first is None:
            return self.function(zeros_of(self.source.spec, Tensors), 0).spec
        given = leaves(self.source.spec)
        if not any(None in (getattr(one, "shape", None) or ()) for one in given):
            return first.spec
        # Extents of the source are not known: those that follow from them are not either.
        found = first.spec
        for unknown in (2, 3):
            try:
                made = self.function(zeros_of(self.source.spec, Tensors, unknown), 0)
                found = merge_specs(found, made.spec)
            except Exception:
                # It is no function of zeros: the first element is all that is known.
                return first.spec
        return found


class Interleave(FlatMap):
    """The elements of several such datasets in turn, `block` of each at a time."""

    def __init__(
        self,
        source: Node,
        function: UserFunction,
        cycle: int,
        block: int,
        is_parallel: bool,
    ) -> None:
        super().__init__(source, function)
        self.cycle, self.block, self.is_parallel = cycle, block, is_parallel

    def _open(self, node: Node) -> Iterator[Element]:
        return ahead(node.elements, self.block + 1) if self.is_parallel else node.elements()

    def elements(self) -> Iterator[Element]:
        waiting = self.inner()
        slots: list[Iterator[Element] | None] = [None] * self.cycle
        try:
            for slot in itertools.cycle(range(self.cycle)):
                current = slots[slot]
                if current is None:
                    node = next(waiting, None)
                    if node is None:
                        if not any(slots):
                            return
                        continue
                    current = slots[slot] = self._open(node)
                count = 0
                for element in itertools.islice(current, self.block):
                    count += 1
                    yield element
                if count < self.block:
                    slots[slot] = None
        finally:
            for current in filter(None, slots):
                with contextlib.suppress(AttributeError):
                    current.close()  # type: ignore[attr-defined]


class Select(Node):
    """Elements of several datasets; a choice says whose turn it is.

    Args:
        choices: starts a pass: the numbers of the datasets in turn.
        stop_on_empty: end when the dataset whose turn it is has ended; else it is left out.
    """

    def __init__(
        self,
        who: str,
        sources: Sequence[Node],
        choices: Callable[[Callable[[], list[int]]], Iterator[int]],
        stop_on_empty: bool,
    ) -> None:
        self.who, self.sources, self.choices = who, list(sources), choices
        self.stop_on_empty = stop_on_empty

    def elements(self) -> Iterator[Element]:
        passes = [node.elements() for node in self.sources]
        open_ones = list(range(len(passes)))
        for choice in self.choices(lambda: open_ones):
            if not 0 <= choice < len(passes):
                raise ArgumentError(
                    f"{self.who}: a choice must be from 0 to {len(passes) - 1}, the "
                    f"number of a dataset; received {choice}"
                )
            if choice not in open_ones:
                continue
            try:
                element = next(passes[choice])
            except StopIteration:
                if self.stop_on_empty:
                    return
                open_ones.remove(choice)
                if not open_ones:
                    return
            else:
                yield element

    def cardinality(self) -> int:
        known = [node.cardinality() for node in self.sources]
        if all(n == INFINITE for n in known):
            return INFINITE
        if not self.stop_on_empty and INFINITE in known:
            return INFINITE
        return UNKNOWN

    def make_spec(self) -> Any:
        spec = self.sources[0].spec
        for other in self.sources[1:]:
            spec = merge_specs(spec, other.spec)
        return spec


class WeightedChoices:
    """Numbers of datasets at random, each with its weight among those that go on."""

    def __init__(self, weights: Sequence[float], seed: int, again: bool) -> None:
        self.weights, self.seed, self.again = np.asarray(weights, np.float64), seed, again
        self._passes = itertools.count()

    def __call__(self, open_ones: Callable[[], list[int]]) -> Iterator[int]:
        again = self.again and not is_peeking()
        draws = new_random(self.seed, next(self._passes) if again else 0)
        while True:
            places = open_ones()
            weights = self.weights[places]
            total = weights.sum()
            if not total > 0:
                return
            bounds = np.cumsum(weights / total)
            for draw in draws.random(64):
                found = min(int(np.searchsorted(bounds, draw, "right")), len(places) - 1)
                yield places[found]
                if len(open_ones()) != len(bounds):
                    break


def choices_of(node: Node) -> Callable:
    """The choices that a dataset of int64 numbers makes."""
    return lambda open_ones: (int(element) for element in node.elements())


__all__ = [
    "Concatenate", "FlatMap", "Interleave", "Select", "WeightedChoices", "Zip",
    "choices_of",
]  # fmt: skip

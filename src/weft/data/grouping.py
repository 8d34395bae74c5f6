"""Steps that put elements together or take them apart: unbatch, pad, windows, groups."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from itertools import islice
from typing import Any

import numpy as np

from weft.data.element import (
    INFINITE,
    UNKNOWN,
    DatasetSpec,
    Element,
    count_rows,
    describe,
    leaves,
    map_leaves,
    rows_of,
    with_axis,
    with_unknown_extents,
    without_axis,
)
from weft.data.functions import UserFunction
from weft.data.node import Held, Node, OneSource, counted, groups
from weft.errors import ArgumentError, ArgumentTypeError, ShapeError
from weft.function.signature import TensorSpec


class Unbatch(OneSource):
    """The rows of batches, one by one."""

    def elements(self) -> Iterator[Element]:
        for batch in self.source.elements():
            yield from rows_of(batch, count_rows(batch, "unbatch"))

    def cardinality(self) -> int:
        sizes = {one.shape[0] for one in leaves(self.source.spec) if one.shape}
        size = sizes.pop() if len(sizes) == 1 else None
        known = self.source.cardinality()
        if known == INFINITE or known == 0:
            return known
        return UNKNOWN if size is None else counted(known, lambda n: n * size)

    def make_spec(self) -> Any:
        return without_axis(self.source.spec)


class Rebatch(OneSource):
    """Batches cut anew."""

    def __init__(self, source: Node, size: int, drop_remainder: bool) -> None:
        super().__init__(source)
        self.size, self.drop_remainder = size, drop_remainder

    def elements(self) -> Iterator[Element]:
        waiting: deque = deque()
        count = 0
        for batch in self.source.elements():
            waiting.append(batch)
            count += count_rows(batch, "rebatch")
            while count >= self.size:
                whole = _joined(waiting)
                yield map_leaves(lambda array: array[: self.size], whole)
                count -= self.size
                waiting = deque([map_leaves(lambda array: array[self.size :], whole)])
        if count and not self.drop_remainder:
            yield _joined(waiting)

    def cardinality(self) -> int:
        return INFINITE if self.source.cardinality() == INFINITE else UNKNOWN

    def make_spec(self) -> Any:
        extent = self.size if self.drop_remainder else None
        return with_axis(without_axis(self.source.spec), extent)


def _joined(batches: deque) -> Element:
    if len(batches) == 1:
        return batches[0]
    return map_leaves(lambda *arrays: np.concatenate(arrays), *batches)


# -- padding -----------------------------------------------------------------------------


class PaddedBatch(OneSource):
    """Batches of elements that are padded to one shape.

    Args:
        shapes: a structure of shapes (tuples in `Shape`); None for the largest extent of
            a batch.
        values: a structure of the values to pad with.
    """

    def __init__(
        self, source: Node, size: int, shapes: Any, values: Any, drop_remainder: bool
    ) -> None:
        super().__init__(source)
        self.size, self.shapes, self.values = size, shapes, values
        self.drop_remainder = drop_remainder

    def elements(self) -> Iterator[Element]:
        elements = self.source.elements()
        while group := list(islice(elements, self.size)):
            if len(group) < self.size and self.drop_remainder:
                return
            yield self._padded(group)

    def _padded(self, group: list[Element]) -> Element:
        def leaf(shape: Shape, value: np.ndarray, *arrays: np.ndarray) -> np.ndarray:
            return pad_and_stack(arrays, shape.extents, value)

        return map_leaves(leaf, self.shapes, self.values, *group)

    def cardinality(self) -> int:
        return counted(
            self.source.cardinality(), lambda n: groups(n, self.size, self.drop_remainder)
        )

    def make_spec(self) -> Any:
        extent = self.size if self.drop_remainder else None
        padded = map_leaves(
            lambda spec, shape: TensorSpec(shape.extents, spec.dtype),
            self.source.spec,
            self.shapes,
        )
        return with_axis(padded, extent)


class Shape:
    """A shape as a leaf of a structure; None for an extent that is not given."""

    __slots__ = ("extents",)

    def __init__(self, extents: Any) -> None:
        self.extents = tuple([
            None if extent in (None, -1) else int(extent) for extent in extents
        ])  # fmt: skip


def pad_and_stack(
    arrays: Any, shape: tuple[int | None, ...], value: np.ndarray, who: str = "padded_batch"
) -> np.ndarray:
    """Arrays in one array, each padded at the ends of its axes."""
    ranks = {array.ndim for array in arrays}
    if ranks != {len(shape)}:
        raise ShapeError(
            f"{who}: elements must have {len(shape)} axes, as the padded shape {shape} "
            f"has; received shapes {', '.join(str(array.shape) for array in arrays[:4])}"
        )
    largest = [max(extents) for extents in zip(*[array.shape for array in arrays])]
    extents = [most if wanted is None else wanted for wanted, most in zip(shape, largest)]
    if any(most > extent for most, extent in zip(largest, extents)):
        raise ShapeError(
            f"{who}: elements must fit into the padded shape {shape}; received one of "
            f"extents {tuple(largest)}; give None to pad to the longest"
        )
    padded = np.full((len(arrays), *extents), value, arrays[0].dtype)
    for number, array in enumerate(arrays):
        place: tuple = (number, *[slice(extent) for extent in array.shape])
        padded[place] = array
    return padded


def padding_for(spec: Any, shapes: Any, values: Any, who: str) -> tuple[Any, Any]:
    """The full structures of padded shapes and values for elements of `spec`.

    Raises:
        ArgumentError: for shapes that don't go with the spec.
    """
    if shapes is None:
        unknown = [one for one in leaves(spec) if one.shape is None]
        if unknown:
            raise ArgumentError(
                f"{who}: the rank of the elements is not known ({spec!r}); give "
                "padded_shapes"
            )
        shapes = map_leaves(lambda one: Shape(one.shape), spec)
    else:
        shapes = _shapes_like(spec, shapes, who)
    if values is None or not isinstance(values, tuple | dict):
        given = values
        values = map_leaves(lambda one: _padding_value(one, given), spec)
    else:
        values = map_leaves(_padding_value, spec, values)
    return shapes, values


def _shapes_like(spec: Any, shapes: Any, who: str) -> Any:
    """`shapes` with the structure of `spec`; lists and tuples of numbers are shapes."""
    if isinstance(spec, dict) and isinstance(shapes, dict):
        return {key: _shapes_like(part, shapes[key], who) for key, part in spec.items()}
    if isinstance(spec, tuple):
        if isinstance(shapes, tuple | list) and len(shapes) == len(spec):
            return tuple([_shapes_like(s, part, who) for s, part in zip(spec, shapes)])
    elif not isinstance(spec, dict) and not isinstance(shapes, dict):
        return Shape(np.atleast_1d(shapes) if isinstance(shapes, int) else shapes)
    raise ArgumentError(
        f"{who}: padded_shapes must have the structure of the elements, {spec!r}; received "
        f"{shapes!r}"
    )


def _padding_value(spec: Any, value: Any) -> np.ndarray:
    if value is None:
        value = "" if spec.dtype == "string" else 0
    return np.array(getattr(value, "_array", value), spec.dtype.numpy)


# -- windows and groups --------------------------------------------------------------------


class Window(OneSource):
    """Datasets of neighbouring elements."""

    def __init__(
        self, source: Node, size: int, shift: int, stride: int, drop_remainder: bool
    ) -> None:
        super().__init__(source)
        self.size, self.shift, self.stride = size, shift, stride
        self.drop_remainder = drop_remainder

    def elements(self) -> Iterator[Element]:
        elements = self.source.elements()
        span = (self.size - 1) * self.stride + 1
        held: list[Element] = []
        while True:
            held += islice(elements, max(span - len(held), 0))
            if not held or (len(held) < span and self.drop_remainder):
                return
            yield self._dataset(held[: span : self.stride])
            if self.shift > len(held):
                skipped = self.shift - len(held)
                held = []
                if sum(1 for _ in islice(elements, skipped)) < skipped:
                    return
            else:
                held = held[self.shift :]

    def _dataset(self, items: list[Element]) -> Element:
        """One dataset per part of an element, as tf.data has it."""

        def leaf(spec: Any, *parts: Any) -> Held:
            return Held(list(parts), spec)

        return map_leaves(leaf, self.source.spec, *items)

    def cardinality(self) -> int:
        span = (self.size - 1) * self.stride + 1

        def count(n: int) -> int:
            if not self.drop_remainder:
                return -(-n // self.shift)
            return max(0, (n - span) // self.shift + 1)

        return counted(self.source.cardinality(), count)

    def make_spec(self) -> Any:
        return map_leaves(DatasetSpec, self.source.spec)


class GroupByWindow(OneSource):
    """Elements of one key, so many at a time, through a function of (key, dataset)."""

    def __init__(
        self,
        source: Node,
        key: UserFunction,
        reduce: UserFunction,
        size: Callable[[int], int],
    ) -> None:
        super().__init__(source)
        self.key, self.reduce, self.size = key, reduce, size

    def elements(self) -> Iterator[Element]:
        waiting: dict[int, list[Element]] = {}
        for number, element in enumerate(self.source.elements()):
            found = self.key(element, number)
            if (
                not isinstance(found, np.ndarray)
                or found.ndim
                or found.dtype.kind not in "iu"
            ):
                raise ArgumentTypeError(
                    f"group_by_window: {self.key.label} must give one integer; received "
                    f"{describe(found)}"
                )
            key = int(found)
            group = waiting.setdefault(key, [])
            group.append(element)
            if len(group) >= self.size(key):
                yield from self._reduced(key, waiting.pop(key), number)
        for key in sorted(waiting):
            yield from self._reduced(key, waiting[key], -1)

    def _reduced(self, key: int, group: list[Element], number: int) -> Iterator[Element]:
        held = Held(group, self.source.spec)
        made = self.reduce((np.array(key, np.int64), held), number)
        if not isinstance(made, Node):
            raise ArgumentTypeError(
                f"group_by_window: {self.reduce.label} must give a Dataset; received "
                f"{describe(made)}"
            )
        yield from made.elements()

    def cardinality(self) -> int:
        return INFINITE if self.source.cardinality() == INFINITE else UNKNOWN

    def make_spec(self) -> Any:
        empty = Held([], self.source.spec)
        return self.reduce((np.array(0, np.int64), empty), 0).spec


class Buckets(OneSource):
    """Padded batches of elements of about one length.

    Args:
        length: the length of an element.
        bounds: a bucket ends before each of these lengths.
        sizes: the batch size of each bucket; one more than bounds.
        pad: makes a batch of a bucket's elements and its number.
    """

    def __init__(
        self, source: Node, length: UserFunction, bounds: list[int], sizes: list[int],
        pad: Callable[[list[Element], int], Element], drop_remainder: bool,
    ) -> None:  # fmt: skip
        super().__init__(source)
        self.length, self.bounds, self.sizes = length, bounds, sizes
        self.pad, self.drop_remainder = pad, drop_remainder

    def elements(self) -> Iterator[Element]:
        waiting: dict[int, list[Element]] = {}
        for number, element in enumerate(self.source.elements()):
            length = int(self.length(element, number))
            bucket = int(np.searchsorted(self.bounds, length, "right"))
            group = waiting.setdefault(bucket, [])
            group.append(element)
            if len(group) == self.sizes[bucket]:
                yield self.pad(waiting.pop(bucket), bucket)
        if not self.drop_remainder:
            for bucket in sorted(waiting):
                yield self.pad(waiting[bucket], bucket)

    def cardinality(self) -> int:
        return INFINITE if self.source.cardinality() == INFINITE else UNKNOWN

    def make_spec(self) -> Any:
        return with_axis(with_unknown_extents(self.source.spec), None)


__all__ = [
    "Buckets", "GroupByWindow", "PaddedBatch", "Rebatch", "Shape", "Unbatch",
    "Window", "pad_and_stack", "padding_for",
]  # fmt: skip

"""What a staged `for` goes through: rows of tensors, ranges, zip and enumerate of them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from weft.core.state import STATE
from weft.core.tensor import Tensor
from weft.core.variable import Variable
from weft.dtypes import int32
from weft.errors import ArgumentTypeError, TraceError
from weft.function.autograph.values import here, is_number, traced
from weft.ops import elementwise
from weft.ops.convert import cast, convert_to_tensor
from weft.ops.promotion import promote
from weft.primitives.indexing import dynamic_slice, iota
from weft.primitives.shape import reshape


class Steps(ABC):
    """Something with a number of steps, and an item for each.

    `length` is a Python int where it is known while tracing, else an int32 tensor.
    """

    length: int | Tensor

    @abstractmethod
    def item(self, index: Tensor) -> Any:
        """The item of a step."""

    @abstractmethod
    def sequences(self) -> list[Tensor]:
        """Tensors of `length` rows (a Python int) that hold all items."""

    @abstractmethod
    def from_slices(self, slices: Sequence[Tensor]) -> Any:
        """The item whose rows of `sequences()` these are."""

    def __iter__(self) -> Iterator[Any]:
        raise TraceError(
            f"{here()}: how often this goes round depends on a tensor, and only a `for` "
            "statement in a function that AutoGraph rewrites can do that; not a "
            "comprehension, list() or unpacking"
        )


class Rows(Steps):
    """The rows of a tensor."""

    def __init__(self, tensor: Tensor) -> None:
        if not tensor.shape:
            raise ArgumentTypeError(
                f"{here()}: a tensor without axes has nothing to go through; received "
                f"{tensor.spec}; use range() to count up to it"
            )
        self.tensor = tensor
        self.length = tensor.shape[0]

    def item(self, index: Tensor) -> Tensor:
        rest = self.tensor.shape[1:]
        zero = Tensor(np.array(0, np.int32))
        row = dynamic_slice.bind(self.tensor, index, *[zero] * len(rest), sizes=(1, *rest))
        return reshape.bind(row, shape=rest)

    def sequences(self) -> list[Tensor]:
        return [self.tensor]

    def from_slices(self, slices: Sequence[Tensor]) -> Tensor:
        return slices[0]


class TensorRange(Steps):
    """`range(start, stop, step)` of tensors, whose number of steps is not known yet.

    Raises:
        TraceError: where it is used as anything but the iterable of a `for`.
    """

    def __init__(self, start: Any, stop: Any = None, step: Any = 1) -> None:
        if stop is None:
            start, stop = 0, start
        self.start, self.stop, self.step = promote(start, stop, step)
        if not self.start.dtype.is_integer and not self.start.dtype.is_floating:
            raise ArgumentTypeError(
                f"{here()}: range counts with numbers; received {self.start.spec}"
            )
        self.length = self._count()

    def _count(self) -> Tensor:
        distance = elementwise.subtract(self.stop, self.start)
        if self.start.dtype.is_integer:
            # Rounded up: -(-distance // step).
            count = -elementwise.floor_divide(-distance, self.step)
        else:
            count = elementwise.ceil(elementwise.divide(distance, self.step))
        return cast(elementwise.maximum(count, 0), int32)

    def item(self, index: Tensor) -> Tensor:
        return self.start + cast(index, self.start.dtype) * self.step

    def sequences(self) -> list[Tensor]:
        raise TraceError("a range of tensors has no rows")

    def from_slices(self, slices: Sequence[Tensor]) -> Any:
        raise TraceError("a range of tensors has no rows")

    def __reversed__(self) -> TensorRange:
        """From the last number to the first."""
        last = self.start + (cast(self.length, self.start.dtype) - 1) * self.step
        turned = TensorRange(last, self.start - self.step, -self.step)
        turned.length = self.length
        return turned

    def __len__(self) -> int:
        raise TraceError(
            f"{here()}: the length of a range of tensors is not known while tracing"
        )

    def __repr__(self) -> str:
        return f"range({self.start!r}, {self.stop!r}, {self.step!r})"


class Zipped(Steps):
    """Several together, as long as the shortest."""

    def __init__(self, members: Sequence[Steps]) -> None:
        self.members = list(members)
        lengths = [member.length for member in members]
        if all(isinstance(length, int) for length in lengths):
            self.length = min(lengths)  # type: ignore[type-var]
        else:
            shortest = convert_to_tensor(lengths[0], int32)
            for length in lengths[1:]:
                shortest = elementwise.minimum(shortest, convert_to_tensor(length, int32))
            self.length = shortest

    def item(self, index: Tensor) -> tuple:
        return tuple([member.item(index) for member in self.members])

    def sequences(self) -> list[Tensor]:
        return [
            sequence[: self.length]
            for member in self.members
            for sequence in member.sequences()
        ]

    def from_slices(self, slices: Sequence[Tensor]) -> tuple:
        items, position = [], 0
        for member in self.members:
            width = len(member.sequences())
            items.append(member.from_slices(slices[position : position + width]))
            position += width
        return tuple(items)


class Enumerated(Steps):
    """`(number, item)` of another one."""

    def __init__(self, inner: Steps, start: Any = 0) -> None:
        self.inner, self.start = inner, start
        self.length = inner.length

    def item(self, index: Tensor) -> tuple:
        return self.start + index, self.inner.item(index)

    def sequences(self) -> list[Tensor]:
        assert isinstance(self.length, int)
        return [
            iota.bind(shape=(self.length,), axis=0, dtype=int32),
            *self.inner.sequences(),
        ]

    def from_slices(self, slices: Sequence[Tensor]) -> tuple:
        return self.start + slices[0], self.inner.from_slices(slices[1:])


def steps_of(iterable: Any) -> Steps | None:
    """The staged form of an iterable; None for those that Python goes through."""
    if isinstance(iterable, Steps):
        return iterable
    if STATE.trace is None:
        return None
    if isinstance(iterable, Variable):
        iterable = iterable.value
    return Rows(iterable) if isinstance(iterable, Tensor) else None


def is_staged_dataset(x: Any) -> bool:
    """Whether it is a dataset, or an iterator of one, in a function that is traced."""
    return (
        STATE.trace is not None
        and type(x).__module__.startswith("weft.data")
        and callable(getattr(x, "reduce", None))
    )


def range_(*arguments: Any) -> Any:
    """`range`; of tensors that are being traced, one for a staged loop."""
    if not any(traced(argument) is not None for argument in arguments):
        return range(*arguments)
    if not 1 <= len(arguments) <= 3:
        raise ArgumentTypeError(
            f"range: expected 1 to 3 arguments; received {len(arguments)}"
        )
    for argument in arguments:
        if not is_number(argument) and getattr(argument, "shape", ()) != ():
            raise ArgumentTypeError(
                f"{here()}: range counts with single numbers; received {argument.spec}"
            )
    return TensorRange(*arguments)


def enumerate_(iterable: Any, start: Any = 0) -> Any:
    """`enumerate`, also of tensors, ranges of tensors and datasets."""
    if is_staged_dataset(iterable):
        return iterable.rest().enumerate(start)
    steps = steps_of(iterable)
    return enumerate(iterable, start) if steps is None else Enumerated(steps, start)


def zip_(*iterables: Any, strict: bool = False) -> Any:
    """`zip`, also of tensors, ranges of tensors and datasets."""
    if iterables and all(map(is_staged_dataset, iterables)):
        datasets = [iterable.rest() for iterable in iterables]
        return datasets[0].zip(*datasets)
    steps = [steps_of(iterable) for iterable in iterables]
    if not steps or any(one is None for one in steps):
        return zip(*iterables, strict=strict)
    return Zipped(steps)  # type: ignore[arg-type]


def reversed_(sequence: Any) -> Any:
    """`reversed`, also of ranges of tensors."""
    return (
        sequence.__reversed__() if isinstance(sequence, TensorRange) else reversed(sequence)
    )

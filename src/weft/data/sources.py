"""Where elements come from: arrays, numbers, generators, files."""

from __future__ import annotations

import contextlib
import glob
import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from weft.core.tensor import Tensor
from weft.data.element import (
    INFINITE,
    UNKNOWN,
    Element,
    count_rows,
    map_leaves,
    rows_of,
    same_structure,
    spec_of,
    to_arrays,
    without_axis,
)
from weft.data.node import Node, is_peeking, new_random
from weft.data.rows import Rows
from weft.dtypes import canonical
from weft.errors import ArgumentError, ArgumentTypeError, WeftError
from weft.function.signature import TensorSpec
from weft.ops.convert import convert_to_tensor

_INT64 = TensorSpec((), "int64")
_TEXT = TensorSpec((), "string")

# Numbers of a range that are kept as an array, so that batches can be gathered.
_MOST_IN_MEMORY = 10_000_000


class Slices(Node):
    """The rows of arrays."""

    def __init__(self, arrays: Element) -> None:
        self.arrays = arrays
        self.count = count_rows(arrays, "from_tensor_slices")

    def elements(self) -> Iterator[Element]:
        arrays = self.arrays
        if isinstance(arrays, np.ndarray):
            return (arrays[row, ...] for row in range(self.count))
        return self._structured_elements()

    def _structured_elements(self) -> Iterator[Element]:
        for start in range(0, self.count, 256):
            chunk = map_leaves(lambda array: array[start : start + 256], self.arrays)
            yield from rows_of(chunk, min(256, self.count - start))

    def cardinality(self) -> int:
        return self.count

    def make_spec(self) -> Any:
        return without_axis(spec_of(self.arrays))

    def rows(self) -> Rows:
        return Rows.whole(self.arrays, self.count)


class Range(Node):
    """The numbers of a Python range, as int64 unless another dtype is wanted."""

    def __init__(self, numbers: range, dtype: Any) -> None:
        self.numbers, self.dtype = numbers, canonical(dtype)

    def elements(self) -> Iterator[Element]:
        kind = self.dtype.numpy
        return (np.array(number, kind) for number in self.numbers)

    def cardinality(self) -> int:
        return len(self.numbers)

    def make_spec(self) -> Any:
        return TensorSpec((), self.dtype)

    def rows(self) -> Rows | None:
        numbers = self.numbers
        if len(numbers) > _MOST_IN_MEMORY:
            return None
        array = np.arange(numbers.start, numbers.stop, numbers.step, dtype=np.int64)
        return Rows.whole(array.astype(self.dtype.numpy), len(numbers))


class Counter(Node):
    """Numbers without end."""

    def __init__(self, start: int, step: int, dtype: Any) -> None:
        self.start, self.step, self.dtype = start, step, canonical(dtype)

    def elements(self) -> Iterator[Element]:
        kind = self.dtype.numpy
        return (np.array(number, kind) for number in itertools.count(self.start, self.step))

    def cardinality(self) -> int:
        return INFINITE

    def make_spec(self) -> Any:
        return TensorSpec((), self.dtype)


class RandomNumbers(Node):
    """Random int64 numbers from 0 to 2**32 - 1, without end."""

    def __init__(self, seed: int, rerandomize: bool) -> None:
        self.seed, self.rerandomize = seed, rerandomize
        self._passes = itertools.count()

    def elements(self) -> Iterator[Element]:
        again = self.rerandomize and not is_peeking()
        draws = new_random(self.seed, next(self._passes) if again else 0)
        while True:
            yield from (np.array(n) for n in draws.integers(0, 2**32, 256, np.int64))

    def cardinality(self) -> int:
        return INFINITE

    def make_spec(self) -> Any:
        return _INT64


# -- generators ----------------------------------------------------------------------------


class Generated(Node):
    """What a Python generator yields, checked against its declared spec."""

    def __init__(self, generator: Callable, spec: Any, arguments: Sequence[Any]) -> None:
        if not callable(generator):
            raise ArgumentTypeError(
                "from_generator: `generator` must be a Python callable that gives an "
                f"iterable; received {type(generator).__name__}; write `lambda: it`"
            )
        self.generator, self.declared, self.arguments = generator, spec, arguments

    def elements(self) -> Iterator[Element]:
        items = self.generator(*self.arguments)
        try:
            for number, item in enumerate(items):
                yield self._checked(item, number)
        finally:
            with contextlib.suppress(AttributeError):
                items.close()

    def make_spec(self) -> Any:
        return super().make_spec() if self.declared is None else self.declared

    def _checked(self, item: Any, number: int) -> Element:
        if self.declared is None:
            return to_arrays(tuple(item) if isinstance(item, list) else item)
        if isinstance(self.declared, tuple) and isinstance(item, list):
            item = tuple(item)
        if not same_structure(self.declared, item):
            raise ArgumentTypeError(
                "from_generator: the generator must yield elements like "
                f"{self.declared!r}; received {str(item)[:80]} for element {number}"
            )
        return map_leaves(
            lambda spec, value: self._fit(spec, value, number), self.declared, item
        )

    def _fit(self, spec: Any, value: Any, number: int) -> Any:
        if hasattr(value, "_node"):
            return value._node
        try:
            array = _as_declared(value, spec)
        except WeftError as error:
            raise ArgumentTypeError(
                f"from_generator: the generator must yield what becomes {spec!r}; received "
                f"{str(value)[:60]} for element {number}: {error}"
            ) from error
        if not spec.admits(array.shape):
            raise ArgumentTypeError(
                f"from_generator: the generator must yield the shape {spec.shape}; "
                f"received {array.shape} for element {number}; declare None for extents "
                "that vary"
            )
        return array


def _as_declared(value: Any, spec: TensorSpec) -> np.ndarray:
    if isinstance(value, np.ndarray | np.generic | Tensor) and spec.dtype != "string":
        array = value._array if isinstance(value, Tensor) else np.asarray(value)
        # A copy: generators like to fill one array again and again.
        return np.array(array, spec.dtype.numpy)
    return convert_to_tensor(value, spec.dtype)._array


# -- files ---------------------------------------------------------------------------------


class Files(Node):
    """The names of files, sorted."""

    def __init__(self, patterns: Any) -> None:
        self.patterns = [str(pattern) for pattern in _texts(patterns)]

    def _names(self) -> list[str]:
        names = {name for pattern in self.patterns for name in glob.glob(pattern)}
        if not names:
            raise ArgumentError(
                f"list_files: no file has a name like {', '.join(self.patterns)}; "
                "give a pattern such as 'folder/*.png'"
            )
        return sorted(names)

    def elements(self) -> Iterator[Element]:
        return (_text_array(name) for name in self._names())

    def cardinality(self) -> int:
        return len(self._names())

    def make_spec(self) -> Any:
        return _TEXT


class Lines(Node):
    """The lines of text files, without their ends."""

    def __init__(self, names: Any) -> None:
        self.names = [str(name) for name in _texts(names)]

    def elements(self) -> Iterator[Element]:
        for name in self.names:
            with open(name, encoding="utf-8") as lines:
                yield from (_text_array(line.rstrip("\r\n")) for line in lines)

    def cardinality(self) -> int:
        return UNKNOWN

    def make_spec(self) -> Any:
        return _TEXT


def _text_array(text: str) -> np.ndarray:
    # As everywhere, text in tensors is bytes.
    return np.array(text.encode(), np.object_)


def _texts(given: Any) -> list[str]:
    """One text or several, out of a text, a path, a list or a tensor of text."""
    if hasattr(given, "__fspath__"):
        return [given.__fspath__()]
    array = given._array if isinstance(given, Tensor) else np.asarray(given, np.object_)
    found = [
        text.decode() if isinstance(text, bytes) else str(text)
        for text in array.reshape(-1)
    ]
    return found


__all__ = [
    "Counter", "Files", "Generated", "Lines", "RandomNumbers", "Range", "Slices",
]  # fmt: skip

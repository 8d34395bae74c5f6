"""tf.TensorArray: tensors collected one by one, then stacked.

Eagerly, and while Python knows every index, it is a list. A loop that is traced needs one
tensor with room for all elements: that is the dense form, whose element shape must be known.
Where it was not given, the first write inside of a loop tells it, and the function is traced
again with that knowledge (`learning`).
"""

from __future__ import annotations

import contextlib
import functools
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

from weft import ops
from weft.compat.conversion import as_dtype, constant, known_int, known_ints, tensor
from weft.compat.shapes import TensorShape
from weft.core.state import STATE
from weft.core.tensor import Tensor, TracedTensor
from weft.dtypes import DType
from weft.errors import ArgumentError, IndexError, ShapeError
from weft.ops.convert import constant_value


class _Learned(threading.local):
    """Element shapes of the arrays of the function being traced, in order of their making."""

    def __init__(self) -> None:
        self.shapes: dict[int, tuple[int, ...]] | None = None
        self.made = 0


_LEARNED = _Learned()


class _ShapeLearned(BaseException):
    """The element shape of an array became known: trace again."""


def learning(trace: Callable[[], Any]) -> Any:
    """`trace()`, again and again until no array learns the shape of its elements."""
    if _LEARNED.shapes is not None:
        return trace()
    _LEARNED.shapes = {}
    try:
        while True:
            _LEARNED.made = 0
            with contextlib.suppress(_ShapeLearned):
                return trace()
    finally:
        _LEARNED.shapes = None


class _ArrayType(type):
    """What is made is one of two forms; both are TensorArrays."""

    def __instancecheck__(cls, instance: Any) -> bool:
        return isinstance(instance, _ListArray | _DenseArray)


class TensorArray(metaclass=_ArrayType):
    """Tensors of one dtype, written by index and read again.

    Args:
        dtype: of the elements.
        size: how many there are room for.
        dynamic_size: whether it grows; not in traced loops.
        element_shape: of every element; learned from the first write if it is not given.

    Example:
        >>> import weft.compat.tensorflow as tf
        >>> array = tf.TensorArray(tf.float32, size=2)
        >>> array = array.write(0, 1.0).write(1, 2.0)
        >>> array.stack().numpy().tolist()
        [1.0, 2.0]
    """

    def __new__(
        cls, dtype: Any, size: Any = None, dynamic_size: bool | None = None,
        clear_after_read: bool | None = None, tensor_array_name: str | None = None,
        handle: Any = None, flow: Any = None, infer_shape: bool = True,
        element_shape: Any = None, colocate_with_first_write_call: bool = True,
        name: str | None = None,
    ) -> Any:  # fmt: skip
        count = 0 if size is None else known_int("tf.TensorArray: size", size)
        shape = None if element_shape is None else TensorShape(element_shape)
        extents: Any = None
        if shape is not None and shape.is_fully_defined():
            extents = tuple(shape)
        number = _LEARNED.made
        _LEARNED.made += 1
        if extents is None and STATE.trace is not None and _LEARNED.shapes is not None:
            extents = _LEARNED.shapes.get(number)
        kind = as_dtype(dtype)
        is_dense = (
            STATE.trace is not None and extents is not None and count and not dynamic_size
        )
        if is_dense:
            return _dense_type(kind)(ops.zeros((count, *extents), kind))
        return _ListArray(kind, [None] * count, bool(dynamic_size), number)


class _Reading:
    """What both forms are asked for."""

    dtype: DType

    def concat(self, name: str | None = None) -> Tensor:
        """All elements one after the other along their first axis."""
        stacked = self.stack()  # type: ignore[attr-defined]
        return ops.reshape(stacked, (-1, *stacked.shape[2:]))

    def gather(self, indices: Any, name: str | None = None) -> Tensor:
        """The elements at indices, stacked."""
        return ops.take(self.stack(), indices, axis=0)  # type: ignore[attr-defined]

    def unstack(self, value: Any, name: str | None = None) -> Any:
        """The rows of a tensor, one by one."""
        rows = tensor("TensorArray.unstack", value, self.dtype)
        array: Any = self
        for number, row in enumerate(ops.unstack(rows)):
            array = array.write(number, row)
        return array

    def scatter(self, indices: Any, value: Any, name: str | None = None) -> Any:
        """The rows of a tensor, at these indices."""
        rows = ops.unstack(tensor("TensorArray.scatter", value, self.dtype))
        array: Any = self
        for number, row in zip(known_ints("TensorArray.scatter", indices), rows):
            array = array.write(number, row)
        return array

    def identity(self) -> Any:
        """The array itself."""
        return self

    def close(self, name: str | None = None) -> None:
        """Nothing is held open."""


class _ListArray(_Reading):
    """Elements in a Python list; a write changes the array, as it does eagerly."""

    def __init__(
        self, dtype: DType, items: list[Tensor | None], grows: bool, number: int
    ) -> None:
        self.dtype, self.dynamic_size = dtype, grows
        self._items, self._number, self._trace = items, number, STATE.trace

    @property
    def element_shape(self) -> TensorShape:
        """The shape of the elements, as far as it is known."""
        written = [item for item in self._items if item is not None]
        return TensorShape(written[0].shape if written else None)

    def size(self, name: str | None = None) -> Tensor:
        """How many elements there are."""
        return constant(len(self._items))

    def write(self, index: Any, value: Any, name: str | None = None) -> Any:
        """The array with an element written."""
        value = tensor("TensorArray.write", value, self.dtype)
        if STATE.trace is not self._trace or constant_value(index) is None:
            return self._needs_dense(value)
        place = known_int("TensorArray.write: index", index)
        if place >= len(self._items) and self.dynamic_size:
            self._items += [None] * (place + 1 - len(self._items))
        if not 0 <= place < len(self._items):
            raise IndexError(
                f"TensorArray.write: the index must be in [0, {len(self._items)}); received "
                f"{place}; give more room with size=, or dynamic_size=True"
            )
        self._items[place] = value
        return self

    def _needs_dense(self, value: Tensor) -> Any:
        """Written inside of a traced loop: one tensor has to hold all elements."""
        if not self._items or self.dynamic_size or any(x is not None for x in self._items):
            raise ArgumentError(
                "TensorArray.write: in a traced loop the number of elements must be known; "
                "make the array with size=n (not dynamic_size=True), and write only in the loop"
            )
        if _LEARNED.shapes is None:
            raise ArgumentError(
                "TensorArray.write: in a traced loop the shape of the elements must be "
                "known; give element_shape="
            )
        _LEARNED.shapes[self._number] = value.shape
        raise _ShapeLearned

    def read(self, index: Any, name: str | None = None) -> Tensor:
        """The element at an index."""
        if isinstance(index, TracedTensor) and constant_value(index) is None:
            return ops.get_item(self.stack(), index)
        place = known_int("TensorArray.read: index", index)
        item = self._items[place] if 0 <= place < len(self._items) else None
        if item is None:
            raise IndexError(f"TensorArray.read: nothing was written at index {place}")
        return item

    def stack(self, name: str | None = None) -> Tensor:
        """All elements along a new first axis; those never written are zeros."""
        written = [item for item in self._items if item is not None]
        if not written:
            return ops.zeros((0,), self.dtype)
        shape = written[0].shape
        if any(item.shape != shape for item in written):
            raise ShapeError(
                "TensorArray.stack: all elements must have one shape; received "
                f"{sorted({item.shape for item in written})}"
            )
        blank = ops.zeros(shape, self.dtype)
        return ops.stack([blank if item is None else item for item in self._items])

    def __repr__(self) -> str:
        return f"<tf.TensorArray of {len(self._items)} {self.dtype.name}>"


class _DenseArray(tuple, _Reading):
    """Elements in one tensor: a tuple of it, so that loops carry it."""

    _fields = ("stacked",)
    dynamic_size = False

    def __new__(cls, stacked: Any) -> _DenseArray:
        return tuple.__new__(cls, (stacked,))

    @property
    def element_shape(self) -> TensorShape:
        """The shape of the elements."""
        return TensorShape(self[0].shape[1:])

    def size(self, name: str | None = None) -> Tensor:
        """How many elements there are."""
        return Tensor(np.array(self[0].shape[0], np.int32))

    def write(self, index: Any, value: Any, name: str | None = None) -> Any:
        """The array with an element written."""
        value = tensor("TensorArray.write", value, self.dtype)
        if value.shape != self[0].shape[1:]:
            raise ShapeError(
                f"TensorArray.write: elements must have the shape {self[0].shape[1:]}; "
                f"received {value.spec}"
            )
        rest = [0] * value.ndim
        return type(self)(
            ops.slice_update(self[0], [index, *rest], ops.expand_dims(value, 0))
        )

    def read(self, index: Any, name: str | None = None) -> Tensor:
        """The element at an index."""
        return ops.get_item(self[0], index)

    def stack(self, name: str | None = None) -> Tensor:
        """All elements along a new first axis."""
        return self[0]

    def unstack(self, value: Any, name: str | None = None) -> Any:
        """The rows of a tensor, one by one."""
        return type(self)(tensor("TensorArray.unstack", value, self.dtype))

    def __repr__(self) -> str:
        return f"<tf.TensorArray of {self.dtype.name}>"


@functools.cache
def _dense_type(dtype: DType) -> type[_DenseArray]:
    """The dense form for one dtype, which belongs to the structure of loop variables."""
    return type("TensorArray", (_DenseArray,), {"dtype": dtype})

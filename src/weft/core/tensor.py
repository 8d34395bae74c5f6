"""Tensor: an immutable array with a dtype; and the traced tensor that stands for one.

Operators, indexing and NumPy's protocols are attached by `weft.ops` in one place
(`ops/operators.py`), because they are made of operations that are defined above this room.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from weft.core.spec import Spec
from weft.core.typed import Operators
from weft.dtypes import DType, from_numpy
from weft.errors import TraceError

_ndarray = np.ndarray


class Tensor(Operators):
    """An immutable n-dimensional array.

    Made by `weft.convert_to_tensor` and by operations, not by this constructor, which
    takes over `array` without a copy.
    """

    __slots__ = ("__weakref__", "_array", "_dtype")
    __array_priority__ = 1000

    def __init__(self, array: np.ndarray) -> None:
        self._array = array if type(array) is _ndarray else np.asarray(array)
        self._dtype: DType | None = None

    @property
    def shape(self) -> tuple[int, ...]:
        return self._array.shape

    @property
    def dtype(self) -> DType:
        dtype = self._dtype
        if dtype is None:
            dtype = self._dtype = from_numpy(self._array.dtype)
        return dtype

    @property
    def spec(self) -> Spec:
        return Spec(self.shape, self.dtype)

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        return self.spec.size

    @property
    def nbytes(self) -> int:
        return self.spec.nbytes

    def __len__(self) -> int:
        if not self.shape:
            raise TypeError("len() of a tensor with no axes: its shape is ()")
        return self.shape[0]

    def numpy(self) -> Any:
        """A NumPy copy of the values; a NumPy scalar when the tensor has no axes."""
        array = self._array
        return array.copy() if array.ndim else array[()]


class TracedTensor(Tensor):
    """A value of a graph under construction: shape and dtype are known, values are not."""

    __slots__ = ("_spec", "trace", "value")

    def __init__(self, value: Any, trace: Any) -> None:
        self.value, self.trace = value, trace
        self._spec = value.spec
        self._dtype = value.spec.dtype

    @property
    def shape(self) -> tuple[int, ...]:
        return self._spec.shape

    @property
    def dtype(self) -> DType:
        return self._spec.dtype

    @property
    def spec(self) -> Spec:
        return self._spec

    @property
    def _array(self) -> np.ndarray:  # type: ignore[override]
        raise TraceError(
            f"a traced tensor ({self._spec}) has no values yet: the function is being traced "
            "into a graph, and this line asks for numbers. Keep to weft operations here, "
            "or compute it outside of the @weft.function"
        )

    def numpy(self) -> Any:
        return self._array


def is_tensor(x: Any) -> bool:
    """Whether `x` is a weft tensor (a Variable is not one; it holds one)."""
    return isinstance(x, Tensor)

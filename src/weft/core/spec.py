"""Spec: what is known of a tensor before it has values, its shape and dtype."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from weft.dtypes import DType, canonical, from_numpy


class Spec:
    """Shape (a tuple of ints) and dtype of a tensor; written `f32[2,3]`.

    Example:
        >>> from weft.core.spec import Spec
        >>> Spec((2, 3), "float32")
        f32[2,3]
    """

    __slots__ = ("dtype", "shape")

    def __init__(self, shape: tuple[int, ...], dtype: Any) -> None:
        self.shape = shape
        self.dtype: DType = canonical(dtype)

    @property
    def ndim(self) -> int:
        return len(self.shape)

    @property
    def size(self) -> int:
        """The number of elements."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        return self.size * self.dtype.size

    def with_shape(self, shape: tuple[int, ...]) -> Spec:
        return Spec(shape, self.dtype)

    def with_dtype(self, dtype: Any) -> Spec:
        return Spec(self.shape, dtype)

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, Spec)
            and self.shape == other.shape
            and self.dtype is other.dtype
        )

    def __hash__(self) -> int:
        return hash((self.shape, self.dtype))

    def __repr__(self) -> str:
        return f"{self.dtype.short}[{','.join(map(str, self.shape))}]"


def spec_of_array(array: np.ndarray) -> Spec:
    """The spec of a NumPy array."""
    return Spec(array.shape, from_numpy(array.dtype))

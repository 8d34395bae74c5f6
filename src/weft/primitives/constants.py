"""Constant tensors for derivative rules."""

from __future__ import annotations

from typing import Any

import numpy as np

from weft.core.primitive import REGISTRY
from weft.core.tensor import Tensor


def full(shape: tuple[int, ...], dtype: Any, value: float) -> Tensor:
    """A tensor of equal elements; in a graph, one number and a broadcast.

    Example:
        >>> from weft.dtypes import float32
        >>> from weft.primitives.constants import full
        >>> full((2,), float32, 1.0).numpy()
        array([1., 1.], dtype=float32)
    """
    one = Tensor(np.full((1,) * len(shape), value, dtype.numpy))
    if one.shape == shape:
        return one
    # By name: the families' modules import this one.
    return REGISTRY["broadcast"].bind(one, shape=shape)


def full_like(tensor: Tensor, value: float) -> Tensor:
    """A tensor of equal elements with the shape and dtype of `tensor`."""
    return full(tensor.shape, tensor.dtype, value)

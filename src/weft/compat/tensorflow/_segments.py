"""Reductions over rows that share a segment id."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from weft import ops
from weft.compat.conversion import known_int, require, tensor
from weft.core.tensor import Tensor
from weft.ops.promotion import INTEGERS, named


def _segment_mean(x: Tensor, ids: Tensor, count: int | None) -> Tensor:
    return _segment_divided(x, ids, count, lambda present: present)


def _segment_sqrt_n(x: Tensor, ids: Tensor, count: int | None) -> Tensor:
    return _segment_divided(x, ids, count, lambda present: ops.sqrt(present))


def _segment_divided(x: Tensor, ids: Tensor, count: int | None, root: Callable) -> Tensor:
    total = ops.segment_sum(x, ids, count)
    present = ops.segment_sum(ops.ones_like(ids), ids, total.shape[0])
    shape = (-1, *(1,) * (total.ndim - 1))
    divisor = ops.reshape(ops.maximum(present, 1), shape)
    if x.dtype.is_floating:
        return ops.divide(total, root(ops.cast(divisor, x.dtype)))
    return ops.floor_divide(total, ops.cast(divisor, x.dtype))


def _segment_min(x: Tensor, ids: Tensor, count: int | None) -> Tensor:
    return ops.negative(ops.segment_max(ops.negative(x), ids, count))


def _segment_prod(x: Tensor, ids: Tensor, count: int | None) -> Tensor:
    rows = ops.segment_sum(x, ids, count).shape[0]
    ones = ops.ones((rows, *x.shape[1:]), x.dtype)
    return ops.scatter_update(ones, ops.expand_dims(ids, -1), x, "mul")


def _limit(x: Tensor, largest: bool) -> Any:
    if x.dtype.is_floating:
        import ml_dtypes

        info: Any = ml_dtypes.finfo(x.dtype.numpy)
    else:
        info = np.iinfo(x.dtype.numpy)
    return info.max if largest else info.min


def _segments(name: str, what: str, operation: Callable, of_none: Any) -> Callable:
    """`of_none` is what segments without elements become: None leaves them."""
    who = f"tf.math.{name}"

    def function(
        data: Any, segment_ids: Any, num_segments: Any = None, name: str | None = None
    ) -> Tensor:
        x, ids = tensor(who, data), tensor(who, segment_ids)
        require(who, ids, INTEGERS)
        count = None if num_segments is None else known_int(who, num_segments)
        found = ops.cast(operation(x, ids, count), x.dtype)
        if of_none is None:
            return found
        present = ops.segment_sum(ops.ones_like(ids), ids, found.shape[0])
        is_present = ops.reshape(present > 0, (-1, *(1,) * (found.ndim - 1)))
        empty = tensor(who, of_none(x) if callable(of_none) else of_none)
        return ops.where(is_present, found, ops.cast(empty, x.dtype))

    return named(function, name, f"{what} over rows of one segment id.")


def _least(x: Tensor) -> Any:
    return _limit(x, largest=False)


def _greatest(x: Tensor) -> Any:
    return _limit(x, largest=True)


segment_sum = _segments("segment_sum", "The sum", ops.segment_sum, None)
segment_mean = _segments("segment_mean", "The mean", _segment_mean, None)
segment_prod = _segments("segment_prod", "The product", _segment_prod, None)
segment_max = _segments("segment_max", "The largest", ops.segment_max, 0)
segment_min = _segments("segment_min", "The smallest", _segment_min, 0)
unsorted_segment_sum = _segments("unsorted_segment_sum", "The sum", ops.segment_sum, None)
unsorted_segment_mean = _segments("unsorted_segment_mean", "The mean", _segment_mean, None)
unsorted_segment_prod = _segments(
    "unsorted_segment_prod", "The product", _segment_prod, None
)
unsorted_segment_sqrt_n = _segments(
    "unsorted_segment_sqrt_n",
    "The sum divided by the root of the count",
    _segment_sqrt_n,
    None,
)
unsorted_segment_max = _segments(
    "unsorted_segment_max", "The largest", ops.segment_max, _least
)
unsorted_segment_min = _segments(
    "unsorted_segment_min", "The smallest", _segment_min, _greatest
)

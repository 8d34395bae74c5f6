"""Running means, in which most optimizers remember gradients."""

from __future__ import annotations

from typing import Any

import ml_dtypes

from weft import ops
from weft.core.tensor import Tensor

# In half precision, numbers below the smallest normal one are in daily use.
_WIDE = frozenset(("float32", "float64", "bfloat16"))


def settled(mean: Any) -> Tensor:
    """A mean with 0 in place of numbers below the smallest normal one.

    The mean of a weight whose gradient stays 0 halves and halves, and then stays just above
    0 for ever: rounding keeps it there. Arithmetic with such numbers is many times slower.
    """
    if mean.dtype.name not in _WIDE:
        return mean
    least = float(ml_dtypes.finfo(mean.dtype.numpy).smallest_normal)
    return ops.where(ops.abs(mean) < least, 0.0, mean)


def moved(slot: Any, towards: Any, beta: float) -> Tensor:
    """The running mean in `slot`, moved by 1 - beta towards a value."""
    value = settled(slot.value + (towards - slot.value) * (1 - beta))
    slot.assign(value)
    return value

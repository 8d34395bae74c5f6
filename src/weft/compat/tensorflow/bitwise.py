"""tf.bitwise: the bits of integers."""

from __future__ import annotations

from typing import Any

from weft import ops
from weft.compat.arithmetic import bitwise_and as bitwise_and
from weft.compat.arithmetic import bitwise_or as bitwise_or
from weft.compat.arithmetic import bitwise_xor as bitwise_xor
from weft.compat.arithmetic import left_shift as left_shift
from weft.compat.arithmetic import right_shift as right_shift
from weft.compat.conversion import tensor
from weft.core.tensor import Tensor


def invert(x: Any, name: str | None = None) -> Tensor:
    """Every bit turned over."""
    return ops.bitwise_not(tensor("tf.bitwise.invert", x))

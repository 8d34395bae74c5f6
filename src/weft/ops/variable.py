"""The Variable that users make: from numbers, lists, arrays or tensors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from weft.core import variable as core
from weft.core.state import eager
from weft.core.tensor import TracedTensor
from weft.core.trace import unique_name
from weft.errors import ArgumentError
from weft.ops.convert import convert_to_tensor


class Variable(core.Variable):
    """A tensor that can be assigned.

    Args:
        initial_value: anything `convert_to_tensor` takes, or a function without arguments
            that gives it.
        trainable: whether tapes watch it by themselves, and optimizers train it.
        name: shown in summaries and errors.
        dtype: the dtype to convert to.
        shape: checked, if given.
        constraint: function applied to the value after an optimizer's update.

    Example:
        >>> import weft
        >>> count = weft.Variable(0)
        >>> count.assign_add(2).numpy()
        np.int32(2)
    """

    def __init__(
        self,
        initial_value: Any,
        trainable: bool = True,
        name: str | None = None,
        dtype: Any = None,
        shape: Any = None,
        constraint: Callable | None = None,
    ) -> None:
        # A variable begins with numbers, also when it is made while tracing.
        with eager():
            value = initial_value() if callable(initial_value) else initial_value
            if isinstance(value, TracedTensor):
                # Made from constants, it can be computed now; else this raises.
                value = value.trace.concrete(value)
            array = np.asarray(convert_to_tensor(value, dtype)._array)
        if shape is not None and tuple(shape) != array.shape:
            raise ArgumentError(
                f"Variable: the first value must have the shape {tuple(shape)}; received "
                f"{array.shape}"
            )
        super().__init__(
            core.aligned_copy(array),
            trainable=trainable,
            name=unique_name("variable") if name is None else name,
            constraint=constraint,
        )

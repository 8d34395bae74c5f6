"""Variables of optimizers and metrics: made eagerly, also while something is traced."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from weft import config
from weft.core.state import eager
from weft.dtypes import canonical
from weft.ops.variable import Variable

_FILLED = {"zeros": np.zeros, "ones": np.ones}


def make_variable(
    shape: Sequence[int],
    initializer: Any = "zeros",
    dtype: Any = None,
    name: str | None = None,
    path: str | None = None,
) -> Variable:
    """A variable that is not trained.

    Args:
        shape: its shape.
        initializer: "zeros", "ones", any initializer of Keras, or a value.
        dtype: `floatx()` by default.
        name: its name.
        path: its name with those of what it belongs to; the name by default.
    """
    dtype = canonical(config.floatx() if dtype is None else dtype)
    with eager():
        value = _first_value(tuple(shape), initializer, dtype)
        variable = Variable(value, trainable=False, dtype=dtype, name=name)
    variable.path = path or variable.name  # type: ignore[attr-defined]
    return variable


def _first_value(shape: tuple[int, ...], initializer: Any, dtype: Any) -> Any:
    if isinstance(initializer, str) and initializer in _FILLED:
        return _FILLED[initializer](shape, dtype.numpy)
    if isinstance(initializer, str | dict):
        from weft.keras import initializers

        initializer = initializers.get(initializer)
    if isinstance(initializer, Callable):  # type: ignore[arg-type]
        return initializer(shape, dtype=dtype)
    if initializer is None:
        return np.zeros(shape, dtype.numpy)
    return np.broadcast_to(np.asarray(initializer, dtype.numpy), shape)

"""What layers are called on, as tensors."""

from __future__ import annotations

from typing import Any

import numpy as np

from weft import tree
from weft.core.tensor import Tensor
from weft.core.variable import Variable
from weft.dtypes import DType
from weft.keras import ops
from weft.keras.backend.keras_tensor import KerasTensor
from weft.ops.convert import cast, convert_to_tensor


def convert_input(x: Any, dtype: DType | None) -> Any:
    """`x` as a tensor if it holds numbers; floats in `dtype` if that is given."""
    if isinstance(x, Tensor):
        found = x
    elif isinstance(x, KerasTensor):
        if dtype is None or not x.dtype.is_floating or x.dtype is dtype:
            return x
        return ops.cast(x, dtype)
    elif isinstance(x, Variable):
        found = x.value
    elif isinstance(x, np.ndarray | np.generic) or hasattr(x, "__array__"):
        found = convert_to_tensor(x)
    else:
        return x
    if dtype is None or found.dtype is dtype or not found.dtype.is_floating:
        return found
    return cast(found, dtype)


def convert_inputs(structure: Any, dtype: DType | None) -> Any:
    """Every leaf converted; lists of plain numbers are one tensor."""
    if isinstance(structure, list | tuple) and structure and _is_numbers(structure):
        return convert_input(convert_to_tensor(structure), dtype)
    if isinstance(structure, list | tuple | dict):
        return tree.map(lambda leaf: convert_input(leaf, dtype), structure)
    return convert_input(structure, dtype)


def _is_numbers(items: Any) -> bool:
    return all(
        isinstance(item, int | float)
        or (isinstance(item, list | tuple) and len(item) > 0 and _is_numbers(item))
        for item in items
    )

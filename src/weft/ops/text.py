"""How tensors and variables are shown: laid out as in TensorFlow 2.

>>> import weft
>>> print(weft.convert_to_tensor([[1, 2], [3, 4]]))
weft.Tensor(
[[1 2]
 [3 4]], shape=(2, 2), dtype=int32)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from weft.core.state import STATE
from weft.core.tensor import TracedTensor

PREFIX = "weft"
"""What stands before `.Tensor` and `.Variable`; the compat layer says `tf` here."""


def shape_text(shape: tuple[int, ...]) -> str:
    return str(tuple(shape))


def _values(array: np.ndarray, show: Callable) -> str:
    """The values on the line, or on lines of their own if they need several."""
    if array.ndim == 0:
        # NumPy's repr of a scalar names its type: np.float32(1.0).
        return repr(array.item()) if array.dtype == np.object_ else str(array)
    text = show(array)
    return "\n" + text if "\n" in text else text


def tensor_str(tensor: Any) -> str:
    if isinstance(tensor, TracedTensor):
        return tensor_repr(tensor)
    array = tensor._array
    text = _values(array, str)
    return f"{PREFIX}.Tensor({text}, shape={shape_text(array.shape)}, dtype={tensor.dtype})"


def tensor_repr(tensor: Any) -> str:
    facts = f"shape={shape_text(tensor.shape)}, dtype={tensor.dtype}"
    if isinstance(tensor, TracedTensor):
        return f"<{PREFIX}.TracedTensor: {facts}>"
    array = tensor._array
    text = _values(array, repr)
    return f"<{PREFIX}.Tensor: {facts}, numpy={text}>"


def variable_repr(variable: Any) -> str:
    facts = f"shape={shape_text(variable.shape)} dtype={variable.dtype}"
    if STATE.trace is not None:
        return f"<{PREFIX}.Variable {variable.name!r} {facts}>"
    array = variable.buffer()
    text = _values(array, repr)
    return f"<{PREFIX}.Variable {variable.name!r} {facts}, numpy={text}>"

"""keras.backend: settings and small helpers of the numeric engine, which is weft."""

from __future__ import annotations

from weft.config import epsilon, floatx, set_epsilon, set_floatx
from weft.dtypes import result_type
from weft.keras.backend.keras_tensor import KerasTensor, is_keras_tensor
from weft.keras.backend.names import clear_session, get_uid
from weft.keras.backend.scopes import StatelessScope, SymbolicScope
from weft.keras.backend.settings import (
    backend,
    image_data_format,
    is_float_dtype,
    is_int_dtype,
    set_image_data_format,
    standardize_dtype,
)
from weft.keras.backend.variable import Variable
from weft.keras.utils import older

__all__ = [
    "KerasTensor", "StatelessScope", "SymbolicScope", "Variable", "backend",
    "clear_session", "epsilon", "floatx", "get_uid", "image_data_format", "is_float_dtype",
    "is_int_dtype", "is_keras_tensor", "result_type", "set_epsilon", "set_floatx",
    "set_image_data_format", "standardize_dtype",
]  # fmt: skip
__dir__ = __all__.copy

older.functions_of(__name__, "weft.keras.backend.older")

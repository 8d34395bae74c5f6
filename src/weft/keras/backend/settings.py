"""Settings of weft.keras that are no numbers, and tests of dtypes."""

from __future__ import annotations

from typing import Any

from weft import config, dtypes
from weft.dtypes import canonical
from weft.errors import ArgumentError

_SETTINGS: dict[str, Any] = {
    "image_data_format": "channels_last",
    "interactive_logging": True,
    "max_epochs": None,
    "max_steps_per_epoch": None,
    "unsafe_deserialization": False,
    "flash_attention": None,
}


def setting(name: str) -> Any:
    return _SETTINGS[name]


def change(name: str, value: Any) -> None:
    _SETTINGS[name] = value


def backend() -> str:
    """The name of the engine under Keras: 'weft'."""
    return "weft"


def image_data_format() -> str:
    """'channels_last' or 'channels_first'."""
    return setting("image_data_format")


def set_image_data_format(data_format: str) -> None:
    """Set where images have their channels: 'channels_last' or 'channels_first'."""
    change("image_data_format", standardize_data_format(data_format))


def standardize_data_format(data_format: str | None) -> str:
    """The data format, the default one for None.

    Raises:
        ArgumentError: for other words.
    """
    if data_format is None:
        return image_data_format()
    found = str(data_format).lower()
    if found not in ("channels_first", "channels_last"):
        raise ArgumentError(
            "data_format: must be 'channels_first' or 'channels_last'; "
            f"received {data_format!r}"
        )
    return found


def standardize_dtype(dtype: Any) -> str:
    """The name of a dtype given as a name, a NumPy dtype or a Python type.

    Example:
        >>> import numpy as np
        >>> import weft.keras as keras
        >>> keras.backend.standardize_dtype(np.float64)
        'float64'
    """
    return config.floatx() if dtype is None else canonical(dtype).name


def is_float_dtype(dtype: Any) -> bool:
    """Whether the dtype holds floats."""
    return canonical(dtype).is_floating


def is_int_dtype(dtype: Any) -> bool:
    """Whether the dtype holds integers."""
    return canonical(dtype) in dtypes.INTEGER

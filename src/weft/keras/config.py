"""keras.config: settings that hold for the whole program."""

from __future__ import annotations

from typing import Any

from weft.config import epsilon, floatx, set_epsilon, set_floatx
from weft.errors import (
    ArgumentError,
    disable_traceback_filtering,
    enable_traceback_filtering,
    is_traceback_filtering_enabled,
)
from weft.keras.backend.settings import (
    backend,
    change,
    image_data_format,
    set_image_data_format,
    setting,
)
from weft.keras.dtype_policies import dtype_policy, set_dtype_policy


def set_backend(backend: str) -> None:
    """Accepted for 'weft', the only engine here."""
    if backend != "weft":
        raise ArgumentError(
            f"set_backend: weft.keras runs on weft; received {backend!r}; leave the call "
            "out"
        )


def disable_interactive_logging() -> None:
    """Show progress through the `absl`/logging channel, not as a bar."""
    change("interactive_logging", False)


def enable_interactive_logging() -> None:
    """Show progress as a bar."""
    change("interactive_logging", True)


def is_interactive_logging_enabled() -> bool:
    """Whether progress is drawn as bars that move."""
    return setting("interactive_logging")


def enable_unsafe_deserialization() -> None:
    """Refused: model files never run code here."""
    raise ArgumentError(
        "enable_unsafe_deserialization: weft never runs code from model files; define the "
        "function in your program and register it with "
        "@keras.utils.register_keras_serializable()"
    )


def enable_flash_attention() -> None:
    """Let attention be computed block by block, which the compiler decides by itself."""
    change("flash_attention", True)


def disable_flash_attention() -> None:
    """Let attention be computed in one piece."""
    change("flash_attention", False)


def is_flash_attention_enabled() -> bool | None:
    """The setting; None leaves it to the compiler."""
    return setting("flash_attention")


def is_nnx_enabled() -> bool:
    """False: NNX belongs to another engine."""
    return False


def max_epochs() -> int | None:
    """The most epochs that any `fit` runs; None is no limit."""
    return setting("max_epochs")


def set_max_epochs(max_epochs: int | None) -> None:
    """Let no `fit` run more epochs than this; None is no limit."""
    change("max_epochs", _limit("set_max_epochs", max_epochs))


def max_steps_per_epoch() -> int | None:
    """The most steps that any epoch runs; None is no limit."""
    return setting("max_steps_per_epoch")


def set_max_steps_per_epoch(max_steps_per_epoch: int | None) -> None:
    """Let no epoch run more steps than this; None is no limit."""
    change("max_steps_per_epoch", _limit("set_max_steps_per_epoch", max_steps_per_epoch))


def _limit(who: str, value: Any) -> int | None:
    if value is not None and (not isinstance(value, int) or value < 0):
        raise ArgumentError(f"{who}: must be a whole number or None; received {value!r}")
    return value


__all__ = [
    "backend", "disable_flash_attention", "disable_interactive_logging",
    "disable_traceback_filtering", "dtype_policy", "enable_flash_attention",
    "enable_interactive_logging", "enable_traceback_filtering",
    "enable_unsafe_deserialization", "epsilon", "floatx", "image_data_format",
    "is_flash_attention_enabled", "is_interactive_logging_enabled", "is_nnx_enabled",
    "is_traceback_filtering_enabled", "max_epochs", "max_steps_per_epoch", "set_backend",
    "set_dtype_policy", "set_epsilon", "set_floatx", "set_image_data_format",
    "set_max_epochs", "set_max_steps_per_epoch",
]  # fmt: skip
__dir__ = __all__.copy

"""keras.mixed_precision: dtype policies under their older names."""

from __future__ import annotations

from typing import Any

from weft.keras.dtype_policies import (
    DTypePolicy,
    dtype_policy,
    set_dtype_policy,
)

Policy = DTypePolicy
global_policy = global_dtype_policy = dtype_policy
set_global_policy = set_global_dtype_policy = set_dtype_policy


def __getattr__(name: str) -> Any:
    if name == "LossScaleOptimizer":
        from weft.keras.optimizers import LossScaleOptimizer

        return LossScaleOptimizer
    raise AttributeError(f"module 'weft.keras.mixed_precision' has no attribute {name!r}")


__all__ = [
    "DTypePolicy", "LossScaleOptimizer",  # noqa: F822
    "Policy", "dtype_policy", "global_dtype_policy",
    "global_policy", "set_dtype_policy", "set_global_dtype_policy", "set_global_policy",
]  # fmt: skip
__dir__ = __all__.copy

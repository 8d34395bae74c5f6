"""tf.experimental: NumPy's names on tensors."""

from __future__ import annotations

from weft import ops as numpy
from weft.data.experimental import Optional

__all__ = ["Optional", "enable_numpy_behavior", "numpy"]


def enable_numpy_behavior(
    prefer_float32: bool = False, dtype_conversion_mode: str = ""
) -> None:
    """Let tensors of unequal dtypes be promoted, as weft's own operators do."""
    from weft.compat import semantics

    semantics.disable()

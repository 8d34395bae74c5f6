"""Layers that only move values: Flatten, Reshape, Permute, RepeatVector, Identity."""

from __future__ import annotations

import math
from typing import Any

from weft import ops
from weft.core.tensor import Tensor
from weft.errors import ArgumentError, ShapeError
from weft.keras.backend.settings import standardize_data_format
from weft.keras.layers.input_spec import InputSpec
from weft.keras.layers.layer import Layer


class Flatten(Layer):
    """All axes but the first made one: (batch, a, b) → (batch, a · b).

    Example:
        >>> import weft.keras as keras
        >>> keras.layers.Flatten()(keras.ops.ones((2, 3, 4))).shape
        (2, 12)
    """

    settings = ("data_format",)

    def __init__(self, data_format: str | None = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.data_format = standardize_data_format(data_format)
        self.input_spec = InputSpec(min_ndim=1)
        self._build_at_init()

    def call(self, inputs: Any) -> Tensor:
        ndim = len(inputs.shape)
        if self.data_format == "channels_first" and ndim > 2:
            inputs = ops.transpose(inputs, axes=(0, *range(2, ndim), 1))
        batch = inputs.shape[0] if ndim else 1
        return ops.reshape(inputs, (batch, math.prod(inputs.shape[1:])))


class Reshape(Layer):
    """The axes after the batch in another shape; one extent may be -1.

    Example:
        >>> import weft.keras as keras
        >>> keras.layers.Reshape((2, -1))(keras.ops.ones((5, 6))).shape
        (5, 2, 3)
    """

    settings = ("target_shape",)

    def __init__(self, target_shape: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        is_int = isinstance(target_shape, int)
        self.target_shape = (target_shape,) if is_int else tuple(target_shape)
        if self.target_shape.count(-1) > 1 or any(n < -1 for n in self.target_shape):
            raise ArgumentError(
                "Reshape: target_shape may hold one -1, and no other negative number; "
                f"received {self.target_shape}"
            )
        self._build_at_init()

    def call(self, inputs: Any) -> Tensor:
        target = self.target_shape
        size = math.prod(inputs.shape[1:])
        known = math.prod(n for n in target if n != -1)
        if (-1 in target and (known == 0 or size % known)) or (
            -1 not in target and known != size
        ):
            raise ShapeError(
                f"Reshape {self.name!r}: the number of elements must stay the same; "
                f"received inputs of shape {inputs.shape[1:]} ({size} elements) for "
                f"target_shape {target}"
            )
        extents = [size // known if n == -1 else n for n in target]
        return ops.reshape(inputs, (inputs.shape[0], *extents))


class Permute(Layer):
    """The axes after the batch in another order; they are counted from 1.

    Example:
        >>> import weft.keras as keras
        >>> keras.layers.Permute((2, 1))(keras.ops.ones((5, 10, 64))).shape
        (5, 64, 10)
    """

    settings = ("dims",)

    def __init__(self, dims: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.dims = tuple(dims)
        if sorted(self.dims) != list(range(1, len(self.dims) + 1)):
            raise ArgumentError(
                "Invalid permutation argument `dims` for Permute Layer. The set of indices "
                "in `dims` must be consecutive and start from 1. "
                f"Received dims={dims}"
            )
        self.input_spec = InputSpec(ndim=len(self.dims) + 1)
        self._build_at_init()

    def call(self, inputs: Any) -> Tensor:
        return ops.transpose(inputs, axes=(0, *self.dims))


class RepeatVector(Layer):
    """Each vector n times: (batch, features) → (batch, n, features)."""

    settings = ("n",)

    def __init__(self, n: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(n, int) or isinstance(n, bool):
            raise ArgumentError(f"RepeatVector: n must be an int; received {n!r}")
        self.n = n
        self.input_spec = InputSpec(ndim=2)
        self._build_at_init()

    def call(self, inputs: Any) -> Tensor:
        batch, features = inputs.shape
        return ops.broadcast_to(ops.expand_dims(inputs, 1), (batch, self.n, features))


class Identity(Layer):
    """The inputs as they are."""

    supports_masking = True

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._build_at_init()

    def call(self, inputs: Any) -> Any:
        return inputs

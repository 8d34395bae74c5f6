"""Noise and dropping: layers that disturb training, and pass data on in inference."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from weft import ops, random
from weft.core.tensor import Tensor
from weft.errors import ArgumentError
from weft.keras import regularizers
from weft.keras.backend.seeds import SeedGenerator
from weft.keras.backend.settings import standardize_data_format
from weft.keras.layers.input_spec import InputSpec
from weft.keras.layers.layer import Layer


def _rate(rate: Any, most: float = 1.0) -> Any:
    is_number = isinstance(rate, int | float) and not isinstance(rate, bool)
    if not is_number or not 0 <= rate <= most:
        raise ArgumentError(
            "Invalid value received for argument `rate`. Expected a float value between 0 "
            f"and 1. Received: rate={rate}"
        )
    return rate


class _Noise(Layer):
    """Base: a layer that does something in training only, with seeds of its own."""

    supports_masking = True
    rate: float

    def __init__(self, seed: Any = None, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.seed = seed
        self._build_at_init()

    def _make_seeds(self, needed: bool) -> None:
        if needed:
            self.seed_generator = SeedGenerator(self.seed)

    def call(self, inputs: Any, training: bool = False) -> Tensor:
        if not training or not self.is_active():
            return inputs
        return self.disturb(inputs)

    def is_active(self) -> bool:
        return self.rate > 0

    def disturb(self, inputs: Any) -> Tensor:
        """What training sees."""
        raise NotImplementedError


class _ShapedDropout(_Noise):
    """Base: drops a share of values; `noise_shape` says which of them together."""

    settings = ("rate", "seed", "noise_shape")

    def __init__(
        self, rate: float, noise_shape: Any = None, seed: Any = None, **kwargs: Any
    ) -> None:
        super().__init__(seed=seed, **kwargs)
        self.rate = _rate(rate)
        self.noise_shape = _noise_shape(noise_shape)
        self._make_seeds(rate > 0)


class Dropout(_ShapedDropout):
    """Sets a share of values to 0 in training; the others are enlarged by 1 / (1 - rate).

    Args:
        rate: the share, 0 … 1.
        noise_shape: the shape of the decisions, broadcast to the inputs; None in it is the
            inputs' own extent.
        seed: an int, to draw the same each time the program runs.

    Srivastava and others, "Dropout: a simple way to prevent neural networks from
    overfitting" (2014).
    """

    def disturb(self, inputs: Any) -> Tensor:
        return random.dropout(
            inputs, self.rate, noise_shape=self.noise_shape, seed=self.seed_generator
        )


def _noise_shape(noise_shape: Any) -> tuple | None:
    if noise_shape is None:
        return None
    is_sequence = isinstance(noise_shape, Sequence) and not isinstance(noise_shape, str)
    if not is_sequence or any(n is not None and (n <= 0) for n in noise_shape):
        raise ArgumentError(
            "Invalid value received for argument `noise_shape`. Expected a tuple or list "
            f"of positive integers. Received: noise_shape={noise_shape}"
        )
    return tuple(noise_shape)


class _SpatialDropout(_Noise):
    """Drops whole channels: neighbours of a feature map say the same."""

    settings: tuple[str, ...] = ("rate", "seed", "data_format")
    spatial = 2

    def __init__(
        self, rate: float, data_format: str | None = None, seed: Any = None,
        name: str | None = None, dtype: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(seed=seed, name=name, dtype=dtype, **kwargs)
        self.rate = _rate(rate)
        self.data_format = standardize_data_format(data_format)
        self.input_spec = InputSpec(ndim=self.spatial + 2)
        self._make_seeds(rate > 0)

    def _base_config(self) -> dict:
        # As Keras writes it: these layers take a name and a dtype only.
        return {"name": self.name, "dtype": self.dtype}

    def disturb(self, inputs: Any) -> Tensor:
        ones = (1,) * self.spatial
        last = self.data_format == "channels_last"
        noise_shape = (None, *ones, None) if last else (None, None, *ones)
        return random.dropout(
            inputs, self.rate, noise_shape=noise_shape, seed=self.seed_generator
        )


class SpatialDropout1D(_SpatialDropout):
    """Drops whole channels of (batch, steps, channels) in training (Tompson, 2014)."""

    settings = ("rate", "seed")
    spatial = 1

    def __init__(
        self, rate: float, seed: Any = None, name: str | None = None, dtype: Any = None,
        **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(rate, "channels_last", seed, name, dtype, **kwargs)


class SpatialDropout2D(_SpatialDropout):
    """Drops whole channels of images in training (Tompson, 2014)."""

    spatial = 2


class SpatialDropout3D(_SpatialDropout):
    """Drops whole channels of volumes in training (Tompson, 2014)."""

    spatial = 3


class GaussianNoise(_Noise):
    """Adds normally distributed noise in training.

    Args:
        stddev: of the noise.
        seed: an int, to draw the same each time the program runs.
    """

    settings = ("stddev", "seed")

    def __init__(self, stddev: float, seed: Any = None, **kwargs: Any) -> None:
        super().__init__(seed=seed, **kwargs)
        if not stddev >= 0:
            raise ArgumentError(
                "Invalid value received for argument `stddev`. Expected a float value that "
                f"is not negative. Received: stddev={stddev}"
            )
        self.stddev = stddev
        self._make_seeds(stddev > 0)

    def is_active(self) -> bool:
        return self.stddev > 0

    def disturb(self, inputs: Any) -> Tensor:
        noise = random.normal(
            inputs.shape, 0.0, self.stddev, self.compute_dtype, self.seed_generator
        )
        return ops.add(inputs, noise)


class GaussianDropout(_Noise):
    """Multiplies by normally distributed noise around 1 in training.

    Args:
        rate: the noise has the variance of Dropout's, rate / (1 - rate).
        seed: an int, to draw the same each time the program runs.
    """

    settings = ("rate", "seed")

    def __init__(self, rate: float, seed: Any = None, **kwargs: Any) -> None:
        super().__init__(seed=seed, **kwargs)
        self.rate = _rate(rate)
        self._make_seeds(rate > 0)

    def disturb(self, inputs: Any) -> Tensor:
        stddev = math.sqrt(self.rate / (1.0 - self.rate))
        noise = random.normal(
            inputs.shape, 1.0, stddev, self.compute_dtype, self.seed_generator
        )
        return ops.multiply(inputs, noise)


# The fixed point of selu (Klambauer and others, 2017).
_SELU_ALPHA, _SELU_SCALE = (
    1.6732632423543772848170429916717,
    1.0507009873554804934193349852946,
)


class AlphaDropout(_ShapedDropout):
    """Dropout for selu networks: mean and variance stay (Klambauer and others, 2017).

    Args:
        rate: the share of values that become selu's lower limit.
        noise_shape: the shape of the decisions, broadcast to the inputs.
        seed: an int, to draw the same each time the program runs.
    """

    def disturb(self, inputs: Any) -> Tensor:
        shape = inputs.shape
        if self.noise_shape is not None:
            pairs = zip(self.noise_shape, shape)
            shape = tuple([own if n is None else n for n, own in pairs])
        limit = -_SELU_ALPHA * _SELU_SCALE
        kept = random.uniform(shape, seed=self.seed_generator) >= self.rate
        x = ops.where(kept, inputs, ops.full((), limit, dtype=inputs.dtype))
        a = ((1.0 - self.rate) * (1.0 + self.rate * limit**2)) ** -0.5
        b = -a * limit * self.rate
        return a * x + b


class ActivityRegularization(Layer):
    """Adds a cost for large values; passes them on unchanged.

    Args:
        l1: times the sum of absolute values.
        l2: times the sum of squares.
    """

    settings = ("l1", "l2")
    supports_masking = True

    def __init__(self, l1: float = 0.0, l2: float = 0.0, **kwargs: Any) -> None:
        super().__init__(activity_regularizer=regularizers.L1L2(l1=l1, l2=l2), **kwargs)
        self.l1, self.l2 = l1, l2
        self._build_at_init()

    def call(self, inputs: Any) -> Any:
        return inputs

    def _base_config(self) -> dict:
        config = super()._base_config()
        config.pop("activity_regularizer", None)
        return config

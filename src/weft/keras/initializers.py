"""Initializers: the first values of weights."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from weft import ops, random
from weft.core.state import eager
from weft.core.tensor import Tensor
from weft.dtypes import canonical
from weft.errors import ArgumentError
from weft.keras.utils.families import Family
from weft.keras.utils.serialization import deserialize_keras_object, serialize_keras_object


class Initializer:
    """Base of all initializers: a function `(shape, dtype=None) -> tensor`, with a config.

    Example of one's own:
        >>> import weft.keras as keras
        >>> class Halves(keras.initializers.Initializer):
        ...     def __call__(self, shape, dtype=None):
        ...         return keras.ops.full(shape, 0.5, dtype=dtype)
        >>> keras.layers.Dense(1, kernel_initializer=Halves())([[1.0, 3.0]]).tolist()
        [[2.0]]
    """

    def __call__(self, shape: Any, dtype: Any = None) -> Any:
        raise NotImplementedError(
            f"{type(self).__name__} must define __call__(self, shape, dtype=None)"
        )

    def get_config(self) -> dict:
        """The constructor's arguments."""
        return {}

    @classmethod
    def from_config(cls, config: dict) -> Initializer:
        return cls(**config)

    def clone(self) -> Initializer:
        """A new object with the same settings."""
        return self.from_config(self.get_config())


class Zeros(Initializer):
    """Zeros."""

    def __call__(self, shape: Any, dtype: Any = None) -> Tensor:
        return ops.zeros(shape, dtype=canonical(dtype))


class Ones(Initializer):
    """Ones."""

    def __call__(self, shape: Any, dtype: Any = None) -> Tensor:
        return ops.ones(shape, dtype=canonical(dtype))


class Constant(Initializer):
    """One value, or an array that broadcasts to the shape.

    Example:
        >>> import weft.keras as keras
        >>> keras.initializers.Constant(3.0)((2,)).tolist()
        [3.0, 3.0]
    """

    def __init__(self, value: Any = 0.0) -> None:
        self.value = value

    def __call__(self, shape: Any, dtype: Any = None) -> Tensor:
        value = ops.convert_to_tensor(self.value, dtype=canonical(dtype))
        return ops.broadcast_to(value, shape)

    def get_config(self) -> dict:
        return {"value": serialize_keras_object(self.value)}

    @classmethod
    def from_config(cls, config: dict) -> Constant:
        return cls(deserialize_keras_object(config["value"]))


class Identity(Initializer):
    """The identity matrix times `gain`."""

    def __init__(self, gain: float = 1.0) -> None:
        self.gain = gain

    def __call__(self, shape: Any, dtype: Any = None) -> Tensor:
        if len(shape) != 2:
            raise ArgumentError(
                f"Identity: the shape must have two axes; received {tuple(shape)}"
            )
        rows, columns = shape
        return self.gain * ops.eye(rows, columns, dtype=canonical(dtype))

    def get_config(self) -> dict:
        return {"gain": self.gain}


class STFT(Initializer):
    """The real or imaginary rows of the windowed Fourier transform, as a kernel (l, 1, n).

    Args:
        side: 'real' or 'imag'.
        window: a window's name among 'hann', 'hamming', 'blackman', 'bartlett', an array,
            or None.
        scaling: 'density' or 'spectrum' to scale by the window, None to leave it.
        periodic: whether the window is periodic instead of symmetric.
    """

    def __init__(
        self, side: str = "real", window: Any = "hann", scaling: str | None = "density",
        periodic: bool = False,
    ) -> None:  # fmt: skip
        if side not in ("real", "imag"):
            raise ArgumentError(f"STFT: side must be 'real' or 'imag'; received {side!r}")
        if scaling not in ("density", "spectrum", None):
            raise ArgumentError(
                f"STFT: scaling must be 'density', 'spectrum' or None; received {scaling!r}"
            )
        self.side, self.window, self.scaling, self.periodic = (
            side,
            window,
            scaling,
            periodic,
        )

    def __call__(self, shape: Any, dtype: Any = None) -> Tensor:
        length, _, bins = shape
        angles = 2 * np.pi / ((bins - 1) * 2) * np.outer(np.arange(length), np.arange(bins))
        waves = np.cos(angles) if self.side == "real" else np.sin(angles)
        window = self._window(length)
        weights = waves * window[:, None]
        if self.scaling == "density":
            weights = weights / np.sqrt(np.sum(window**2))
        elif self.scaling == "spectrum":
            weights = weights / np.abs(np.sum(window))
        return ops.convert_to_tensor(weights[:, None, :], dtype=canonical(dtype))

    def _window(self, length: int) -> np.ndarray:
        if self.window is None:
            return np.ones(length)
        if not isinstance(self.window, str):
            return np.asarray(self.window, np.float64)
        names = {"hann": "hanning", "hamming": "hamming", "blackman": "blackman",
                 "bartlett": "bartlett"}  # fmt: skip
        if self.window not in names:
            raise ArgumentError(
                f"STFT: the window must be one of {sorted(names)}; received {self.window!r}"
            )
        make = getattr(np, names[self.window])
        return make(length + 1)[:-1] if self.periodic else make(length)

    def get_config(self) -> dict:
        return {
            "side": self.side,
            "window": serialize_keras_object(self.window),
            "periodic": self.periodic,
            "scaling": self.scaling,
        }


class RandomInitializer(Initializer):
    """Base of the random ones: an int seed gives the same values at each call."""

    def __init__(self, seed: Any = None) -> None:
        self._init_seed = seed
        if seed is None:
            seed = random.make_default_seed()
        elif isinstance(seed, dict):
            seed = random.SeedGenerator.from_config(seed.get("config", seed))
        elif not isinstance(seed, int | np.integer | random.SeedGenerator):
            raise ArgumentError(
                f"{type(self).__name__}: the seed must be an int, None or a SeedGenerator; "
                f"received {seed!r}"
            )
        self.seed = seed

    def get_config(self) -> dict:
        return {"seed": serialize_keras_object(self._init_seed)}

    def __call__(self, shape: Any, dtype: Any = None) -> Tensor:
        with eager():
            return self.draw(tuple(shape), canonical(dtype))

    def draw(self, shape: tuple[int, ...], dtype: Any) -> Tensor:
        """The values."""
        raise NotImplementedError


class RandomNormal(RandomInitializer):
    """Normally distributed values."""

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: Any = None) -> None:
        self.mean, self.stddev = mean, stddev
        super().__init__(seed)

    def draw(self, shape: tuple[int, ...], dtype: Any) -> Tensor:
        return random.normal(shape, self.mean, self.stddev, dtype, self.seed)

    def get_config(self) -> dict:
        return {"mean": self.mean, "stddev": self.stddev, **super().get_config()}


class TruncatedNormal(RandomNormal):
    """Normally distributed values within two standard deviations of the mean."""

    def draw(self, shape: tuple[int, ...], dtype: Any) -> Tensor:
        return random.truncated_normal(shape, self.mean, self.stddev, dtype, self.seed)


class RandomUniform(RandomInitializer):
    """Values in [minval, maxval), all equally likely."""

    def __init__(
        self, minval: float = -0.05, maxval: float = 0.05, seed: Any = None
    ) -> None:
        self.minval, self.maxval = minval, maxval
        super().__init__(seed)

    def draw(self, shape: tuple[int, ...], dtype: Any) -> Tensor:
        return random.uniform(shape, self.minval, self.maxval, dtype, self.seed)

    def get_config(self) -> dict:
        return {"minval": self.minval, "maxval": self.maxval, **super().get_config()}


_MODES = ("fan_in", "fan_out", "fan_avg")
_DISTRIBUTIONS = ("truncated_normal", "untruncated_normal", "uniform")

# A normal distribution cut at two standard deviations is narrower by this factor.
_TRUNCATED_STDDEV = 0.87962566103423978


class VarianceScaling(RandomInitializer):
    """Values whose variance is `scale / n`, with n the number of inputs or outputs.

    Args:
        scale: a positive factor.
        mode: n is 'fan_in' (inputs), 'fan_out' (outputs), or 'fan_avg' (their mean).
        distribution: 'truncated_normal', 'untruncated_normal' or 'uniform'.
        seed: an int, None, or a SeedGenerator.
        input_axes, output_axes: which axes of the weight are inputs and outputs, where
            they are not the last but one and the last.
    """

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: Any = None,
        input_axes: Any = None,
        output_axes: Any = None,
    ) -> None:
        if scale <= 0.0:
            raise ArgumentError(
                f"{type(self).__name__}: scale must be positive; received {scale}"
            )
        distribution = str(distribution).lower()
        if distribution == "normal":
            distribution = "truncated_normal"
        for what, value, known in (
            ("mode", mode, _MODES), ("distribution", distribution, _DISTRIBUTIONS),
        ):  # fmt: skip
            if value not in known:
                raise ArgumentError(
                    f"{type(self).__name__}: {what} must be one of {known}; received "
                    f"{value!r}"
                )
        self.scale, self.mode, self.distribution = scale, mode, distribution
        self.input_axes, self.output_axes = input_axes, output_axes
        super().__init__(seed)

    def draw(self, shape: tuple[int, ...], dtype: Any) -> Tensor:
        fan_in, fan_out = compute_fans(shape, self.input_axes, self.output_axes)
        fans = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2.0}
        variance = self.scale / max(1.0, fans[self.mode])
        if self.distribution == "uniform":
            limit = math.sqrt(3.0 * variance)
            return random.uniform(shape, -limit, limit, dtype, self.seed)
        stddev = math.sqrt(variance)
        if self.distribution == "untruncated_normal":
            return random.normal(shape, 0.0, stddev, dtype, self.seed)
        return random.truncated_normal(
            shape, 0.0, stddev / _TRUNCATED_STDDEV, dtype, self.seed
        )

    def get_config(self) -> dict:
        return {
            "scale": self.scale,
            "mode": self.mode,
            "distribution": self.distribution,
            **super().get_config(),
            **_axes_config(self),
        }


def _axes_config(initializer: VarianceScaling) -> dict:
    axes = {"input_axes": initializer.input_axes, "output_axes": initializer.output_axes}
    return {name: value for name, value in axes.items() if value is not None}


def compute_fans(
    shape: Sequence[int], input_axes: Any = None, output_axes: Any = None
) -> tuple[int, int]:
    """The numbers of inputs and outputs of one unit of a weight of this shape.

    Axes that are neither inputs nor outputs are positions of a window: each connects one
    unit's inputs and outputs, so their extents multiply both.
    """
    shape = tuple(shape)
    if input_axes is None and output_axes is None:
        if len(shape) == 0:
            return 1, 1
        if len(shape) == 1:
            return shape[0], shape[0]
        input_axes, output_axes = (-2,), (-1,)
    ndim = len(shape)

    def normalized(axes: Any) -> set[int]:
        axes = () if axes is None else (axes,) if isinstance(axes, int) else axes
        return {axis % ndim for axis in axes}

    inputs, outputs = normalized(input_axes), normalized(output_axes)
    window = math.prod(n for axis, n in enumerate(shape) if axis not in inputs | outputs)
    fan_in = window * math.prod(shape[axis] for axis in inputs)
    fan_out = window * math.prod(shape[axis] for axis in outputs)
    return int(fan_in), int(fan_out)


def _scaling(name: str, scale: float, mode: str, distribution: str, doc: str) -> type:
    """A VarianceScaling with fixed settings."""

    def __init__(
        self: Any, seed: Any = None, input_axes: Any = None, output_axes: Any = None
    ) -> None:
        VarianceScaling.__init__(
            self, scale, mode, distribution, seed, input_axes, output_axes
        )

    def get_config(self: Any) -> dict:
        return {**RandomInitializer.get_config(self), **_axes_config(self)}

    members = {
        "__init__": __init__, "get_config": get_config,
        "__doc__": doc, "__module__": __name__,
    }  # fmt: skip
    return type(name, (VarianceScaling,), members)


_NORMAL, _UNIFORM = "truncated_normal", "uniform"
GlorotNormal = _scaling("GlorotNormal", 1.0, "fan_avg", _NORMAL,
                        "Normal, variance 2 / (inputs + outputs) (Glorot).")  # fmt: skip
GlorotUniform = _scaling("GlorotUniform", 1.0, "fan_avg", _UNIFORM,
                         "Uniform, variance 2 / (inputs + outputs) (Glorot).")  # fmt: skip
HeNormal = _scaling("HeNormal", 2.0, "fan_in", _NORMAL,
                    "Normal, variance 2 / inputs, for relu (He, 2015).")  # fmt: skip
HeUniform = _scaling("HeUniform", 2.0, "fan_in", _UNIFORM,
                     "Uniform, variance 2 / inputs, for relu (He, 2015).")  # fmt: skip
LecunNormal = _scaling("LecunNormal", 1.0, "fan_in", _NORMAL,
                       "Normal, variance 1 / inputs (LeCun, 1998).")  # fmt: skip
LecunUniform = _scaling("LecunUniform", 1.0, "fan_in", _UNIFORM,
                        "Uniform, variance 1 / inputs (LeCun, 1998).")  # fmt: skip


class Orthogonal(RandomInitializer):
    """A matrix with orthonormal rows or columns (Saxe, 2013); further axes are rows.

    Args:
        gain: a factor.
        seed: an int, None, or a SeedGenerator.
    """

    def __init__(self, gain: float = 1.0, seed: Any = None) -> None:
        self.gain = gain
        super().__init__(seed)

    def draw(self, shape: tuple[int, ...], dtype: Any) -> Tensor:
        if len(shape) < 2:
            raise ArgumentError(
                f"Orthogonal: the shape must have at least two axes; received {shape}"
            )
        rows, columns = math.prod(shape[:-1]), shape[-1]
        tall = (max(rows, columns), min(rows, columns))
        normal = random.normal(tall, dtype="float32", seed=self.seed).numpy()
        q, r = np.linalg.qr(normal.astype(np.float64))
        # With r's diagonal positive, q is uniform among the orthogonal matrices.
        q *= np.where(np.diag(r) < 0, -1.0, 1.0)
        q = q.T if rows < columns else q
        return ops.convert_to_tensor(self.gain * q.reshape(shape), dtype=dtype)

    def get_config(self) -> dict:
        return {"gain": self.gain, **super().get_config()}


# Names as in Keras: each class also under its other spellings.
IdentityInitializer, OrthogonalInitializer, STFTInitializer = Identity, Orthogonal, STFT
constant, identity, ones, orthogonal, stft, zeros = (
    Constant, Identity, Ones, Orthogonal, STFT, Zeros)  # fmt: skip
glorot_normal, glorot_uniform = GlorotNormal, GlorotUniform
he_normal, he_uniform = HeNormal, HeUniform
lecun_normal, lecun_uniform = LecunNormal, LecunUniform
random_normal, random_uniform, truncated_normal = (
    RandomNormal,
    RandomUniform,
    TruncatedNormal,
)
variance_scaling = VarianceScaling

_FAMILY = Family(
    "initializer",
    "keras.initializers",
    (Constant, GlorotNormal, GlorotUniform, HeNormal, HeUniform, Identity, LecunNormal,
     LecunUniform, Ones, Orthogonal, RandomNormal, RandomUniform, STFT, TruncatedNormal,
     VarianceScaling, Zeros),
    {"normal": RandomNormal, "uniform": RandomUniform, "one": Ones, "zero": Zeros,
     "IdentityInitializer": Identity, "OrthogonalInitializer": Orthogonal,
     "STFTInitializer": STFT},
)  # fmt: skip


def get(identifier: Any) -> Any:
    """The initializer meant by a name, a config, an array, a class, or itself.

    Example:
        >>> import weft.keras as keras
        >>> type(keras.initializers.get("he_normal")).__name__
        'HeNormal'
    """
    if isinstance(identifier, Tensor | np.ndarray):
        return Constant(identifier)
    return _FAMILY.get(identifier)


def serialize(initializer: Any) -> Any:
    """The config of an initializer."""
    return _FAMILY.serialize(initializer)


deserialize = _FAMILY.deserialize

__all__ = [
    "Constant", "GlorotNormal", "GlorotUniform", "HeNormal", "HeUniform", "Identity",
    "IdentityInitializer", "Initializer", "LecunNormal", "LecunUniform", "Ones",
    "Orthogonal", "OrthogonalInitializer", "RandomNormal", "RandomUniform", "STFT",
    "STFTInitializer", "TruncatedNormal", "VarianceScaling", "Zeros", "constant",
    "deserialize", "get", "glorot_normal", "glorot_uniform", "he_normal", "he_uniform",
    "identity", "lecun_normal", "lecun_uniform", "ones", "orthogonal", "random_normal",
    "random_uniform", "serialize", "stft", "truncated_normal", "variance_scaling", "zeros",
]  # fmt: skip
__dir__ = __all__.copy

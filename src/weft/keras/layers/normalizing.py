"""Normalisation: layers that bring values to a common scale."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from weft import ops
from weft.core.tensor import Tensor
from weft.errors import ArgumentError
from weft.keras.layers.dense import known_extent
from weft.keras.layers.input_spec import InputSpec
from weft.keras.layers.layer import Layer
from weft.keras.layers.settings import add_weight, settings_of, take

_LOW_PRECISION = ("float16", "bfloat16")


def _widened(x: Any) -> Any:
    """Half precision as float32: it cannot hold sums of squares."""
    return ops.cast(x, "float32") if x.dtype in _LOW_PRECISION else x


class _ScaledAndCentered(Layer):
    """Base: a layer whose results are multiplied by gamma, and beta is added."""

    scale: bool
    center: bool
    epsilon: float
    gamma: Any = None
    beta: Any = None

    def _add_scale_and_center(self, shape: tuple) -> None:
        """gamma and beta, as far as they are wanted."""
        if self.scale:
            self.gamma = add_weight(self, "gamma", shape, autocast=False)
        if self.center:
            self.beta = add_weight(self, "beta", shape, autocast=False)

    def _finish(self, x: Tensor, along: Sequence[int], centered: bool = True) -> Tensor:
        """x · gamma + beta, where both lie along the axes that are not 1 in `along`."""
        if self.gamma is not None:
            x = x * ops.reshape(ops.cast(self.gamma.value, x.dtype), along)
        if self.beta is not None and centered:
            x = x + ops.reshape(ops.cast(self.beta.value, x.dtype), along)
        return ops.cast(x, self.compute_dtype)


class BatchNormalization(_ScaledAndCentered):
    """Each feature with mean 0 and variance 1 over the batch, then scaled and shifted.

    Training uses the batch's own mean and variance and keeps moving averages of them;
    inference uses the averages. With `trainable = False` it is always inference.

    Args:
        axis: the axis of the features.
        momentum: of the moving averages.
        epsilon: added to variances.
        center, scale: whether beta is added, and gamma multiplied by.
        renorm, renorm_clipping, renorm_momentum: batch renormalisation (Ioffe, 2017), with
            limits 'rmin', 'rmax', 'dmax'.

    Ioffe and Szegedy, "Batch normalization" (2015).
    """

    supports_masking = True
    momentum: float
    moving_mean_initializer: Any
    moving_variance_initializer: Any
    renorm: bool
    renorm_clipping: dict | None
    renorm_momentum: float

    def __init__(
        self, axis: int = -1, momentum: float = 0.99, epsilon: float = 1e-3,
        center: bool = True, scale: bool = True,
        beta_initializer: Any = "zeros", gamma_initializer: Any = "ones",
        moving_mean_initializer: Any = "zeros",
        moving_variance_initializer: Any = "ones",
        beta_regularizer: Any = None, gamma_regularizer: Any = None,
        beta_constraint: Any = None, gamma_constraint: Any = None,
        renorm: bool = False, renorm_clipping: dict | None = None,
        renorm_momentum: float = 0.99, synchronized: bool = False, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        unknown = set(renorm_clipping or {}) - {"rmin", "rmax", "dmax"}
        if unknown:
            raise ArgumentError(
                "BatchNormalization: renorm_clipping knows 'rmin', 'rmax', 'dmax'; "
                f"received {sorted(unknown)}"
            )
        take(self, locals())
        self.axis = int(axis)

    settings = settings_of(__init__)

    def build(self, input_shape: Any) -> None:
        features = known_extent(self, input_shape, self.axis)
        self._add_scale_and_center((features,))
        self.moving_mean = self._state(
            "moving_mean", features, self.moving_mean_initializer
        )
        self.moving_variance = self._state(
            "moving_variance", features, self.moving_variance_initializer
        )
        if self.renorm:
            mean, variance = self.moving_mean_initializer, self.moving_variance_initializer

            def stddev(shape: tuple, dtype: Any = None) -> Tensor:
                return ops.sqrt(variance(shape, dtype=dtype))

            self.moving_stddev = self._state("moving_stddev", features, stddev)
            self.renorm_mean = self._state("renorm_mean", features, mean)
            self.renorm_stddev = self._state("renorm_stddev", features, stddev)
        self.input_spec = InputSpec(ndim=len(input_shape), axes={self.axis: features})

    def _state(self, name: str, features: int, initializer: Any) -> Any:
        return self.add_weight(
            name=name,
            shape=(features,),
            initializer=initializer,
            trainable=False,
            autocast=False,
        )

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Tensor:
        x = _widened(inputs)
        ndim = len(x.shape)
        axis = self.axis % ndim
        others = tuple([i for i in range(ndim) if i != axis])
        along = [1] * ndim
        along[axis] = x.shape[axis]

        def broadcast(v: Any) -> Tensor:
            return ops.reshape(ops.cast(v, x.dtype), along)

        gamma, beta = self.gamma, self.beta
        if training and self.trainable:
            mean, variance = _moments(x, others, mask)
            self._move(self.moving_mean, mean, self.momentum)
            if self.renorm:
                x = self._renormalized(x, mean, variance, broadcast)
                return self._finish(x, along)
            self._move(self.moving_variance, variance, self.momentum)
        else:
            mean, variance = self.moving_mean.value, self.moving_variance.value
        factor = ops.rsqrt(variance + self.epsilon)
        if gamma is not None:
            factor = factor * gamma.value
        shift = -mean * factor
        if beta is not None:
            shift = shift + beta.value
        return ops.cast(x * broadcast(factor) + broadcast(shift), self.compute_dtype)

    def _move(self, average: Any, value: Any, momentum: float) -> None:
        old = average.value
        average.assign(old * momentum + ops.cast(value, old.dtype) * (1.0 - momentum))

    def _renormalized(self, x: Any, mean: Any, variance: Any, broadcast: Any) -> Tensor:
        """Normalised by the batch, corrected towards the moving averages by r and d."""
        stddev = ops.sqrt(variance + self.epsilon)
        r = ops.stop_gradient(stddev / self.renorm_stddev.value)
        d = ops.stop_gradient((mean - self.renorm_mean.value) / self.renorm_stddev.value)
        limits = self.renorm_clipping or {}
        if "rmin" in limits:
            r = ops.maximum(r, limits["rmin"])
        if "rmax" in limits:
            r = ops.minimum(r, limits["rmax"])
        if "dmax" in limits:
            d = ops.clip(d, -limits["dmax"], limits["dmax"])
        self._move(self.renorm_mean, mean, self.renorm_momentum)
        self._move(self.renorm_stddev, stddev, self.renorm_momentum)
        # Deviations are averaged, not variances; inference goes by the squared average.
        self._move(self.moving_stddev, stddev, self.momentum)
        squared = ops.square(self.moving_stddev.value) - self.epsilon
        self.moving_variance.assign(ops.maximum(squared, 0.0))
        return (x - broadcast(mean)) * broadcast(r / stddev) + broadcast(d)


def _moments(x: Any, axes: tuple, mask: Any) -> tuple[Tensor, Tensor]:
    """Mean and variance over axes; steps whose mask is False do not count."""
    if mask is None:
        return ops.mean(x, axis=axes), ops.var(x, axis=axes)
    weight = ops.cast(mask, x.dtype)
    while len(weight.shape) < len(x.shape):
        weight = ops.expand_dims(weight, axis=-1)
    weight = ops.broadcast_to(weight, x.shape)
    total = ops.sum(weight, axis=axes, keepdims=True) + 1e-7
    mean = ops.sum(x * weight, axis=axes, keepdims=True) / total
    variance = ops.sum(ops.square(x - mean) * weight, axis=axes, keepdims=True) / total
    return ops.squeeze(mean, axes), ops.squeeze(variance, axes)


class LayerNormalization(_ScaledAndCentered):
    """Each sample with mean 0 and variance 1 over its features, then scaled and shifted.

    Args:
        axis: the axis of the features, or several.
        epsilon: added to variances.
        center, scale: whether beta is added, and gamma multiplied by.

    Ba, Kiros and Hinton, "Layer normalization" (2016).
    """

    supports_masking = True
    rms_scaling: bool

    def __init__(
        self, axis: Any = -1, epsilon: float = 1e-3, center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros", gamma_initializer: Any = "ones",
        beta_regularizer: Any = None, gamma_regularizer: Any = None,
        beta_constraint: Any = None, gamma_constraint: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        rms_scaling = kwargs.pop("rms_scaling", False)
        super().__init__(**kwargs)
        take(self, locals())
        self.axis = [axis] if isinstance(axis, int) else list(axis)

    settings = (*settings_of(__init__), "rms_scaling")

    def build(self, input_shape: Any) -> None:
        axes = _axes(self.axis, len(input_shape))
        shape = tuple([known_extent(self, input_shape, axis) for axis in axes])
        self._add_scale_and_center(shape)

    def call(self, inputs: Any) -> Tensor:
        x = _widened(inputs)
        axes = _axes(self.axis, len(x.shape))
        along = [n if axis in axes else 1 for axis, n in enumerate(x.shape)]
        if self.rms_scaling:
            square = ops.var(x, axis=axes, keepdims=True)
            x = x * ops.rsqrt(square + self.epsilon)
        else:
            centered = x - ops.mean(x, axis=axes, keepdims=True)
            variance = ops.mean(ops.square(centered), axis=axes, keepdims=True)
            x = centered * ops.rsqrt(variance + self.epsilon)
        return self._finish(x, along, centered=not self.rms_scaling)


def _axes(axis: Any, ndim: int) -> tuple[int, ...]:
    listed = (axis,) if isinstance(axis, int) else axis
    return tuple(sorted(a % ndim for a in listed))


class RMSNormalization(Layer):
    """x / sqrt(mean(x²) + epsilon) · scale over the features (Zhang and Sennrich, 2019)."""

    settings = ("axis", "epsilon")

    def __init__(self, axis: Any = -1, epsilon: float = 1e-6, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = [axis] if isinstance(axis, int) else list(axis)
        self.epsilon = epsilon

    def build(self, input_shape: Any) -> None:
        axes = _axes(self.axis, len(input_shape))
        shape = tuple([known_extent(self, input_shape, axis) for axis in axes])
        self.scale = self.add_weight(
            name="scale", shape=shape, initializer="ones", trainable=True, autocast=False
        )

    def call(self, inputs: Any) -> Tensor:
        x = _widened(inputs)
        axes = _axes(self.axis, len(x.shape))
        along = [n if axis in axes else 1 for axis, n in enumerate(x.shape)]
        square = ops.mean(ops.square(x), axis=axes, keepdims=True)
        x = x * ops.rsqrt(square + self.epsilon)
        scale = ops.reshape(ops.cast(self.scale.value, x.dtype), along)
        return ops.cast(x * scale, self.compute_dtype)


class UnitNormalization(Layer):
    """Vectors of length 1 along an axis, or several."""

    settings = ("axis",)
    supports_masking = True

    def __init__(self, axis: Any = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis if isinstance(axis, int) else list(axis)
        self._build_at_init()

    def call(self, inputs: Any) -> Tensor:
        axes = _axes(self.axis, len(inputs.shape))
        square = ops.sum(ops.square(inputs), axis=axes, keepdims=True)
        return inputs / ops.sqrt(ops.maximum(square, 1e-24))


class GroupNormalization(_ScaledAndCentered):
    """Groups of channels with mean 0 and variance 1 in each sample, scaled and shifted.

    Args:
        groups: how many; -1 is one per channel (instance normalisation).
        axis: the axis of the channels.
        epsilon: added to variances.
        center, scale: whether beta is added, and gamma multiplied by.

    Wu and He, "Group normalization" (2018).
    """

    supports_masking = True
    groups: int
    axis: int

    def __init__(
        self, groups: int = 32, axis: int = -1, epsilon: float = 1e-3,
        center: bool = True, scale: bool = True,
        beta_initializer: Any = "zeros", gamma_initializer: Any = "ones",
        beta_regularizer: Any = None, gamma_regularizer: Any = None,
        beta_constraint: Any = None, gamma_constraint: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        take(self, locals())

    settings = settings_of(__init__)

    def build(self, input_shape: Any) -> None:
        channels = known_extent(self, input_shape, self.axis)
        if self.groups == -1:
            self.groups = channels
        if channels < self.groups or channels % self.groups:
            raise ArgumentError(
                f"GroupNormalization {self.name!r}: the number of channels must be a "
                f"multiple of the number of groups; received {channels} channels and "
                f"groups={self.groups}"
            )
        self._add_scale_and_center((channels,))
        self.input_spec = InputSpec(ndim=len(input_shape), axes={self.axis: channels})

    def call(self, inputs: Any) -> Tensor:
        x = _widened(inputs)
        shape, axis = x.shape, self.axis % len(x.shape)
        split = (*shape[:axis], self.groups, shape[axis] // self.groups, *shape[axis + 1 :])
        x = ops.reshape(x, split)
        others = tuple([i for i in range(1, len(split)) if i != axis])
        centered = x - ops.mean(x, axis=others, keepdims=True)
        variance = ops.mean(ops.square(centered), axis=others, keepdims=True)
        x = ops.reshape(centered * ops.rsqrt(variance + self.epsilon), shape)
        along = [1] * len(shape)
        along[axis] = shape[axis]
        return self._finish(x, along)

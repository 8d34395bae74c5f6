"""Normalisation: layers that bring values to a common scale."""

from __future__ import annotations

from typing import Any

from weft import ops
from weft.core.tensor import Tensor
from weft.errors import ArgumentError
from weft.keras import constraints, initializers, regularizers
from weft.keras.layers.dense import known_extent
from weft.keras.layers.input_spec import InputSpec
from weft.keras.layers.layer import Layer

_LOW_PRECISION = ("float16", "bfloat16")


def _widened(x: Any) -> Any:
    """Half precision as float32: it cannot hold sums of squares."""
    return ops.cast(x, "float32") if x.dtype in _LOW_PRECISION else x


class _ScaledAndCentered(Layer):
    """Base: a layer whose results are multiplied by gamma, and beta is added."""

    scale: bool
    center: bool
    gamma: Any
    beta: Any


def _take_scale_and_center(layer: _ScaledAndCentered, given: dict) -> None:
    """Set the settings of gamma and beta as attributes."""
    layer.center, layer.scale = given["center"], given["scale"]
    for name in ("beta", "gamma"):
        initializer = initializers.get(given[f"{name}_initializer"])
        setattr(layer, f"{name}_initializer", initializer)
        setattr(
            layer, f"{name}_regularizer", regularizers.get(given[f"{name}_regularizer"])
        )
        setattr(layer, f"{name}_constraint", constraints.get(given[f"{name}_constraint"]))
    layer.gamma = layer.beta = None


def _add_scale_and_center(layer: _ScaledAndCentered, shape: tuple) -> None:
    """gamma and beta, as far as they are wanted."""
    for name, wanted in (("gamma", layer.scale), ("beta", layer.center)):
        if wanted:
            weight = layer.add_weight(
                name=name,
                shape=shape,
                initializer=getattr(layer, f"{name}_initializer"),
                regularizer=getattr(layer, f"{name}_regularizer"),
                constraint=getattr(layer, f"{name}_constraint"),
                trainable=True,
                autocast=False,
            )
            setattr(layer, name, weight)


_WEIGHT_SETTINGS = (
    "beta_initializer", "gamma_initializer", "beta_regularizer", "gamma_regularizer",
    "beta_constraint", "gamma_constraint",
)  # fmt: skip


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

    settings = (
        "axis", "momentum", "epsilon", "center", "scale", "beta_initializer",
        "gamma_initializer", "moving_mean_initializer", "moving_variance_initializer",
        "beta_regularizer", "gamma_regularizer", "beta_constraint", "gamma_constraint",
        "synchronized", "renorm", "renorm_clipping", "renorm_momentum",
    )  # fmt: skip
    supports_masking = True

    def __init__(
        self,
        axis: int = -1,
        momentum: float = 0.99,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        moving_mean_initializer: Any = "zeros",
        moving_variance_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        renorm: bool = False,
        renorm_clipping: dict | None = None,
        renorm_momentum: float = 0.99,
        synchronized: bool = False,
        **kwargs: Any,
    ) -> None:
        given = dict(locals())
        super().__init__(**kwargs)
        self.axis = int(axis)
        self.momentum, self.epsilon = momentum, epsilon
        self.synchronized = synchronized
        self.renorm, self.renorm_momentum = renorm, renorm_momentum
        unknown = set(renorm_clipping or {}) - {"rmin", "rmax", "dmax"}
        if unknown:
            raise ArgumentError(
                "BatchNormalization: renorm_clipping knows 'rmin', 'rmax', 'dmax'; "
                f"received {sorted(unknown)}"
            )
        self.renorm_clipping = renorm_clipping
        _take_scale_and_center(self, given)
        self.moving_mean_initializer = initializers.get(moving_mean_initializer)
        self.moving_variance_initializer = initializers.get(moving_variance_initializer)

    def build(self, input_shape: Any) -> None:
        features = known_extent(self, input_shape, self.axis)
        _add_scale_and_center(self, (features,))
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
        mean: Any
        variance: Any
        if training and self.trainable:
            mean, variance = _moments(x, others, mask)
            self._move(self.moving_mean, mean, self.momentum)
            if self.renorm:
                x = self._renormalized(x, mean, variance, broadcast)
                mean = variance = None
            else:
                self._move(self.moving_variance, variance, self.momentum)
        else:
            mean, variance = self.moving_mean.value, self.moving_variance.value
        if mean is None:
            factor: Any = 1.0
            shift: Any = 0.0
            if gamma is not None:
                factor = broadcast(gamma.value)
            if beta is not None:
                shift = broadcast(beta.value)
            return ops.cast(x * factor + shift, inputs.dtype)
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

    settings = (
        "axis", "epsilon", "center", "scale", "rms_scaling", *_WEIGHT_SETTINGS,
    )  # fmt: skip
    supports_masking = True

    def __init__(
        self,
        axis: Any = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        given = dict(locals())
        self_rms = kwargs.pop("rms_scaling", False)
        super().__init__(**kwargs)
        self.axis = [axis] if isinstance(axis, int) else list(axis)
        self.epsilon, self.rms_scaling = epsilon, self_rms
        _take_scale_and_center(self, given)

    def build(self, input_shape: Any) -> None:
        axes = _axes(self.axis, len(input_shape))
        shape = tuple([known_extent(self, input_shape, axis) for axis in axes])
        _add_scale_and_center(self, shape)

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
        if self.gamma is not None:
            x = x * ops.reshape(ops.cast(self.gamma.value, x.dtype), along)
        if self.beta is not None and not self.rms_scaling:
            x = x + ops.reshape(ops.cast(self.beta.value, x.dtype), along)
        return ops.cast(x, self.compute_dtype)


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

    settings = ("groups", "axis", "epsilon", "center", "scale", *_WEIGHT_SETTINGS)
    supports_masking = True

    def __init__(
        self,
        groups: int = 32,
        axis: int = -1,
        epsilon: float = 1e-3,
        center: bool = True,
        scale: bool = True,
        beta_initializer: Any = "zeros",
        gamma_initializer: Any = "ones",
        beta_regularizer: Any = None,
        gamma_regularizer: Any = None,
        beta_constraint: Any = None,
        gamma_constraint: Any = None,
        **kwargs: Any,
    ) -> None:
        given = dict(locals())
        super().__init__(**kwargs)
        self.groups, self.axis, self.epsilon = groups, axis, epsilon
        _take_scale_and_center(self, given)

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
        _add_scale_and_center(self, (channels,))
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
        if self.gamma is not None:
            x = x * ops.reshape(ops.cast(self.gamma.value, x.dtype), along)
        if self.beta is not None:
            x = x + ops.reshape(ops.cast(self.beta.value, x.dtype), along)
        return ops.cast(x, self.compute_dtype)

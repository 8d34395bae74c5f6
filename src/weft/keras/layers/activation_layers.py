"""Activations as layers."""

from __future__ import annotations

from typing import Any

from weft import ops
from weft.core.tensor import Tensor
from weft.errors import ArgumentError
from weft.keras import activations
from weft.keras.layers.input_spec import InputSpec
from weft.keras.layers.layer import Layer
from weft.keras.layers.settings import add_weight, settings_of, take


class Activation(Layer):
    """Any activation, by name or function.

    Example:
        >>> import weft.keras as keras
        >>> keras.layers.Activation("relu")([-3.0, 2.0]).tolist()
        [0.0, 2.0]
    """

    settings = ("activation",)
    supports_masking = True

    def __init__(self, activation: Any, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.activation = activations.get(activation)
        self._build_at_init()

    def call(self, inputs: Any) -> Tensor:
        return self.activation(inputs)


class ReLU(Layer):
    """max(x, 0), with a slope below the threshold and a ceiling if wanted."""

    settings = ("max_value", "negative_slope", "threshold")
    supports_masking = True

    def __init__(
        self,
        max_value: float | None = None,
        negative_slope: float = 0.0,
        threshold: float = 0.0,
        **kwargs: Any,
    ) -> None:
        alpha = kwargs.pop("alpha", None)  # Keras 2's name of the slope.
        super().__init__(**kwargs)
        negative_slope = negative_slope if alpha is None else alpha
        if max_value is not None and max_value < 0:
            raise ArgumentError(
                "max_value of a ReLU layer cannot be a negative value. Received: "
                f"{max_value}"
            )
        self.max_value = max_value
        self.negative_slope = _not_negative("ReLU", "negative_slope", negative_slope)
        self.threshold = _not_negative("ReLU", "threshold", threshold)
        self._build_at_init()

    def call(self, inputs: Any) -> Tensor:
        return activations.relu(inputs, self.negative_slope, self.max_value, self.threshold)


class LeakyReLU(Layer):
    """x above 0, `negative_slope` · x below."""

    settings = ("negative_slope",)
    supports_masking = True

    def __init__(self, negative_slope: float = 0.3, **kwargs: Any) -> None:
        alpha = kwargs.pop("alpha", None)  # Keras 2's name of the slope.
        super().__init__(**kwargs)
        negative_slope = negative_slope if alpha is None else alpha
        self.negative_slope = _not_negative("LeakyReLU", "negative_slope", negative_slope)
        self._build_at_init()

    def call(self, inputs: Any) -> Tensor:
        return activations.leaky_relu(inputs, negative_slope=self.negative_slope)


class ThresholdedReLU(Layer):
    """x above theta, 0 elsewhere, as Keras 2 had it.

    Example:
        >>> import weft.keras as keras
        >>> keras.layers.ThresholdedReLU(theta=1.0)([0.5, 2.0]).tolist()
        [0.0, 2.0]
    """

    settings = ("theta",)
    supports_masking = True

    def __init__(self, theta: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.theta = _not_negative("ThresholdedReLU", "theta", theta)
        self._build_at_init()

    def call(self, inputs: Any) -> Tensor:
        return activations.relu(inputs, threshold=self.theta)


def _not_negative(who: str, name: str, value: Any) -> Any:
    if value is None or value < 0:
        raise ArgumentError(
            f"The {name} value of a {who} layer cannot be None or negative. Received: "
            f"{name}={value}"
        )
    return value


class PReLU(Layer):
    """x above 0, alpha · x below, with alpha learned.

    Args:
        shared_axes: axes along which alpha is the same, such as (1, 2) for images.
    """

    supports_masking = True

    def __init__(
        self,
        alpha_initializer: Any = "Zeros",
        alpha_regularizer: Any = None,
        alpha_constraint: Any = None,
        shared_axes: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        take(self, locals())
        is_int = isinstance(shared_axes, int)
        self.shared_axes = (
            None if shared_axes is None else [shared_axes] if is_int else list(shared_axes)
        )

    settings = settings_of(__init__)

    def build(self, input_shape: Any) -> None:
        shape = list(input_shape[1:])
        for axis in self.shared_axes or ():
            shape[axis - 1] = 1
        self.alpha = add_weight(self, "alpha", shape)
        axes = {
            axis: input_shape[axis]
            for axis in range(1, len(input_shape))
            if axis not in (self.shared_axes or ())
        }
        self.input_spec = InputSpec(ndim=len(input_shape), axes=axes)

    def call(self, inputs: Any) -> Tensor:
        return ops.relu(inputs) - self.alpha * ops.relu(-inputs)


class ELU(Layer):
    """x above 0, alpha · (exp(x) - 1) below."""

    settings = ("alpha",)
    supports_masking = True

    def __init__(self, alpha: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.alpha = alpha
        self._build_at_init()

    def call(self, inputs: Any) -> Tensor:
        return activations.elu(inputs, alpha=self.alpha)


class Softmax(Layer):
    """exp(x) over its sum along an axis, or several.

    `mask` is False where values must not count.
    """

    settings = ("axis",)
    supports_masking = True

    def __init__(self, axis: Any = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis if isinstance(axis, int) else list(axis)
        self._build_at_init()

    def call(self, inputs: Any, mask: Any = None) -> Tensor:
        if mask is not None:
            # A number that exp makes 0, and that float16 can hold.
            hidden = 1.0 - ops.cast(mask, inputs.dtype)
            inputs = inputs + hidden * (-3e4 if inputs.dtype == "float16" else -1e9)
        if isinstance(self.axis, int):
            return activations.softmax(inputs, axis=self.axis)
        axes = tuple(self.axis)
        if len(axes) == 1:
            return activations.softmax(inputs, axis=axes[0])
        return ops.exp(inputs - ops.logsumexp(inputs, axis=axes, keepdims=True))

"""Layers around layers and functions: Wrapper, TimeDistributed, Lambda, …"""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

from weft import ops
from weft.core.tensor import Tensor
from weft.errors import ArgumentError, ArgumentTypeError
from weft.keras.layers import calling
from weft.keras.layers.input_spec import InputSpec
from weft.keras.layers.layer import Layer
from weft.keras.utils.serialization import deserialize_keras_object, serialize_keras_object


class Wrapper(Layer):
    """Base of layers that wrap another layer, their `layer`."""

    def __init__(self, layer: Layer, **kwargs: Any) -> None:
        if not isinstance(layer, Layer):
            raise ArgumentTypeError(
                f"Layer {layer} supplied to Wrapper isn't a supported layer type. Please "
                "ensure wrapped layer is a valid Keras layer."
            )
        super().__init__(**kwargs)
        self.layer = layer

    def build(self, input_shape: Any = None) -> None:
        if not self.layer.built:
            self.layer.build(input_shape)
            self.layer.built = True

    def get_config(self) -> dict:
        return {**self._base_config(), "layer": serialize_keras_object(self.layer)}

    @classmethod
    def from_config(cls, config: dict, custom_objects: dict | None = None) -> Wrapper:
        config = dict(config)
        config["layer"] = deserialize_keras_object(
            config["layer"], custom_objects=custom_objects
        )
        return super().from_config(config)


class TimeDistributed(Wrapper):
    """Applies a layer to each step: (batch, steps, …).

    Example:
        >>> import weft.keras as keras
        >>> layer = keras.layers.TimeDistributed(keras.layers.Dense(4))
        >>> layer.compute_output_shape((None, 10, 16))
        (None, 10, 4)
    """

    def __init__(self, layer: Layer, **kwargs: Any) -> None:
        super().__init__(layer, **kwargs)
        self.supports_masking = True

    def build(self, input_shape: Any = None) -> None:
        shape = tuple(input_shape) if isinstance(input_shape, list | tuple) else ()
        if len(shape) < 3:
            raise ArgumentError(
                "`TimeDistributed` layer should be passed an `input_shape` with at least 3 "
                f"dimensions, received: {input_shape}"
            )
        super().build((shape[0], *shape[2:]))

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Tensor:
        batch, steps = inputs.shape[:2]
        # The steps of all samples are one large batch.
        x = ops.reshape(inputs, (batch * steps, *inputs.shape[2:]))
        signature = calling.signature_of(type(self.layer).call)
        given = {}
        if signature.training and training is not None:
            given["training"] = training
        if signature.mask and mask is not None:
            given["mask"] = ops.reshape(mask, (batch * steps, *mask.shape[2:]))
        y = self.layer(x, **given)
        return ops.reshape(y, (batch, steps, *y.shape[1:]))


class SpectralNormalization(Wrapper):
    """Divides a layer's kernel by its largest singular value (Miyato and others, 2018).

    Args:
        layer: a layer with a `kernel` or `embeddings`.
        power_iterations: steps of the power method at each training call.
    """

    def __init__(self, layer: Layer, power_iterations: int = 1, **kwargs: Any) -> None:
        super().__init__(layer, **kwargs)
        if power_iterations <= 0:
            raise ArgumentError(
                "`power_iterations` should be greater than zero. Received: "
                f"`power_iterations={power_iterations}`"
            )
        self.power_iterations = power_iterations

    def build(self, input_shape: Any) -> None:  # type: ignore[override]  # needs a shape
        super().build(input_shape)
        self.input_spec = InputSpec(shape=[None, *input_shape[1:]])
        kernel = getattr(self.layer, "kernel", None)
        self.kernel: Any = getattr(self.layer, "embeddings", None) if kernel is None else kernel
        if self.kernel is None:
            raise ArgumentError(
                f"{type(self.layer).__name__} object has no attribute 'kernel' nor "
                "'embeddings'"
            )
        self.vector_u = self.add_weight(
            shape=(1, self.kernel.shape[-1]),
            initializer="truncated_normal",
            trainable=False,
            name="vector_u",
            dtype=self.kernel.dtype,
        )

    def call(self, inputs: Any, training: bool = False) -> Tensor:
        if training:
            self.kernel.assign(self._normalized())
        return self.layer(inputs)

    def _normalized(self) -> Tensor:
        kernel = self.kernel.value
        shape = kernel.shape
        weights = ops.reshape(kernel, (math.prod(shape[:-1]), shape[-1]))
        u = self.vector_u.value
        for _ in range(self.power_iterations):
            v = _unit(ops.matmul(u, ops.transpose(weights)))
            u = _unit(ops.matmul(v, weights))
        u, v = ops.stop_gradient(u), ops.stop_gradient(v)
        sigma = ops.matmul(ops.matmul(v, weights), ops.transpose(u))
        self.vector_u.assign(ops.cast(u, self.vector_u.dtype))
        return ops.reshape(kernel / ops.reshape(sigma, ()), shape)

    def get_config(self) -> dict:
        return {**super().get_config(), "power_iterations": self.power_iterations}


def _unit(x: Tensor) -> Tensor:
    return x * ops.rsqrt(ops.maximum(ops.sum(ops.square(x), axis=-1, keepdims=True), 1e-24))


class Lambda(Layer):
    """Any function of tensors as a layer.

    To be saved, the function must have a name and be registered with
    `@keras.utils.register_keras_serializable()`; code never goes into files.

    Args:
        function: takes the inputs (and `mask`, `training` if it names them).
        output_shape: kept for compatibility; shapes are inferred.
        mask: the output's mask, or a function (inputs, mask) that gives it.
        arguments: further keyword arguments of the function.
    """

    def __init__(
        self, function: Callable, output_shape: Any = None, mask: Any = None,
        arguments: dict | None = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        if not callable(function):
            raise ArgumentTypeError(f"Lambda: needs a function; received {function!r}")
        self.function = function
        self.arguments = arguments or {}
        self._output_shape = output_shape
        self.mask = mask
        self.supports_masking = mask is not None
        parameters = inspect.signature(function).parameters
        self._takes = [name for name in ("mask", "training") if name in parameters]
        self._build_at_init()

    def call(self, inputs: Any, mask: Any = None, training: Any = None) -> Any:
        values = {"mask": mask, "training": training}
        given = {name: values[name] for name in self._takes}
        return self.function(inputs, **{**self.arguments, **given})

    def compute_output_shape(self, input_shape: Any) -> Any:
        if self._output_shape is None:
            return super().compute_output_shape(input_shape)
        if callable(self._output_shape):
            return self._output_shape(input_shape)
        shape = self._output_shape
        shape = (shape,) if isinstance(shape, int) else tuple(shape)
        return (input_shape[0], *shape)

    def compute_mask(self, inputs: Any, mask: Any = None) -> Any:
        return self.mask(inputs, mask) if callable(self.mask) else self.mask

    def get_config(self) -> dict:
        config = self._base_config()
        config["function"] = serialize_keras_object(self.function)
        if self._output_shape is not None:
            config["output_shape"] = serialize_keras_object(self._output_shape)
        if self.mask is not None:
            config["mask"] = serialize_keras_object(self.mask)
        config["arguments"] = serialize_keras_object(dict(self.arguments))
        return config

    @classmethod
    def from_config(
        cls, config: dict, custom_objects: dict | None = None, safe_mode: bool | None = None
    ) -> Lambda:
        config = dict(config)
        for name in ("function", "mask", "output_shape", "arguments"):
            if isinstance(config.get(name), dict):
                config[name] = deserialize_keras_object(
                    config[name], custom_objects=custom_objects
                )
        return super().from_config(config)

"""Dense and EinsumDense: weighted sums of inputs."""

from __future__ import annotations

import re
from typing import Any

from weft import ops
from weft.core.tensor import Tensor
from weft.errors import ArgumentError
from weft.keras.layers.input_spec import InputSpec
from weft.keras.layers.layer import Layer
from weft.keras.layers.settings import add_weight, settings_of, take


class Dense(Layer):
    """activation(inputs @ kernel + bias).

    Args:
        units: the number of outputs.
        activation: a name, a function or None.
        use_bias: whether a bias is added.
        kernel_initializer, bias_initializer: first values.
        kernel_regularizer, bias_regularizer, activity_regularizer: costs.
        kernel_constraint, bias_constraint: what weights must satisfy.

    Shapes: (…, inputs) → (…, units).

    Example:
        >>> import weft.keras as keras
        >>> keras.layers.Dense(2, kernel_initializer="ones")([[1.0, 2.0]]).tolist()
        [[3.0, 3.0]]
    """

    supports_masking = True
    activation: Any
    use_bias: bool

    def __init__(
        self, units: int, activation: Any = None, use_bias: bool = True,
        kernel_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None, bias_regularizer: Any = None,
        activity_regularizer: Any = None,
        kernel_constraint: Any = None, bias_constraint: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(activity_regularizer=activity_regularizer, **kwargs)
        is_int = hasattr(units, "__index__") and not isinstance(units, bool)
        if not is_int or units <= 0:
            raise ArgumentError(
                "Received an invalid value for `units`, expected a positive integer. "
                f"Received: units={units!r}"
            )
        take(self, locals())
        self.units = int(units)
        self.bias: Any = None
        self.input_spec = InputSpec(min_ndim=2)

    settings = settings_of(__init__)

    def build(self, input_shape: Any) -> None:
        inputs = known_extent(self, input_shape, -1)
        self.kernel = add_weight(self, "kernel", (inputs, self.units))
        if self.use_bias:
            self.bias = add_weight(self, "bias", (self.units,))
        self.input_spec = InputSpec(min_ndim=2, axes={-1: inputs})

    def call(self, inputs: Any, training: Any = None) -> Tensor:
        x = ops.matmul(inputs, self.kernel)
        if self.bias is not None:
            x = ops.add(x, self.bias)
        return self.activation(x)


def known_extent(layer: Layer, shape: Any, axis: int) -> int:
    """The extent of an axis of the inputs that weights depend on.

    Raises:
        ArgumentError: if it is not known.
    """
    extent = shape[axis]
    if extent is None:
        raise ArgumentError(
            f"{type(layer).__name__} {layer.name!r}: axis {axis} of its input must be "
            f"known to make the weights; received the shape {tuple(shape)}"
        )
    return extent


class EinsumDense(Layer):
    """activation(einsum(equation, inputs, kernel) + bias).

    Args:
        equation: such as 'abc,cd->abd': inputs, kernel, outputs; '...' for leading axes.
        output_shape: without the batch axis, None for axes taken from the inputs.
        activation: a name, a function or None.
        bias_axes: letters of the outputs' axes that have a bias.

    Example:
        >>> import weft.keras as keras
        >>> layer = keras.layers.EinsumDense("ab,bc->ac", output_shape=64, bias_axes="c")
        >>> layer.compute_output_shape((None, 32))
        (None, 64)
    """

    equation: str
    activation: Any
    bias_axes: str | None

    def __init__(
        self, equation: str, output_shape: Any, activation: Any = None,
        bias_axes: str | None = None,
        kernel_initializer: Any = "glorot_uniform", bias_initializer: Any = "zeros",
        kernel_regularizer: Any = None, bias_regularizer: Any = None,
        kernel_constraint: Any = None, bias_constraint: Any = None, **kwargs: Any,
    ) -> None:  # fmt: skip
        super().__init__(**kwargs)
        take(self, locals())
        is_int = isinstance(output_shape, int)
        self.partial_output_shape = (output_shape,) if is_int else tuple(output_shape)
        self.bias: Any = None

    settings = settings_of(__init__, without=("output_shape",))

    def build(self, input_shape: Any) -> None:
        kernel_shape, bias_shape = einsum_shapes(
            self.equation, self.bias_axes, input_shape, self.partial_output_shape
        )
        self.kernel = add_weight(self, "kernel", kernel_shape)
        if bias_shape is not None:
            self.bias = add_weight(self, "bias", bias_shape)

    def call(self, inputs: Any, training: Any = None) -> Tensor:
        x = ops.einsum(self.equation, inputs, ops.convert_to_tensor(self.kernel))
        if self.bias is not None:
            x = ops.add(x, self.bias)
        return self.activation(x)

    def get_config(self) -> dict:
        return {**super().get_config(), "output_shape": self.partial_output_shape}


def einsum_shapes(
    equation: str, bias_axes: str | None, input_shape: Any, output_shape: tuple
) -> tuple[tuple, tuple | None]:
    """The shapes of kernel and bias: each letter's extent is looked up.

    Raises:
        ArgumentError: if a letter has no extent, or two.
    """
    parts = re.fullmatch(r"(\.\.\.)?([a-zA-Z]+)(\.\.\.)?,([a-zA-Z]+)->(\.\.\.)?([a-zA-Z]+)"
                         r"(\.\.\.)?", equation.replace(" ", ""))  # fmt: skip
    if parts is None:
        raise ArgumentError(
            f"EinsumDense: the equation must be like 'ab,bc->ac' or '...b,bc->...c'; "
            f"received {equation!r}"
        )
    left, inputs, _, kernel, _, outputs, _ = parts.groups()
    elided = max(0, len(input_shape) - len(inputs))
    shape = tuple(input_shape[elided:]) if left else tuple(input_shape[: len(inputs)])
    extents: dict[str, int | None] = dict(zip(inputs, shape))
    # The first axis of the outputs is the batch, which output_shape leaves out.
    given = ((None,) + tuple(output_shape))[-len(outputs):]  # fmt: skip
    for letter, extent in zip(reversed(outputs), reversed(given)):
        known = extents.get(letter)
        if known is not None and extent is not None and known != extent:
            raise ArgumentError(
                f"EinsumDense: axis {letter!r} of {equation!r} is {known} in the input "
                f"shape {tuple(input_shape)} and {extent} in output_shape {output_shape}"
            )
        extents[letter] = extent if known is None else known
    missing = [letter for letter in kernel if extents.get(letter) is None]
    if missing:
        raise ArgumentError(
            f"EinsumDense: the extent of {missing} of the kernel in {equation!r} must be "
            f"in the input shape {tuple(input_shape)} or output_shape {output_shape}"
        )
    kernel_shape = tuple([extents[letter] for letter in kernel])
    if not bias_axes:
        return kernel_shape, None
    unknown = [letter for letter in bias_axes if letter not in outputs]
    if unknown:
        raise ArgumentError(
            f"EinsumDense: bias axes must be axes of the outputs {outputs!r}; received "
            f"{bias_axes!r}"
        )
    first = min(outputs.index(letter) for letter in bias_axes)
    bias = [extents[letter] if letter in bias_axes else 1 for letter in outputs[first:]]
    return kernel_shape, tuple(bias)

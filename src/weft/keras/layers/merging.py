"""Layers of several inputs: Add, Multiply, Average, Concatenate, Dot, …"""

from __future__ import annotations

import functools
import string
from collections.abc import Callable
from typing import Any

from weft import ops
from weft.core.tensor import Tensor
from weft.errors import ArgumentError, ShapeError
from weft.keras import ops as symbolic_ops
from weft.keras.layers.layer import Layer


class Merge(Layer):
    """Base of layers that combine a list of inputs value by value.

    Inputs of fewer axes are repeated along the axes they lack, after the batch.
    """

    supports_masking = True

    def build(self, input_shape: Any) -> None:
        """Check the number of inputs."""
        self._require_list(input_shape)

    def _require_list(self, shapes: Any) -> None:
        is_list = isinstance(shapes, list | tuple) and all(
            isinstance(shape, list | tuple) for shape in shapes
        )
        if not is_list or len(shapes) < 1:
            raise ArgumentError(
                f"A merge layer should be called on a list of at least 1 input: "
                f"{type(self).__name__}()([a, b]). Received: input_shape={shapes} "
                "(not a list of shapes)"
            )

    def call(self, inputs: Any) -> Tensor:
        most = max(len(x.shape) for x in inputs)
        aligned = []
        for x in inputs:
            for _ in range(most - len(x.shape)):
                x = ops.expand_dims(x, axis=1)
            aligned.append(x)
        try:
            return self.merge(aligned)
        except ShapeError as error:
            shapes = [x.shape for x in inputs]
            raise ShapeError(
                f"{type(self).__name__} {self.name!r}: inputs have incompatible shapes; "
                f"received {shapes}; extents must be equal or 1"
            ) from error

    def merge(self, inputs: list) -> Tensor:
        """The combination of inputs of equal rank."""
        raise NotImplementedError

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        if previous_mask is None:
            return None
        masks = [mask for mask in previous_mask if mask is not None]
        if len(masks) < len(inputs):
            return None
        return functools.reduce(symbolic_ops.logical_and, masks)


class Add(Merge):
    """The sum of the inputs.

    Example:
        >>> import weft.keras as keras
        >>> keras.layers.Add()([keras.ops.ones((1, 2)), keras.ops.ones((1, 2))]).tolist()
        [[2.0, 2.0]]
    """

    def merge(self, inputs: list) -> Tensor:
        return functools.reduce(ops.add, inputs)


class Subtract(Merge):
    """The first of two inputs minus the second."""

    def build(self, input_shape: Any) -> None:
        self._require_list(input_shape)
        if len(input_shape) != 2:
            raise ArgumentError(
                "A `Subtract` layer should be called on exactly 2 inputs. Received: "
                f"input_shape={input_shape}"
            )

    def merge(self, inputs: list) -> Tensor:
        return ops.subtract(*inputs)


class Multiply(Merge):
    """The product of the inputs, value by value."""

    def merge(self, inputs: list) -> Tensor:
        return functools.reduce(ops.multiply, inputs)


class Average(Merge):
    """The mean of the inputs, value by value."""

    def merge(self, inputs: list) -> Tensor:
        return functools.reduce(ops.add, inputs) / len(inputs)


class Maximum(Merge):
    """The largest of the inputs, value by value."""

    def merge(self, inputs: list) -> Tensor:
        return functools.reduce(ops.maximum, inputs)


class Minimum(Merge):
    """The smallest of the inputs, value by value."""

    def merge(self, inputs: list) -> Tensor:
        return functools.reduce(ops.minimum, inputs)


class Concatenate(Merge):
    """The inputs one after the other along an axis.

    Example:
        >>> import weft.keras as keras
        >>> a, b = keras.ops.ones((2, 3)), keras.ops.ones((2, 4))
        >>> keras.layers.Concatenate()([a, b]).shape
        (2, 7)
    """

    settings = ("axis",)

    def __init__(self, axis: int = -1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.axis = axis

    def build(self, input_shape: Any) -> None:
        self._require_list(input_shape)
        shapes = [tuple(shape) for shape in input_shape]
        ndim = len(shapes[0])
        axis = self.axis % ndim if ndim else 0
        for shape in shapes:
            others = [(a, b) for i, (a, b) in enumerate(zip(shape, shapes[0])) if i != axis]
            if len(shape) != ndim or any(a and b and a != b for a, b in others):
                raise ShapeError(
                    "A `Concatenate` layer requires inputs with matching shapes except for "
                    f"the concatenation axis. Received: input_shape={shapes}"
                )

    def call(self, inputs: Any) -> Tensor:
        return ops.concatenate(list(inputs), axis=self.axis)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        if previous_mask is None or all(mask is None for mask in previous_mask):
            return None
        masks = []
        for x, mask in zip(inputs, previous_mask):
            if mask is None:
                mask = symbolic_ops.ones_like(x, dtype="bool")
            elif len(mask.shape) < len(x.shape):
                mask = symbolic_ops.expand_dims(mask, axis=-1)
                mask = symbolic_ops.logical_or(
                    mask, symbolic_ops.zeros_like(x, dtype="bool")
                )
            masks.append(mask)
        together = symbolic_ops.concatenate(masks, axis=self.axis)
        return symbolic_ops.any(together, axis=-1, keepdims=False)


class Dot(Merge):
    """Products of two inputs summed over an axis, sample by sample.

    Args:
        axes: the axis of both, or one for each; the batch is axis 0.
        normalize: divide by the lengths along the axis first, for cosine similarity.

    Shapes: (batch, …, n, …) and (batch, …, n, …) → the other axes of the first, then of
    the second; (batch, 1) if there are none.
    """

    settings = ("axes", "normalize")

    def __init__(self, axes: Any, normalize: bool = False, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not isinstance(axes, int):
            if not isinstance(axes, list | tuple) or len(axes) != 2:
                raise ArgumentError(
                    "Invalid format for argument `axes`: it must be an int or a pair of "
                    f"ints. Received: axes={axes}"
                )
            axes = tuple(axes)
        self.axes, self.normalize = axes, normalize

    def build(self, input_shape: Any) -> None:
        self._require_list(input_shape)
        if len(input_shape) != 2:
            raise ArgumentError(
                f"A `Dot` layer should be called on a list of 2 inputs. Received: "
                f"input_shape={input_shape}"
            )
        first, second = self._positive_axes(*map(len, input_shape))
        a, b = input_shape[0][first], input_shape[1][second]
        if a is not None and b is not None and a != b:
            raise ShapeError(
                f"Incompatible input shapes: axis values {a} (at axis {first}) != {b} (at "
                f"axis {second}). Full input shapes: {input_shape[0]}, {input_shape[1]}"
            )

    def _positive_axes(self, *ndims: int) -> tuple[int, int]:
        pair = (self.axes, self.axes) if isinstance(self.axes, int) else self.axes
        found = [axis % ndim for axis, ndim in zip(pair, ndims)]
        return found[0], found[1]

    def call(self, inputs: Any) -> Tensor:
        x, y = inputs
        first, second = self._positive_axes(len(x.shape), len(y.shape))
        if self.normalize:
            x = _unit_length(x, first)
            y = _unit_length(y, second)
        free = iter(string.ascii_letters[2:])
        left = ["a" if i == 0 else "b" if i == first else next(free)
                for i in range(len(x.shape))]  # fmt: skip
        right = ["a" if i == 0 else "b" if i == second else next(free)
                 for i in range(len(y.shape))]  # fmt: skip
        kept = [letter for letter in left[1:] + right[1:] if letter != "b"]
        out = ops.einsum(f"{''.join(left)},{''.join(right)}->a{''.join(kept)}", x, y)
        return out if kept else ops.expand_dims(out, axis=1)

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        return None


def _unit_length(x: Any, axis: int) -> Tensor:
    square = ops.sum(ops.square(x), axis=axis, keepdims=True)
    return x * ops.rsqrt(ops.maximum(square, 1e-24))


def _function(layer: type, name: str, first: str) -> Callable:
    def merged(inputs: Any, **kwargs: Any) -> Any:
        return layer(**kwargs)(inputs)

    merged.__name__ = merged.__qualname__ = name
    merged.__doc__ = f"{first} of the inputs: `{layer.__name__}(**kwargs)(inputs)`."
    return merged


add = _function(Add, "add", "The sum")
subtract = _function(Subtract, "subtract", "The difference")
multiply = _function(Multiply, "multiply", "The product")
average = _function(Average, "average", "The mean")
maximum = _function(Maximum, "maximum", "The largest")
minimum = _function(Minimum, "minimum", "The smallest")


def concatenate(inputs: Any, axis: int = -1, **kwargs: Any) -> Any:
    """The inputs one after the other along an axis."""
    return Concatenate(axis=axis, **kwargs)(inputs)


def dot(inputs: Any, axes: Any = -1, **kwargs: Any) -> Any:
    """Products of two inputs summed over an axis."""
    return Dot(axes=axes, **kwargs)(inputs)

"""Input: where a model's data comes in."""

from __future__ import annotations

import warnings
from typing import Any

from weft.errors import ArgumentError
from weft.keras.backend.keras_tensor import KerasTensor
from weft.keras.backend.operation import Node
from weft.keras.backend.settings import standardize_dtype
from weft.keras.backend.shapes import standardize_shape
from weft.keras.layers.layer import Layer


class InputLayer(Layer):
    """The layer that stands for a model's input."""

    def __init__(
        self,
        shape: Any = None,
        batch_size: int | None = None,
        dtype: Any = None,
        sparse: bool | None = None,
        ragged: bool | None = None,
        batch_shape: Any = None,
        input_tensor: Any = None,
        optional: bool = False,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name)
        given = kwargs.pop("input_shape", None)
        shape = given if shape is None else shape
        batch_shape = kwargs.pop("batch_input_shape", None) or batch_shape
        if kwargs:
            raise ArgumentError(f"InputLayer: unrecognized keyword arguments: {kwargs}")
        if sparse or ragged:
            raise ArgumentError(
                f"Input: weft has dense tensors only; received sparse={sparse}, "
                f"ragged={ragged}; leave both out"
            )
        if input_tensor is not None:
            if not isinstance(input_tensor, KerasTensor):
                raise ArgumentError(
                    f"Input: `tensor` must be a KerasTensor; received {input_tensor!r}"
                )
            dtype = input_tensor.dtype if dtype is None else dtype
            batch_shape = input_tensor.shape if batch_shape is None else batch_shape
        if shape is not None and batch_shape is not None:
            raise ArgumentError(
                "Input: give `shape` (without the batch) or `batch_shape`, not both; "
                f"received shape={shape} and batch_shape={batch_shape}"
            )
        if batch_shape is None:
            if shape is None:
                raise ArgumentError("Input: a shape is needed: Input(shape=(784,))")
            batch_shape = (batch_size, *standardize_shape(shape, "Input"))
        self.batch_shape = standardize_shape(batch_shape, "Input")
        self._input_dtype = standardize_dtype(dtype)
        self.optional = bool(optional)
        self.sparse = self.ragged = False
        self.built = True
        if input_tensor is None or input_tensor._keras_history is not None:
            input_tensor = KerasTensor(self.batch_shape, dtype=self._input_dtype, name=name)
        Node(self, (), {}, input_tensor)

    def call(self, *args: Any, **kwargs: Any) -> Any:
        return args[0] if args else None

    @property
    def dtype(self) -> str:
        return self._input_dtype

    def get_config(self) -> dict:
        return {
            "batch_shape": self.batch_shape,
            "dtype": self._input_dtype,
            "sparse": False,
            "ragged": False,
            "name": self.name,
            "optional": self.optional,
        }

    @classmethod
    def from_config(cls, config: dict) -> InputLayer:
        return cls(**config)


def Input(
    shape: Any = None,
    batch_size: int | None = None,
    dtype: Any = None,
    sparse: bool | None = None,
    ragged: bool | None = None,
    batch_shape: Any = None,
    name: str | None = None,
    tensor: Any = None,
    optional: bool = False,
) -> KerasTensor:
    """A symbolic tensor that stands for data to come.

    Args:
        shape: without the batch axis, None where unknown; () for one number a sample.
        batch_size: the number of samples, if it is fixed.
        dtype: 'float32' if left out.
        batch_shape: the shape with the batch axis, instead of `shape`.
        name: names the input where inputs are a dict.
        tensor: an existing KerasTensor to take.
        optional: whether None may be passed for it.

    Example:
        >>> import weft.keras as keras
        >>> x = keras.Input((4,))
        >>> keras.Model(x, keras.layers.Dense(2)(x)).output_shape
        (None, 2)
    """
    if isinstance(shape, KerasTensor):
        warnings.warn("Input: received a KerasTensor as shape; it is taken as it is",
                      stacklevel=2)  # fmt: skip
        return shape
    layer = InputLayer(
        shape=shape,
        batch_size=batch_size,
        dtype=dtype,
        sparse=sparse,
        ragged=ragged,
        batch_shape=batch_shape,
        name=name,
        input_tensor=tensor,
        optional=optional,
    )
    return layer.output

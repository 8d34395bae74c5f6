"""Keras' Variable: weft's, with an initializer, a path and marks for training."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from weft import ops
from weft.core.state import eager
from weft.core.tensor import Tensor
from weft.dtypes import canonical
from weft.errors import ArgumentError, ShapeError
from weft.keras.backend.names import auto_name, current_path
from weft.keras.backend.scopes import SCOPES
from weft.keras.backend.shapes import standardize_shape
from weft.ops.convert import cast, convert_to_tensor
from weft.ops.variable import Variable as _Variable


class Variable(_Variable):
    """A tensor that can be assigned, as Keras spells it.

    Args:
        initializer: the first value, or a function `(shape, dtype=) -> value`; a string is
            looked up among the initializers.
        shape: needed with a function.
        dtype: the dtype; floats become `floatx()` where it is left out.
        trainable: whether it is trained.
        autocast: whether it may be read in a layer's compute dtype.
        aggregation, synchronization, layout: kept for compatibility.
        name: the last part of `path`.

    Example:
        >>> import weft.keras as keras
        >>> keras.Variable([1.0, 2.0], name="v").assign([3.0, 4.0]).numpy()
        array([3., 4.], dtype=float32)
    """

    def __init__(
        self,
        initializer: Any,
        shape: Any = None,
        dtype: Any = None,
        trainable: bool = True,
        autocast: bool = True,
        aggregation: str = "none",
        synchronization: str = "auto",
        name: str | None = None,
        layout: Any = None,
        constraint: Callable | None = None,
        regularizer: Callable | None = None,
        **kwargs: Any,
    ) -> None:
        name = auto_name(type(self).__name__) if name is None else name
        if not isinstance(name, str) or "/" in name:
            raise ArgumentError(
                f"Variable: the name must be a string without '/'; received {name!r}"
            )
        path = current_path()
        self._path = f"{path}/{name}" if path else name
        if isinstance(initializer, str):
            from weft.keras import initializers

            initializer = initializers.get(initializer)
        if callable(initializer):
            value = _initialized(initializer, shape, dtype, name)
        else:
            value = initializer
            if shape is not None:
                value = _shaped(value, standardize_shape(shape), dtype)
        super().__init__(value, trainable=trainable, name=name, dtype=dtype,
                         constraint=constraint)  # fmt: skip
        self.initializer = initializer if callable(initializer) else None
        self.regularizer = regularizer
        self.autocast = autocast
        self.aggregation = "none" if aggregation is None else aggregation
        self.synchronization = synchronization
        self.overwrite_with_gradient = False
        self._layout = layout

    @property
    def path(self) -> str:
        """The names of the scopes it was made in, and its own: `dense/kernel`."""
        return self._path

    @property
    def value(self) -> Tensor:
        """The current value, in the compute dtype where a layer asks for that."""
        scopes = SCOPES
        if scopes.stateless:
            tensor = self._stateless_value()
        else:
            tensor = _core_value(self)
        dtype = scopes.autocast
        if dtype is None or not self.autocast or not self.dtype.is_floating:
            return tensor
        return cast(tensor, dtype)

    def _stateless_value(self) -> Tensor:
        for scope in reversed(SCOPES.stateless):
            tensor = scope.get_current_value(self)
            if tensor is not None:
                return tensor
        return _core_value(self)

    def set_tensor(self, tensor: Tensor) -> None:
        if SCOPES.stateless:
            SCOPES.stateless[-1].add_update((self, tensor))
        else:
            super().set_tensor(tensor)

    def _deferred_initialize(self) -> None:
        """Variables have their value from the start."""


_core_property: Any = _Variable.value
_core_value = _core_property.fget


def _initialized(initializer: Callable, shape: Any, dtype: Any, name: str) -> Tensor:
    if shape is None:
        raise ArgumentError(
            f"Variable: {name!r} is made by an initializer, which needs a shape; received "
            f"shape=None; give shape=(…)"
        )
    shape = standardize_shape(shape)
    if None in shape:
        raise ArgumentError(
            f"Variable: the shape of {name!r} must be known; received {shape}; "
            "give the layer an input whose last axis is known"
        )
    if SCOPES.allowance is not None:
        SCOPES.allowance.take(shape, canonical(dtype), name)
    with eager():
        value = convert_to_tensor(initializer(shape, dtype=canonical(dtype)), dtype=dtype)
    if value.shape != shape:
        raise ShapeError(
            f"Variable: the initializer of {name!r} must give the shape {shape}; received "
            f"{value.shape}"
        )
    return value


def _shaped(value: Any, shape: tuple, dtype: Any) -> Tensor:
    with eager():
        tensor = convert_to_tensor(value, dtype=dtype)
        return ops.broadcast_to(tensor, shape) if tensor.shape == () else tensor

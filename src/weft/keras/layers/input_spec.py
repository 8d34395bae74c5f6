"""InputSpec: what a layer expects of its inputs; and the check."""

from __future__ import annotations

import math
from typing import Any

from weft import tree
from weft.errors import ArgumentError, ArgumentTypeError, ShapeError
from weft.keras.backend.keras_tensor import KerasTensor
from weft.keras.backend.scopes import known_shape
from weft.keras.backend.shapes import standardize_shape


class InputSpec:
    """What a layer expects of one input.

    Args:
        dtype: the dtype.
        shape: the shape, None where anything goes.
        ndim, max_ndim, min_ndim: the number of axes.
        axes: axis → its extent.
        allow_last_axis_squeeze: take (…, n) for (…, n, 1) and the reverse.
        name: the input's key where inputs are a dict.
        optional: whether it may be missing (None).

    Example:
        >>> import weft.keras as keras
        >>> keras.InputSpec(ndim=2, axes={-1: 4})
        InputSpec(ndim=2, axes={-1: 4})
    """

    def __init__(
        self,
        dtype: Any = None,
        shape: Any = None,
        ndim: int | None = None,
        max_ndim: int | None = None,
        min_ndim: int | None = None,
        axes: dict | None = None,
        allow_last_axis_squeeze: bool = False,
        name: str | None = None,
        optional: bool = False,
    ) -> None:
        self.dtype = None if dtype is None else str(dtype)
        self.shape = None if shape is None else standardize_shape(shape, "InputSpec")
        self.ndim = len(self.shape) if self.shape is not None else ndim
        self.max_ndim, self.min_ndim = max_ndim, min_ndim
        self.name, self.optional = name, optional
        self.allow_last_axis_squeeze = allow_last_axis_squeeze
        if axes is not None and not isinstance(axes, dict):
            raise ArgumentTypeError(
                f"InputSpec: axes must be a dict from axis to extent; received {axes!r}"
            )
        self.axes = {int(axis): extent for axis, extent in (axes or {}).items()}
        most = self.ndim or self.max_ndim
        if self.axes and most is not None and max(self.axes) >= most:
            raise ArgumentError(
                f"InputSpec: axis {max(self.axes)} is not among {most} axes; "
                f"received axes={axes}"
            )

    def get_config(self) -> dict:
        names = ("dtype", "shape", "ndim", "max_ndim", "min_ndim", "axes", "optional")
        return {name: getattr(self, name) for name in names}

    @classmethod
    def from_config(cls, config: dict) -> InputSpec:
        return cls(**config)

    def __repr__(self) -> str:
        names = ("dtype", "shape", "ndim", "max_ndim", "min_ndim", "axes")
        given = [(name, getattr(self, name)) for name in names]
        shown = [f"{name}={value}" for name, value in given if value]
        return f"InputSpec({', '.join(shown)})"


def assert_input_compatibility(input_spec: Any, inputs: Any, layer_name: str) -> None:
    """Check inputs against specs.

    Raises:
        ShapeError: naming the layer, the rule, and the shape that was received.
    """
    if not input_spec:
        return
    specs = tree.leaves(input_spec)
    if isinstance(inputs, dict) and all(spec is None or spec.name for spec in specs):
        missing = [s.name for s in specs if s and s.name not in inputs and not s.optional]
        if missing:
            raise ArgumentError(
                f'Missing data for input "{missing[0]}" of layer "{layer_name}". You '
                f"passed a data dictionary with keys {list(inputs)}. "
                f"Expected the following keys: {[s.name for s in specs]}"
            )
        tensors = [inputs.get(spec.name) for spec in specs]
    else:
        tensors = tree.leaves(inputs)
    if len(tensors) != len(specs):
        raise ArgumentError(
            f'Layer "{layer_name}" expects {len(specs)} input(s), but it received '
            f"{len(tensors)} input tensors. Inputs received: {_shown(tensors)}"
        )
    for position, (x, spec) in enumerate(zip(tensors, specs)):
        if spec is None or (x is None and spec.optional):
            continue
        _check(f'Input {position} of layer "{layer_name}"', x, spec)


def _shown(tensors: list) -> list:
    return [getattr(x, "shape", x) for x in tensors]


def shape_of(x: Any) -> tuple[int | None, ...]:
    """The shape, None where unknown."""
    shape = x.shape
    return shape if isinstance(x, KerasTensor) else known_shape(shape)


def _check(who: str, x: Any, spec: InputSpec) -> None:
    if not hasattr(x, "shape"):
        raise ArgumentError(f"{who} is not a tensor; received {x!r}")
    shape = shape_of(x)
    ndim = len(shape)
    wrong = f"{who} is incompatible with the layer: expected"
    full = f"Full shape received: {shape}"
    if spec.ndim is not None and not spec.allow_last_axis_squeeze and ndim != spec.ndim:
        raise ShapeError(f"{wrong} ndim={spec.ndim}, found ndim={ndim}. {full}")
    if spec.max_ndim is not None and ndim > spec.max_ndim:
        raise ShapeError(f"{wrong} max_ndim={spec.max_ndim}, found ndim={ndim}. {full}")
    if spec.min_ndim is not None and ndim < spec.min_ndim:
        remedy = "; a single sample is a batch of one: x[None]" if ndim else ""
        raise ShapeError(
            f"{wrong} min_ndim={spec.min_ndim}, found ndim={ndim}. {full}{remedy}"
        )
    if spec.dtype is not None and str(x.dtype) != spec.dtype:
        raise ShapeError(f"{wrong} dtype={spec.dtype}, found dtype={x.dtype}.")
    for axis, extent in spec.axes.items():
        if extent is not None and shape[axis] not in (extent, None):
            raise ShapeError(
                f"{wrong} axis {axis} of input shape to have value {extent}, but received "
                f"input with shape {shape}{_flattened(extent, axis, shape)}"
            )
    if spec.shape is not None:
        _check_shape(wrong, shape, spec.shape, spec.allow_last_axis_squeeze)


def _flattened(extent: int, axis: int, shape: tuple) -> str:
    """The remedy for images and other samples that a dense layer takes as rows."""
    is_flat = axis == -1 and None not in shape[1:] and math.prod(shape[1:]) == extent
    return f"; reshape it to (…, {extent}), or begin with layers.Flatten()" * is_flat


def _check_shape(wrong: str, shape: tuple, wanted: tuple, may_squeeze: bool) -> None:
    pairs = [(wanted, shape)]
    if may_squeeze:
        # One of the two may lack a last axis of 1; a batch of one sample has no other axis.
        pairs += [(wanted[:-1], shape)] * (wanted[-1:] == (1,))
        pairs += [(wanted, shape[:-1])] * (shape[-1:] == (1,))
    if not any(_agree(*pair) for pair in pairs):
        raise ShapeError(f"{wrong} shape={wanted}, found shape={shape}")


def _agree(one: tuple, other: tuple) -> bool:
    return len(one) == len(other) and all(
        a is None or b is None or a == b for a, b in zip(one, other)
    )

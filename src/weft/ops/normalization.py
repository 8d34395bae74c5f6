"""Normalisation: moments, batch, layer and RMS normalisation, unit vectors, PSNR."""

from __future__ import annotations

from typing import Any

from weft import config, dtypes
from weft.core.tensor import Tensor
from weft.errors import ArgumentError, ShapeError
from weft.ops import elementwise as e
from weft.ops import reduce
from weft.ops.axes import one_axis, some_axes
from weft.ops.convert import as_tensor, cast
from weft.ops.layout import expand_dims, reshape, squeeze
from weft.ops.promotion import as_float, common_dtype, promote

_HALVES = (dtypes.float16, dtypes.bfloat16)
_LARGEST_HALF = 65504.0


def _wide(x: Any) -> Tensor:
    """At least float32, in which halves are normalised."""
    x = as_float(x)
    return cast(x, common_dtype(x.dtype, dtypes.float32))


def moments(
    x: Any, axes: Any, keepdims: bool = False, synchronized: bool = False
) -> tuple[Tensor, Tensor]:
    """The mean and the variance over axes.

    Halves are computed in float32 and kept within the range of float16.
    """
    if synchronized:
        raise ArgumentError("moments: weft runs on one device; received synchronized=True")
    x = as_float(x)
    axes = some_axes("moments", axes, x.ndim)
    wide = _wide(x)
    mean = reduce.mean(wide, axes, keepdims=True)
    distance = wide - mean
    variance = reduce.mean(distance * distance, axes, keepdims=True)
    if not keepdims:
        mean, variance = (_dropped(y, axes) for y in (mean, variance))
    if x.dtype in _HALVES:
        mean, variance = (
            cast(e.clip(y, -_LARGEST_HALF, _LARGEST_HALF), x.dtype)
            for y in (mean, variance)
        )
    return mean, variance


def _dropped(x: Tensor, axes: tuple[int, ...]) -> Tensor:
    return squeeze(x, axes) if axes else x


def _along(v: Any, x: Tensor, axes: tuple[int, ...]) -> Tensor:
    """A vector (or the shape of `axes`) laid along the axes of x."""
    shape = tuple([n if axis in axes else 1 for axis, n in enumerate(x.shape)])
    return reshape(v, shape)


def batch_normalization(
    x: Any, mean: Any, variance: Any, axis: int, offset: Any = None, scale: Any = None,
    epsilon: float = 1e-3,
) -> Tensor:  # fmt: skip
    """(x - mean) / sqrt(variance + epsilon) * scale + offset, vectors along one axis."""
    x = as_float(x)
    axis = one_axis("batch_normalization", axis, x.ndim)
    mean, variance = as_tensor(mean), as_tensor(variance)
    if mean.shape != (x.shape[axis],) or variance.shape != mean.shape:
        raise ShapeError(
            f"batch_normalization: mean and variance must be vectors of size "
            f"{x.shape[axis]}, that of axis {axis}; received mean {mean.spec}, variance "
            f"{variance.spec} for {x.spec}"
        )
    factor = e.rsqrt(variance + epsilon)
    if scale is not None:
        factor = factor * as_tensor(scale)
    shift = -mean * factor
    if offset is not None:
        shift = shift + as_tensor(offset)
    return x * _along(factor, x, (axis,)) + _along(shift, x, (axis,))


def layer_normalization(
    x: Any, gamma: Any = None, beta: Any = None, axis: Any = -1,
    epsilon: float | None = None, **kwargs: Any,
) -> Tensor:  # fmt: skip
    """(x - mean) / sqrt(variance + epsilon) * gamma + beta over axes of each sample.

    Example:
        >>> from weft import ops
        >>> ops.layer_normalization([1.0, 3.0], epsilon=0.0).tolist()
        [-1.0, 1.0]
    """
    rms_scaling = kwargs.pop("rms_scaling", False)
    if kwargs:
        raise ArgumentError(
            f"layer_normalization: unexpected arguments; received {', '.join(kwargs)}"
        )
    epsilon = config.epsilon() if epsilon is None else epsilon
    x = as_float(x)
    wide, axes = _wide(x), some_axes("layer_normalization", axis, x.ndim)
    mean = reduce.mean(wide, axes, keepdims=True)
    distance = wide - mean
    variance = reduce.mean(distance * distance, axes, keepdims=True)
    factor = e.rsqrt(variance + epsilon)
    out = (wide if rms_scaling else distance) * factor
    if gamma is not None:
        out = out * _laid(gamma, wide, axes)
    if beta is not None and not rms_scaling:
        out = out + _laid(beta, wide, axes)
    return cast(out, x.dtype)


def _laid(v: Any, x: Tensor, axes: tuple[int, ...]) -> Tensor:
    v = cast(v, x.dtype)
    return v if v.ndim == x.ndim or axes == (x.ndim - 1,) else _along(v, x, axes)


def rms_normalization(
    x: Any, scale: Any = None, axis: Any = -1, epsilon: float | None = None
) -> Tensor:
    """x / sqrt(mean(x²) + epsilon) * scale over axes of each sample."""
    epsilon = config.epsilon() if epsilon is None else epsilon
    x = as_float(x)
    if not x.ndim:
        x = expand_dims(x, 0)
    wide = _wide(x)
    squares = reduce.mean(wide * wide, axis, keepdims=True)
    out = wide * e.rsqrt(squares + epsilon)
    if scale is not None:
        out = out * cast(scale, wide.dtype)
    return cast(out, x.dtype)


def normalize(
    x: Any, axis: Any = -1, order: int = 2, epsilon: float | None = None
) -> Tensor:
    """x divided by its norm over an axis, so that the norm becomes 1.

    Example:
        >>> from weft import ops
        >>> ops.normalize([0.0, 2.0]).tolist()
        [0.0, 1.0]
    """
    if not isinstance(order, int) or order < 1:
        raise ArgumentError(f"normalize: order must be an int >= 1; received {order!r}")
    epsilon = config.epsilon() if epsilon is None else epsilon
    x = as_float(x)
    if not x.ndim:
        x = expand_dims(x, 0)
    if order == 2:
        squares = reduce.sum(x * x, axis, keepdims=True)
        return x * e.minimum(e.rsqrt(squares), 1.0 / epsilon)
    return x / e.maximum(reduce.norm(x, order, axis, keepdims=True), epsilon)


def psnr(x1: Any, x2: Any, max_val: float) -> Tensor:
    """The peak signal-to-noise ratio of two images, in decibels.

    Args:
        max_val: the largest value that a pixel can have.
    """
    x1, x2 = promote(x1, x2, also=(float,))
    if x1.shape != x2.shape:
        raise ShapeError(f"psnr: shapes must be equal; received {x1.spec} and {x2.spec}")
    error = reduce.mean(e.square(x1 - x2))
    return 20.0 * e.log10(cast(max_val, x2.dtype)) - 10.0 * e.log10(error)

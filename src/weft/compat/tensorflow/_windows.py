"""tf.nn's convolutions and poolings, with TensorFlow's names of paddings and layouts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from weft import ops
from weft.compat.conversion import matching, tensor
from weft.core.tensor import Tensor
from weft.errors import ArgumentError, ShapeError

_FORMATS = {
    "NWC": "channels_last", "NHWC": "channels_last", "NDHWC": "channels_last",
    "NCW": "channels_first", "NCHW": "channels_first", "NCDHW": "channels_first",
    None: "channels_last",
}  # fmt: skip


def _layout(who: str, data_format: Any) -> str:
    if data_format not in _FORMATS:
        raise ArgumentError(
            f"tf.nn.{who}: data_format must be one of "
            f"{', '.join(filter(None, _FORMATS))}; received {data_format!r}"
        )
    return _FORMATS[data_format]


def _per_axis(who: str, what: str, value: Any, rank: int, layout: str) -> tuple[int, ...]:
    """One number per axis of space, of one number, `rank` of them, or one for each axis."""
    given = tuple(value) if isinstance(value, list | tuple) else (value,)
    if len(given) == 1:
        return given * rank
    if len(given) == rank + 2:
        outer, given = (
            ((given[0], given[-1]), given[1:-1])
            if layout == "channels_last"
            else (given[:2], given[2:])
        )
        if any(extent not in (1, None) for extent in outer):
            raise ArgumentError(
                f"tf.nn.{who}: {what} must be 1 for the batch and the channels; received "
                f"{value!r}"
            )
    if len(given) != rank:
        raise ArgumentError(
            f"tf.nn.{who}: {what} must have 1, {rank} or {rank + 2} numbers; received "
            f"{value!r}"
        )
    return given


def _padded(who: str, x: Tensor, padding: Any) -> tuple[Tensor, str]:
    """A padding in numbers becomes zeros around the images."""
    if isinstance(padding, str):
        if padding.upper() not in ("SAME", "VALID"):
            raise ArgumentError(
                f"tf.nn.{who}: padding must be 'SAME', 'VALID' or a pair of numbers for each "
                f"axis; received {padding!r}"
            )
        return x, padding.lower()
    return ops.pad(x, [tuple(pair) for pair in padding]), "valid"


def _convolving(who: str, apply: Callable, rank: int | None) -> Callable:
    def convolve(
        input: Any, filters: Any, strides: Any, padding: Any, data_format: Any = None,
        dilations: Any = None, name: str | None = None,
    ) -> Tensor:  # fmt: skip
        x, kernel = matching(f"tf.nn.{who}", input, filters)
        axes = rank or len(x.shape) - 2
        if len(x.shape) != axes + 2:
            raise ShapeError(
                f"tf.nn.{who}: the input must have {axes + 2} axes; received {x.spec}"
            )
        layout = _layout(who, data_format)
        x, padding = _padded(who, x, padding)
        return apply(
            x, kernel, _per_axis(who, "strides", strides, axes, layout), padding,
            data_format=layout,
            dilation_rate=_per_axis(who, "dilations", dilations or 1, axes, layout),
        )  # fmt: skip

    convolve.__name__ = who
    convolve.__doc__ = f"`weft.ops.{apply.__name__}` with TensorFlow's arguments."
    return convolve


conv1d = _convolving("conv1d", ops.conv, 1)
conv2d = _convolving("conv2d", ops.conv, 2)
conv3d = _convolving("conv3d", ops.conv, 3)
depthwise_conv2d = _convolving("depthwise_conv2d", ops.depthwise_conv, 2)
_any_convolution = _convolving("convolution", ops.conv, None)


def convolution(
    input: Any, filters: Any, strides: Any = 1, padding: Any = "VALID",
    data_format: Any = None, dilations: Any = None, name: str | None = None,
) -> Tensor:  # fmt: skip
    """`weft.ops.conv` of lines, images or volumes, with TensorFlow's arguments."""
    return _any_convolution(input, filters, strides or 1, padding, data_format, dilations)


def _transposing(who: str, rank: int) -> Callable:
    def transpose(
        input: Any, filters: Any, output_shape: Any, strides: Any, padding: Any = "SAME",
        data_format: Any = None, dilations: Any = None, name: str | None = None,
    ) -> Tensor:  # fmt: skip
        x, kernel = matching(f"tf.nn.{who}", input, filters)
        layout = _layout(who, data_format)
        found = ops.conv_transpose(
            x, kernel, _per_axis(who, "strides", strides, rank, layout), padding.lower(),
            data_format=layout,
            dilation_rate=_per_axis(who, "dilations", dilations or 1, rank, layout),
        )  # fmt: skip
        wanted = tuple(int(extent) for extent in output_shape)
        if found.shape != wanted:
            raise ShapeError(
                f"tf.nn.{who}: output_shape must follow from the strides, which give "
                f"{found.shape}; received {wanted}"
            )
        return found

    transpose.__name__ = who
    transpose.__doc__ = "`weft.ops.conv_transpose` with TensorFlow's arguments."
    return transpose


conv1d_transpose = _transposing("conv1d_transpose", 1)
conv2d_transpose = _transposing("conv2d_transpose", 2)
conv3d_transpose = _transposing("conv3d_transpose", 3)


def _pooling(who: str, apply: Callable, rank: int | None) -> Callable:
    def pool(
        input: Any, ksize: Any, strides: Any, padding: str, data_format: Any = None,
        name: str | None = None,
    ) -> Tensor:  # fmt: skip
        x = tensor(f"tf.nn.{who}", input)
        axes = rank or len(x.shape) - 2
        layout = _layout(who, data_format)
        windows = _per_axis(who, "ksize", ksize, axes, layout)
        steps = _per_axis(who, "strides", strides, axes, layout)
        return apply(x, windows, steps, padding.lower(), layout)

    pool.__name__ = who
    pool.__doc__ = f"`weft.ops.{apply.__name__}` with TensorFlow's arguments."
    return pool


max_pool = _pooling("max_pool", ops.max_pool, None)
max_pool1d = _pooling("max_pool1d", ops.max_pool, 1)
max_pool2d = _pooling("max_pool2d", ops.max_pool, 2)
max_pool3d = _pooling("max_pool3d", ops.max_pool, 3)
avg_pool = _pooling("avg_pool", ops.average_pool, None)
avg_pool1d = _pooling("avg_pool1d", ops.average_pool, 1)
avg_pool2d = _pooling("avg_pool2d", ops.average_pool, 2)
avg_pool3d = _pooling("avg_pool3d", ops.average_pool, 3)

"""Convolutions and pooling: conv, conv_transpose, depthwise, separable, max and average."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from weft.core.tensor import Tensor
from weft.errors import ArgumentError, ShapeError
from weft.ops.convert import as_tensor, cast, integer, numbers
from weft.ops.elementwise import divide, where
from weft.ops.indexing import take
from weft.ops.layout import transpose
from weft.ops.promotion import NUMBERS, as_float, promote, require
from weft.ops.reduce import max as largest
from weft.ops.reduce import sum as total
from weft.primitives import reduction, shape, window
from weft.primitives.convolution import conv as conv_primitive

_FORMATS = ("channels_last", "channels_first")

# -- what all have in common -------------------------------------------------------------


def per_axis(who: str, what: str, value: Any, rank: int, least: int = 1) -> tuple[int, ...]:
    """One int for each spatial axis; a single one counts for all.

    Raises:
        ArgumentError: for other numbers of ints, and ints below `least`.
    """
    given = numbers(value, who, what)
    found = given * rank if len(given) == 1 else given
    if len(found) != rank or min(found, default=least) < least:
        raise ArgumentError(
            f"{who}: {what} must be an int >= {least}, or {rank} of them; received "
            f"{what}={value!r}"
        )
    return found


def _images(who: str, inputs: Any, data_format: str | None) -> tuple[Tensor, bool]:
    """The inputs with channels last, and whether they were first."""
    x = as_tensor(inputs)
    name = data_format or "channels_last"
    if name not in _FORMATS:
        raise ArgumentError(
            f"{who}: data_format must be 'channels_last' or 'channels_first'; received "
            f"{data_format!r}"
        )
    if x.ndim < 3:
        raise ShapeError(
            f"{who}: inputs must have a batch axis, one or more spatial axes and channels; "
            f"received {x.spec}; add the missing axes with expand_dims"
        )
    is_first = name == "channels_first"
    if is_first:
        x = transpose(x, (0, *range(2, x.ndim), 1))
    return x, is_first


def _back(x: Tensor, is_first: bool) -> Tensor:
    return transpose(x, (0, x.ndim - 1, *range(1, x.ndim - 1))) if is_first else x


def same_padding(extent: int, reach: int, stride: int) -> tuple[int, int]:
    """How much to pad before and after, so that there are extent / stride windows."""
    count = -(-extent // stride)
    needed = max((count - 1) * stride + reach - extent, 0)
    return needed // 2, needed - needed // 2


def _padding(
    who: str, padding: str, extents: tuple[int, ...], sizes: tuple[int, ...],
    strides: tuple[int, ...], dilations: tuple[int, ...],
) -> tuple[tuple[int, ...], tuple[int, ...]]:  # fmt: skip
    """(low, high) for 'valid', 'same' or 'causal'.

    Raises:
        ShapeError: if a window reaches further than the inputs.
    """
    name = padding.lower() if isinstance(padding, str) else padding
    reaches = [(n - 1) * by + 1 for n, by in zip(sizes, dilations)]
    rows = list(zip(extents, reaches, strides))
    if name == "valid":
        if any(reach > extent for extent, reach, _ in rows):
            raise ShapeError(
                f"{who}: with padding='valid' the window must fit the inputs; received "
                f"inputs of {extents} and windows that reach over {tuple(reaches)}; use "
                "padding='same', a smaller window or larger inputs"
            )
        return (0,) * len(sizes), (0,) * len(sizes)
    if name == "same":
        pairs = [same_padding(*row) for row in rows]
        return tuple([low for low, _ in pairs]), tuple([high for _, high in pairs])
    if name == "causal" and len(sizes) == 1:
        return (reaches[0] - 1,), (0,)
    raise ArgumentError(
        f"{who}: padding must be 'valid' or 'same'; received padding={padding!r}"
    )


def _check_kernel(who: str, x: Tensor, kernel: Tensor) -> None:
    if kernel.ndim != x.ndim:
        raise ShapeError(
            f"{who}: the kernel must have as many axes as the inputs; received the kernel "
            f"{kernel.spec} for {x.spec}"
        )


# -- convolutions ------------------------------------------------------------------------


def conv(
    inputs: Any, kernel: Any, strides: Any = 1, padding: str = "valid",
    data_format: str | None = None, dilation_rate: Any = 1,
) -> Tensor:  # fmt: skip
    """The sums of products of a kernel with the windows of images (or lines, or volumes).

    Args:
        inputs: [batch, *spatial, channels], or [batch, channels, *spatial].
        kernel: [*sizes, channels / groups, filters]; the groups follow from the channels.
        strides: steps between windows.
        padding: 'valid', or 'same' (extent / stride windows).
        data_format: 'channels_last' (also for None) or 'channels_first'.
        dilation_rate: steps between the elements of a window.

    Raises:
        ShapeError: if the channels do not agree, or the kernel does not fit.

    Example:
        >>> from weft import ops
        >>> line = ops.reshape([1.0, 2.0, 4.0, 8.0], (1, 4, 1))
        >>> ops.conv(line, ops.reshape([1.0, 1.0], (2, 1, 1))).tolist()
        [[[3.0], [6.0], [12.0]]]
    """
    x, is_first = _images("conv", inputs, data_format)
    x, weights = _promoted("conv", x, kernel)
    channels, expected = x.shape[-1], weights.shape[-2]
    if expected < 1 or channels % expected or weights.shape[-1] % (channels // expected or 1):
        raise ShapeError(
            "conv: the number of input channels must match the kernel's input channels, or "
            f"be a multiple of them that divides the filters; received {channels} input "
            f"channels in {x.spec} and the kernel {weights.spec}"
        )
    groups = max(channels // expected, 1)
    return _back(_conv("conv", x, weights, strides, padding, dilation_rate, groups), is_first)


def _promoted(who: str, x: Tensor, kernel: Any) -> tuple[Tensor, Tensor]:
    x, weights = promote(x, kernel)
    require(who, x, NUMBERS)
    _check_kernel(who, x, weights)
    return x, weights


def _conv(
    who: str, x: Tensor, kernel: Tensor, strides: Any, padding: str, dilation_rate: Any,
    groups: int,
) -> Tensor:  # fmt: skip
    sizes = kernel.shape[:-2]
    steps = per_axis(who, "strides", strides, len(sizes))
    dilations = per_axis(who, "dilation_rate", dilation_rate, len(sizes))
    low, high = _padding(who, padding, x.shape[1:-1], sizes, steps, dilations)
    return conv_primitive.bind(
        x, kernel, strides=steps, low=low, high=high, dilations=dilations,
        interior=(0,) * len(sizes), groups=groups,
    )  # fmt: skip


def depthwise_conv(
    inputs: Any, kernel: Any, strides: Any = 1, padding: str = "valid",
    data_format: str | None = None, dilation_rate: Any = 1,
) -> Tensor:  # fmt: skip
    """A convolution of each channel on its own.

    Args:
        inputs: as in `conv`.
        kernel: [*sizes, channels, multiplier]: each channel gives `multiplier` results.

    Example:
        >>> from weft import ops
        >>> ops.depthwise_conv(ops.ones((1, 4, 4, 3)), ops.ones((2, 2, 3, 2))).shape
        (1, 3, 3, 6)
    """
    x, is_first = _images("depthwise_conv", inputs, data_format)
    x, weights = _promoted("depthwise_conv", x, kernel)
    found = _depthwise("depthwise_conv", x, weights, strides, padding, dilation_rate)
    return _back(found, is_first)


def _depthwise(
    who: str, x: Tensor, kernel: Tensor, strides: Any, padding: str, dilation_rate: Any
) -> Tensor:
    *sizes, channels, multiplier = kernel.shape
    if x.shape[-1] != channels:
        raise ShapeError(
            f"{who}: the number of input channels must match the kernel's input channels; "
            f"received {x.shape[-1]} input channels in {x.spec} and the kernel {kernel.spec}"
        )
    weights = shape.reshape.bind(kernel, shape=(*sizes, 1, channels * multiplier))
    return _conv(who, x, weights, strides, padding, dilation_rate, channels)


def separable_conv(
    inputs: Any, depthwise_kernel: Any, pointwise_kernel: Any, strides: Any = 1,
    padding: str = "valid", data_format: str | None = None, dilation_rate: Any = 1,
) -> Tensor:  # fmt: skip
    """A depthwise convolution, then one over the channels of each place.

    Args:
        inputs: as in `conv`.
        depthwise_kernel: [*sizes, channels, multiplier].
        pointwise_kernel: [1, …, channels · multiplier, filters].

    Example:
        >>> from weft import ops
        >>> x = ops.ones((1, 4, 4, 3))
        >>> ops.separable_conv(x, ops.ones((2, 2, 3, 1)), ops.ones((1, 1, 3, 5))).shape
        (1, 3, 3, 5)
    """
    who = "separable_conv"
    x, is_first = _images(who, inputs, data_format)
    x, first, second = promote(x, depthwise_kernel, pointwise_kernel)
    require(who, x, NUMBERS)
    _check_kernel(who, x, first)
    _check_kernel(who, x, second)
    found = _depthwise(who, x, first, strides, padding, dilation_rate)
    if found.shape[-1] != second.shape[-2]:
        raise ShapeError(
            f"{who}: the pointwise kernel must take what the depthwise one gives; received "
            f"the kernel {second.spec} for {found.shape[-1]} channels"
        )
    return _back(_conv(who, found, second, 1, "valid", 1, 1), is_first)


def transposed_padding(
    size: int, stride: int, dilation: int, padding: str, output_padding: int | None
) -> tuple[int, int]:
    """(low, high) around inputs spread out by `stride`, for a transposed convolution.

    'valid' gives (n - 1) · stride + max(reach, stride) results, 'same' n · stride.
    """
    reach = (size - 1) * dilation + 1
    if padding.lower() == "valid":
        extra = max(reach, stride) - reach if output_padding is None else output_padding
        return reach - 1, reach - 1 + extra
    if padding.lower() != "same":
        raise ArgumentError(
            "conv_transpose: padding must be 'valid' or 'same'; received "
            f"padding={padding!r}"
        )
    both = stride + reach - 2
    if output_padding is not None:
        both = reach + reach % 2 - 2 + output_padding
    low = min(-(-both // 2), reach - 1)
    return low, both - low


def conv_transpose(
    inputs: Any, kernel: Any, strides: Any = 1, padding: str = "valid",
    output_padding: Any = None, data_format: str | None = None, dilation_rate: Any = 1,
) -> Tensor:  # fmt: skip
    """The transpose of a convolution: each input spreads the kernel over the results.

    Args:
        inputs: as in `conv`.
        kernel: [*sizes, filters, channels].
        output_padding: how many results to add at the ends; by default as many as make
            the shape follow from the strides.

    Example:
        >>> from weft import ops
        >>> line = ops.reshape([1.0, 2.0], (1, 2, 1))
        >>> ops.conv_transpose(line, ops.ones((2, 1, 1)), strides=2).tolist()
        [[[1.0], [1.0], [2.0], [2.0]]]
    """
    who = "conv_transpose"
    x, is_first = _images(who, inputs, data_format)
    x, weights = _promoted(who, x, kernel)
    *sizes, _, channels = weights.shape
    if x.shape[-1] != channels:
        raise ShapeError(
            f"{who}: the number of input channels must match the kernel's last axis; "
            f"received {x.shape[-1]} input channels in {x.spec} and the kernel {weights.spec}"
        )
    rank = len(sizes)
    steps = per_axis(who, "strides", strides, rank)
    dilations = per_axis(who, "dilation_rate", dilation_rate, rank)
    extra: tuple = (None,) * rank
    if output_padding is not None:
        extra = per_axis(who, "output_padding", output_padding, rank, least=0)
    pairs = [
        transposed_padding(size, step, dilation, padding, more)
        for size, step, dilation, more in zip(sizes, steps, dilations, extra)
    ]
    turned = shape.reverse.bind(weights, axes=tuple(range(rank)))
    turned = shape.transpose.bind(turned, permutation=(*range(rank), rank + 1, rank))
    found = conv_primitive.bind(
        x, turned, strides=(1,) * rank, low=tuple([low for low, _ in pairs]),
        high=tuple([high for _, high in pairs]), dilations=dilations,
        interior=tuple([step - 1 for step in steps]), groups=1,
    )  # fmt: skip
    return _back(found, is_first)


# -- pooling -----------------------------------------------------------------------------


def _pool_windows(
    who: str, x: Tensor, pool_size: Any, strides: Any, padding: str
) -> dict[str, tuple[int, ...]]:
    rank = x.ndim - 2
    sizes = per_axis(who, "pool_size", pool_size, rank)
    steps = sizes if strides is None else per_axis(who, "strides", strides, rank)
    low, high = _padding(who, padding, x.shape[1:-1], sizes, steps, (1,) * rank)
    axes = tuple(range(1, rank + 1))
    return {"axes": axes, "sizes": sizes, "strides": steps, "low": low, "high": high}


def max_pool(
    inputs: Any, pool_size: Any, strides: Any = None, padding: str = "valid",
    data_format: str | None = None,
) -> Tensor:  # fmt: skip
    """The largest element of each window, channel by channel.

    Args:
        inputs: [batch, *spatial, channels], or [batch, channels, *spatial].
        pool_size: the extents of a window.
        strides: steps between windows; by default windows stand side by side.
        padding: 'valid' or 'same'; what is padded never wins.

    Example:
        >>> from weft import ops
        >>> line = ops.reshape([1.0, 5.0, 2.0, 3.0], (1, 4, 1))
        >>> ops.max_pool(line, 2).tolist()
        [[[5.0], [3.0]]]
    """
    x, is_first = _images("max_pool", inputs, data_format)
    windows = _pool_windows("max_pool", x, pool_size, strides, padding)
    return _back(window.window_max.bind(x, **windows), is_first)


def average_pool(
    inputs: Any, pool_size: Any, strides: Any = None, padding: str = "valid",
    data_format: str | None = None,
) -> Tensor:  # fmt: skip
    """The mean of each window, channel by channel; what is padded does not count.

    The arguments are those of `max_pool`.

    Example:
        >>> from weft import ops
        >>> line = ops.reshape([1.0, 5.0, 2.0, 4.0], (1, 4, 1))
        >>> ops.average_pool(line, 2).tolist()
        [[[3.0], [3.0]]]
    """
    x, is_first = _images("average_pool", inputs, data_format)
    x = as_float(x)
    parameters = window.plain_windows(
        **_pool_windows("average_pool", x, pool_size, strides, padding)
    )
    rank = x.ndim - 2
    found = window.windows.bind(x, cast(0, x.dtype), **parameters)
    elements = tuple(range(rank + 1, 2 * rank + 1))
    sums = reduction.reduce_sum.bind(found, axes=elements)
    if not any((*parameters["low"], *parameters["high"])):
        return _back(divide(sums, float(math.prod(parameters["sizes"]))), is_first)
    return _back(divide(sums, cast(_counts(x, parameters), x.dtype)), is_first)


def _counts(x: Tensor, windows: dict[str, tuple[int, ...]]) -> np.ndarray:
    """How many elements of each window are inside, as [1, *places, 1]."""
    counts = np.ones((1,) * x.ndim, np.float32)
    rows = zip(x.shape[1:-1], windows["sizes"], windows["strides"], windows["low"],
               windows["high"])  # fmt: skip
    for axis, (extent, size, stride, low, high) in enumerate(rows, 1):
        number = (extent + low + high - size) // stride + 1
        begin = np.arange(number) * stride - low
        inside = np.minimum(begin + size, extent) - np.maximum(begin, 0)
        line = (1,) * axis + (number,) + (1,) * (x.ndim - axis - 1)
        counts = counts * inside.reshape(line).astype(np.float32)
    return counts


def adaptive_max_pool(inputs: Any, output_size: Any, data_format: str | None = None) -> Tensor:
    """The largest elements of `output_size` windows that cover each axis evenly.

    Window i of n goes from floor(i · extent / n) to ceil((i + 1) · extent / n).

    Example:
        >>> from weft import ops
        >>> line = ops.reshape([1.0, 5.0, 2.0, 3.0, 9.0], (1, 5, 1))
        >>> ops.adaptive_max_pool(line, 2).tolist()
        [[[5.0], [9.0]]]
    """
    x, is_first = _images("adaptive_max_pool", inputs, data_format)
    lowest = cast(reduction.lowest(x.dtype), x.dtype)
    for axis, count in enumerate(_output_sizes("adaptive_max_pool", x, output_size), 1):
        places, inside = _even_windows(x, axis, count)
        found = take(x, places, axis=axis)
        x = largest(where(inside, found, lowest), axis=axis + 1)
    return _back(x, is_first)


def adaptive_average_pool(
    inputs: Any, output_size: Any, data_format: str | None = None
) -> Tensor:
    """The means of `output_size` windows that cover each axis evenly.

    The windows are those of `adaptive_max_pool`.

    Example:
        >>> from weft import ops
        >>> line = ops.reshape([1.0, 5.0, 3.0], (1, 3, 1))
        >>> ops.adaptive_average_pool(line, 2).tolist()
        [[[3.0], [4.0]]]
    """
    x, is_first = _images("adaptive_average_pool", inputs, data_format)
    x = as_float(x)
    for axis, count in enumerate(_output_sizes("adaptive_average_pool", x, output_size), 1):
        places, inside = _even_windows(x, axis, count)
        found = where(inside, take(x, places, axis=axis), cast(0, x.dtype))
        counts = cast(inside.sum(axis=axis + 1), x.dtype)
        x = divide(total(found, axis=axis + 1), counts)
    return _back(x, is_first)


def _output_sizes(who: str, x: Tensor, output_size: Any) -> tuple[int, ...]:
    rank = x.ndim - 2
    if isinstance(output_size, tuple | list):
        # None: as many as there are.
        filled = [n if n is not None else x.shape[i + 1] for i, n in enumerate(output_size)]
        return per_axis(who, "output_size", tuple(filled), rank)
    return (integer(output_size, who, "output_size"),) * rank


def _even_windows(x: Tensor, axis: int, count: int) -> tuple[np.ndarray, np.ndarray]:
    """The places of each window's elements, [count, longest], and which of them count,
    of the rank that x has once they are taken."""
    extent = x.shape[axis]
    number = np.arange(count, dtype=np.int64)
    begin, end = number * extent // count, -(-(number + 1) * extent // count)
    longest = int((end - begin).max())
    places = begin[:, None] + np.arange(longest)
    inside = places < end[:, None]
    shape_of_mask = (1,) * axis + inside.shape + (1,) * (x.ndim - axis - 1)
    return np.minimum(places, extent - 1).astype(np.int32), inside.reshape(shape_of_mask)

"""conv: windows of a tensor, each multiplied by a kernel and summed.

    x [batch, *spatial, channels], kernel [*sizes, channels / groups, filters]
    out[b, o, f] = sum over k, c of x[b, o * stride + k * dilation - low, c] * kernel[k, c, f]

What lies outside of x counts as 0. Channels and filters are cut into `groups`: filters see
only the channels of their own group. Evaluation is one matrix product per group, over a
copy of the windows (im2col). The compiler writes a `conv` as a product over the windows of
x (see `window.py`), which are read where they lie and are never written to memory.
"""

from __future__ import annotations

import itertools
import math
from typing import Any

import numpy as np

from weft.core.primitive import Primitive
from weft.core.spec import Spec
from weft.core.tensor import Tensor
from weft.dtypes import bfloat16, float16, float32
from weft.errors import ShapeError
from weft.primitives import constants, elementwise, reduction
from weft.primitives.blas import multiply
from weft.primitives.contraction import dot_general
from weft.primitives.quiet import quiet
from weft.primitives.rules import NUMBERS, require_dtype, require_equal_dtypes
from weft.primitives.shape import broadcast, reshape, reverse, transpose
from weft.primitives.window import (
    Numbers,
    overlap_add,
    window_counts,
    windows,
    windows_view,
)

# The windows of a piece of the batch are copied at a time, about this many bytes.
COPY_BYTES = 1 << 23
# Where x has so many times more places than the result, most products of a convolution
# with the turned kernel would be with zeros.
MANY_ELEMENTS = 2
# Groups with so few products each are summed without a matrix product.
THIN_GROUP = 4

_WIDE = {float16.numpy.num: np.dtype(np.float32), bfloat16.numpy.num: np.dtype(np.float32)}

_multiply = quiet(np.multiply)
_add = quiet(np.add)
_narrow = quiet(np.ndarray.astype)


def window_parameters(
    kernel: Numbers, *, strides: Numbers, low: Numbers, high: Numbers, dilations: Numbers,
    interior: Numbers,
) -> dict[str, Numbers]:  # fmt: skip
    """The parameters of `windows` for a convolution with a kernel of this shape."""
    sizes = kernel[:-2]
    return {
        "axes": tuple(range(1, len(sizes) + 1)), "sizes": sizes, "strides": strides,
        "dilations": dilations, "low": low, "high": high, "interior": interior,
    }  # fmt: skip


def _spec(x: Spec, kernel: Spec, *, groups: int, **geometry: Numbers) -> Spec:
    require_equal_dtypes("conv", x, kernel)
    require_dtype("conv", x, NUMBERS)
    if x.ndim < 3 or kernel.ndim != x.ndim:
        raise ShapeError(
            "conv: x must be [batch, *spatial, channels] and the kernel [*sizes, channels, "
            f"filters], of the same rank; received {x} and the kernel {kernel}"
        )
    channels, inputs, filters = x.shape[-1], kernel.shape[-2], kernel.shape[-1]
    if groups < 1 or channels != inputs * groups or filters % groups:
        raise ShapeError(
            "conv: channels must be groups times those of the kernel, and groups must divide "
            f"the filters; received {x}, the kernel {kernel} and groups={groups}; "
            f"the kernel is for {inputs * groups} channels"
        )
    sizes = kernel.shape[:-2]
    counts = window_counts("conv", x.shape[1:-1], sizes, **geometry)
    return x.with_shape((x.shape[0], *counts, filters))


# -- evaluation --------------------------------------------------------------------------


def _evaluate(
    x: np.ndarray, kernel: np.ndarray, *, groups: int, **geometry: Numbers
) -> np.ndarray:
    dtype = x.dtype
    wide = _WIDE.get(dtype.num)
    if wide is not None:
        x, kernel = x.astype(wide), kernel.astype(wide)
    found = windows_view(x, 0, **window_parameters(kernel.shape, **geometry))
    spatial = kernel.ndim - 2
    out = np.empty((*found.shape[: spatial + 1], kernel.shape[-1]), x.dtype)
    product = _thin_product if _is_thin(kernel.shape, groups) else _product
    each = found[:1].size * x.dtype.itemsize
    step = max(1, COPY_BYTES // max(each, 1))
    for begin in range(0, len(x), step):
        product(found[begin : begin + step], kernel, groups, out[begin : begin + step])
    return out if wide is None else _narrow(out, dtype)


def _is_thin(kernel: Numbers, groups: int) -> bool:
    return groups > 1 and kernel[-2] * (kernel[-1] // groups) <= THIN_GROUP


def _product(found: np.ndarray, kernel: np.ndarray, groups: int, out: np.ndarray) -> None:
    """One matrix product per group, over a copy of the windows."""
    inputs, filters = kernel.shape[-2:]
    sizes = kernel.shape[:-2]
    rows = math.prod(out.shape[:-1])
    inner = math.prod(sizes) * inputs
    if groups == 1:
        matrix = found.reshape((rows, inner))
        multiply(matrix, kernel.reshape((inner, filters)), out.reshape((rows, filters)))
        return
    parts = found.reshape((rows, -1, groups, inputs))
    parts = parts.transpose((2, 0, 1, 3)).reshape((groups, rows, inner))
    weights = kernel.reshape((inner, groups, filters // groups)).transpose((1, 0, 2))
    result = multiply(parts, weights).transpose((1, 0, 2))
    out[...] = result.reshape(out.shape)


def _thin_product(found: np.ndarray, kernel: np.ndarray, groups: int, out: np.ndarray) -> None:
    """Products and sums over the elements of the windows, all places at once."""
    inputs, filters = kernel.shape[-2:]
    spatial = kernel.ndim - 2
    leading: tuple[Any, ...] = (slice(None),) * (spatial + 1)
    by_group = (*found.shape[: spatial + 1], groups, inputs)
    total = np.zeros((*out.shape[:-1], groups, filters // groups), out.dtype)
    for place in itertools.product(*map(range, kernel.shape[:-2])):
        piece = found[(*leading, *place)].reshape(by_group)
        weights = kernel[place].reshape((inputs, groups, filters // groups))
        for channel in range(inputs):
            term = _multiply(piece[..., channel, None], weights[channel])
            _add(total, term, total)
    out[...] = total.reshape(out.shape)


conv = Primitive("conv", spec=_spec, evaluate=_evaluate)
"""(x [batch, *spatial, channels], kernel [*sizes, channels / groups, filters]; strides, low,
high, dilations, interior, groups) → [batch, *places, filters]. `strides` between windows,
`low` and `high` the padding (negative: cropping), `dilations` of the kernel, `interior` gaps
between the elements of x, `groups` of channels. Halves are summed in float32."""


# -- as a product over windows -----------------------------------------------------------


def conv_as_product(x: Tensor, kernel: Tensor, *, groups: int, **geometry: Numbers) -> Tensor:
    """The convolution in terms of `windows` and `dot_general`, or sums for thin groups."""
    sizes, (inputs, filters) = kernel.shape[:-2], kernel.shape[-2:]
    spatial = len(sizes)
    found = windows.bind(
        x, constants.full((), x.dtype, 0), **window_parameters(kernel.shape, **geometry)
    )
    elements = tuple(range(spatial + 1, 2 * spatial + 1))
    kernel_elements = tuple(range(spatial))
    if groups == 1:
        contract = (*elements, 2 * spatial + 1), (*kernel_elements, spatial)
        return dot_general.bind(found, kernel, contract=contract, batch=((), ()))
    each = filters // groups
    parts = reshape.bind(found, shape=(*found.shape[:-1], groups, inputs))
    weights = reshape.bind(kernel, shape=(*sizes, inputs, groups, each))
    result_shape = (*found.shape[: spatial + 1], filters)
    if _is_thin(kernel.shape, groups):
        return _thin_sums(parts, weights, elements, result_shape)
    contract = (*elements, 2 * spatial + 2), (*kernel_elements, spatial)
    batch = (2 * spatial + 1,), (spatial + 1,)
    product = dot_general.bind(parts, weights, contract=contract, batch=batch)
    order = (*range(1, spatial + 2), 0, spatial + 2)
    return reshape.bind(transpose.bind(product, permutation=order), shape=result_shape)


def _thin_sums(parts: Tensor, weights: Tensor, elements: Numbers, shape: Numbers) -> Tensor:
    """parts [b, *o, *k, groups, inputs], weights [*k, inputs, groups, each] → shape."""
    spatial = len(elements)
    inputs, groups, each = weights.shape[-3:]
    order = (*range(spatial), spatial + 1, spatial, spatial + 2)
    weights = transpose.bind(weights, permutation=order)
    axes = elements
    if inputs == 1:
        tail: Numbers = (groups, each)
    else:
        tail, axes = (groups, inputs, each), (*elements, 2 * spatial + 2)
    full = (*parts.shape[: 2 * spatial + 1], *tail)
    inner = (*full[: 2 * spatial + 1], *tail[:-1], 1)
    spread = broadcast.bind(reshape.bind(parts, shape=inner), shape=full)
    sizes = weights.shape[:spatial]
    outer = (*(1,) * (spatial + 1), *sizes, *tail)
    repeated = broadcast.bind(reshape.bind(weights, shape=outer), shape=full)
    return reshape.bind(_sum_of_products(spread, repeated, axes), shape=shape)


def _sum_of_products(a: Tensor, b: Tensor, axes: Numbers) -> Tensor:
    dtype = a.dtype
    if dtype.numpy.num in _WIDE:
        a, b = (elementwise.cast.bind(factor, dtype=float32) for factor in (a, b))
    total = reduction.reduce_sum.bind(elementwise.multiply.bind(a, b), axes=axes)
    return total if total.dtype is dtype else elementwise.cast.bind(total, dtype=dtype)


# -- derivatives -------------------------------------------------------------------------


@conv.selective_vjp
def _(
    cts: tuple[Tensor, ...], outs: tuple[Tensor, ...], inputs: tuple[Tensor, Tensor],
    needed: list[bool], parameters: dict,
) -> tuple[Tensor | None, Tensor | None]:  # fmt: skip
    (ct,), (x, kernel) = cts, inputs
    geometry = dict(parameters)
    groups = geometry.pop("groups")
    return (
        _of_x(ct, x.shape, kernel, groups, geometry) if needed[0] else None,
        _of_kernel(ct, x, kernel.shape, groups, geometry) if needed[1] else None,
    )


def _of_x(
    ct: Tensor, shape: Numbers, kernel: Tensor, groups: int, geometry: dict[str, Numbers]
) -> Tensor:
    places, elements = math.prod(ct.shape[1:-1]), math.prod(shape[1:-1])
    if elements > MANY_ELEMENTS * places:
        return _of_x_by_windows(ct, shape, kernel, groups, geometry)
    return _of_x_by_elements(ct, shape, kernel, groups, geometry)


def _of_x_by_windows(
    ct: Tensor, shape: Numbers, kernel: Tensor, groups: int, geometry: dict[str, Numbers]
) -> Tensor:
    """What each window gives to its elements, added up where windows overlap."""
    sizes, (inputs, filters) = kernel.shape[:-2], kernel.shape[-2:]
    spatial = len(sizes)
    each = filters // groups
    found = (*ct.shape[:-1], *sizes, groups * inputs)
    if groups == 1:
        contract = (spatial + 1,), (spatial + 1,)
        share = dot_general.bind(ct, kernel, contract=contract, batch=((), ()))
    else:
        cts = reshape.bind(ct, shape=(*ct.shape[:-1], groups, each))
        weights = reshape.bind(kernel, shape=(*sizes, inputs, groups, each))
        if _is_thin(kernel.shape, groups):
            share = _thin_shares(cts, weights)
        else:
            contract, batch = ((spatial + 2,), (spatial + 2,)), ((spatial + 1,), (spatial + 1,))
            share = dot_general.bind(cts, weights, contract=contract, batch=batch)
            order = (*range(1, 2 * spatial + 2), 0, 2 * spatial + 2)
            share = transpose.bind(share, permutation=order)
    share = reshape.bind(share, shape=found)
    return overlap_add(share, shape, **window_parameters(kernel.shape, **geometry))


def _thin_shares(cts: Tensor, weights: Tensor) -> Tensor:
    """cts [b, *o, groups, each], weights [*k, inputs, groups, each] →
    [b, *o, *k, groups, inputs]."""
    spatial = weights.ndim - 3
    order = (*range(spatial), spatial + 1, spatial, spatial + 2)
    weights = transpose.bind(weights, permutation=order)
    sizes, (groups, inputs, each) = weights.shape[:-3], weights.shape[-3:]
    full = (*cts.shape[:-2], *sizes, groups, inputs, each)
    outer = (*cts.shape[:-2], *(1,) * spatial, groups, 1, each)
    spread = broadcast.bind(reshape.bind(cts, shape=outer), shape=full)
    inner = (*(1,) * (spatial + 1), *weights.shape)
    repeated = broadcast.bind(reshape.bind(weights, shape=inner), shape=full)
    return _sum_of_products(spread, repeated, (len(full) - 1,))


def _of_x_by_elements(
    ct: Tensor, shape: Numbers, kernel: Tensor, groups: int, geometry: dict[str, Numbers]
) -> Tensor:
    """A convolution of the cotangent, spread out by the strides, with the kernel turned."""
    sizes, (inputs, filters) = kernel.shape[:-2], kernel.shape[-2:]
    spatial = len(sizes)
    each = filters // groups
    turned = reverse.bind(kernel, axes=tuple(range(spatial)))
    turned = reshape.bind(turned, shape=(*sizes, inputs, groups, each))
    order = (*range(spatial), spatial + 2, spatial + 1, spatial)
    turned = transpose.bind(turned, permutation=order)
    turned = reshape.bind(turned, shape=(*sizes, each, groups * inputs))
    low, high = [], []
    rows = zip(sizes, shape[1:-1], ct.shape[1:-1], geometry["strides"], geometry["low"],
               geometry["dilations"], geometry["interior"])  # fmt: skip
    for size, extent, count, stride, before, dilation, gap in rows:
        low.append((size - 1) * dilation - before)
        high.append((extent - 1) * (gap + 1) + before - (count - 1) * stride)
    return conv.bind(
        ct, turned,
        strides=tuple([gap + 1 for gap in geometry["interior"]]),
        low=tuple(low), high=tuple(high), dilations=geometry["dilations"],
        interior=tuple([by - 1 for by in geometry["strides"]]), groups=groups,
    )  # fmt: skip


def _of_kernel(
    ct: Tensor, x: Tensor, shape: Numbers, groups: int, geometry: dict[str, Numbers]
) -> Tensor:
    """The product of windows and cotangents, summed over the batch and all places."""
    sizes, (inputs, filters) = shape[:-2], shape[-2:]
    spatial = len(sizes)
    zero = constants.full((), x.dtype, 0)
    found = windows.bind(x, zero, **window_parameters(shape, **geometry))
    places = tuple(range(spatial + 1))
    if groups == 1:
        return dot_general.bind(found, ct, contract=(places, places), batch=((), ()))
    each = filters // groups
    parts = reshape.bind(found, shape=(*found.shape[:-1], groups, inputs))
    cts = reshape.bind(ct, shape=(*ct.shape[:-1], groups, each))
    if _is_thin(shape, groups):
        return _thin_kernel(parts, cts, places, shape)
    batch = (2 * spatial + 1,), (spatial + 1,)
    product = dot_general.bind(parts, cts, contract=(places, places), batch=batch)
    order = (*range(1, spatial + 2), 0, spatial + 2)
    return reshape.bind(transpose.bind(product, permutation=order), shape=shape)


def _thin_kernel(parts: Tensor, cts: Tensor, places: Numbers, shape: Numbers) -> Tensor:
    """parts [b, *o, *k, groups, inputs], cts [b, *o, groups, each] → the kernel's shape."""
    spatial = len(places) - 1
    groups, inputs = parts.shape[-2:]
    each = cts.shape[-1]
    full = (*parts.shape[: 2 * spatial + 1], groups, inputs, each)
    spread = broadcast.bind(reshape.bind(parts, shape=(*parts.shape, 1)), shape=full)
    outer = (*cts.shape[: spatial + 1], *(1,) * spatial, groups, 1, each)
    repeated = broadcast.bind(reshape.bind(cts, shape=outer), shape=full)
    total = _sum_of_products(spread, repeated, places)
    order = (*range(spatial), spatial + 1, spatial, spatial + 2)
    return reshape.bind(transpose.bind(total, permutation=order), shape=shape)


__all__ = ["conv", "conv_as_product", "window_parameters"]

"""The functions on tensors: the NumPy names and the neural-network names of keras.ops.

Used so:

    from weft import ops

    ops.softmax(ops.matmul(x, w) + b)

Outside of a `weft.function` everything is computed at once; inside, nodes are added to its
graph. Mixed dtypes are promoted as in Keras 3, and shapes broadcast as in NumPy.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable as _Callable
from typing import Any

# ruff: noqa: F401, I001
# fmt: off
from weft.ops.activations import (
    celu, elu, gelu, glu, hard_shrink, hard_sigmoid, hard_silu, hard_swish, hard_tanh,
    leaky_relu, log_sigmoid, log_softmax, relu, relu6, selu, silu, soft_shrink, softmax,
    softplus, softsign, sparse_plus, sparse_sigmoid, sparsemax, squareplus, swish,
    tanh_shrink, threshold,
)
from weft.ops.ctc import ctc_loss
from weft.ops.attention import (
    dot_product_attention,
)
from weft.ops.contraction import (
    cross, dot, inner, kron, matmul, outer, tensordot, vdot,
)
from weft.ops.convert import (
    cast, convert_to_numpy, convert_to_tensor, from_dlpack, is_tensor, shape,
)
from weft.ops.convolution import (
    adaptive_average_pool, adaptive_max_pool, average_pool, conv, conv_transpose,
    depthwise_conv, max_pool, separable_conv,
)
from weft.ops.creation import (
    arange, array, asarray, bartlett, blackman, copy, empty, empty_like, eye, full,
    full_like, geomspace, hamming, hanning, identity, kaiser, linspace, logspace,
    meshgrid, ones, ones_like, tri, vander, zeros, zeros_like,
)
from weft.ops.einsum import (
    einsum, rearrange,
)
from weft.ops.elementwise import (
    abs, absolute, add, angle, arccos, arccosh, arcsin, arcsinh, arctan, arctan2,
    arctanh, bitwise_and, bitwise_invert, bitwise_left_shift, bitwise_not, bitwise_or,
    bitwise_right_shift, bitwise_xor, cbrt, ceil, clip, conj, conjugate, cos, cosh,
    deg2rad, digamma, divide, divide_no_nan, equal, erf, erfc, erfinv, exp, exp2, expm1,
    fabs, floor, floor_divide, fmax, fmin, fmod, gcd, greater, greater_equal, heaviside,
    hypot, imag, isclose, isfinite, isinf, isnan, isneginf, isposinf, isreal, lcm,
    ldexp, left_shift, less, less_equal, lgamma, log, log10, log1p, log2, logaddexp,
    logaddexp2, logical_and, logical_not, logical_or, logical_xor, maximum, minimum,
    mod, multiply, nan_to_num, negative, nextafter, not_equal, positive, power, rad2deg,
    real, reciprocal, right_shift, round, rsqrt, saturate_cast, select, sigmoid, sign,
    signbit, sin, sinc, sinh, sqrt, square, subtract, tan, tanh, true_divide, trunc,
    where,
)
from weft.ops.getitem import (
    get_item,
)
from weft.ops.indexing import (
    multi_hot, one_hot, scatter, scatter_update, segment_max, segment_min, segment_prod,
    segment_sum, slice, slice_update, take, take_along_axis, unravel_index,
)
from weft.ops.layout import (
    append, array_split, broadcast_arrays, broadcast_to, concatenate, diag, diagflat,
    diagonal, diff, dsplit, dstack, expand_dims, flip, fliplr, flipud, hsplit, hstack,
    matrix_transpose, moveaxis, ndim, pad, permute_dims, ravel, repeat, reshape, roll,
    rot90, size, split, squeeze, stack, swapaxes, tile, trace, transpose, tril, triu,
    unstack, vsplit, vstack,
)
from weft.ops.losses import (
    binary_crossentropy, categorical_crossentropy, sparse_categorical_crossentropy,
)
from weft.ops.normalization import (
    batch_normalization, layer_normalization, moments, normalize, psnr,
    rms_normalization,
)
from weft.ops.reduce import (
    all, allclose, amax, amin, any, argmax, argmin, average, count_nonzero, cumprod,
    cumsum, logsumexp, max, mean, min, nanargmax, nanargmin, nancumprod, nancumsum,
    nanmax, nanmean, nanmin, nanprod, nanstd, nansum, nanvar, norm, prod, ptp, std, sum,
    trapezoid, var,
)
from weft.ops.sets import (
    argwhere, bincount, histogram, nonzero, unique,
)
from weft.ops.sorting import (
    argpartition, argsort, digitize, in_top_k, isin, searchsorted, sort, top_k,
)
from weft.ops.special import (
    i0,
)
from weft.ops.statistics import (
    cdist, corrcoef, correlate, median, nanmedian, nanpercentile, nanquantile,
    percentile, quantile,
)
from weft.ops.windows import (
    depth_to_space, extract_sequences, fold, space_to_depth, unfold,
)
# fmt: on
# Attaches the operators to Tensor and Variable.
from weft.ops import operators
from weft.dtypes import ALL as _DTYPES
from weft.errors import did_you_mean

# Written above this room, and looked up when first used: control flow is staged by
# weft.function, derivatives are cut by weft.autodiff.
_ELSEWHERE = {
    **dict.fromkeys(
        ("cond", "while_loop", "scan", "fori_loop", "map", "vectorized_map", "switch",
         "associative_scan"),
        "weft.function.control",
    ),
    "numpy": "weft.ops.numpy",
    "nn": "weft.ops.nn",
}  # fmt: skip


def dtype(x: Any) -> str:
    """The dtype of `x`, as a name."""
    return convert_to_tensor(x).dtype.name


def custom_gradient(f: _Callable) -> _Callable:
    """A function with a derivative of one's own: see `weft.custom_gradient`."""
    from weft.autodiff import custom_gradient as decorate

    return decorate(f)


def stop_gradient(variable: Any) -> Any:
    """The same values, as constants for derivatives."""
    from weft.autodiff import stop_gradient as stop

    return stop(variable)


def __getattr__(name: str) -> Any:
    if name in _ELSEWHERE:
        module = importlib.import_module(_ELSEWHERE[name])
        found = getattr(module, name, module)
        globals()[name] = found
        return found
    if name in _DTYPES:
        return _DTYPES[name]
    raise AttributeError(
        f"module 'weft.ops' has no attribute {name!r}."
        + did_you_mean(name, [*globals(), *_ELSEWHERE])
    )

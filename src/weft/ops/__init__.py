"""The functions on tensors: the NumPy names and the neural-network names of keras.ops.

from weft import ops

ops.softmax(ops.matmul(x, w) + b)
"""

from __future__ import annotations

import importlib
from collections.abc import Callable as _Callable
from typing import Any

from weft.dtypes import ALL as _DTYPES
from weft.errors import did_you_mean

# Attaches the operators to Tensor and Variable.
from weft.ops import operators as operators
from weft.ops.activations import (
    celu as celu,
)
from weft.ops.activations import (
    elu as elu,
)
from weft.ops.activations import (
    gelu as gelu,
)
from weft.ops.activations import (
    glu as glu,
)
from weft.ops.activations import (
    hard_shrink as hard_shrink,
)
from weft.ops.activations import (
    hard_sigmoid as hard_sigmoid,
)
from weft.ops.activations import (
    hard_silu as hard_silu,
)
from weft.ops.activations import (
    hard_swish as hard_swish,
)
from weft.ops.activations import (
    hard_tanh as hard_tanh,
)
from weft.ops.activations import (
    leaky_relu as leaky_relu,
)
from weft.ops.activations import (
    log_sigmoid as log_sigmoid,
)
from weft.ops.activations import (
    log_softmax as log_softmax,
)
from weft.ops.activations import (
    relu as relu,
)
from weft.ops.activations import (
    relu6 as relu6,
)
from weft.ops.activations import (
    selu as selu,
)
from weft.ops.activations import (
    silu as silu,
)
from weft.ops.activations import (
    soft_shrink as soft_shrink,
)
from weft.ops.activations import (
    softmax as softmax,
)
from weft.ops.activations import (
    softplus as softplus,
)
from weft.ops.activations import (
    softsign as softsign,
)
from weft.ops.activations import (
    sparse_plus as sparse_plus,
)
from weft.ops.activations import (
    sparse_sigmoid as sparse_sigmoid,
)
from weft.ops.activations import (
    sparsemax as sparsemax,
)
from weft.ops.activations import (
    squareplus as squareplus,
)
from weft.ops.activations import (
    swish as swish,
)
from weft.ops.activations import (
    tanh_shrink as tanh_shrink,
)
from weft.ops.activations import (
    threshold as threshold,
)
from weft.ops.attention import (
    dot_product_attention as dot_product_attention,
)
from weft.ops.contraction import (
    cross as cross,
)
from weft.ops.contraction import (
    dot as dot,
)
from weft.ops.contraction import (
    inner as inner,
)
from weft.ops.contraction import (
    kron as kron,
)
from weft.ops.contraction import (
    matmul as matmul,
)
from weft.ops.contraction import (
    outer as outer,
)
from weft.ops.contraction import (
    tensordot as tensordot,
)
from weft.ops.contraction import (
    vdot as vdot,
)
from weft.ops.convert import (
    cast as cast,
)
from weft.ops.convert import (
    convert_to_numpy as convert_to_numpy,
)
from weft.ops.convert import (
    convert_to_tensor as convert_to_tensor,
)
from weft.ops.convert import (
    from_dlpack as from_dlpack,
)
from weft.ops.convert import (
    is_tensor as is_tensor,
)
from weft.ops.convert import (
    shape as shape,
)
from weft.ops.creation import (
    arange as arange,
)
from weft.ops.creation import (
    array as array,
)
from weft.ops.creation import (
    asarray as asarray,
)
from weft.ops.creation import (
    bartlett as bartlett,
)
from weft.ops.creation import (
    blackman as blackman,
)
from weft.ops.creation import (
    copy as copy,
)
from weft.ops.creation import (
    empty as empty,
)
from weft.ops.creation import (
    empty_like as empty_like,
)
from weft.ops.creation import (
    eye as eye,
)
from weft.ops.creation import (
    full as full,
)
from weft.ops.creation import (
    full_like as full_like,
)
from weft.ops.creation import (
    geomspace as geomspace,
)
from weft.ops.creation import (
    hamming as hamming,
)
from weft.ops.creation import (
    hanning as hanning,
)
from weft.ops.creation import (
    identity as identity,
)
from weft.ops.creation import (
    kaiser as kaiser,
)
from weft.ops.creation import (
    linspace as linspace,
)
from weft.ops.creation import (
    logspace as logspace,
)
from weft.ops.creation import (
    meshgrid as meshgrid,
)
from weft.ops.creation import (
    ones as ones,
)
from weft.ops.creation import (
    ones_like as ones_like,
)
from weft.ops.creation import (
    tri as tri,
)
from weft.ops.creation import (
    vander as vander,
)
from weft.ops.creation import (
    zeros as zeros,
)
from weft.ops.creation import (
    zeros_like as zeros_like,
)
from weft.ops.einsum import (
    einsum as einsum,
)
from weft.ops.einsum import (
    rearrange as rearrange,
)
from weft.ops.elementwise import (
    abs as abs,
)
from weft.ops.elementwise import (
    absolute as absolute,
)
from weft.ops.elementwise import (
    add as add,
)
from weft.ops.elementwise import (
    angle as angle,
)
from weft.ops.elementwise import (
    arccos as arccos,
)
from weft.ops.elementwise import (
    arccosh as arccosh,
)
from weft.ops.elementwise import (
    arcsin as arcsin,
)
from weft.ops.elementwise import (
    arcsinh as arcsinh,
)
from weft.ops.elementwise import (
    arctan as arctan,
)
from weft.ops.elementwise import (
    arctan2 as arctan2,
)
from weft.ops.elementwise import (
    arctanh as arctanh,
)
from weft.ops.elementwise import (
    bitwise_and as bitwise_and,
)
from weft.ops.elementwise import (
    bitwise_invert as bitwise_invert,
)
from weft.ops.elementwise import (
    bitwise_left_shift as bitwise_left_shift,
)
from weft.ops.elementwise import (
    bitwise_not as bitwise_not,
)
from weft.ops.elementwise import (
    bitwise_or as bitwise_or,
)
from weft.ops.elementwise import (
    bitwise_right_shift as bitwise_right_shift,
)
from weft.ops.elementwise import (
    bitwise_xor as bitwise_xor,
)
from weft.ops.elementwise import (
    cbrt as cbrt,
)
from weft.ops.elementwise import (
    ceil as ceil,
)
from weft.ops.elementwise import (
    clip as clip,
)
from weft.ops.elementwise import (
    conj as conj,
)
from weft.ops.elementwise import (
    conjugate as conjugate,
)
from weft.ops.elementwise import (
    cos as cos,
)
from weft.ops.elementwise import (
    cosh as cosh,
)
from weft.ops.elementwise import (
    deg2rad as deg2rad,
)
from weft.ops.elementwise import (
    digamma as digamma,
)
from weft.ops.elementwise import (
    divide as divide,
)
from weft.ops.elementwise import (
    divide_no_nan as divide_no_nan,
)
from weft.ops.elementwise import (
    equal as equal,
)
from weft.ops.elementwise import (
    erf as erf,
)
from weft.ops.elementwise import (
    erfc as erfc,
)
from weft.ops.elementwise import (
    erfinv as erfinv,
)
from weft.ops.elementwise import (
    exp as exp,
)
from weft.ops.elementwise import (
    exp2 as exp2,
)
from weft.ops.elementwise import (
    expm1 as expm1,
)
from weft.ops.elementwise import (
    fabs as fabs,
)
from weft.ops.elementwise import (
    floor as floor,
)
from weft.ops.elementwise import (
    floor_divide as floor_divide,
)
from weft.ops.elementwise import (
    fmax as fmax,
)
from weft.ops.elementwise import (
    fmin as fmin,
)
from weft.ops.elementwise import (
    fmod as fmod,
)
from weft.ops.elementwise import (
    gcd as gcd,
)
from weft.ops.elementwise import (
    greater as greater,
)
from weft.ops.elementwise import (
    greater_equal as greater_equal,
)
from weft.ops.elementwise import (
    heaviside as heaviside,
)
from weft.ops.elementwise import (
    hypot as hypot,
)
from weft.ops.elementwise import (
    imag as imag,
)
from weft.ops.elementwise import (
    isclose as isclose,
)
from weft.ops.elementwise import (
    isfinite as isfinite,
)
from weft.ops.elementwise import (
    isinf as isinf,
)
from weft.ops.elementwise import (
    isnan as isnan,
)
from weft.ops.elementwise import (
    isneginf as isneginf,
)
from weft.ops.elementwise import (
    isposinf as isposinf,
)
from weft.ops.elementwise import (
    isreal as isreal,
)
from weft.ops.elementwise import (
    lcm as lcm,
)
from weft.ops.elementwise import (
    ldexp as ldexp,
)
from weft.ops.elementwise import (
    left_shift as left_shift,
)
from weft.ops.elementwise import (
    less as less,
)
from weft.ops.elementwise import (
    less_equal as less_equal,
)
from weft.ops.elementwise import (
    lgamma as lgamma,
)
from weft.ops.elementwise import (
    log as log,
)
from weft.ops.elementwise import (
    log1p as log1p,
)
from weft.ops.elementwise import (
    log2 as log2,
)
from weft.ops.elementwise import (
    log10 as log10,
)
from weft.ops.elementwise import (
    logaddexp as logaddexp,
)
from weft.ops.elementwise import (
    logaddexp2 as logaddexp2,
)
from weft.ops.elementwise import (
    logical_and as logical_and,
)
from weft.ops.elementwise import (
    logical_not as logical_not,
)
from weft.ops.elementwise import (
    logical_or as logical_or,
)
from weft.ops.elementwise import (
    logical_xor as logical_xor,
)
from weft.ops.elementwise import (
    maximum as maximum,
)
from weft.ops.elementwise import (
    minimum as minimum,
)
from weft.ops.elementwise import (
    mod as mod,
)
from weft.ops.elementwise import (
    multiply as multiply,
)
from weft.ops.elementwise import (
    nan_to_num as nan_to_num,
)
from weft.ops.elementwise import (
    negative as negative,
)
from weft.ops.elementwise import (
    nextafter as nextafter,
)
from weft.ops.elementwise import (
    not_equal as not_equal,
)
from weft.ops.elementwise import (
    positive as positive,
)
from weft.ops.elementwise import (
    power as power,
)
from weft.ops.elementwise import (
    rad2deg as rad2deg,
)
from weft.ops.elementwise import (
    real as real,
)
from weft.ops.elementwise import (
    reciprocal as reciprocal,
)
from weft.ops.elementwise import (
    right_shift as right_shift,
)
from weft.ops.elementwise import (
    round as round,
)
from weft.ops.elementwise import (
    rsqrt as rsqrt,
)
from weft.ops.elementwise import (
    saturate_cast as saturate_cast,
)
from weft.ops.elementwise import (
    select as select,
)
from weft.ops.elementwise import (
    sigmoid as sigmoid,
)
from weft.ops.elementwise import (
    sign as sign,
)
from weft.ops.elementwise import (
    signbit as signbit,
)
from weft.ops.elementwise import (
    sin as sin,
)
from weft.ops.elementwise import (
    sinc as sinc,
)
from weft.ops.elementwise import (
    sinh as sinh,
)
from weft.ops.elementwise import (
    sqrt as sqrt,
)
from weft.ops.elementwise import (
    square as square,
)
from weft.ops.elementwise import (
    subtract as subtract,
)
from weft.ops.elementwise import (
    tan as tan,
)
from weft.ops.elementwise import (
    tanh as tanh,
)
from weft.ops.elementwise import (
    true_divide as true_divide,
)
from weft.ops.elementwise import (
    trunc as trunc,
)
from weft.ops.elementwise import (
    where as where,
)
from weft.ops.getitem import (
    get_item as get_item,
)
from weft.ops.indexing import (
    multi_hot as multi_hot,
)
from weft.ops.indexing import (
    one_hot as one_hot,
)
from weft.ops.indexing import (
    scatter as scatter,
)
from weft.ops.indexing import (
    scatter_update as scatter_update,
)
from weft.ops.indexing import (
    segment_max as segment_max,
)
from weft.ops.indexing import (
    segment_min as segment_min,
)
from weft.ops.indexing import (
    segment_prod as segment_prod,
)
from weft.ops.indexing import (
    segment_sum as segment_sum,
)
from weft.ops.indexing import (
    slice as slice,
)
from weft.ops.indexing import (
    slice_update as slice_update,
)
from weft.ops.indexing import (
    take as take,
)
from weft.ops.indexing import (
    take_along_axis as take_along_axis,
)
from weft.ops.indexing import (
    unravel_index as unravel_index,
)
from weft.ops.layout import (
    append as append,
)
from weft.ops.layout import (
    array_split as array_split,
)
from weft.ops.layout import (
    broadcast_arrays as broadcast_arrays,
)
from weft.ops.layout import (
    broadcast_to as broadcast_to,
)
from weft.ops.layout import (
    concatenate as concatenate,
)
from weft.ops.layout import (
    diag as diag,
)
from weft.ops.layout import (
    diagflat as diagflat,
)
from weft.ops.layout import (
    diagonal as diagonal,
)
from weft.ops.layout import (
    diff as diff,
)
from weft.ops.layout import (
    dsplit as dsplit,
)
from weft.ops.layout import (
    dstack as dstack,
)
from weft.ops.layout import (
    expand_dims as expand_dims,
)
from weft.ops.layout import (
    flip as flip,
)
from weft.ops.layout import (
    fliplr as fliplr,
)
from weft.ops.layout import (
    flipud as flipud,
)
from weft.ops.layout import (
    hsplit as hsplit,
)
from weft.ops.layout import (
    hstack as hstack,
)
from weft.ops.layout import (
    matrix_transpose as matrix_transpose,
)
from weft.ops.layout import (
    moveaxis as moveaxis,
)
from weft.ops.layout import (
    ndim as ndim,
)
from weft.ops.layout import (
    pad as pad,
)
from weft.ops.layout import (
    permute_dims as permute_dims,
)
from weft.ops.layout import (
    ravel as ravel,
)
from weft.ops.layout import (
    repeat as repeat,
)
from weft.ops.layout import (
    reshape as reshape,
)
from weft.ops.layout import (
    roll as roll,
)
from weft.ops.layout import (
    rot90 as rot90,
)
from weft.ops.layout import (
    size as size,
)
from weft.ops.layout import (
    split as split,
)
from weft.ops.layout import (
    squeeze as squeeze,
)
from weft.ops.layout import (
    stack as stack,
)
from weft.ops.layout import (
    swapaxes as swapaxes,
)
from weft.ops.layout import (
    tile as tile,
)
from weft.ops.layout import (
    trace as trace,
)
from weft.ops.layout import (
    transpose as transpose,
)
from weft.ops.layout import (
    tril as tril,
)
from weft.ops.layout import (
    triu as triu,
)
from weft.ops.layout import (
    unstack as unstack,
)
from weft.ops.layout import (
    vsplit as vsplit,
)
from weft.ops.layout import (
    vstack as vstack,
)
from weft.ops.losses import (
    binary_crossentropy as binary_crossentropy,
)
from weft.ops.losses import (
    categorical_crossentropy as categorical_crossentropy,
)
from weft.ops.losses import (
    sparse_categorical_crossentropy as sparse_categorical_crossentropy,
)
from weft.ops.normalization import (
    batch_normalization as batch_normalization,
)
from weft.ops.normalization import (
    layer_normalization as layer_normalization,
)
from weft.ops.normalization import (
    moments as moments,
)
from weft.ops.normalization import (
    normalize as normalize,
)
from weft.ops.normalization import (
    psnr as psnr,
)
from weft.ops.normalization import (
    rms_normalization as rms_normalization,
)
from weft.ops.reduce import (
    all as all,
)
from weft.ops.reduce import (
    allclose as allclose,
)
from weft.ops.reduce import (
    amax as amax,
)
from weft.ops.reduce import (
    amin as amin,
)
from weft.ops.reduce import (
    any as any,
)
from weft.ops.reduce import (
    argmax as argmax,
)
from weft.ops.reduce import (
    argmin as argmin,
)
from weft.ops.reduce import (
    average as average,
)
from weft.ops.reduce import (
    count_nonzero as count_nonzero,
)
from weft.ops.reduce import (
    cumprod as cumprod,
)
from weft.ops.reduce import (
    cumsum as cumsum,
)
from weft.ops.reduce import (
    logsumexp as logsumexp,
)
from weft.ops.reduce import (
    max as max,
)
from weft.ops.reduce import (
    mean as mean,
)
from weft.ops.reduce import (
    min as min,
)
from weft.ops.reduce import (
    nanargmax as nanargmax,
)
from weft.ops.reduce import (
    nanargmin as nanargmin,
)
from weft.ops.reduce import (
    nancumprod as nancumprod,
)
from weft.ops.reduce import (
    nancumsum as nancumsum,
)
from weft.ops.reduce import (
    nanmax as nanmax,
)
from weft.ops.reduce import (
    nanmean as nanmean,
)
from weft.ops.reduce import (
    nanmin as nanmin,
)
from weft.ops.reduce import (
    nanprod as nanprod,
)
from weft.ops.reduce import (
    nanstd as nanstd,
)
from weft.ops.reduce import (
    nansum as nansum,
)
from weft.ops.reduce import (
    nanvar as nanvar,
)
from weft.ops.reduce import (
    norm as norm,
)
from weft.ops.reduce import (
    prod as prod,
)
from weft.ops.reduce import (
    ptp as ptp,
)
from weft.ops.reduce import (
    std as std,
)
from weft.ops.reduce import (
    sum as sum,
)
from weft.ops.reduce import (
    trapezoid as trapezoid,
)
from weft.ops.reduce import (
    var as var,
)
from weft.ops.sets import (
    argwhere as argwhere,
)
from weft.ops.sets import (
    bincount as bincount,
)
from weft.ops.sets import (
    histogram as histogram,
)
from weft.ops.sets import (
    nonzero as nonzero,
)
from weft.ops.sets import (
    unique as unique,
)
from weft.ops.sorting import (
    argpartition as argpartition,
)
from weft.ops.sorting import (
    argsort as argsort,
)
from weft.ops.sorting import (
    digitize as digitize,
)
from weft.ops.sorting import (
    in_top_k as in_top_k,
)
from weft.ops.sorting import (
    isin as isin,
)
from weft.ops.sorting import (
    searchsorted as searchsorted,
)
from weft.ops.sorting import (
    sort as sort,
)
from weft.ops.sorting import (
    top_k as top_k,
)
from weft.ops.special import (
    i0 as i0,
)
from weft.ops.statistics import (
    cdist as cdist,
)
from weft.ops.statistics import (
    corrcoef as corrcoef,
)
from weft.ops.statistics import (
    correlate as correlate,
)
from weft.ops.statistics import (
    median as median,
)
from weft.ops.statistics import (
    nanmedian as nanmedian,
)
from weft.ops.statistics import (
    nanpercentile as nanpercentile,
)
from weft.ops.statistics import (
    nanquantile as nanquantile,
)
from weft.ops.statistics import (
    percentile as percentile,
)
from weft.ops.statistics import (
    quantile as quantile,
)
from weft.ops.windows import (
    depth_to_space as depth_to_space,
)
from weft.ops.windows import (
    extract_sequences as extract_sequences,
)
from weft.ops.windows import (
    fold as fold,
)
from weft.ops.windows import (
    space_to_depth as space_to_depth,
)
from weft.ops.windows import (
    unfold as unfold,
)

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

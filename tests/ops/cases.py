"""Calls of operations, as data: (name, arguments, keyword arguments).

Arrays are written with `arr` so that a table can be read by real Keras too
(`make_keras_results.py`), whose results are kept in keras_results.json.
"""

from __future__ import annotations

import numpy as np

INF, NAN = float("inf"), float("nan")


def arr(values, dtype="float32"):
    return np.array(values, dtype)


A = arr([[1.5, -2.0, 0.25], [-0.5, 3.0, 0.75]])
B = arr([[0.5, 2.0, -1.25], [1.5, -3.0, 0.5]])
POSITIVE = arr([[0.5, 1.5, 2.0], [3.0, 0.125, 1.0]])
UNIT = arr([[-0.75, 0.0, 0.5], [0.25, -0.125, 0.9]])
EDGES = arr([INF, -INF, NAN, 0.0, -0.0, 1.0, -1.0])
I = arr([[1, -2, 3], [4, 5, -6]], "int32")  # noqa: E741
J = arr([[2, 3, -4], [1, 2, 5]], "int32")
U8 = arr([1, 200, 7], "uint8")
I8 = arr([1, -100, 7], "int8")
MASK = arr([[True, False, True], [False, False, True]], "bool")
CUBE = np.arange(24, dtype="float32").reshape(2, 3, 4)
SQUARE = arr([[1, 2, 3], [4, 5, 6], [7, 8, 9]])
WITH_NAN = arr([[1.0, NAN, 3.0], [NAN, NAN, NAN], [0.5, 2.0, -1.0]])
PROBABILITIES = arr([[0.2, 0.5, 0.3], [0.9, 0.1, 0.0]])
ONE_HOT = arr([[0, 1, 0], [1, 0, 0]])
LOGITS = arr([[1.0, -2.0, 0.5], [0.0, 4.0, -30.0]])
IMAGE = np.arange(32, dtype="float32").reshape(1, 4, 2, 4)

_FLOAT_UNARY = """exp expm1 sin cos tan sinh cosh tanh arcsinh arctan sigmoid erf erfc floor
ceil deg2rad rad2deg exp2 sinc cbrt""".split()
_POSITIVE_UNARY = "log log1p log2 log10 sqrt rsqrt reciprocal".split()
_ANY_UNARY = """negative absolute abs sign trunc square isfinite isinf isnan isposinf
isneginf signbit logical_not conj real fabs nan_to_num""".split()
_ACTIVATIONS = """relu relu6 leaky_relu elu selu celu gelu silu swish softplus softsign
log_sigmoid hard_sigmoid hard_silu hard_tanh hard_shrink soft_shrink tanh_shrink squareplus
sparse_plus sparse_sigmoid softmax log_softmax sparsemax""".split()
_ARITHMETIC = """add subtract multiply divide true_divide maximum minimum power mod
floor_divide""".split()
_PAIRS = """arctan2 logaddexp logaddexp2 hypot fmax fmin fmod heaviside divide_no_nan
nextafter""".split()
_COMPARISONS = "equal not_equal less less_equal greater greater_equal".split()
_LOGIC = "logical_and logical_or logical_xor".split()
_BITS = "bitwise_and bitwise_or bitwise_xor".split()
_SHIFTS = "bitwise_left_shift bitwise_right_shift left_shift right_shift".split()
_REDUCTIONS = "sum prod mean var std max min amax amin ptp any all logsumexp median".split()
_NAN_REDUCTIONS = "nansum nanprod nanmean nanvar nanstd nanmax nanmin nanmedian".split()


def _elementwise():
    for name in _FLOAT_UNARY:
        yield from ((name, [x]) for x in (A, I, MASK, I8))
    for name in _POSITIVE_UNARY:
        yield from ((name, [x]) for x in (POSITIVE, np.abs(I)))
    for name in "arcsin arccos arctanh erfinv".split():
        yield name, [UNIT]
    yield "arccosh", [POSITIVE + 1]
    for name in _ANY_UNARY:
        yield name, [A]
        yield name, [EDGES]
        if name not in ("negative", "sign", "square"):
            yield name, [MASK]
        yield name, [I]
    for name in _ACTIVATIONS:
        yield name, [A]
        yield name, [arr([-30.0, -1.0, 0.0, 1.0, 6.5, 30.0])]
    yield "gelu", [A], {"approximate": False}
    yield "leaky_relu", [A], {"negative_slope": 0.5}
    yield "threshold", [A, 0.5, -1.0]
    yield "glu", [CUBE]
    yield "softmax", [CUBE], {"axis": 1}
    yield "log_softmax", [CUBE], {"axis": 0}
    for name in _ARITHMETIC + _COMPARISONS:
        yield name, [A, B]
        yield name, [I, J]
        yield name, [A, 2]
        yield name, [2, A]
        yield name, [A, I]
        yield name, [CUBE, arr([1, 2, 3, 4])]
        if name != "power":
            yield name, [I, 2.5]
            yield name, [U8, I8]
    yield "power", [arr([1.0, 2.0, 0.0]), arr([0.5, -1.0, 0.0])]
    for name in ("add", "multiply", "maximum", "minimum", "equal"):
        yield name, [MASK, MASK]
        yield name, [MASK, I]
        yield name, [MASK, 1]
    for name in _PAIRS:
        yield name, [A, B]
        yield name, [A, 2.0]
        if name not in ("fmod", "nextafter"):
            yield name, [I, J]
    yield "fmod", [I, J]
    yield "divide_no_nan", [A, arr([0.0, 1.0, 2.0])]
    yield "hypot", [arr([3e30, 0.0]), arr([4e30, 0.0])]
    yield "logaddexp", [arr([1000.0, -INF, INF]), arr([1000.0, -INF, INF])]
    for name in _LOGIC:
        yield name, [MASK, arr([True, False, False], "bool")]
        yield name, [A, I]
    for name in _BITS:
        yield name, [I, J]
        yield name, [MASK, arr([True, False, False], "bool")]
    for name in _SHIFTS:
        yield name, [np.abs(I), np.abs(J)]
    yield "bitwise_not", [I]
    yield "bitwise_invert", [MASK]
    yield "where", [MASK, A, B]
    yield "where", [MASK, A, 0]
    yield "where", [MASK, 1, I]
    yield "select", [[A > 1, A < 0], [A, B], 7.0]
    yield "clip", [A, -1.0, 1.0]
    yield "clip", [I, -2, 3]
    yield "round", [arr([0.5, 1.5, 2.5, -0.5])]
    yield "round", [arr([1.2345, -9.8765])], {"decimals": 2}
    yield "round", [I]
    yield "gcd", [np.abs(I), np.abs(J)]
    yield "lcm", [np.abs(I), np.abs(J)]
    yield "ldexp", [A, arr([1, 2, -1], "int32")]
    yield "isclose", [A, A + 1e-6]
    yield "isclose", [EDGES, EDGES], {"equal_nan": True}
    yield "allclose", [A, A]
    yield "nan_to_num", [EDGES], {"nan": 1.0, "posinf": 5.0, "neginf": -5.0}
    yield "angle", [A]
    yield "isreal", [A]
    yield "imag", [A]
    for dtype in ("float16", "bfloat16", "int8", "uint8", "int64", "bool"):
        yield "cast", [A, dtype]
    yield "saturate_cast", [arr([-1000.0, 3.7, 1000.0]), "int8"]
    yield "saturate_cast", [arr([-5, 300], "int32"), "uint8"]


def _reductions():
    for name in _REDUCTIONS:
        for axis in (None, 0, -1):
            yield name, [A], {"axis": axis}
        yield name, [CUBE * 0.1], {"axis": (0, 2), "keepdims": True}
        if name not in ("median", "ptp", "logsumexp"):
            yield name, [I]
            yield name, [MASK] if name not in ("var", "std") else [I]
            yield name, [I8]
        yield name, [A], {"keepdims": True}
    for name in _NAN_REDUCTIONS:
        yield name, [WITH_NAN], {"axis": 1}
        yield name, [A], {"axis": 0, "keepdims": True}
    for name in ("argmax", "argmin"):
        yield name, [A]
        yield name, [A], {"axis": 1}
        yield name, [I], {"axis": 0, "keepdims": True}
    for name in ("nanargmax", "nanargmin"):
        yield name, [WITH_NAN[[0, 2]]], {"axis": 1}
    for name in ("cumsum", "cumprod"):
        yield name, [A]
        yield name, [A], {"axis": 1}
        yield name, [MASK], {"axis": 0}
        yield name, [I8], {"axis": 0, "dtype": "int32"}
    yield "nancumsum", [WITH_NAN], {"axis": 1}
    yield "nancumprod", [WITH_NAN], {"axis": 1}
    yield "max", [A], {"axis": 1, "initial": 2.0}
    yield "min", [A], {"axis": 0, "initial": 0.0}
    yield "prod", [I8], {"dtype": "float32"}
    yield "average", [A], {"axis": 1, "weights": arr([1.0, 2.0, 3.0])}
    yield "average", [A], {"weights": POSITIVE}
    yield "average", [I]
    yield "count_nonzero", [A], {"axis": 0}
    yield "count_nonzero", [MASK]
    yield "logsumexp", [arr([1000.0, -INF, 1000.0])]
    yield "logsumexp", [arr([-INF, -INF])]
    yield "trapezoid", [A]
    yield "trapezoid", [A], {"x": arr([0.0, 1.0, 3.0])}
    yield "trapezoid", [A], {"dx": 2.0, "axis": 0}
    for order in (None, 1, 2, 3, INF, -INF, 0):
        yield "norm", [A], {"ord": order, "axis": 1}
    for order in (None, "fro", 1, -1, INF, -INF):
        yield "norm", [A], {"ord": order, "axis": (0, 1)}
    yield "norm", [CUBE], {"ord": 1, "axis": (2, 0), "keepdims": True}
    for q in (0.0, 0.3, 1.0, arr([0.25, 0.75])):
        for method in ("linear", "lower", "higher", "midpoint", "nearest"):
            yield "quantile", [CUBE, q], {"axis": 1, "method": method}
    yield "quantile", [CUBE, arr([0.1, 0.5])], {"axis": (0, 2), "keepdims": True}
    yield "quantile", [I, 0.5]
    yield "percentile", [A, 40.0], {"axis": 0}
    yield "nanquantile", [WITH_NAN, 0.5], {"axis": 1}
    yield "nanpercentile", [WITH_NAN, arr([10.0, 90.0])], {"axis": 0}
    yield "corrcoef", [A]
    for mode in ("valid", "same", "full"):
        yield "correlate", [arr([1, 2, 3, 4]), arr([0, 1, 0.5])], {"mode": mode}
        yield "correlate", [arr([1, 2]), arr([0, 1, 0.5])], {"mode": mode}


def _shapes():
    yield "reshape", [CUBE, (4, -1)]
    yield "ravel", [CUBE]
    yield "transpose", [CUBE]
    yield "transpose", [CUBE], {"axes": (1, 2, 0)}
    yield "moveaxis", [CUBE, 0, -1]
    yield "moveaxis", [CUBE, (0, 1), (2, 0)]
    yield "swapaxes", [CUBE, 0, 2]
    yield "expand_dims", [A, 1]
    yield "expand_dims", [A, (0, -1)]
    yield "squeeze", [CUBE[:1]]
    yield "squeeze", [CUBE[:1]], {"axis": 0}
    yield "broadcast_to", [arr([1, 2, 3]), (2, 3)]
    yield "concatenate", [[A, B]], {"axis": 1}
    yield "concatenate", [[A, I]], {"axis": 0}
    yield "append", [A, B]
    yield "append", [A, B], {"axis": 0}
    yield "stack", [[A, B]], {"axis": -1}
    for name in ("hstack", "vstack", "dstack"):
        yield name, [[A, B]]
        yield name, [[arr([1, 2]), arr([3, 4])]]
    yield "split", [CUBE, 2], {"axis": 2}
    yield "split", [CUBE, [1, 3]], {"axis": 2}
    yield "array_split", [arr([1, 2, 3, 4, 5]), 3]
    yield "hsplit", [CUBE, 3]
    yield "vsplit", [CUBE, 2]
    yield "dsplit", [CUBE, 2]
    yield "unstack", [CUBE], {"axis": 1}
    yield "tile", [A, 2]
    yield "tile", [A, (2, 1, 3)]
    yield "repeat", [A, 2]
    yield "repeat", [A, 2], {"axis": 1}
    yield "repeat", [A, arr([1, 0, 2], "int32")], {"axis": 1}
    yield "flip", [A]
    yield "flip", [A], {"axis": 1}
    yield "fliplr", [A]
    yield "flipud", [A]
    for k in range(-1, 4):
        yield "rot90", [A], {"k": k}
    yield "rot90", [CUBE], {"axes": (2, 0)}
    yield "roll", [A, 1]
    yield "roll", [A, -1], {"axis": 1}
    yield "roll", [A, (1, 2)], {"axis": (0, 1)}
    for mode in ("constant", "edge", "reflect", "symmetric", "wrap"):
        yield "pad", [A, ((1, 0), (2, 1))], {"mode": mode}
    yield "pad", [A, 1], {"constant_values": 9.0}
    for k in (-1, 0, 1):
        yield "tril", [SQUARE], {"k": k}
        yield "triu", [CUBE], {"k": k}
        yield "diag", [A], {"k": k}
        yield "diag", [arr([1, 2, 3])], {"k": k}
        yield "diagonal", [CUBE], {"offset": k, "axis1": 0, "axis2": 2}
        yield "trace", [SQUARE], {"offset": k}
        yield "eye", [3, 4], {"k": k}
        yield "tri", [3, 4], {"k": k}
    yield "diagflat", [A]
    yield "diff", [SQUARE], {"n": 2, "axis": 0}
    yield "diff", [MASK]
    yield "meshgrid", [arr([1, 2]), arr([3, 4, 5])]
    yield "meshgrid", [arr([1, 2]), arr([3, 4, 5])], {"indexing": "ij"}
    yield "vander", [arr([1, 2, 3])]
    yield "vander", [arr([1, 2, 3])], {"N": 2, "increasing": True}
    yield "linspace", [0, 10, 5]
    yield "linspace", [0.0, 1.0, 4], {"endpoint": False}
    yield "linspace", [arr([0.0, 1.0]), arr([1.0, 3.0]), 3], {"axis": 1}
    yield "logspace", [0.0, 2.0, 3]
    yield "geomspace", [1.0, 100.0, 3]
    yield "arange", [5]
    yield "arange", [1, 2, 0.25]
    yield "arange", [3.0]
    yield "zeros", [(2, 3)]
    yield "ones", [(2,)], {"dtype": "int32"}
    yield "full", [(2, 2), 3]
    yield "full_like", [I, 7]
    yield "zeros_like", [MASK]
    yield "ones_like", [I], {"dtype": "float16"}
    yield "identity", [3]
    for name in ("bartlett", "blackman", "hamming", "hanning"):
        yield name, [5]
    yield "kaiser", [5, 3.0]
    yield "rearrange", [CUBE, "a b c -> b (c a)"]
    yield "depth_to_space", [IMAGE, 2]
    yield "space_to_depth", [IMAGE, 2]
    yield (
        "depth_to_space",
        [np.tile(IMAGE, (1, 2, 1, 1)), 2],
        {"data_format": "channels_first"},
    )
    yield "space_to_depth", [IMAGE, 2], {"data_format": "channels_first"}
    yield "i0", [arr([0.0, 1.0, -7.5, 9.0, 30.0])]
    yield "unfold", [IMAGE, 2], {"stride": 2}
    yield "unfold", [IMAGE, (2, 1)], {"dilation": (2, 1), "padding": (1, 0)}
    columns = np.arange(2 * 8 * 6, dtype="float32").reshape(2, 8, 6)
    yield "fold", [columns, (3, 4), 2]
    yield "fold", [columns, (4, 6), 2], {"stride": 2}
    yield (
        "fold",
        [columns.reshape(3, 4, 8), (2, 3), 2],
        {"padding": (1, 1), "stride": (2, 1), "dilation": 1},
    )
    yield "extract_sequences", [arr([[1, 2, 3, 4, 5]]), 3, 2]


def _indexing():
    yield "take", [A, arr([2, 0], "int32")], {"axis": 1}
    yield "take", [A, arr([[2, 0]], "int32")]
    yield "take", [CUBE, arr([[1, -1], [0, 2]], "int32")], {"axis": 1}
    yield "take_along_axis", [A, arr([[2, 0], [1, 1]], "int32")], {"axis": 1}
    yield "take_along_axis", [A, arr([[1]], "int32")], {"axis": 0}
    yield "scatter", [arr([[0], [2], [2]], "int32"), arr([1, 2, 3]), (4,)]
    yield "scatter", [arr([[0, 1], [1, 0]], "int32"), arr([5, 6]), (2, 2)]
    for reduction in (None, "add", "mul", "max", "min"):
        yield (
            "scatter_update",
            [SQUARE, arr([[0, 1], [2, 2]], "int32"), arr([5, 6])],
            {"reduction": reduction},
        )
    yield "scatter_update", [SQUARE, arr([[1], [0]], "int32"), A]
    yield "slice", [SQUARE, (1, 0), (2, 2)]
    yield "slice_update", [SQUARE, (1, 1), arr([[50, 60]])]
    ids = arr([0, 2, 0, 1], "int32")
    for name in ("segment_sum", "segment_max", "segment_min", "segment_prod"):
        yield name, [arr([1, 2, 3, 4]), ids, 3]
        yield name, [arr([[1, 2], [3, 4], [5, 6], [7, 8]], "int32"), ids, 3]
    yield "one_hot", [arr([0, 2, -1, 5], "int32"), 3]
    yield "one_hot", [arr([[0, 2]], "int32"), 3], {"axis": 1, "dtype": "int32"}
    yield "multi_hot", [arr([[0, 2], [1, 1]], "int32"), 3]
    yield "unravel_index", [arr([5, 0, 3], "int32"), (2, 3)]
    yield "nonzero", [MASK]
    yield "sort", [A]
    yield "sort", [A], {"axis": 0}
    yield "argsort", [I], {"axis": 1}
    yield "top_k", [A, 2]
    yield "top_k", [U8, 2]
    yield "in_top_k", [arr([1, 0], "int32"), PROBABILITIES, 2]
    for side in ("left", "right"):
        yield "searchsorted", [arr([1, 3, 3, 5]), arr([[0, 3], [4, 9]])], {"side": side}
    yield "digitize", [A, arr([-1.0, 0.5, 2.0])]
    yield "isin", [I, arr([1, 5, 9], "int32")]
    yield "isin", [I, arr([1, 5, 9], "int32")], {"invert": True}
    yield "unique", [arr([3, 1, 3, 2], "int32")]
    yield "bincount", [arr([1, 3, 1], "int32")]
    yield "bincount", [arr([1, 3, 1], "int32")], {"minlength": 6}
    yield "bincount", [arr([1, 3, 1], "int32")], {"weights": arr([0.5, 1.0, 2.0])}
    yield "bincount", [arr([[1, 3], [0, 1]], "int32")], {"minlength": 4}
    yield "histogram", [arr([0.0, 1.0, 1.0, 4.0]), 4]


def _products():
    for name in ("matmul", "dot"):
        yield name, [A, SQUARE]
        yield name, [A, arr([1, 2, 3])]
        yield name, [arr([1, 2]), A]
        yield name, [I, np.transpose(J)]
        yield name, [arr([1, 2, 3]), arr([4, 5, 6])]
    yield "matmul", [CUBE, np.transpose(CUBE, (0, 2, 1))]
    yield "matmul", [CUBE, np.ones((4, 2), "float32")]
    yield "matmul", [np.ones((2, 3), "float32"), CUBE]
    yield "matmul", [arr([1, 2, 3]), CUBE]
    yield "matmul", [CUBE, arr([1, 2, 3, 4])]
    yield "matmul", [np.ones((2, 1, 2, 3), "float32"), CUBE]
    yield "matmul", [I8[None], I8[:, None]]
    yield "dot", [A, 2.0]
    yield "dot", [CUBE, np.ones((2, 4, 2), "float32")]
    yield "vdot", [A, B]
    yield "inner", [A, B]
    yield "outer", [arr([1, 2]), arr([3, 4, 5])]
    yield "tensordot", [CUBE, CUBE], {"axes": 3}
    yield "tensordot", [CUBE, np.ones((4, 3), "float32")], {"axes": [[1, 2], [1, 0]]}
    yield "kron", [A, arr([[1, 2]])]
    yield "cross", [A, B]
    yield "cross", [A[:, :2], B[:, :2]]
    for text, operands in [
        ("ij,jk->ik", [A, SQUARE]), ("ij,jk", [A, SQUARE]), ("ii->i", [SQUARE]),
        ("ii", [SQUARE]), ("ij->ji", [A]), ("ij->", [A]),
        ("...ij,...jk->...ik", [CUBE, np.ones((2, 4, 2), "float32")]),
        ("i,j->ij", [arr([1, 2]), arr([3, 4, 5])]), ("ijk,ijk->k", [CUBE, CUBE]),
        ("ij,jk,kl->il", [A, SQUARE, SQUARE]), ("bij,bkj->bik", [CUBE, CUBE]),
        ("...i->...", [CUBE]), ("ij,ij->ij", [A, B]), ("i...,i->...", [CUBE, arr([1, 2])]),
    ]:  # fmt: skip
        yield "einsum", [text, *operands]
    yield "cdist", [A, B]


def _networks():
    yield "categorical_crossentropy", [ONE_HOT, PROBABILITIES]
    yield "categorical_crossentropy", [ONE_HOT, LOGITS], {"from_logits": True}
    yield "sparse_categorical_crossentropy", [arr([1, 2], "int32"), PROBABILITIES]
    yield (
        "sparse_categorical_crossentropy",
        [arr([[1], [2]], "int32"), LOGITS],
        {"from_logits": True},
    )
    yield "binary_crossentropy", [ONE_HOT, PROBABILITIES]
    yield "binary_crossentropy", [ONE_HOT, LOGITS], {"from_logits": True}
    yield "moments", [CUBE, [0, 1]]
    yield "moments", [CUBE.astype("float16"), [2]], {"keepdims": True}
    three = arr([0.5, 1.0, 2.0])
    yield "batch_normalization", [A, three, three, -1], {"offset": three, "scale": three}
    yield "batch_normalization", [CUBE, three, three, 1]
    yield "layer_normalization", [A], {"gamma": three, "beta": three, "epsilon": 1e-3}
    yield "layer_normalization", [CUBE], {"axis": [1, 2]}
    yield "layer_normalization", [CUBE], {"rms_scaling": True, "gamma": arr([1, 2, 3, 4])}
    yield "rms_normalization", [A], {"scale": three}
    yield "normalize", [A]
    yield "normalize", [A], {"axis": 0, "order": 3}
    yield "psnr", [A, B, 10.0]
    q = np.sin(np.arange(2 * 3 * 2 * 4, dtype="float32")).reshape(2, 3, 2, 4)
    k = np.cos(np.arange(2 * 5 * 2 * 4, dtype="float32")).reshape(2, 5, 2, 4)
    yield "dot_product_attention", [q, k, k]
    yield "dot_product_attention", [q, q, q], {"is_causal": True}
    yield "dot_product_attention", [q, k, k], {"mask": k[:1, :, 0, 0][:, None, None] > 0}
    yield (
        "dot_product_attention",
        [q, k, k],
        {"scale": 0.5, "bias": np.ones((2, 2, 3, 5), "float32")},
    )


def all_cases():
    """(id, name, arguments, keyword arguments), every one with an id of its own."""
    groups = [
        _elementwise(),
        _reductions(),
        _shapes(),
        _indexing(),
        _products(),
        _networks(),
    ]
    counts: dict[str, int] = {}
    for group in groups:
        for name, arguments, *rest in group:
            counts[name] = counts.get(name, 0) + 1
            yield f"{name}-{counts[name]}", name, arguments, rest[0] if rest else {}

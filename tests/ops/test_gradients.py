"""Gradients of composed operations against finite differences, and where they must be 0."""

from __future__ import annotations

import numpy as np
import pytest

import weft
from tests.ops.cases import all_cases
from weft import ops
from weft.autodiff import check_gradients

CASES = {case: call for case, *call in all_cases()}

SMOOTH = """
exp expm1 sigmoid erf tanh arctan2 logaddexp hypot divide log log2 sqrt rsqrt cbrt sinc
i0 elu selu celu gelu silu softplus softsign log_sigmoid squareplus glu softmax
log_softmax sum prod mean var std logsumexp norm average cumsum cumprod median quantile
trapezoid nanmean nansum nanvar matmul dot inner outer vdot tensordot kron cross einsum
cdist reshape transpose concatenate stack split tile repeat flip roll pad tril diag
diagonal trace diff meshgrid take take_along_axis scatter scatter_update slice
slice_update segment_sum sort where select top_k categorical_crossentropy
binary_crossentropy batch_normalization moments layer_normalization rms_normalization
normalize psnr dot_product_attention corrcoef correlate unfold fold depth_to_space
rearrange relu leaky_relu hard_sigmoid hard_silu sparsemax maximum minimum clip absolute
fmax
""".split()


def smooth_cases():
    """Up to three cases of each operation whose arrays are all floats without NaN."""
    taken: dict[str, int] = {}
    for case, (name, arguments, _) in CASES.items():
        arrays = [a for a in arguments if isinstance(a, np.ndarray)]
        arrays += [a for xs in arguments if isinstance(xs, list) for a in xs]
        plain = all(isinstance(a, np.ndarray) and np.isfinite(a).all() for a in arrays)
        tiny = all(np.abs(a).max(initial=0) < 100 for a in arrays) if plain else False
        wide = not any(getattr(a, "dtype", None) == "float16" for a in arrays)
        is_float = any(a.dtype == "float32" for a in arrays) if plain else False
        if (
            name in SMOOTH
            and plain
            and tiny
            and is_float
            and wide
            and taken.get(name, 0) < 3
        ):
            taken[name] = taken.get(name, 0) + 1
            yield case


@pytest.mark.parametrize("case", list(smooth_cases()))
def test_gradient(case):
    name, arguments, keywords = CASES[case]
    rng = np.random.default_rng(5)

    def is_watched(x):
        return isinstance(x, np.ndarray) and x.dtype == np.float32

    # Shaken a little, so that no two numbers are equal and none is a corner.
    flat = [a for x in arguments for a in (x if isinstance(x, list) else [x])]
    watched = [
        a.astype("float64") + rng.uniform(0.01, 0.09, a.shape)
        for a in flat
        if is_watched(a)
    ]

    def call(*tensors):
        tensors = iter(tensors)

        def filled(x):
            if isinstance(x, list):
                return [filled(item) for item in x]
            return next(tensors) if is_watched(x) else x

        found = getattr(ops, name)(*[filled(x) for x in arguments], **keywords)
        results = found if isinstance(found, list | tuple) else [found]
        return [result for result in results if result.dtype.is_floating]

    check_gradients(call, watched)


@pytest.mark.parametrize(
    "function, at, expected",
    [
        (ops.relu, [0.0, -1.0, 2.0], [0.0, 0.0, 1.0]),
        (ops.relu6, [0.0, 6.0, 3.0], [0.0, 0.0, 1.0]),
        (ops.softplus, [0.0], [0.5]),
        (ops.elu, [-1000.0, 1000.0], [0.0, 1.0]),
        (lambda x: ops.logsumexp(x), [1000.0, -1000.0], [1.0, 0.0]),
        (lambda x: ops.divide_no_nan(1.0, x), [0.0], [0.0]),
        (lambda x: ops.where(x > 0, ops.log(x), 0.0), [1.0], [1.0]),
        (lambda x: ops.nan_to_num(x), [np.nan, 1.0], [0.0, 1.0]),
        (lambda x: ops.softmax(x)[0], [0.0, 0.0], [0.25, -0.25]),
        (lambda x: ops.hypot(x, 0.0), [2.0], [1.0]),
    ],
)
def test_at_corners(function, at, expected):
    x = weft.Variable(at)
    with weft.GradientTape() as tape:
        y = ops.sum(function(x))
    np.testing.assert_allclose(tape.gradient(y, x).numpy(), expected, atol=1e-7)

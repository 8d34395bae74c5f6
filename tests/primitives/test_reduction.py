"""Reductions: the meanings that tables of random values don't show."""

from __future__ import annotations

import numpy as np
import pytest

import weft.ops  # noqa: F401
from weft import dtypes
from weft.autodiff.tape import GradientTape
from weft.core.spec import Spec
from weft.core.tensor import Tensor
from weft.errors import DTypeError, ShapeError
from weft.primitives import reduction


@pytest.mark.parametrize("dtype", [dtypes.float16, dtypes.bfloat16], ids=str)
def test_short_floats_count_past_their_digits(dtype):
    ones = np.ones(5000, dtype.numpy)
    total = reduction.reduce_sum.evaluate(ones, axes=(0,))
    running = reduction.cumulative_sum.evaluate(ones, axis=0, reverse=False)
    assert float(total) == float(running[-1]) == float(np.array(5000, dtype.numpy))
    assert total.dtype == running.dtype == dtype.numpy


IDENTITIES = {
    "reduce_sum": (0, 0), "reduce_prod": (1, 1),
    "reduce_max": (-np.inf, -128), "reduce_min": (np.inf, 127),
}  # fmt: skip


@pytest.mark.parametrize("name", IDENTITIES)
def test_of_nothing(name):
    evaluate = getattr(reduction, name).evaluate
    for dtype, expected in zip(("float32", "int8"), IDENTITIES[name]):
        found = evaluate(np.zeros((0, 2), dtype), axes=(0,))
        np.testing.assert_array_equal(found, [expected, expected])
        assert found.dtype == dtype


def _gradient(name, array, **parameters):
    x = Tensor(np.array(array))
    with GradientTape() as tape:
        tape.watch(x)
        result = getattr(reduction, name).bind(x, **parameters)
    return tape.gradient(result, x).numpy()


@pytest.mark.parametrize("name", ["reduce_max", "reduce_min"])
def test_ties_share_the_gradient(name):
    sign = 1.0 if name == "reduce_max" else -1.0
    x = sign * np.array([[3.0, 3.0, 1.0], [0.0, 2.0, 1.0]])
    found = _gradient(name, x, axes=(1,))
    np.testing.assert_array_equal(found, [[0.5, 0.5, 0.0], [0.0, 1.0, 0.0]])


def test_gradient_of_a_product_with_zeros():
    x = [[0.0, 2.0, 3.0], [0.0, 0.0, 3.0], [1.0, 2.0, 3.0]]
    found = _gradient("reduce_prod", x, axes=(1,))
    np.testing.assert_array_equal(found, [[6, 0, 0], [0, 0, 0], [6, 3, 2]])


def test_positions_of_extremes():
    x = np.array([[2.0, 5.0, 5.0], [1.0, np.nan, np.nan], [1.0, 1.0, 3.0]])
    for name, expected in (("argmax", [1, 1, 2]), ("argmin", [0, 1, 0])):
        for dtype in ("float64", "float16", dtypes.bfloat16.numpy):
            found = getattr(reduction, name).evaluate(x.astype(dtype), axis=1)
            np.testing.assert_array_equal(found, expected)
            assert found.dtype == np.int32


F32 = Spec((2, 0), "float32")
ERRORS = {
    "axis": ("reduce_sum", {"axes": (2,)}, ShapeError, "reduce_sum: axis .*axis=2 .*rank"),
    "negative": ("cumulative_sum", {"axis": -1, "reverse": False}, ShapeError, "axis=-1"),
    "twice": ("reduce_max", {"axes": (0, 0)}, ShapeError, r"once; received axes=\(0, 0\)"),
    "bool": ("reduce_any", {"axes": (0,)}, DTypeError, "reduce_any: .*bool.*compare"),
    "nothing": ("argmax", {"axis": 1}, ShapeError, "argmax: the axis must have elements"),
}  # fmt: skip


@pytest.mark.parametrize("case", ERRORS)
def test_errors(case):
    name, parameters, error, message = ERRORS[case]
    with pytest.raises(error, match=message):
        getattr(reduction, name).spec(F32, **parameters)

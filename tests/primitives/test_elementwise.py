"""Elementwise primitives: the meanings that tables of random values don't show."""

from __future__ import annotations

import threading
import warnings

import numpy as np
import pytest

import weft.ops  # noqa: F401
from weft import dtypes
from weft.autodiff.tape import GradientTape
from weft.core.spec import Spec
from weft.core.tensor import Tensor
from weft.errors import ArgumentError, DTypeError, ShapeError
from weft.primitives import elementwise
from weft.primitives.quiet import quiet

INT_MIN = -(2**31)


def _int32(*values):
    return np.array(values, np.int32)


# Primitive, inputs, result.
INTEGERS = {
    "quotients go down": ("floor_divide", (7, -7, 7, -7), (2, 2, -2, -2), (3, -4, -4, 3)),
    "by zero is 0": ("floor_divide", (5, -5, 0), (0, 0, 0), (0, 0, 0)),
    "smallest by -1 wraps": ("floor_divide", (INT_MIN,), (-1,), (INT_MIN,)),
    "rest has the divisor's sign": ("remainder", (7, -7, 7), (3, 3, -3), (1, 2, -2)),
    "rest by zero is 0": ("remainder", (5, INT_MIN), (0, -1), (0, 0)),
    "sum wraps": ("add", (2**31 - 1,), (1,), (INT_MIN,)),
    "power wraps": ("power", (2, 3, 0), (40, 4, 0), (0, 81, 1)),
    "negative power is cut": ("power", (2, 1, -1, -1, 0), (-1, -5, -2, -3, -1),
                              (0, 1, 1, -1, 0)),
    "shift past the width": ("shift_left", (1, 1, 1), (31, 32, 99), (INT_MIN, 0, 0)),
    "shift moves signs in": ("shift_right", (-8, -8, 8), (1, 40, 40), (-4, -1, 0)),
}  # fmt: skip


@pytest.mark.parametrize("case", INTEGERS)
def test_integers(case):
    name, x, y, expected = INTEGERS[case]
    found = getattr(elementwise, name).evaluate(_int32(*x), _int32(*y))
    np.testing.assert_array_equal(found, expected)
    assert found.dtype == np.int32


@pytest.mark.parametrize("source", ["float32", "float64", "bfloat16"])
@pytest.mark.parametrize("target", dtypes.INTEGER, ids=str)
def test_cast_to_integers_saturates(source, target):
    source = dtypes.canonical(source)
    limits = np.iinfo(target.numpy)
    x = np.array([np.nan, np.inf, -np.inf, 1e30, -1e30, 2.9, -0.9, 0.0], source.numpy)
    found = elementwise.cast.evaluate(x, dtype=target)
    high, low = limits.max, limits.min
    np.testing.assert_array_equal(found, [0, high, low, high, low, 2, 0, 0])
    assert found.dtype == target.numpy


def test_cast_of_numbers_near_the_limits():
    x = np.array([2.0**31 - 1, 2.0**31, -(2.0**31), -(2.0**31) - 1])
    found = elementwise.cast.evaluate(x, dtype=dtypes.int32)
    np.testing.assert_array_equal(found, [2**31 - 1, 2**31 - 1, INT_MIN, INT_MIN])


def test_cast_to_bool_is_not_zero():
    x = np.array([0.0, -0.0, 0.5, np.nan])
    found = elementwise.cast.evaluate(x, dtype=dtypes.bool_)
    np.testing.assert_array_equal(found, [False, False, True, True])


def test_short_floats_round_once():
    x = np.linspace(-5, 5, 1001, dtype=np.float32)
    for dtype in (np.dtype("float16"), dtypes.bfloat16.numpy):
        short = x.astype(dtype)
        for name in ("sigmoid", "rsqrt", "exp", "tanh", "erf"):
            primitive = getattr(elementwise, name)
            expected = primitive.evaluate(short.astype(np.float32)).astype(dtype)
            found = primitive.evaluate(short)
            assert found.dtype == dtype
            np.testing.assert_array_equal(found.astype(float), expected.astype(float))


def test_sigmoid_keeps_small_results():
    x = np.array([-80.0, -1e4, 1e4, -np.inf, np.inf], np.float32)
    found = elementwise.sigmoid.evaluate(x)
    np.testing.assert_allclose(found, [np.exp(-80.0), 0, 1, 0, 1], rtol=1e-6)


# -- derivatives in particular points ----------------------------------------------------


def _gradients(name, *arrays):
    tensors = [Tensor(np.array(array)) for array in arrays]
    with GradientTape() as tape:
        tape.watch(tensors)
        result = getattr(elementwise, name).bind(*tensors)
    return [gradient.numpy() for gradient in tape.gradient(result, tensors)]


@pytest.mark.parametrize("name", ["maximum", "minimum"])
def test_ties_share_the_gradient(name):
    to_x, to_y = _gradients(name, [1.0, 2.0], [1.0, 2.0])
    np.testing.assert_array_equal(to_x, [0.5, 0.5])
    np.testing.assert_array_equal(to_y, [0.5, 0.5])


def test_slopes_of_powers_at_zero_and_below():
    x = [0.0, 0.0, 0.0, 0.0, -2.0, -2.0]
    y = [0.0, 1.0, 2.0, 3.0, 3.0, 2.0]
    to_x, to_y = _gradients("power", x, y)
    np.testing.assert_array_equal(to_x, [0.0, 1.0, 0.0, 0.0, 12.0, -4.0])
    np.testing.assert_array_equal(to_y, np.zeros(6))


def test_curvature_of_a_square_at_zero():
    x, y = Tensor(np.array([0.0, -1.0])), Tensor(np.array([2.0, 2.0]))
    with GradientTape() as outer:
        outer.watch(x)
        with GradientTape() as inner:
            inner.watch(x)
            square = elementwise.power.bind(x, y)
        slope = inner.gradient(square, x)
    np.testing.assert_array_equal(outer.gradient(slope, x).numpy(), [2.0, 2.0])


def test_nothing_flows_through_stop_gradient():
    x = Tensor(np.array([1.0, 2.0]))
    with GradientTape() as tape:
        tape.watch(x)
        result = elementwise.stop_gradient.bind(x)
    assert tape.gradient(result, x) is None


# -- errors ------------------------------------------------------------------------------

F32, I32, B = Spec((2,), "float32"), Spec((2,), "int32"), Spec((2,), "bool")
ERRORS = {
    "float wanted": ("sqrt", (I32,), {}, DTypeError,
                     r"sqrt: .*float.*received i32\[2\]; cast"),
    "number wanted": ("add", (B, B), {}, DTypeError, r"add: .*received bool\[2\]; cast"),
    "equal dtypes": ("add", (F32, I32), {}, DTypeError, r"add: .*f32\[2\], i32\[2\]; cast"),
    "equal shapes": ("add", (F32, Spec((3,), "float32")), {}, ShapeError,
                     r"add: .*f32\[2\], f32\[3\]; broadcast"),
    "bool condition": ("select", (F32, F32, F32), {}, DTypeError, "select: .*condition"),
    "text": ("cast", (Spec((), "string"),), {"dtype": dtypes.int32}, DTypeError,
             "cast: text"),
    "order": ("polygamma", (F32,), {"n": -1}, ArgumentError, "polygamma: n .* n=-1"),
}  # fmt: skip


@pytest.mark.parametrize("case", ERRORS)
def test_errors(case):
    name, specs, parameters, error, message = ERRORS[case]
    with pytest.raises(error, match=message):
        getattr(elementwise, name).spec(*specs, **parameters)


# -- quiet -------------------------------------------------------------------------------


def test_quiet_leaves_the_settings_of_the_user_alone():
    divide = quiet(np.divide)
    with warnings.catch_warnings(), np.errstate(all="warn"):
        warnings.simplefilter("error")
        assert np.isinf(divide(1.0, 0.0))
        with pytest.raises(RuntimeWarning):
            np.divide(1.0, np.float64(0.0))


def test_quiet_inside_quiet_and_in_threads():
    divide = quiet(np.divide)
    nested = quiet(lambda x: divide(x, 0.0) + divide(x, 0.0))
    large = np.ones(200_000)
    results = []

    def work():
        results.extend(np.isinf(nested(large)).all() for _ in range(20))

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True] * 80

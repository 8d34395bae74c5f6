"""Large eager operations: natively after some repeats, with NumPy's bits."""

from __future__ import annotations

import numpy as np
import pytest

from weft import ops
from weft.core import large
from weft.core.primitive import LARGE, REGISTRY
from weft.core.tensor import Tensor
from weft.targets import eager

RNG = np.random.default_rng(0)
SPECIAL = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1e-45, -1e-45, 3.4e38], "float32")


def _arrays(name: str, rows: int = 400) -> list[np.ndarray]:
    shape = (rows, LARGE // 400 + 7)
    x = RNG.standard_normal(shape).astype("float32")
    x[: len(SPECIAL), : len(SPECIAL)] = SPECIAL
    y = np.broadcast_to(RNG.permutation(x[:1].T).T, shape)
    if name == "select":
        return [x > 0, x, np.broadcast_to(np.float32(2), shape)]
    if name.startswith("bitwise"):
        x, y = x.view("int32"), np.ascontiguousarray(y).view("int32")
    unary = name in {"negative", "absolute", "sqrt", "relu", "bitwise_not", "is_finite",
                     "is_nan", "is_inf"}  # fmt: skip
    return [x] if unary else [x, y]


@pytest.mark.parametrize("name", large.EXACT)
def test_repeated_operations_keep_their_bits(name):
    primitive = REGISTRY[name]
    arrays = _arrays(name)
    tensors = [Tensor(array) for array in arrays]
    expected = primitive.evaluate(*arrays)
    for _ in range(eager.REPEATS + 3):
        found = primitive.bind(*tensors)._array
        assert found.dtype == expected.dtype
        if found.dtype.kind == "f":  # any NaN is as good as another
            np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
            found, now = np.nan_to_num(found, nan=7), np.nan_to_num(expected, nan=7)
            if name in ("maximum", "minimum", "relu"):  # zeros of either sign
                found, now = found + 0.0, now + 0.0
            assert found.tobytes() == now.tobytes()
        else:
            np.testing.assert_array_equal(found, expected)
    assert any(program is not None for program in eager._programs.made.values())


@pytest.mark.parametrize("turned", [(False, False), (True, False), (False, True)])
def test_large_products_are_native_in_any_layout(turned):
    a = RNG.standard_normal((600, 500)).astype("float32")
    b = RNG.standard_normal((500, 512)).astype("float32")
    left = np.asfortranarray(a) if turned[0] else a
    right = np.asfortranarray(b) if turned[1] else b
    before = len(eager._programs.made)
    found = ops.matmul(Tensor(left), Tensor(right)).numpy()
    np.testing.assert_allclose(found, a.astype("float64") @ b, rtol=1e-4, atol=1e-3)
    assert len(eager._programs.made) == before + 1
    again = ops.matmul(Tensor(left), Tensor(right)).numpy()
    assert again.tobytes() == found.tobytes()


@pytest.mark.parametrize("axis", [None, 0, 1])
def test_large_sums_are_native(axis):
    x = RNG.standard_normal((1024, 700)).astype("float32")
    for array in (x, np.asfortranarray(x), x[::-1]):
        found = ops.sum(Tensor(array), axis=axis).numpy()
        expected = array.sum(axis=axis, dtype="float64")
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-2)

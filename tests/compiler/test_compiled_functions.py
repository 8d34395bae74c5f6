"""Whole functions, compiled: cases that once went wrong, and what must hold for all."""

from __future__ import annotations

import numpy as np
import pytest

import weft
from weft import ops
from weft.core.trace import trace_function
from weft.targets.llvm.program import compile_graph


def test_negative_zero_is_not_zero():
    signs = []
    for number in (0.0, -0.0):
        function = weft.function(lambda x, n=number: x * 0.0 + n if n else ops.copy(x) * n)
        signs.append(np.signbit(function(ops.convert_to_tensor(1.0)).numpy()))
    assert signs == [False, True]


def test_scan_of_no_steps():
    @weft.function
    def total(xs):
        return weft.scan(lambda c, x: (c + x, c), ops.convert_to_tensor(1.0), xs)

    carry, stacked = total(ops.zeros((0,)))
    assert float(carry) == 1.0 and stacked.shape == (0,)


def test_a_watched_tensor_used_only_in_a_branch_has_a_gradient():
    x, p = ops.convert_to_tensor(3.0), ops.convert_to_tensor(True)

    @weft.function
    def f(p):
        with weft.GradientTape() as tape:
            tape.watch(x)
            y = weft.cond(p, lambda: x * x, lambda: x)
        return tape.gradient(y, x)

    assert float(f(p)) == 6.0


def test_ten_thousand_calls_compile_once():
    calls = []

    @weft.function
    def f(x):
        calls.append(1)
        return x + 1

    x = ops.zeros((3,))
    for _ in range(10_000):
        x = f(x)
    assert len(calls) == 1 and float(x[0]) == 10_000


def test_a_long_chain_compiles():
    def chain(x):
        for _ in range(700):
            x = ops.maximum(x * 1.01, 0.3) - 0.01
        return x

    x = np.linspace(-1, 1, 33, dtype="float32")
    graph, _ = trace_function(chain, [ops.convert_to_tensor(x).spec])
    [found] = compile_graph(graph)([x])
    np.testing.assert_allclose(found, chain(ops.convert_to_tensor(x)).numpy(), rtol=1e-5)


def test_swapped_variables():
    a, b = weft.Variable(np.ones(5, "float32")), weft.Variable(np.zeros(5, "float32"))

    @weft.function
    def swap():
        old = a.value
        a.assign(b)
        b.assign(old)

    for _ in range(3):
        swap()
    assert a.numpy().tolist() == [0] * 5 and b.numpy().tolist() == [1] * 5


def test_tensors_read_before_an_update_keep_their_values():
    v = weft.Variable(np.zeros(4, "float32"))

    @weft.function
    def bump():
        v.assign_add(np.ones(4, "float32"))

    before = v.value
    view = np.asarray(before)[1:]
    bump()
    assert before.numpy().tolist() == [0] * 4 and view.tolist() == [0] * 3
    assert v.numpy().tolist() == [1] * 4


@pytest.mark.parametrize("shape", [(0,), (0, 3), (3, 0), (2, 0, 3)])
def test_empty_tensors(shape):
    @weft.function
    def f(x):
        product = ops.matmul(ops.ones((2, 0)), ops.ones((0, 3)))
        return ops.exp(x), ops.sum(x, axis=0), ops.sum(x), product

    e, s, t, m = f(ops.zeros(shape))
    assert e.shape == shape and s.shape == shape[1:] and float(t) == 0
    assert m.numpy().tolist() == [[0] * 3] * 2


def test_arguments_in_any_layout():
    @weft.function
    def f(x):
        return x * 2.0

    base = np.arange(24, dtype="float32").reshape(4, 6)
    frozen = base.copy()
    frozen.flags.writeable = False
    for array in (base.T, base[::2, ::-1], base[:, 1:3], np.asfortranarray(base), frozen,
                  base.astype(">f4")):  # fmt: skip
        np.testing.assert_array_equal(f(array).numpy(), np.asarray(array, "float32") * 2)


def test_a_product_with_two_sums_of_one_value():
    # What a product reads is finished before it: it can't be computed in its epilogue.
    rng = np.random.default_rng(0)
    x, y, w = (rng.normal(size=(3, 3)).astype("float32") for _ in range(3))

    @weft.function
    def f(x, y, w):
        z = x + y
        return z * 3 + (z * 2) @ w

    np.testing.assert_allclose(f(x, y, w), (x + y) * 3 + (x + y) * 2 @ w, rtol=1e-5)

"""Programs with control flow: traced, they do what Python does with eager tensors.

Every row of PROGRAMS is a function and the arguments to try. The function as Python runs
it, on eager tensors, is the oracle for its results; its tape is the oracle for gradients.
"""

from __future__ import annotations

import numpy as np
import pytest

from tests.function.programs import (
    FLOATS,
    MATRICES,
    PROGRAMS,
    Box,
    conditional_expression,
    early_return,
    elif_chain,
    if_else,
    if_without_else,
    lists_of_python,
    may_return,
    nested_function,
    nested_if,
    nested_rows,
    python_loop_with_tensor_break,
    return_in_for,
    returns_in_all_arms,
    rows_with_break,
    structures,
    tensor,
    unpacked_rows,
)
from weft import function, ops, tree
from weft.autodiff import GradientTape
from weft.core.tensor import Tensor

ROWS = [
    pytest.param(program, arguments, id=program.__name__)
    for arguments, programs in PROGRAMS.items()
    for program in programs
]


def numbers(result):
    """The leaves of a result as NumPy arrays; None stays."""
    return [None if x is None else np.asarray(x) for x in tree.leaves(result)]


@pytest.mark.parametrize(("program", "arguments"), ROWS)
def test_traced_is_as_eager(program, arguments):
    traced = function(program)
    for argument in arguments:
        expected, received = numbers(program(argument)), numbers(traced(argument))
        assert len(expected) == len(received), argument
        for want, got in zip(expected, received):
            if want is None:
                assert got is None
                continue
            np.testing.assert_allclose(got, want, rtol=1e-6, err_msg=str(argument))
    shapes = {argument.shape for argument in arguments}
    assert traced.trace_count == len(shapes), "one trace serves all values"


# -- gradients ---------------------------------------------------------------------------


def power_by_loop(x):
    y = x
    for _ in range(5):
        if y > 50:
            break
        y = y * x
    return y


def newton(x):
    root = x
    while ops.abs(root * root - x) > 1e-3:
        root = 0.5 * (root + x / root)
    return root


def weighted_rows(m):
    state = ops.zeros((2,))
    for row in m:
        if ops.sum(row) > 4:
            state = state + row * row
        else:
            state = ops.tanh(state) + row
    return ops.sum(state)


def dynamic_power(x):
    y = x * 0 + 1
    for k in range(ops.cast(ops.abs(x), "int32") + 1):
        y = y * x + ops.cast(k, "float32")
    return y


def attribute_gradient(x):
    box = Box(x)
    return box.grow(x) * box.value


GRADIENTS = {
    FLOATS: [
        if_else, if_without_else, elif_chain, nested_if, structures, early_return,
        returns_in_all_arms, may_return, conditional_expression, power_by_loop, dynamic_power,
        nested_function, python_loop_with_tensor_break, return_in_for, lists_of_python,
        attribute_gradient,
    ],
    tuple(tensor(v) for v in (2.0, 9.0)): [newton],
    MATRICES: [weighted_rows, unpacked_rows, nested_rows, rows_with_break],
}  # fmt: skip


@pytest.mark.parametrize(
    ("program", "arguments"),
    [
        pytest.param(program, arguments, id=program.__name__)
        for arguments, programs in GRADIENTS.items()
        for program in programs
    ],
)
def test_gradients(program, arguments):
    def gradient(f, x):
        with GradientTape() as tape:
            tape.watch(x)
            y = ops.sum(f(x))
        return tape.gradient(y, x, unconnected_gradients="zero")

    inside = function(lambda x: gradient(program, x))
    traced = function(program)
    for argument in arguments:
        want = gradient(program, argument)
        assert isinstance(want, Tensor)
        np.testing.assert_allclose(gradient(traced, argument), want, rtol=1e-5)
        np.testing.assert_allclose(inside(argument), want, rtol=1e-5)

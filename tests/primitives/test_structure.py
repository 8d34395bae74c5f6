"""Moving, indexing, contracting, sorting: what the tables of samples do not say.

Gather, scatter and dot_general are compared with plain loops for layouts drawn at random.
"""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import weft.ops  # noqa: F401  (attaches the operators, in which derivative rules are written)
from weft.core.spec import Spec, spec_of_array
from weft.core.tensor import Tensor
from weft.errors import ArgumentError, DTypeError, ShapeError
from weft.primitives.contraction import dot_general
from weft.primitives.indexing import (
    COMBINES,
    dynamic_slice,
    dynamic_update_slice,
    gather,
    iota,
    scatter,
    take_along,
)
from weft.primitives.shape import (
    broadcast,
    concatenate,
    inverse_permutation,
    pad,
    reshape,
    reverse,
    slice,
    transpose,
)
from weft.primitives.sorting import argsort, sort

few = settings(max_examples=80, deadline=None)


def evaluated(primitive, *arrays, **parameters):
    """The values, after seeing that the spec rule foretold their shape and dtype."""
    foretold = primitive.spec(*map(spec_of_array, arrays), **parameters)
    found = np.asarray(primitive.evaluate(*arrays, **parameters))
    assert spec_of_array(found) == foretold
    return found


# -- gather and scatter against loops ----------------------------------------------------


@st.composite
def layouts(draw):
    """x, indices and the axes they speak of; some indices are out of range."""
    shape = tuple(draw(st.lists(st.integers(1, 4), max_size=3)))
    order = draw(st.permutations(range(len(shape))))
    axes = tuple(order[: draw(st.integers(0, len(shape)))])
    dtype = draw(st.sampled_from(["int8", "int32", "int64", "uint8", "uint64"]))
    least = 0 if dtype.startswith("u") else -3
    outer = tuple(draw(st.lists(st.integers(0, 3), max_size=2)))
    count = math.prod(outer) * len(axes)
    drawn = draw(st.lists(st.integers(least, 6), min_size=count, max_size=count))
    indices = np.array(drawn, dtype).reshape((*outer, len(axes)))
    x = np.arange(-3.0, math.prod(shape) - 3).reshape(shape)
    return x, indices, axes


def others(x, axes):
    return [axis for axis in range(x.ndim) if axis not in axes]


@given(layouts())
@few
def test_gather_is_a_loop_that_clamps(layout):
    x, indices, axes = layout
    rows = x.transpose(*axes, *others(x, axes)) if x.ndim else x
    expected = np.empty(indices.shape[:-1] + rows.shape[len(axes) :])
    for place in np.ndindex(indices.shape[:-1]):
        pairs = zip(indices[place].tolist(), rows.shape)
        expected[place] = rows[tuple(min(max(i, 0), n - 1) for i, n in pairs)]
    np.testing.assert_array_equal(evaluated(gather, x, indices, axes=axes), expected)


LOOP = {
    "set": lambda old, new: new,
    "add": np.add,
    "multiply": np.multiply,
    "maximum": np.maximum,
    "minimum": np.minimum,
}


@given(layouts(), st.sampled_from(COMBINES), st.integers(0, 99))
@few
def test_scatter_is_a_loop_that_drops(layout, combine, seed):
    x, indices, axes = layout
    expected = x.copy()
    rows = expected.transpose(*axes, *others(x, axes)) if x.ndim else expected
    shape = indices.shape[:-1] + rows.shape[len(axes) :]
    updates = np.random.default_rng(seed).integers(-3, 4, shape).astype(np.float64)
    for place in np.ndindex(indices.shape[:-1]):
        position = tuple(indices[place].tolist())
        if all(0 <= i < n for i, n in zip(position, rows.shape)):
            rows[position] = LOOP[combine](rows[position], updates[place])
    before = x.copy()
    found = evaluated(scatter, x, indices, updates, axes=axes, combine=combine)
    np.testing.assert_array_equal(found, expected)
    np.testing.assert_array_equal(x, before)


def test_scatter_adds_halves_in_float32():
    zeros = np.zeros(1, np.float16)
    indices = np.zeros((4096, 1), np.int32)
    ones = np.ones(4096, np.float16)
    # float16 counts to 2048 and stays there.
    found = evaluated(scatter, zeros, indices, ones, axes=(0,), combine="add")
    assert found[0] == 4096


def vjp_of(primitive, ct, *arrays, **parameters):
    out = primitive.evaluate(*arrays, **parameters)
    tensors = [Tensor(np.asarray(array)) for array in (ct, out, *arrays)]
    return [
        None if cotangent is None else cotangent.numpy()
        for cotangent in primitive.vjp_rule(*tensors, **parameters)
    ]


def test_only_the_last_update_of_a_place_has_a_gradient():
    x, updates = np.zeros(3), np.array([1.0, 2.0, 3.0, 4.0])
    indices = np.array([[1], [1], [5], [0]])
    of_x, of_indices, of_updates = vjp_of(
        scatter, [10.0, 20.0, 30.0], x, indices, updates, axes=(0,), combine="set"
    )
    np.testing.assert_array_equal(of_x, [0, 0, 30])
    np.testing.assert_array_equal(of_updates, [0, 20, 0, 10])
    assert of_indices is None


def test_scatter_multiply_has_gradients_where_updates_are_zero():
    x, updates = np.array([2.0, 3.0, 5.0]), np.array([0.0, 2.0, 0.0, 3.0, 0.0])
    indices = np.array([[0], [0], [1], [2], [2]])
    of_x, _, of_updates = vjp_of(
        scatter, np.ones(3), x, indices, updates, axes=(0,), combine="multiply"
    )
    np.testing.assert_array_equal(of_x, [0, 0, 0])
    np.testing.assert_array_equal(of_updates, [4, 0, 3, 0, 15])


def test_scatter_maximum_shares_the_gradient_among_equals():
    x, updates = np.array([2.0, 0.0]), np.array([2.0, 2.0, 1.0, -1.0])
    indices = np.array([[0], [0], [0], [1]])
    of_x, _, of_updates = vjp_of(
        scatter, np.array([6.0, 1.0]), x, indices, updates, axes=(0,), combine="maximum"
    )
    np.testing.assert_array_equal(of_x, [2, 1])
    np.testing.assert_array_equal(of_updates, [2, 2, 0, 0])


def test_the_gradient_of_gather_counts_clamped_elements():
    x, indices = np.zeros((3, 1)), np.array([[0], [-4], [9], [2]], np.int8)
    of_x, _ = vjp_of(gather, np.ones((4, 1)), x, indices, axes=(0,))
    np.testing.assert_array_equal(of_x, [[2], [0], [2]])


def test_the_gradient_of_pads_value_is_what_the_padding_got():
    ct = np.array([1.0, np.inf, 3.0, 4.0])
    of_x, of_value = vjp_of(
        pad, ct, np.zeros(2), np.zeros(()), low=(1,), high=(0,), interior=(1,)
    )
    np.testing.assert_array_equal(of_x, [np.inf, 4])
    assert of_value == 4


@given(st.lists(st.integers(1, 4), min_size=1, max_size=3), st.data())
@few
def test_take_along_is_numpys(shape, data):
    axis = data.draw(st.integers(0, len(shape) - 1))
    count = data.draw(st.integers(0, 5))
    x = np.arange(math.prod(shape)).reshape(shape)
    taken = (*shape[:axis], count, *shape[axis + 1 :])
    indices = np.random.default_rng(0).integers(0, shape[axis], taken)
    found = take_along(Tensor(x), Tensor(indices), axis=axis).numpy()
    np.testing.assert_array_equal(found, np.take_along_axis(x, indices, axis))


# -- dot_general against einsum ----------------------------------------------------------


@st.composite
def products(draw):
    """Two arrays, parameters, and the same as an equation; each letter is an axis."""
    batch, contract, free_a, free_b = (
        letters[: draw(st.integers(0, 2))] for letters in ("ab", "cd", "ef", "gh")
    )
    extents = {letter: draw(st.integers(0, 4)) for letter in "abcdefgh"}
    in_a = "".join(draw(st.permutations(batch + contract + free_a)))
    in_b = "".join(draw(st.permutations(batch + contract + free_b)))
    generator = np.random.default_rng(draw(st.integers(0, 99)))
    a = generator.normal(size=[extents[letter] for letter in in_a])
    b = generator.normal(size=[extents[letter] for letter in in_b])
    parameters = {
        name: (tuple(map(in_a.index, letters)), tuple(map(in_b.index, letters)))
        for name, letters in (("contract", contract), ("batch", batch))
    }
    kept_a = "".join(letter for letter in in_a if letter in free_a)
    kept_b = "".join(letter for letter in in_b if letter in free_b)
    return a, b, parameters, f"{in_a},{in_b}->{batch}{kept_a}{kept_b}"


@given(products())
@few
def test_dot_general_is_einsum(product):
    a, b, parameters, equation = product
    found = evaluated(dot_general, a, b, **parameters)
    np.testing.assert_allclose(found, np.einsum(equation, a, b), atol=1e-12)


@given(products())
@few
def test_the_gradients_of_dot_general_are_einsums(product):
    a, b, parameters, equation = product
    inputs, result = equation.split("->")
    in_a, in_b = inputs.split(",")
    ct = np.random.default_rng(0).normal(size=np.einsum(equation, a, b).shape)
    of_a, of_b = vjp_of(dot_general, ct, a, b, **parameters)
    expected_a = np.einsum(f"{result},{in_b}->{in_a}", ct, b)
    expected_b = np.einsum(f"{in_a},{result}->{in_b}", a, ct)
    np.testing.assert_allclose(of_a, expected_a, atol=1e-12)
    np.testing.assert_allclose(of_b, expected_b, atol=1e-12)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_halves_are_multiplied_in_float32_and_rounded_once(dtype):
    half = Spec((), dtype).dtype.numpy
    a, b = np.ones((1, 4096), half), np.ones((4096, 1), half)
    found = evaluated(dot_general, a, b, contract=((1,), (0,)), batch=((), ()))
    assert float(found[0, 0]) == 4096


def test_operands_that_blas_cannot_read_are_right_too():
    generator = np.random.default_rng(0)
    whole = generator.normal(size=(6, 8, 10))
    steps, column = whole[:, ::2, ::3], generator.normal(size=(6, 4, 1))
    repeated = np.broadcast_to(column, (6, 4, 5))
    parameters = {"contract": ((1,), (1,)), "batch": ((0,), (0,))}
    for a, b in itertools.product((steps, repeated, steps[::-1, ::-1]), repeat=2):
        found = evaluated(dot_general, a, b, **parameters)
        np.testing.assert_allclose(found, np.einsum("bij,bik->bjk", a, b))


# -- shapes and views --------------------------------------------------------------------


def test_moving_elements_copies_none_where_a_view_can_say_it():
    x = np.arange(24.0).reshape(4, 6)
    views = (
        reshape.evaluate(x, shape=(2, 12)),
        transpose.evaluate(x, permutation=(1, 0)),
        broadcast.evaluate(x[:1], shape=(9, 6)),
        slice.evaluate(x, start=(1, 0), stop=(4, 6), step=(2, 1)),
        reverse.evaluate(x, axes=(0,)),
        dynamic_slice.evaluate(x, np.int32(9), np.int32(0), sizes=(2, 3)),
    )
    assert all(np.shares_memory(view, x) for view in views)


def test_specs_of_huge_tensors_need_no_memory_and_do_not_overflow():
    huge = Spec((2**40, 2**40), "float32")
    assert reshape.spec(huge, shape=(2**80,)).shape == (2**80,)
    assert broadcast.spec(Spec((1, 1), "int8"), shape=(2**70, 3)).size == 3 * 2**70
    assert concatenate.spec(huge, huge, axis=0).shape == (2**41, 2**40)
    taken = slice.spec(huge, start=(1, 0), stop=(2**40, 2**40), step=(2, 2**39))
    assert taken.shape == (2**39, 2)
    product = dot_general.spec(huge, huge, contract=((1,), (0,)), batch=((), ()))
    assert product.shape == (2**40, 2**40)


@given(st.permutations(range(5)))
@few
def test_inverse_permutation_undoes(permutation):
    inverse = inverse_permutation(permutation)
    assert [permutation[axis] for axis in inverse] == list(range(5))


# -- sorting -----------------------------------------------------------------------------


@given(st.lists(st.sampled_from([0.0, -0.0, 1.0, -1.0, np.nan, np.inf, -np.inf])))
@few
def test_sort_is_stable_and_puts_nan_last(values):
    x = np.array(values, np.float32)
    order = sorted(range(len(x)), key=lambda i: (np.isnan(x[i]), np.nan_to_num(x[i])))
    np.testing.assert_array_equal(evaluated(argsort, x, axis=0), order)
    found = evaluated(sort, x, axis=0)
    np.testing.assert_array_equal(found, x[order])
    # Minus zero equals zero, and so stays where it was among zeros.
    np.testing.assert_array_equal(np.signbit(found)[found == 0], np.signbit(x)[x == 0])


# -- errors ------------------------------------------------------------------------------


def f32(*shape):
    return Spec(shape, "float32")


def i32(*shape):
    return Spec(shape, "int32")


SET = {"axes": (0,), "combine": "set"}
PLAIN = {"contract": ((1,), (0,)), "batch": ((), ())}

ERRORS = [
    (reshape, [f32(2, 3)], {"shape": (7,)}, ShapeError, "f32[2,3] (6 elements)"),
    (reshape, [f32(2, 3)], {"shape": (-1,)}, ShapeError, "(-1,)"),
    (transpose, [f32(2, 3)], {"permutation": (0, 0)}, ShapeError, "(0, 0)"),
    (transpose, [f32(2, 3)], {"permutation": (0,)}, ShapeError, "f32[2,3]"),
    (broadcast, [f32(2, 3)], {"shape": (2, 6)}, ShapeError, "axis 1"),
    (broadcast, [f32(3)], {"shape": (2, 3)}, ShapeError, "reshape"),
    (
        slice,
        [f32(4)],
        {"start": (1,), "stop": (5,), "step": (1,)},
        ShapeError,
        "1:5:1 for axis 0",
    ),
    (slice, [f32(4)], {"start": (), "stop": (4,), "step": (1,)}, ShapeError, "start"),
    (
        pad,
        [f32(4), f32()],
        {"low": (-1,), "high": (0,), "interior": (0,)},
        ShapeError,
        "slice",
    ),
    (
        pad,
        [f32(4), i32()],
        {"low": (1,), "high": (0,), "interior": (0,)},
        DTypeError,
        "i32[]",
    ),
    (concatenate, [], {"axis": 0}, ShapeError, "none"),
    (concatenate, [f32(2, 3), f32(2, 4)], {"axis": 0}, ShapeError, "f32[2,4]"),
    (concatenate, [f32(2), f32(2, 3)], {"axis": 0}, ShapeError, "f32[2,3]"),
    (concatenate, [f32(2), i32(2)], {"axis": 0}, DTypeError, "cast"),
    (concatenate, [f32(), f32()], {"axis": 0}, ShapeError, "axis"),
    (reverse, [f32(2)], {"axes": (1,)}, ShapeError, "axis"),
    (reverse, [f32(2)], {"axes": (0, 0)}, ShapeError, "once"),
    (gather, [f32(4), f32(2, 1)], {"axes": (0,)}, DTypeError, "indices"),
    (gather, [f32(4), i32(2)], {"axes": (0,)}, ShapeError, "[..., 1]"),
    (gather, [f32(4), i32()], {"axes": (0,)}, ShapeError, "i32[]"),
    (gather, [f32(0, 4), i32(2, 1)], {"axes": (0,)}, ShapeError, "f32[0,4]"),
    (scatter, [f32(4), i32(2, 1), f32(3)], SET, ShapeError, "(2,)"),
    (scatter, [f32(4), i32(2, 1), i32(2)], SET, DTypeError, "cast"),
    (
        scatter,
        [f32(4), i32(2, 1), f32(2)],
        {"axes": (0,), "combine": "sum"},
        ArgumentError,
        "'sum'",
    ),
    (
        scatter,
        [Spec((4,), "bool"), i32(2, 1), Spec((2,), "bool")],
        {"axes": (0,), "combine": "add"},
        DTypeError,
        "scatter add",
    ),
    (dynamic_slice, [f32(4), i32()], {"sizes": (5,)}, ShapeError, "larger"),
    (dynamic_slice, [f32(4)], {"sizes": (2,)}, ShapeError, "0 starts"),
    (dynamic_slice, [f32(4), f32()], {"sizes": (2,)}, DTypeError, "start"),
    (dynamic_slice, [f32(4), i32(1)], {"sizes": (2,)}, ShapeError, "scalar"),
    (dynamic_update_slice, [f32(4), f32(2, 2), i32()], {}, ShapeError, "rank 1"),
    (dynamic_update_slice, [f32(4), i32(2), i32()], {}, DTypeError, "i32[2]"),
    (iota, [], {"shape": (), "axis": 0, "dtype": "int32"}, ShapeError, "axis"),
    (iota, [], {"shape": (2,), "axis": 0, "dtype": "bool"}, DTypeError, "bool"),
    (dot_general, [f32(2, 3), f32(4, 5)], PLAIN, ShapeError, "f32[2,3] and f32[4,5]"),
    (dot_general, [f32(2, 3), i32(3, 5)], PLAIN, DTypeError, "cast"),
    (dot_general, [Spec((2, 2), "bool")] * 2, PLAIN, DTypeError, "int32"),
    (
        dot_general,
        [f32(2, 3), f32(3, 5)],
        {"contract": ((1,), ()), "batch": ((), ())},
        ShapeError,
        "as many contracted axes",
    ),
    (
        dot_general,
        [f32(2, 3), f32(3, 5)],
        {"contract": ((1,), (0,)), "batch": ((1,), (1,))},
        ShapeError,
        "once",
    ),
    (sort, [f32(3)], {"axis": 1}, ShapeError, "axis"),
    (argsort, [f32(2**31)], {"axis": 0}, ShapeError, "int32"),
    (sort, [Spec((3,), "complex64")], {"axis": 0}, DTypeError, "c64[3]"),
]


@pytest.mark.parametrize(
    ("primitive", "specs", "parameters", "error", "said"),
    ERRORS,
    ids=[f"{row[0].name}-{number}" for number, row in enumerate(ERRORS)],
)
def test_errors_say_who_the_rule_and_what_was_received(
    primitive, specs, parameters, error, said
):
    with pytest.raises(error) as caught:
        primitive.spec(*specs, **parameters)
    message = str(caught.value)
    assert message.startswith(primitive.name)
    assert said in message

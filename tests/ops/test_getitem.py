"""x[key] is NumPy's, by NumPy itself, by primitives under a tape, and in graphs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import weft
from weft import ops
from weft.core.evaluate import evaluate_graph
from weft.core.spec import Spec, spec_of_array
from weft.core.trace import trace_function
from weft.errors import TraceError

X = np.arange(60, dtype="float32").reshape(3, 4, 5)


def three_ways(array, key):
    """Eager, under a tape, and as a graph."""
    tensor = weft.convert_to_tensor(array)
    eager = tensor[key]
    with weft.GradientTape():
        taped = tensor[key]
    graph, _ = trace_function(lambda x: x[key], [spec_of_array(array)])
    return eager.numpy(), taped.numpy(), evaluate_graph(graph, [array])[0]


def check(array, key):
    expected = array[key]
    for found in three_ways(array, key):
        assert np.shape(found) == expected.shape
        np.testing.assert_array_equal(found, expected)


def axis_keys(extent):
    ints = st.integers(-extent, extent - 1)
    bounds = st.none() | st.integers(-extent - 2, extent + 2)
    steps = st.none() | st.sampled_from([1, 2, 3, -1, -2])
    return ints | st.builds(slice, bounds, bounds, steps)


@st.composite
def basic_keys(draw, shape):
    count = draw(st.integers(0, len(shape)))
    key = [draw(axis_keys(extent)) for extent in shape[:count]]
    if draw(st.booleans()):
        key.append(Ellipsis)
    for _ in range(draw(st.integers(0, 2))):
        key.insert(draw(st.integers(0, len(key))), None)
    return tuple(key)


@st.composite
def advanced_keys(draw, shape):
    size = draw(st.integers(0, 3))
    key = []
    for extent in shape[: draw(st.integers(1, len(shape)))]:
        indices = st.lists(st.integers(-extent, extent - 1), min_size=size, max_size=size)
        array = indices.map(lambda values: np.array(values, np.int64))
        key.append(draw(axis_keys(extent) | array | st.just(None) if key else array))
        if key[-1] is None:
            break
    return tuple(key)


@settings(max_examples=150, deadline=None)
@given(basic_keys(X.shape))
def test_basic(key):
    check(X, key)


@settings(max_examples=150, deadline=None)
@given(advanced_keys(X.shape))
def test_advanced(key):
    check(X, key)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.booleans(), min_size=12, max_size=12), st.integers(0, 4))
def test_masks(flags, column):
    mask = np.array(flags).reshape(3, 4)
    check(X, mask)
    check(X, (mask, column))
    check(X, (slice(None), mask[0]))


@pytest.mark.parametrize(
    "key",
    [
        (0, slice(None), [1, 2]),
        (slice(None), [0, 1], [[1], [2]]),
        ([0, 2], slice(1, 3), [1, 1]),
        (slice(None), 1, [0, 4]),
        ([[0, 1], [2, 0]],),
        (None, [1, 0]),
        (Ellipsis, [1, 3]),
        np.zeros(0, np.int64),
    ],
)
def test_where_axes_of_indices_go(key):
    check(X, key)


def test_traced_index():
    def call(x, i):
        return x[i], x[1, i], x[i, 1:3], x[:, i, None]

    for index in (0, 2, -1):
        arrays = [X, np.array(index, np.int32)]
        graph, _ = trace_function(call, [Spec(X.shape, "float32"), Spec((), "int32")])
        found = evaluate_graph(graph, arrays)
        expected = X[index], X[1, index], X[index, 1:3], X[:, index, None]
        for one, other in zip(found, expected):
            np.testing.assert_array_equal(one, other)


def test_tensor_indices():
    x = weft.convert_to_tensor(X)
    rows = weft.convert_to_tensor([2, 0])
    np.testing.assert_array_equal(x[rows].numpy(), X[[2, 0]])
    np.testing.assert_array_equal(x[rows[0]].numpy(), X[2])
    np.testing.assert_array_equal(x[: rows[0]].numpy(), X[:2])
    np.testing.assert_array_equal(x[x > 30.0].numpy(), X[X > 30.0])


@pytest.mark.parametrize("watch", [False, True])
@pytest.mark.parametrize(
    "key, message",
    [
        (3, "index 3 is out of range for axis 0 with size 3 of f32"),
        ((0, -5), "index -5 is out of range for axis 1 with size 4"),
        ((0, [1, 7]), "index 7 is out of range for axis 1 with size 4"),
        ((0, 0, 0, 0), "rank 3 takes at most 3 indices; received 4"),
        (np.ones(5, bool), "size 5 for axis 0 with size 3"),
    ],
)
def test_out_of_range(key, message, watch):
    x = weft.convert_to_tensor(X)
    with pytest.raises(IndexError, match=message):
        if watch:
            with weft.GradientTape():
                x[key]
        else:
            x[key]


@pytest.mark.parametrize("key", ["a", 1.5, [0.5], object()])
def test_bad_index(key):
    with pytest.raises(TypeError, match="index"):
        weft.convert_to_tensor(X)[key]


def test_traced_mask_says_what_to_do():
    with pytest.raises(TraceError, match=r"weft\.where"):
        trace_function(lambda x: x[x > 0], [Spec((3,), "float32")])


def test_gradient():
    x = weft.Variable(X)
    with weft.GradientTape() as tape:
        y = ops.sum(x[1, ::-2, [0, 0, 3]] * 2.0)
    expected = np.zeros_like(X)
    np.add.at(expected[1], (slice(None, None, -2), [0, 0, 3]), 2.0)
    np.testing.assert_array_equal(tape.gradient(y, x).numpy(), expected)

"""Operators and Python's protocols on tensors and variables."""

from __future__ import annotations

import operator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import weft
from weft import dtypes, ops
from weft.core.spec import Spec
from weft.core.trace import trace_function
from weft.errors import TraceError, WeftError

BINARY = [
    operator.add, operator.sub, operator.mul, operator.truediv, operator.floordiv,
    operator.mod, operator.pow, operator.eq, operator.ne, operator.lt, operator.le,
    operator.gt, operator.ge,
]  # fmt: skip
BITS = [operator.and_, operator.or_, operator.xor, operator.lshift, operator.rshift]
X = np.array([[1.5, 2.0, 3.0], [0.5, 4.0, 1.0]], "float32")
Y = np.array([2.0, 1.0, 3.0], "float32")


@pytest.mark.parametrize("operation", BINARY)
@pytest.mark.parametrize("make", [weft.convert_to_tensor, weft.Variable])
def test_binary(operation, make):
    x, y = make(X), make(Y)
    for found, expected in [
        (operation(x, y), operation(X, Y)),
        (operation(x, 2), operation(X, np.float32(2))),
        (operation(2.0, x), operation(np.float32(2), X)),
        (operation(x, Y), operation(X, Y)),
        (operation(Y, x), operation(Y, X)),
        (operation(x, [2.0, 1.0, 3.0]), operation(X, Y)),
    ]:
        assert isinstance(found, weft.Tensor)
        assert found.dtype == dtypes.from_numpy(expected.dtype)
        np.testing.assert_allclose(found.numpy(), expected, rtol=1e-6)


@pytest.mark.parametrize("operation", BITS)
def test_bits(operation):
    a, b = np.array([6, 5, 12], "int32"), np.array([3, 1, 2], "int32")
    x, y = weft.convert_to_tensor(a), weft.convert_to_tensor(b)
    assert operation(x, y).tolist() == operation(a, b).tolist()
    assert operation(x, 2).tolist() == operation(a, 2).tolist()
    assert operation(7, x).tolist() == operation(np.int32(7), a).tolist()


def test_unary():
    x = weft.convert_to_tensor([-1.5, 2.5])
    assert (-x).tolist() == [1.5, -2.5] and abs(x).tolist() == [1.5, 2.5]
    assert (+x) is x and round(x).tolist() == [-2.0, 2.0]
    assert (~weft.convert_to_tensor([True, False])).tolist() == [False, True]
    assert (~weft.convert_to_tensor([5])).tolist() == [-6]


def test_matmul():
    x = weft.convert_to_tensor(X)
    np.testing.assert_allclose((x @ x.T).numpy(), X @ X.T, rtol=1e-6)
    np.testing.assert_allclose((X @ x.T).numpy(), X @ X.T, rtol=1e-6)
    np.testing.assert_allclose((x @ Y).numpy(), X @ Y, rtol=1e-6)


# Promotion: what a pair of dtypes (or a Python number) gives, as Keras 3.
PROMOTION = [
    ("int32", "float32", "float32"), ("int64", "float32", "float32"),
    ("int8", "uint8", "int16"), ("int32", "int64", "int64"), ("uint32", "int32", "int64"),
    ("float16", "bfloat16", "float32"), ("float16", "int32", "float16"),
    ("float32", "float64", "float64"), ("bool", "int8", "int8"), ("bool", "bool", "bool"),
    ("float16", 1.0, "float16"), ("bfloat16", 2, "bfloat16"), ("int8", 2, "int8"),
    ("int32", 1.0, "float32"), ("bool", 1, "int32"), ("bool", 1.0, "float32"),
    ("float32", True, "float32"), ("int32", 2**40, "int64"), ("uint64", "int8", "float32"),
]  # fmt: skip


@pytest.mark.parametrize("one, other, expected", PROMOTION)
def test_promotion(one, other, expected):
    x = ops.ones(2, one)
    y = ops.ones(2, other) if isinstance(other, str) else other
    assert (x + y).dtype == expected and (y + x).dtype == expected
    assert ops.maximum(x, y).dtype == expected
    assert ops.where([True, False], x, y).dtype == expected


def test_division_is_in_floats():
    assert (weft.convert_to_tensor(3) / 2).tolist() == 1.5
    assert (weft.convert_to_tensor([True]) / True).dtype == "float32"
    assert (ops.ones(1, "int8") / ops.ones(1, "float16")).dtype == "float16"


@settings(max_examples=60, deadline=None)
@given(st.integers(-(2**31), 2**31 - 1), st.integers(-(2**31), 2**31 - 1))
def test_division_with_rest(a, b):
    x, y = weft.convert_to_tensor([a]), weft.convert_to_tensor([b])
    if b not in (0, -1):
        assert (x // y).tolist() == [a // b] and (x % y).tolist() == [a % b]
    assert (x // 0).tolist() == [0]


def test_zero_keeps_its_sign():
    one = weft.convert_to_tensor(1.0)
    assert (one / -0.0).tolist() == -np.inf and (one / 0.0).tolist() == np.inf


# -- Python's protocols -------------------------------------------------------------------


def test_numbers():
    t = weft.convert_to_tensor(3)
    assert (int(t), float(t), complex(t), bool(t), t.item()) == (3, 3.0, 3 + 0j, True, 3)
    assert [10, 20, 30, 40][t] == 40 and list(range(t)) == [0, 1, 2]
    v = weft.Variable(2.5)
    assert float(v) == 2.5 and v.item() == 2.5 and bool(v)
    assert float(weft.convert_to_tensor([[2.0]])) == 2.0


def test_containers():
    t = weft.convert_to_tensor([[1, 2], [3, 4]])
    assert len(t) == 2 and [row.tolist() for row in t] == [[1, 2], [3, 4]]
    _, b = t
    assert b.tolist() == [3, 4] and 3 in t and 9 not in t
    assert t.tolist() == [[1, 2], [3, 4]] and t.T.tolist() == [[1, 3], [2, 4]]


def test_equality_and_hash():
    t = weft.convert_to_tensor([1, 2])
    assert (t == t).tolist() == [True, True] and (t != 1).tolist() == [False, True]
    assert (t == None) is False and (t == "a") is False and (t != None) is True  # noqa: E711
    assert {t: 1}[t] == 1 and len({t, weft.convert_to_tensor([1, 2])}) == 2


class Other:
    """A foreign type that knows how to be added to a tensor."""

    def __radd__(self, tensor):
        return "mine"


def test_foreign_operands():
    assert weft.convert_to_tensor(1) + Other() == "mine"
    with pytest.raises(TypeError, match="unsupported operand"):
        weft.convert_to_tensor(1) - Other()


def test_device():
    assert ops.ones(1).device.endswith("CPU:0")


# -- variables -----------------------------------------------------------------------------


def test_assign():
    v = weft.Variable([1.0, 2.0])
    assert v.assign([3, 4]) is v and v.numpy().tolist() == [3, 4]
    v.assign_add([1, 1])
    v.assign_sub(weft.convert_to_tensor([0.5, 0.5]))
    assert v.numpy().tolist() == [3.5, 4.5]
    old = v.value
    v.assign([0, 0])
    assert old.tolist() == [3.5, 4.5]
    with pytest.raises(ValueError, match="must have the shape"):
        v.assign([1.0])
    with pytest.raises(ValueError):
        v.assign_add([1.0, 2.0, 3.0])


def test_variable_arguments():
    v = weft.Variable(lambda: [1, 2], dtype="float16", name="w", trainable=False)
    assert (v.dtype, v.shape, v.name, v.trainable) == ("float16", (2,), "w", False)
    with pytest.raises(ValueError, match="shape"):
        weft.Variable([1, 2], shape=(3,))
    array = np.zeros(2)
    v = weft.Variable(array)
    array[0] = 1
    assert v.numpy().tolist() == [0, 0]


# -- errors --------------------------------------------------------------------------------

T = weft.convert_to_tensor(X)
# Shortened, so that a row is a line.
V, K = ValueError, TypeError

ERRORS = [
    (lambda: T @ T, V, r"matmul: inner sizes must agree; received f32\[2,3\] @ f32"),
    (lambda: T @ 2.0, V, "both operands need axes"),
    (lambda: T + ops.ones(4), V, r"shapes must broadcast.*f32\[2,3\] and f32\[4\]"),
    (lambda: ops.sum(T, axis=2), V, "axis must be between -2 and 1; received axis=2"),
    (lambda: ops.sum(T, axis=(0, 0)), V, "named once"),
    (lambda: ops.softmax(T, axis=5), V, "softmax: axis"),
    (lambda: ops.reshape(T, (4, 2)), V, "number of elements.*6 elements"),
    (lambda: ops.reshape(T, (-1, -1)), V, "one may be -1"),
    (lambda: ops.transpose(T, (0, 0)), V, "each of the 2 axes once"),
    (lambda: ops.concatenate([T, ops.ones((3, 2))]), V, "agree except along axis 0"),
    (lambda: ops.stack([T, ops.ones(3)]), V, "position 1"),
    (lambda: ops.split(T, 2, axis=1), V, "equal sections"),
    (lambda: ops.squeeze(T, 0), V, "extent 1"),
    (lambda: ops.broadcast_to(T, (2, 4)), V, "broadcast_to"),
    (lambda: ops.max(ops.ones((0, 2)), axis=0), V, "at least one element"),
    (lambda: ops.argmax(ops.ones(0)), V, "at least one element"),
    (lambda: ops.take(T, [7], axis=0), IndexError, "index 7 is out of range"),
    (lambda: ops.scatter_update(T, [[5, 0]], [1.0]), IndexError, "index 5"),
    (lambda: ops.slice(T, (0, 2), (1, 2)), IndexError, "must lie inside axis 1"),
    (lambda: ops.pad(T, 1, mode="wavy"), V, "mode must be one of"),
    (lambda: ops.einsum("ij,jk->ik", T, T), V, "'j'"),
    (lambda: ops.einsum("ij->ik", T), V, "must stand in an operand"),
    (lambda: ops.one_hot(T, 2.5), K, "num_classes must be an int"),
    (lambda: T - "a", K, None),
    (lambda: weft.convert_to_tensor([True]) - True, K, "subtract: the dtype"),
    (lambda: ops.bitwise_and(T, T), K, "bitwise_and: the dtype"),
    (lambda: ops.exp("a"), K, "text"),
    (lambda: ops.convert_to_tensor(["a"]) + ops.convert_to_tensor(["b"]), K, "add"),
    (lambda: ops.categorical_crossentropy(T, ops.ones((2, 2))), V, "one shape"),
    (lambda: ops.sparse_categorical_crossentropy([1, 2, 3], T), V, "one-hot"),
    (lambda: ops.ones(1, "uint8") + 300, V, "0 … 255"),
    (lambda: bool(T), K, "ops.any or ops.all"),
    (lambda: float(T), K, "one element"),
    (lambda: [1][T], K, "index"),
    (lambda: len(weft.convert_to_tensor(1)), K, "no axes"),
    (lambda: list(weft.convert_to_tensor(1)), K, "without axes"),
    (lambda: T.__setitem__(0, 1.0), K, "scatter_update"),
    (lambda: weft.Variable(T).__setitem__(0, 1.0), K, "assign a whole value"),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(ERRORS)))
def test_errors(number):
    call, error, message = ERRORS[number]
    with pytest.raises(error, match=message) as caught:
        call()
    if message is not None:
        assert isinstance(caught.value, WeftError) or "no axes" in message


TRACED_ERRORS = [
    (lambda x: 1 if x > 0 else 2, r"weft\.cond.*|weft\.where"),
    (lambda x: int(x), "bool|int"),
    (lambda x: float(x), "float of a traced tensor"),
    (lambda x: x.numpy(), "no values yet"),
    (lambda x: np.sin(x), "no values yet"),
    (lambda x: x.item(), "item of a traced tensor"),
    (lambda x: f"{x:.2f}", "format of a traced tensor"),
]


@pytest.mark.parametrize("number", range(len(TRACED_ERRORS)))
def test_traced_values_are_not_known(number):
    function, message = TRACED_ERRORS[number]
    with pytest.raises(TraceError, match=message):
        trace_function(function, [Spec((), "float32")])


def test_trace_error_names_the_line():
    def decide(x):
        if x > 0:
            return x
        return -x

    with pytest.raises(TraceError, match=r"line \d+ of .*test_operators\.py"):
        trace_function(decide, [Spec((), "float32")])


def test_traced_unpacking():
    graph, _ = trace_function(
        lambda x: sum(row * 2 for row in x), [Spec((3, 2), "float32")]
    )
    assert graph.output_specs()[0].shape == (2,)


def test_unknown_names():
    with pytest.raises(AttributeError, match="Did you mean 'softmax'"):
        ops.sofmax
    with pytest.raises(AttributeError, match="Did you mean 'float32'"):
        weft.flaot32

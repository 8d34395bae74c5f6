"""What can become a tensor, with which dtype, and what is refused with which words."""

from __future__ import annotations

import copy
import pickle
from enum import IntEnum

import numpy as np
import pytest

import weft
from weft import ops
from weft.core.spec import Spec
from weft.core.trace import trace_function


class Colour(IntEnum):
    RED = 3


class Holder:
    """An object that knows __array__, like a data frame."""

    def __init__(self, array):
        self.array = array

    def __array__(self, dtype=None, copy=None):
        return self.array if dtype is None else self.array.astype(dtype)


class DLPackOnly:
    def __init__(self, array):
        self.array = array

    def __dlpack__(self, **keywords):
        return self.array.__dlpack__(**keywords)

    def __dlpack_device__(self):
        return self.array.__dlpack_device__()


@pytest.mark.parametrize(
    "value, dtype, shape",
    [
        (3, "int32", ()),
        (2**31 - 1, "int32", ()),
        (2**31, "int64", ()),
        (-(2**31) - 1, "int64", ()),
        (1.5, "float32", ()),
        (True, "bool", ()),
        (Colour.RED, "int32", ()),
        ([1, 2], "int32", (2,)),
        ([1, 2**40], "int64", (2,)),
        ([1, 2.0], "float32", (2,)),
        ([True, False], "bool", (2,)),
        ([], "float32", (0,)),
        ([[], []], "float32", (2, 0)),
        ((1, (2)), "int32", (2,)),
        (range(4), "int32", (4,)),
        ([range(2), range(2)], "int32", (2, 2)),
        (np.float64(1), "float64", ()),
        ([np.float64(1), 2.0], "float64", (2,)),
        ([np.float32(1), 2.0], "float32", (2,)),
        ([np.int8(1), 2], "int8", (2,)),
        (np.arange(3), "int64", (3,)),
        ([np.arange(3), np.arange(3)], "int64", (2, 3)),
        (np.zeros(2, ">f4"), "float32", (2,)),
        (np.array([1, 2.5], object), "float32", (2,)),
        ("text", "string", ()),
        (["a", "bc"], "string", (2,)),
        (np.array(["a", "b"]), "string", (2,)),
        (Holder(np.ones((2, 2), "int16")), "int16", (2, 2)),
        (DLPackOnly(np.ones(3, "float64")), "float64", (3,)),
    ],
)
def test_dtype_and_shape(value, dtype, shape):
    tensor = weft.convert_to_tensor(value)
    assert (tensor.dtype, tensor.shape) == (dtype, shape)


@pytest.mark.parametrize(
    "value, dtype, expected",
    [
        (1.9, "int32", 1),
        ([1.9, -1.9], "int32", [1, -1]),
        ([0, 2], "bool", [False, True]),
        (7, "float16", 7.0),
        ([1, 2], "bfloat16", [1.0, 2.0]),
        (np.array([1.5]), "uint8", [1]),
        (True, "float32", 1.0),
    ],
)
def test_to_a_dtype(value, dtype, expected):
    tensor = weft.convert_to_tensor(value, dtype)
    assert tensor.dtype == dtype
    assert tensor.tolist() == expected


def test_tensors_in_lists():
    t = weft.convert_to_tensor([1.0, 2.0])
    assert weft.convert_to_tensor([t, t]).shape == (2, 2)
    assert weft.convert_to_tensor([t[0], 3]).tolist() == [1.0, 3.0]
    assert weft.convert_to_tensor([weft.Variable(1), 2]).dtype == "int32"
    _, result = trace_function(
        lambda x: weft.convert_to_tensor([x, 2.0 * x, 0]), [Spec((), "float32")]
    )
    assert result.shape == (3,)


def test_data_is_copied():
    array = np.zeros(3)
    tensor = weft.convert_to_tensor(array)
    array[0] = 9
    assert tensor.tolist() == [0, 0, 0]
    tensor.numpy()[0] = 9
    assert tensor.tolist() == [0, 0, 0]
    with pytest.raises(ValueError, match="read-only"):
        np.asarray(tensor)[0] = 9


def test_floatx():
    weft.config.set_floatx("float64")
    try:
        assert weft.convert_to_tensor([0.5]).dtype == "float64"
        assert (weft.convert_to_tensor(1) / 2).dtype == "float64"
    finally:
        weft.config.set_floatx("float32")


@pytest.mark.parametrize(
    "value, dtype, error, message",
    [
        ([[1, 2], [3]], None, ValueError, "rectangular"),
        ([1, [2]], None, ValueError, "rectangular"),
        (None, None, TypeError, "received NoneType"),
        (object(), None, TypeError, "received object"),
        ({1, 2}, None, TypeError, "make it a list"),
        ({"a": 1}, None, TypeError, "make it a list"),
        ((x for x in [1]), None, TypeError, "make it a list"),
        ([1, None], None, TypeError, "received NoneType"),
        (np.array([1, None]), None, TypeError, "NoneType"),
        (300, "uint8", ValueError, "0 … 255"),
        ([300], "uint8", ValueError, "0 … 255"),
        (2**70, None, ValueError, "float"),
        ("a", "float32", TypeError, "text"),
        (["a", 1], None, TypeError, "text"),
        (1, "flot32", TypeError, "Did you mean 'float32'"),
        (np.zeros(1, "M8[s]"), None, TypeError, "no element type"),
        ([np.ones(2), np.ones(3)], None, ValueError, "rectangular"),
    ],
)
def test_refused(value, dtype, error, message):
    with pytest.raises(error, match=message):
        weft.convert_to_tensor(value, dtype)


def test_tensors_of_unequal_shape():
    with pytest.raises(ValueError, match="one shape"):
        weft.convert_to_tensor([ops.ones(2), ops.ones(3)])


# -- NumPy and others ---------------------------------------------------------------------


def test_numpy_functions_give_arrays():
    t = weft.convert_to_tensor([[1.0, 2.0], [3.0, 4.0]])
    for found in (
        np.add(t, 1), np.square(t, dtype="float64"), np.concatenate([t, np.ones((1, 2))]),
        np.stack([t, t]), np.transpose(t), np.reshape(t, (4,)), np.array(t), np.asarray(t),
        np.argmax(t, axis=0), np.dot(t, t), np.where(t > 1, t, 0), np.clip(t, 0, 1),
    ):  # fmt: skip
        assert isinstance(found, np.ndarray)
    assert np.mean(t) == 2.5 and np.sum(t) == 10.0 and np.max(t) == 4.0 and np.std(t) > 1
    assert np.allclose(t, [[1, 2], [3, 4]])
    np.testing.assert_array_equal(t, [[1, 2], [3, 4]])


def test_operators_with_arrays_give_tensors():
    t, a = weft.convert_to_tensor([1.0, 2.0]), np.array([3.0, 4.0], "float32")
    for found in (
        t + a,
        a + t,
        a * t,
        a @ t,
        np.float32(2) * t,
        t - np.float32(2),
        a > t,
        a == t,
    ):
        assert isinstance(found, weft.Tensor)
    assert (a - t).tolist() == [2.0, 2.0]
    assert (np.float64(2) * t).dtype == "float64"


def test_array_protocol():
    t = weft.convert_to_tensor([1.5, 2.5])
    assert np.asarray(t, dtype="int32").tolist() == [1, 2]
    with pytest.raises(TypeError, match="needs a copy"):
        t.__array__(dtype="int32", copy=False)
    written = np.array(t)
    written[0] = 7
    assert t.tolist() == [1.5, 2.5]


def test_dlpack():
    t = weft.convert_to_tensor([1.5, 2.5])
    shared = np.from_dlpack(t)
    assert shared.tolist() == [1.5, 2.5]
    copied = ops.from_dlpack(shared)
    assert copied.tolist() == [1.5, 2.5]
    assert t.__dlpack_device__() == (1, 0)


def test_namespace():
    assert ops.ones(2).__array_namespace__() is ops


def test_copies_and_pickles():
    t = weft.convert_to_tensor([1, 2])
    assert copy.copy(t) is t and copy.deepcopy(t) is t
    assert pickle.loads(pickle.dumps(t)).tolist() == [1, 2]
    v = weft.Variable([1.0, 2.0], name="w", trainable=False)
    other = copy.deepcopy(v)
    other.assign([5, 6])
    assert v.numpy().tolist() == [1, 2] and other.numpy().tolist() == [5, 6]
    again = pickle.loads(pickle.dumps(v))
    assert (again.name, again.trainable, again.shape) == ("w", False, (2,))


# -- how tensors are shown ----------------------------------------------------------------

SHOWN = [
    (1, "weft.Tensor(1, shape=(), dtype=int32)",
     "<weft.Tensor: shape=(), dtype=int32, numpy=1>"),
    (True, "weft.Tensor(True, shape=(), dtype=bool)",
     "<weft.Tensor: shape=(), dtype=bool, numpy=True>"),
    (1.5, "weft.Tensor(1.5, shape=(), dtype=float32)",
     "<weft.Tensor: shape=(), dtype=float32, numpy=1.5>"),
    (b"a", "weft.Tensor(b'a', shape=(), dtype=string)",
     "<weft.Tensor: shape=(), dtype=string, numpy=b'a'>"),
    ([1, 2], "weft.Tensor([1 2], shape=(2,), dtype=int32)",
     "<weft.Tensor: shape=(2,), dtype=int32, numpy=array([1, 2], dtype=int32)>"),
    ([[1.0, 2], [3, 4]],
     "weft.Tensor(\n[[1. 2.]\n [3. 4.]], shape=(2, 2), dtype=float32)",
     "<weft.Tensor: shape=(2, 2), dtype=float32, numpy=\narray([[1., 2.],\n"
     "       [3., 4.]], dtype=float32)>"),
    (np.zeros((0,), "f"), "weft.Tensor([], shape=(0,), dtype=float32)",
     "<weft.Tensor: shape=(0,), dtype=float32, numpy=array([], dtype=float32)>"),
]  # fmt: skip


@pytest.mark.parametrize("value, text, representation", SHOWN)
def test_shown(value, text, representation):
    tensor = weft.convert_to_tensor(value)
    assert (str(tensor), repr(tensor)) == (text, representation)


def test_variable_shown():
    v = weft.Variable([1.0, 2.0], name="w")
    assert repr(v) == (
        "<weft.Variable 'w' shape=(2,) dtype=float32, numpy=array([1., 2.], dtype=float32)>"
    )
    assert repr(weft.Variable(1.0, name="b")) == (
        "<weft.Variable 'b' shape=() dtype=float32, numpy=1.0>"
    )


def test_traced_shown():
    seen = []
    trace_function(lambda x: seen.append((str(x), repr(x))) or x, [Spec((2,), "float32")])
    text, representation = seen[0]
    assert text == representation == "<weft.TracedTensor: shape=(2,), dtype=float32>"


def test_format():
    number, whole = weft.convert_to_tensor(2.25), weft.convert_to_tensor(3)
    assert f"{number:.1f}" == "2.2"
    assert "%0.1f" % number == "2.2" and "%d" % whole == "3"  # noqa: UP031
    assert f"{weft.convert_to_tensor([1])}" == "weft.Tensor([1], shape=(1,), dtype=int32)"

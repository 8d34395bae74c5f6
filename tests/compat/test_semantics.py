"""Whose line it is decides: TensorFlow's meaning for users, weft's own inside of weft."""

from __future__ import annotations

import numpy as np
import pytest

import weft
import weft.compat.tensorflow as tf
from weft import ops
from weft.compat import semantics


def test_weft_itself_still_promotes():
    x, y = tf.constant([1, 2]), tf.constant([0.5, 1.5])
    assert ops.add(x, y).dtype == "float32"
    assert ops.divide(x, x).dtype == "float32"
    with pytest.raises(tf.errors.InvalidArgumentError, match="one dtype"):
        x + y


def test_off_means_weft_again():
    x, y = tf.constant([1, 2]), tf.constant([0.5, 1.5])
    with semantics.tensorflow(on=False):
        assert (x + y).dtype == "float32"
        assert type(x.shape) is tuple
        assert str(x).startswith("weft.Tensor")
        assert str(x.dtype) == "int32"
        assert not hasattr(x, "ref")
    assert str(x).startswith("tf.Tensor")


def test_errors_are_what_users_catch():
    for error in (tf.errors.InvalidArgumentError, TypeError):
        with pytest.raises(error, match=r"tf\.cast"):
            tf.constant(1) + tf.constant(1.0)
    with pytest.raises(ValueError, match="truth value"):
        bool(tf.constant([True, False]))
    with pytest.raises(tf.errors.InvalidArgumentError):
        tf.reshape(tf.zeros(4), (3,))
    with pytest.raises(tf.errors.NotFoundError):
        tf.io.read_file("/no/such/file")
    with pytest.raises(FileNotFoundError):
        tf.io.read_file("/no/such/file")


def test_shapes_behave_as_tuples_and_more():
    shape = tf.zeros((2, 3)).shape
    assert shape == (2, 3)
    assert shape == [2, 3]
    assert (1, *shape) == (1, 2, 3)
    assert shape.as_list() == [2, 3]
    assert shape.rank == 2
    assert {shape: 1}[(2, 3)] == 1
    assert np.zeros(shape).shape == (2, 3)
    assert tf.TensorShape(None).rank is None
    assert tf.TensorShape([None, 3]).merge_with([2, None]).as_list() == [2, 3]


def test_slices_of_variables_can_be_assigned():
    v = tf.Variable([[1.0, 2.0], [3.0, 4.0]])
    v[0].assign([9.0, 8.0])
    v[:, 1].assign_add([1.0, 1.0])
    v[1, 0].assign_sub(3.0)
    assert v.numpy().tolist() == [[9.0, 9.0], [0.0, 5.0]]
    with pytest.raises(AttributeError, match=r"tf\.Variable"):
        tf.constant([1.0]).assign([2.0])


def test_slices_of_variables_are_assigned_in_functions():
    v = tf.Variable([1.0, 2.0, 3.0])

    @tf.function
    def change(x):
        v[1:].assign(x)
        return v * 1.0

    assert change(tf.constant([7.0, 8.0])).numpy().tolist() == [1.0, 7.0, 8.0]
    assert v.numpy().tolist() == [1.0, 7.0, 8.0]


def test_in_place_operators_are_refused():
    v = tf.Variable(1.0)
    with pytest.raises(RuntimeError, match="assign_add"):
        v += 1.0


def test_references_are_keys():
    x = tf.constant([1.0])
    table = {x.ref(): "x"}
    assert table[x.ref()] == "x"
    assert x.ref().deref() is x


def test_traced_tensors_show_their_place():
    shown = []

    @tf.function(autograph=False)
    def f(x):
        shown.append((repr(x + 1.0), x.shape.as_list(), x.dtype))
        return x

    f(tf.constant([1.0, 2.0]))
    assert shown == [('Tensor("add:0", shape=(2,), dtype=float32)', [2], tf.float32)]


def test_strictness_inside_of_functions():
    @tf.function
    def mixed(x):
        return x + tf.constant(1.0)

    with pytest.raises(TypeError, match="one dtype"):
        mixed(tf.constant(1))


def test_every_dtype_prints_as_itself():
    assert repr(tf.bfloat16) == "tf.bfloat16"
    assert f"{tf.float32}" == "<dtype: 'float32'>"
    assert tf.float32.name == "float32"
    assert (tf.int8.min, tf.int8.max) == (-128, 127)
    assert tf.as_dtype(np.float64) is tf.float64
    assert np.zeros(1, tf.float32.as_numpy_dtype).dtype == np.float32
    assert weft.float32 is tf.float32

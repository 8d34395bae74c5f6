"""Convolution and pooling: Keras's results, loops in NumPy, gradients, errors."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np
import pytest

import weft
from tests.ops.convolution_cases import CASES, arrays_of, digest
from weft import ops
from weft.errors import ArgumentError, ShapeError

RESULTS = json.loads(Path(__file__).with_name("convolution_results.json").read_text())
NAMES = [f"{number}-{name}" for number, (name, _, _) in enumerate(CASES)]


def check(found: np.ndarray, expected: dict) -> None:
    assert list(found.shape) == expected["shape"]
    np.testing.assert_allclose(digest(found), expected["digest"], rtol=2e-5, atol=2e-5)


@pytest.mark.parametrize("number", range(len(CASES)), ids=NAMES)
def test_results_are_those_of_keras(number):
    name, shapes, settings = CASES[number]
    found = getattr(ops, name)(*arrays_of(number, shapes), **settings)
    check(found.numpy(), RESULTS[number])


def test_compiled_results_and_gradients_are_those_of_eager_ones():
    """All cases in one graph: results, and gradients with respect to all tensors."""
    tensors = [
        [ops.convert_to_tensor(array) for array in arrays_of(number, shapes)]
        for number, (_, shapes, _) in enumerate(CASES)
    ]

    def everything(tensors):
        found = []
        for (name, _, settings), arguments in zip(CASES, tensors):
            with weft.GradientTape() as tape:
                for tensor in arguments:
                    tape.watch(tensor)
                out = getattr(ops, name)(*arguments, **settings)
                weights = ops.reshape(ops.sin(ops.arange(out.size, dtype="float32")), out.shape)
                loss = ops.sum(ops.multiply(out, weights))
            found.append((out, tape.gradient(loss, arguments)))
        return found

    eager, compiled = everything(tensors), weft.function(everything)(tensors)
    for name, (a, da), (b, db) in zip(NAMES, eager, compiled):
        np.testing.assert_allclose(b.numpy(), a.numpy(), rtol=1e-5, atol=1e-5, err_msg=name)
        for x, y in zip(da, db):
            np.testing.assert_allclose(y.numpy(), x.numpy(), rtol=1e-4, atol=2e-5, err_msg=name)


def conv_by_loops(x, kernel, stride, dilation, padding):
    """The definition, one product at a time."""
    x = np.pad(x, ((0, 0), padding, padding, (0, 0)))
    kh, kw, _, filters = kernel.shape
    height = (x.shape[1] - (kh - 1) * dilation - 1) // stride + 1
    width = (x.shape[2] - (kw - 1) * dilation - 1) // stride + 1
    out = np.zeros((len(x), height, width, filters), x.dtype)
    for i, j, a, b in itertools.product(range(height), range(width), range(kh), range(kw)):
        row, column = i * stride + a * dilation, j * stride + b * dilation
        out[:, i, j] += x[:, row, column] @ kernel[a, b]
    return out


@pytest.mark.parametrize("stride, dilation", [(1, 1), (2, 1), (1, 2), (3, 2)])
def test_conv_is_its_definition(stride, dilation):
    generator = np.random.default_rng(0)
    x = generator.normal(size=(2, 10, 11, 3))
    kernel = generator.normal(size=(3, 3, 3, 4))
    found = ops.conv(x, kernel, strides=stride, dilation_rate=dilation)
    expected = conv_by_loops(x, kernel, stride, dilation, (0, 0))
    np.testing.assert_allclose(found.numpy(), expected, rtol=1e-12, atol=1e-12)


def test_conv_transpose_is_the_gradient_of_conv():
    generator = np.random.default_rng(1)
    x = ops.convert_to_tensor(generator.normal(size=(2, 9, 7, 3)))
    kernel = generator.normal(size=(3, 3, 3, 5))
    with weft.GradientTape() as tape:
        tape.watch(x)
        out = ops.conv(x, kernel, strides=2)
    ct = generator.normal(size=out.shape)
    gradient = tape.gradient(out, x, output_gradients=ops.convert_to_tensor(ct))
    found = ops.conv_transpose(ct, kernel, strides=2)
    np.testing.assert_allclose(found.numpy(), gradient.numpy(), rtol=1e-12, atol=1e-12)


def test_the_gradient_of_max_pool_goes_to_the_first_of_equals():
    x = ops.ones((1, 4, 4, 1))
    with weft.GradientTape() as tape:
        tape.watch(x)
        out = ops.max_pool(x, 2)
    gradient = tape.gradient(out, x).numpy()[0, :, :, 0]
    expected = np.zeros((4, 4))
    expected[::2, ::2] = 1
    np.testing.assert_array_equal(gradient, expected)


def test_what_is_padded_never_wins_and_does_not_count():
    x = -np.ones((1, 3, 3, 1), np.float32)
    assert ops.max_pool(x, 2, padding="same").numpy().max() == -1
    np.testing.assert_array_equal(ops.average_pool(x, 2, padding="same").numpy(), -1)


def test_halves_are_summed_as_floats():
    x = np.ones((1, 70, 70, 1), "float16")
    found = ops.conv(x, np.ones((70, 70, 1, 1), "float16"))
    assert found.dtype == "float16" and found.numpy().item() == 4900


@pytest.mark.parametrize(
    "call, error, words",
    [
        (lambda x: ops.conv(x, np.ones((3, 3, 5, 2))), ShapeError, "input channels"),
        (lambda x: ops.conv(x, np.ones((9, 3, 4, 2))), ShapeError, "padding='same'"),
        (lambda x: ops.conv(x, np.ones((3, 4, 2))), ShapeError, "as many axes"),
        (lambda x: ops.conv(x, np.ones((3, 3, 4, 2)), padding="full"), ArgumentError, "'same'"),
        (lambda x: ops.conv(x, np.ones((3, 3, 4, 2)), strides=0), ArgumentError, "strides"),
        (lambda x: ops.conv(x, np.ones((3, 3, 4, 2)), strides=(1, 1, 1)), ArgumentError, "2"),
        (lambda x: ops.conv(x, np.ones((3, 3, 4, 2)), data_format="NHWC"), ArgumentError,
         "channels_last"),
        (lambda x: ops.conv_transpose(x, np.ones((3, 3, 4, 2))), ShapeError, "last axis"),
        (lambda x: ops.depthwise_conv(x, np.ones((3, 3, 3, 2))), ShapeError, "channels"),
        (lambda x: ops.max_pool(x, 9), ShapeError, "window must fit"),
        (lambda x: ops.max_pool(x[0, 0], 2), ShapeError, "batch axis"),
    ],
)  # fmt: skip
def test_errors_say_what_to_do(call, error, words):
    with pytest.raises(error, match=words):
        call(ops.ones((2, 6, 7, 4)))

"""Convolution, pooling and margin layers beside real Keras, and their errors."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.keras.layers import convolution_cases as cases
from weft import keras
from weft.errors import ArgumentError, ShapeError

RESULTS = json.loads(Path(__file__).with_name("convolution_results.json").read_text())

# Settings of Keras that say something only where they are set.
EMPTY = ("activity_regularizer", "quantization_config")


def without_empty(config: dict) -> dict:
    kept = {k: v for k, v in config.items() if k not in EMPTY or v is not None}
    return json.loads(json.dumps(kept))


@pytest.mark.parametrize("number", range(len(cases.CASES)), ids=cases.NAMES)
def test_layers_are_those_of_keras(number):
    expected, found = RESULTS[number], cases.outcome(keras, number)
    np.testing.assert_allclose(found["digest"], expected["digest"], rtol=1e-4, atol=1e-4)
    for fact in ("weights", "shape", "unknown", "symbolic"):
        assert json.loads(json.dumps(found[fact])) == expected[fact]
    ours, theirs = without_empty(found["config"]), without_empty(expected["config"])
    initializers = [key for key in ours if key.endswith("_initializer")]
    for config in (ours, theirs):
        for key in initializers:
            config[key] = config[key]["class_name"]
    assert ours == theirs


def test_masked_mean():
    layer = keras.layers.GlobalAveragePooling1D()
    x = cases.numbers(0, (2, 5, 3))
    mask = np.array([[1, 1, 0, 1, 0], [1, 0, 0, 0, 0]], bool)
    expected = [x[0, [0, 1, 3]].mean(0), x[1, 0]]
    np.testing.assert_allclose(layer(x, mask=mask).numpy(), expected, rtol=1e-6)


def test_a_small_network_learns():
    generator = np.random.default_rng(0)
    x = generator.normal(size=(256, 12, 12, 1)).astype("float32")
    # Is there a bright vertical line, or a horizontal one?
    y = generator.integers(0, 2, 256)
    for image, label, place in zip(x, y, generator.integers(1, 11, 256)):
        image[(slice(None), place) if label else place] += 2
    keras.utils.set_random_seed(1)
    model = keras.Sequential([
        keras.Input((12, 12, 1)),
        keras.layers.Conv2D(8, 3, activation="relu"),
        keras.layers.MaxPooling2D(2),
        keras.layers.SeparableConv2D(8, 3, padding="same", activation="relu"),
        keras.layers.GlobalMaxPooling2D(),
        keras.layers.Dense(2, activation="softmax"),
    ])  # fmt: skip
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    model.optimizer.learning_rate = 0.02
    history = model.fit(x, y, epochs=12, batch_size=32, verbose=0)
    assert history.history["accuracy"][-1] > 0.9


LAYERS = keras.layers


@pytest.mark.parametrize(
    "make, error, words",
    [
        (lambda: LAYERS.Conv2D(0, 3), ArgumentError, "filters"),
        (lambda: LAYERS.Conv2D(4, 0), ArgumentError, "kernel_size"),
        (lambda: LAYERS.Conv2D(4, (3, 3, 3)), ArgumentError, "tuple of 2"),
        (lambda: LAYERS.Conv2D(4, 3, padding="causal"), ArgumentError, "padding"),
        (lambda: LAYERS.Conv2D(4, 3, strides=2, dilation_rate=2), ArgumentError, "dilation"),
        (lambda: LAYERS.Conv2D(5, 3, groups=2), ArgumentError, "divisible"),
        (lambda: LAYERS.Conv2D(4, 3, data_format="NHWC"), ArgumentError, "channels_last"),
        (lambda: LAYERS.Conv2D(6, 3, groups=3)(np.ones((1, 5, 5, 4))), ArgumentError, "groups"),
        (lambda: LAYERS.Conv2D(4, 9)(np.ones((1, 5, 5, 4))), ShapeError, "same"),
        (lambda: LAYERS.Conv2D(4, 3)(np.ones((5, 5, 4))), ValueError, "ndim"),
        (lambda: LAYERS.Conv2DTranspose(4, 3, output_padding=1), ArgumentError, "strictly"),
        (lambda: LAYERS.DepthwiseConv2D(3, depth_multiplier=0), ArgumentError, "multiplier"),
        (lambda: LAYERS.MaxPooling2D(9)(np.ones((1, 5, 5, 4))), ShapeError, "window"),
        (lambda: LAYERS.MaxPooling2D((2, 2, 2)), ArgumentError, "pool_size"),
        (lambda: LAYERS.Cropping2D(3)(np.ones((1, 5, 5, 4))), ShapeError, "smaller"),
        (lambda: LAYERS.ZeroPadding2D((1, 2, 3)), ArgumentError, "pairs"),
        (lambda: LAYERS.UpSampling2D(2, interpolation="area"), ArgumentError, "interpolation"),
    ],
)  # fmt: skip
def test_errors_say_what_to_do(make, error, words):
    with pytest.raises(error, match=words):
        make()


def test_channels_of_a_built_layer_stay():
    layer = keras.layers.Conv2D(4, 3)
    layer(np.ones((1, 5, 5, 4), "float32"))
    with pytest.raises(ValueError, match="axis -1"):
        layer(np.ones((1, 5, 5, 3), "float32"))

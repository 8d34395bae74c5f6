"""Layers, activations, regularizers, constraints give the numbers of real Keras."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.fixtures import layer_cases as cases
from weft import keras

FIXTURES = Path(__file__).parent.parent.parent / "fixtures"
NUMBERS = np.load(FIXTURES / "layers.npz")
TEXTS = json.loads((FIXTURES / "layers.json").read_text())

# Settings of Keras that say something only where they are set.
EMPTY = (
    "quantization_config", "input_axes", "output_axes", "activity_regularizer", "mask",
)  # fmt: skip


@pytest.fixture(scope="module")
def outcomes():
    return cases.outcomes(keras)


@pytest.mark.parametrize("name", NUMBERS.files)
def test_numbers(name, outcomes):
    expected, received = NUMBERS[name], outcomes[name]
    assert received.shape == expected.shape
    # On some engines Keras has no 64-bit integers.
    assert received.dtype.kind == expected.dtype.kind
    np.testing.assert_allclose(received, expected, rtol=2e-5, atol=2e-6)


def without_empty(config):
    if isinstance(config, dict):
        return {
            key: without_empty(value)
            for key, value in config.items()
            if not (key in EMPTY and value is None) and key != "build_config"
        }
    if isinstance(config, list):
        return [without_empty(item) for item in config]
    return config


@pytest.mark.parametrize("name", cases.LAYERS)
def test_config_is_that_of_keras(name):
    layer = cases.make_layer(keras, name)
    config = json.loads(json.dumps(layer.get_config()))
    assert without_empty(config) == without_empty(TEXTS["configs"][name])


@pytest.mark.parametrize("name", cases.LAYERS)
def test_config_of_keras_can_be_read(name):
    kind = getattr(keras.layers, cases.LAYERS[name][0])
    layer = kind.from_config(TEXTS["configs"][name])
    inputs = cases.layer_inputs(name)
    cases.call(layer, inputs)
    layer.set_weights(cases.make_layer(keras, name).get_weights())
    np.testing.assert_allclose(
        np.asarray(cases.call(layer, inputs)), NUMBERS[f"layer/{name}/output"], atol=1e-5
    )


@pytest.mark.parametrize("name", cases.MODELS)
def test_model_of_keras_can_be_read(name):
    theirs = keras.models.model_from_json(json.dumps(TEXTS["models"][name]))
    ours = cases.make_model(keras, name)
    assert [w.path for w in ours.weights] == TEXTS["paths"][name]
    assert [w.shape for w in theirs.weights] == [w.shape for w in ours.weights]
    theirs.set_weights(ours.get_weights())
    inputs = [cases.data((3, *x.shape[1:])) for x in ours.inputs]
    inputs = inputs[0] if len(inputs) == 1 else inputs
    for one, other in zip(_listed(theirs(inputs)), _listed(ours(inputs))):
        np.testing.assert_array_equal(np.asarray(one), np.asarray(other))


def _listed(outputs):
    return outputs if isinstance(outputs, list) else [outputs]


@pytest.mark.parametrize("name", cases.MODELS)
def test_model_config_is_that_of_keras(name):
    ours = json.loads(cases.make_model(keras, name).to_json())
    assert without_empty(ours) == without_empty(TEXTS["models"][name])


@pytest.mark.parametrize("name", TEXTS["summaries"])
def test_summary_is_that_of_keras(name):
    model, kind = name.split("/")
    text = cases.summary(cases.make_model(keras, model), **cases.SUMMARIES[kind])
    assert text == TEXTS["summaries"][name]

"""Losses that do not go with the last activation, and what 'accuracy' was taken for."""

from __future__ import annotations

import re
import warnings

import numpy as np
import pytest

from weft import keras
from weft.keras import layers, losses

X = np.random.default_rng(0).normal(size=(8, 3)).astype("float32")
CLASSES = np.arange(8) % 4
ONE_HOT = np.eye(4)[CLASSES]
YES = (CLASSES > 1).astype("float32")

REMARKS = {
    "softmax twice": (
        layers.Dense(4, "softmax"),
        losses.SparseCategoricalCrossentropy(from_logits=True),
        CLASSES,
        "from_logits=True applies softmax again",
    ),
    "sigmoid twice": (
        layers.Dense(1, "sigmoid"),
        losses.BinaryCrossentropy(from_logits=True),
        YES,
        "from_logits=True applies sigmoid again",
    ),
    "logits as probabilities": (
        layers.Dense(4),
        "categorical_crossentropy",
        ONE_HOT,
        r"use activation='softmax' there, or losses.\w+\(from_logits=True\)",
    ),
    "one logit": (layers.Dense(1), "binary_crossentropy", YES, "use activation='sigmoid'"),
    "softmax of one": (
        layers.Dense(1, "softmax"),
        "binary_crossentropy",
        YES,
        "output is 1 whatever the input; use activation='sigmoid'",
    ),
    "ten yes or no": (
        layers.Dense(4, "softmax"),
        "binary_crossentropy",
        ONE_HOT,
        "use 'categorical_crossentropy'",
    ),
}


def network(last, kind):
    if kind == "sequential":
        return keras.Sequential([last])
    inputs = keras.Input((3,))
    model = keras.Model(inputs, last(inputs))
    return keras.Sequential([model]) if kind == "nested" else model


def remarks(model, y, loss, metrics=None):
    model.compile("sgd", loss, metrics=metrics)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(X, y, epochs=2, verbose=0)
        model.evaluate(X, y, verbose=0)
    assert all(warning.filename == __file__ for warning in caught)
    return [str(warning.message) for warning in caught]


@pytest.mark.parametrize("kind", ["sequential", "functional", "nested"])
@pytest.mark.parametrize("name", REMARKS)
def test_a_mismatch_is_said_once(name, kind):
    last, loss, y, message = REMARKS[name]
    last = type(last).from_config(last.get_config())
    found = remarks(network(last, kind), y, loss)
    assert len(found) == 1
    assert re.search(message, found[0]), found


FITTING = {
    "softmax": (layers.Dense(4, "softmax"), "sparse_categorical_crossentropy", CLASSES),
    "sigmoid": (layers.Dense(1, "sigmoid"), "binary_crossentropy", YES),
    "many labels": (layers.Dense(4, "sigmoid"), "binary_crossentropy", ONE_HOT),
    "logits": (layers.Dense(4), losses.CategoricalCrossentropy(from_logits=True), ONE_HOT),
    "numbers": (layers.Dense(1), "mse", YES),
}


@pytest.mark.parametrize("name", FITTING)
def test_what_goes_together_is_quiet(name):
    last, loss, y = FITTING[name]
    assert remarks(network(last, "sequential"), y, loss) == []


def test_what_accuracy_was_taken_for():
    labels = keras.Sequential([layers.Dense(4, "sigmoid")])
    (found,) = remarks(labels, ONE_HOT, "binary_crossentropy", ["accuracy"])
    assert "'accuracy' was taken as CategoricalAccuracy" in found
    assert "metrics.BinaryAccuracy()" in found
    # One remark for each output: what is said first comes first.
    softmax = keras.Sequential([layers.Dense(4, "softmax")])
    (found,) = remarks(softmax, ONE_HOT, "binary_crossentropy", ["accuracy"])
    assert "use 'categorical_crossentropy'" in found
    line = keras.Sequential([layers.Dense(1)])
    (found,) = remarks(line, X[:, 0], "mse", ["acc"])
    assert "'acc' was taken as BinaryAccuracy (outputs above 0.5 count as 1)" in found
    for last, loss in [(None, "mse"), ("sigmoid", "mse"), ("tanh", "mae")]:
        gate = keras.Sequential([layers.Dense(1, last)])
        assert remarks(gate, YES, loss, ["acc"]) == []
    network = keras.Sequential([layers.Dense(4, "softmax")])
    assert remarks(network, CLASSES, "sparse_categorical_crossentropy", ["acc"]) == []


def test_metrics_in_the_place_of_loss_weights():
    model = keras.Sequential([layers.Dense(1)])
    model.compile("sgd", "mse", ["acc"])
    with pytest.raises(TypeError, match=r"metrics go by name: metrics=\['acc'\]"):
        model.fit(X, YES, verbose=0)

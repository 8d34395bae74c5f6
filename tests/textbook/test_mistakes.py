"""What learners get wrong: every message says what is wrong, at their own line."""

from __future__ import annotations

import re
import traceback
import warnings

import numpy as np
import pytest

from weft import keras
from weft.errors import WeftError
from weft.keras import layers

X = np.random.default_rng(0).random((20, 4)).astype("float32")
YES = (X[:, 0] > 0.5).astype("float32")
CLASSES = np.arange(20) % 3
ONE_HOT = np.eye(3)[CLASSES]


def network(units=1, activation="sigmoid", loss="binary_crossentropy", **settings):
    model = keras.Sequential(
        [keras.Input((4,)), layers.Dense(3), layers.Dense(units, activation)]
    )
    settings = {"optimizer": "rmsprop", "metrics": ["accuracy"], **settings}
    model.compile(loss=loss, **settings)
    return model


def classifier(units=3, loss="sparse_categorical_crossentropy"):
    return network(units, "softmax", loss)


class NoReturn(keras.Model):
    def __init__(self):
        super().__init__()
        self.dense = layers.Dense(3)

    def call(self, inputs):
        self.dense(inputs)


def fit(model, x=X, y=YES, **arguments):
    return model.fit(x, y, verbose=0, **arguments)


def no_return():
    model = NoReturn()
    model.compile("sgd", "mse")
    fit(model, y=ONE_HOT)


MISTAKES = {
    "images into a dense network": (
        lambda: fit(network(), X.reshape(20, 2, 2)), ValueError,
        r"value 4, but received .*\(20, 2, 2\); reshape it to .*layers\.Flatten",
    ),
    "one sample": (
        lambda: network().predict(X[0], verbose=0), ValueError, r"batch of one: x\[None\]",
    ),
    "other columns in predict": (
        lambda: network().predict(X[:, :2], verbose=0), ValueError,
        "to have value 4, but received input with shape",
    ),
    "one-hot labels, sparse loss": (
        lambda: fit(classifier(), y=ONE_HOT), ValueError, "go with 'categorical_crossen",
    ),
    "class numbers, categorical loss": (
        lambda: fit(classifier(loss="categorical_crossentropy"), y=CLASSES), ValueError,
        "integer labels go with 'sparse_categorical_crossentropy'",
    ),
    "too few units": (
        lambda: fit(classifier(2), y=CLASSES), ValueError, r"0 … 1.*received the label 2",
    ),
    "negative labels": (
        lambda: fit(classifier(), y=CLASSES - 1), ValueError, "received the label -1",
    ),
    "no compile": (
        lambda: fit(keras.Sequential([layers.Dense(1)])), ValueError, r"fit: .*compile\(\)",
    ),
    "an optimizer's name": (
        lambda: network(optimizer="rmspropp"), ValueError, "Did you mean 'RMSprop'",
    ),
    "a loss's name": (
        lambda: network(loss="binary_crossentrpy"), ValueError,
        "Did you mean 'binary_crossentropy'",
    ),
    "a metric's name": (
        lambda: network(metrics=["acuracy"]), ValueError, "Did you mean 'Accuracy'",
    ),
    "an activation's name": (
        lambda: network(activation="rellu"), ValueError, "Did you mean 'relu'",
    ),
    "an argument's name": (
        lambda: layers.Dense(3, activaton="relu"), ValueError, "Did you mean 'activation'",
    ),
    "a base class's argument": (
        lambda: layers.Dropout(0.5, nam="drop"), ValueError, "Did you mean 'name'",
    ),
    "metrics that are no list": (
        lambda: network(metrics="accuracy"), ValueError, r"write metrics=\[",
    ),
    "a list of samples": (
        lambda: fit(network(), list(X)), ValueError, r"20 in all.*np\.array",
    ),
    "text in a table": (
        lambda: fit(network(), np.array([["male", 1]] * 20, object)), TypeError,
        "such as 'male'; turn text into numbers",
    ),
    "rows of unequal lengths": (
        lambda: fit(network(), [[1.0, 2.0], [3.0]], [0, 1]), ValueError, "pad_sequences",
    ),
    "a layer without parentheses": (
        lambda: keras.Sequential([layers.Flatten]), TypeError, "Only instances of",
    ),
    "layers without brackets": (
        lambda: keras.Sequential(layers.Dense(2), layers.Dense(1)), TypeError,
        r"Sequential\(\[layer",
    ),
    "a callback without parentheses": (
        lambda: fit(network(), callbacks=[keras.callbacks.EarlyStopping]), TypeError,
        r"write EarlyStopping\(\)",
    ),
    "no labels": (
        lambda: network().fit(X, verbose=0), ValueError, r"give fit\(x, y\)",
    ),
    "validation without labels": (
        lambda: fit(network(), validation_data=X), ValueError, r"validation_data=\(x, y\)",
    ),
    "a share of a generator": (
        lambda: network().fit(iter([(X, YES)]), validation_split=0.2), ValueError,
        "give validation_data",
    ),
    "no batch": (
        lambda: fit(network(), batch_size=0), ValueError, "batch_size must be a positive",
    ),
    "half an epoch": (
        lambda: fit(network(), epochs=2.5), TypeError, "epochs must be an int",
    ),
    "a word for verbose": (
        lambda: network().fit(X, YES, verbose="yes"), ValueError, "0 .silent.*'yes'",
    ),
    "no return": (no_return, TypeError, r"NoReturn\.call.*`return` forgotten"),
    "shapes that do not add": (
        lambda: layers.add([keras.Input((4,)), keras.Input((3,))]), ValueError,
        r"\[\(None, 4\), \(None, 3\)\]",
    ),
    "names as classes": (
        lambda: keras.utils.to_categorical(["cat", "dog"]), ValueError, r"np\.unique",
    ),
    "a folder that is not there": (
        lambda: network().save("no/such/folder/model.keras"), FileNotFoundError,
        r"model\.keras' cannot be written: there is no folder .*os\.makedirs",
    ),
    "a folder that takes no file": (
        lambda: network().save_weights("/proc/model.weights.h5"), OSError,
        "'/proc/model.weights.h5' cannot be written: the folder /proc lets no file",
    ),
    "a file that is not there": (
        lambda: keras.models.load_model("modle.keras"), FileNotFoundError, "modle.keras",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_mistake(name):
    make, kind, message = MISTAKES[name]
    with warnings.catch_warnings(), pytest.raises(kind) as caught:
        # An error says it all: no advice beside it.
        warnings.simplefilter("error")
        make()
    assert re.search(message, str(caught.value)), str(caught.value)
    assert ".part" not in str(caught.value)


@pytest.mark.parametrize("name", ["one-hot labels, sparse loss", "a loss's name"])
def test_tracebacks_show_the_users_lines(name):
    with pytest.raises(WeftError) as caught:
        MISTAKES[name][0]()
    frames = traceback.extract_tb(caught.value.__traceback__)
    assert len([frame for frame in frames if frame.filename != __file__]) == 1
    keras.config.disable_traceback_filtering()
    try:
        with pytest.raises(WeftError) as caught:
            MISTAKES[name][0]()
    finally:
        keras.config.enable_traceback_filtering()
    assert len(traceback.extract_tb(caught.value.__traceback__)) > len(frames) + 3


def test_tracebacks_go_on_to_the_users_function():
    def loss(y_true, y_pred):
        return keras.ops.matmul(y_pred, y_true)  # The line that is wrong.

    with pytest.raises(ValueError, match="matmul") as caught:
        fit(network(3, loss=loss, metrics=None), y=ONE_HOT)
    last = traceback.extract_tb(caught.value.__traceback__)[-1]
    assert last.line.endswith("# The line that is wrong.")

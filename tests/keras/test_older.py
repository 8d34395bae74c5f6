"""Spellings of Keras 1 and 2 work, mean what they meant, and warn once each."""

from __future__ import annotations

import importlib
import warnings

import numpy as np
import pytest

from weft import keras
from weft.keras import layers, optimizers
from weft.keras.utils import older

K = keras.backend
X = np.random.default_rng(0).random((8, 4)).astype("float32")
Y = np.arange(8) % 2


@pytest.fixture(autouse=True)
def _told_anew():
    older.forget()
    yield
    older.forget()


def network(outputs=2, **compiling):
    activation = "softmax" if outputs > 1 else "sigmoid"
    model = keras.Sequential([keras.Input((4,)), layers.Dense(outputs, activation)])
    loss = "sparse_categorical_crossentropy" if outputs > 1 else "binary_crossentropy"
    model.compile("sgd", loss, **compiling)
    return model


def rate(optimizer):
    return float(np.asarray(optimizer.learning_rate))


def batches():
    while True:
        yield X, Y


def ends(**named):
    first = keras.Input((3,))
    tensors = {"first": first, "last": layers.Dense(2)(first)}
    return keras.Model(**{name: tensors[end] for name, end in named.items()}).input_shape


# What is written, what it gives, what it must give, and a word of the advice.
SPELLINGS = {
    "lr": (lambda: rate(optimizers.SGD(lr=0.5)), 0.5, "learning_rate="),
    "epsilon": (lambda: optimizers.Adam(epsilon=None).epsilon, 1e-7, "epsilon"),
    "legacy": (lambda: rate(optimizers.legacy.Adam(0.5)), 0.5, "keras.optimizers.Adam"),
    "alpha": (lambda: layers.LeakyReLU(alpha=0.5).negative_slope, 0.5, "negative_slope="),
    "output_dim": (lambda: layers.Dense(output_dim=3).units, 3, "units="),
    "init": (
        lambda: type(layers.Dense(3, init="normal").kernel_initializer).__name__,
        "RandomNormal", "kernel_initializer=",
    ),
    "p": (lambda: layers.Dropout(p=0.25).rate, 0.25, "rate="),
    "input_length": (lambda: layers.Embedding(5, 2, input_length=3).input_dim, 5, "leave"),
    "nb_epoch": (lambda: network().fit(X, Y, nb_epoch=2, verbose=0).epoch, [0, 1], "epochs="),
    "workers": (lambda: network().fit(X, Y, workers=4, verbose=0).epoch, [0], "leave it out"),
    "Model(input)": (lambda: ends(input="first", outputs="last"), (None, 3), "inputs="),
    "Model(output)": (lambda: ends(inputs="first", output="last"), (None, 3), "outputs="),
    "class_mode": (lambda: network(class_mode="binary").compiled, True, "leave it out"),
    "min_delta": (
        lambda: keras.callbacks.ReduceLROnPlateau(epsilon=0.5).min_delta, 0.5, "min_delta"),
    "fit_generator": (
        lambda: network().fit_generator(batches(), 3, epochs=2, verbose=0).epoch,
        [0, 1], "model.fit",
    ),
    "predict_generator": (
        lambda: network().predict_generator(batches(), 2, verbose=0).shape, (16, 2), "predict"),
    "np_utils": (
        lambda: keras.utils.np_utils.to_categorical([0, 1]).tolist(),
        [[1, 0], [0, 1]], "keras.utils",
    ),
    "from layers.core": (
        lambda: importlib.import_module("weft.keras.layers.core").core.Dense,
        layers.Dense, "keras.layers",
    ),
    "layers.core": (lambda: layers.core.Dense, layers.Dense, "keras.layers"),
    "K.mean": (lambda: float(K.mean(np.array([1, 2]))), 1.5, "keras.ops.mean"),
    "K.get_value": (lambda: float(K.get_value(keras.Variable(2.0))), 2.0, "numpy"),
    "K.int_shape": (lambda: K.int_shape(keras.Input((3,))), (None, 3), "shape"),
    "K.argmax": (lambda: K.argmax(X).shape, (8,), "keras.ops.argmax"),
    "K.flatten": (lambda: K.flatten(X).shape, (32,), "ravel"),
    "K.batch_flatten": (lambda: K.batch_flatten(np.ones((2, 3, 4))).shape, (2, 12), "reshape"),
    "K.random_uniform": (lambda: K.random_uniform((3,), 2.0, 2.5).shape, (3,), "random"),
}  # fmt: skip


@pytest.mark.parametrize("name", SPELLINGS)
def test_spellings(name):
    write, expected, advice = SPELLINGS[name]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        found = write()
        write()
    assert found == expected if not isinstance(expected, float) else found == pytest.approx(
        expected)  # fmt: skip
    (told,) = [str(one.message) for one in caught if "older Keras" in str(one.message)]
    assert advice in told
    assert caught[0].filename == __file__


@pytest.mark.filterwarnings("ignore:.*older Keras")
def test_decay_is_that_of_keras_2():
    optimizer = optimizers.SGD(lr=1.0, decay=0.5)
    v = keras.Variable([0.0])
    moves = []
    for _ in range(4):
        before = v.numpy()[0]
        optimizer.apply_gradients([(np.ones(1, "float32"), v)])
        moves.append(before - v.numpy()[0])
    np.testing.assert_allclose(moves, [1, 1 / 1.5, 1 / 2, 1 / 2.5], rtol=1e-6)
    assert rate(optimizers.RMSprop(lr=0.25, rho=0.9, epsilon=None, decay=0.0)) == 0.25
    first = optimizers.Adam(0.5, decay=0.1)
    assert first._learning_rate.initial_learning_rate == 0.5
    assert optimizers.SGD(decay=0.1)._learning_rate.initial_learning_rate == 0.01


@pytest.mark.filterwarnings("ignore:.*older Keras")
def test_classes():
    for outputs in (1, 2):
        model = network(outputs)
        answers = model.predict(X, verbose=0)
        expected = answers.argmax(axis=-1) if outputs > 1 else (answers > 0.5).astype(int)
        np.testing.assert_array_equal(model.predict_classes(X), expected)
        np.testing.assert_array_equal(model.predict_proba(X), answers)


@pytest.mark.filterwarnings("ignore:.*older Keras")
def test_first_weights():
    weights = [np.full((4, 2), 2.0, "float32"), np.ones(2, "float32")]
    model = keras.Sequential([keras.Input((4,)), layers.Dense(2, weights=weights)])
    for mine, given in zip(model.get_weights(), weights, strict=True):
        np.testing.assert_array_equal(mine, given)


@pytest.mark.filterwarnings("ignore:.*older Keras")
def test_a_function_of_the_backend():
    inputs = keras.Input((4,))
    run = K.function([inputs], [layers.Activation("relu")(inputs)])
    (found,) = run([X - 0.5])
    np.testing.assert_array_equal(found, np.maximum(X - 0.5, 0))
    K.set_value(variable := keras.Variable(1.0), 3.0)
    assert float(variable.numpy()) == 3.0


def test_shapes_of_layers():
    model = network()
    with pytest.warns(UserWarning, match=r"layer\.output_shape .*layer\.output\.shape"):
        assert model.layers[0].output_shape == (None, 2)
    with pytest.warns(UserWarning, match=r"layer\.input_shape"):
        assert model.layers[0].input_shape == (None, 4)
    assert not hasattr(layers.Dense(2), "output_shape")

    class Own(layers.Layer):
        def __init__(self):
            super().__init__()
            self.output_shape = 3

    assert Own().output_shape == 3


def test_the_layer_with_a_threshold():
    layer = layers.ThresholdedReLU(theta=0.5)
    assert layer([0.5, 0.75, -1.0]).tolist() == [0.0, 0.75, 0.0]
    assert layers.ThresholdedReLU.from_config(layer.get_config()).theta == 0.5


def test_mistakes_stay_mistakes():
    with pytest.raises(TypeError, match="received both"):
        optimizers.SGD(lr=0.1, learning_rate=0.2)
    with pytest.raises(TypeError, match="rates"):
        optimizers.SGD(rates=0.1)
    with pytest.raises(AttributeError, match=r"no attribute 'Dens'.*Dense"):
        layers.Dens
    with pytest.raises(ValueError, match="session"):
        K.get_session()


def test_signatures_are_those_of_today():
    import inspect

    names = list(inspect.signature(layers.Dense.__init__).parameters)
    assert "init" not in names and names[1] == "units"
    assert next(iter(inspect.signature(optimizers.SGD).parameters)) == "learning_rate"

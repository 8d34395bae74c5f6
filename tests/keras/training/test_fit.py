"""fit, evaluate and predict: kinds of data, steps of one's own, mistakes, seeds."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

import weft
from weft import keras, ops
from weft.keras.training.py_dataset import PyDataset

RNG = np.random.default_rng(0)
X = RNG.normal(size=(40, 3)).astype("float32")
Y = (X[:, :1] > 0).astype("float32")
LABELS = RNG.integers(0, 4, 40)


def network(units=1, activation="sigmoid", **compiled):
    keras.utils.set_random_seed(1)
    layer = keras.layers.Dense(units, activation=activation)
    model = keras.Sequential([keras.Input((3,)), layer])
    model.compile(**{"optimizer": "sgd", "loss": "mse", **compiled})
    return model


def final_loss(x, y, **arguments):
    model = network()
    history = model.fit(x, y, **{"verbose": 0, "shuffle": False, **arguments})
    return history.history["loss"][-1]


# -- kinds of data -----------------------------------------------------------------------


def batches():
    for start in range(0, 40, 10):
        yield X[start : start + 10], Y[start : start + 10]


class Batches(PyDataset):
    def __len__(self):
        return 4

    def __getitem__(self, index):
        return X[index * 10 : index * 10 + 10], Y[index * 10 : index * 10 + 10]


class Source:
    """An iterable over batches, like a loader of another library."""

    def __iter__(self):
        return batches()


class Frame:
    """What pandas looks like from here."""

    def __init__(self, array):
        self.array = array
        self.shape = array.shape

    def to_numpy(self):
        return self.array


SAME_DATA = {
    "arrays": (X, Y),
    "tensors": (weft.convert_to_tensor(X), weft.convert_to_tensor(Y)),
    "lists": (X.tolist(), Y.tolist()),
    "float64": (X.astype("float64"), Y.astype("float64")),
    "byte-swapped": (X.astype(">f4"), Y.astype(">f8")),
    "columns first": (np.asfortranarray(X), Y),
    "every second": (np.repeat(X, 2, 0)[::2], np.repeat(Y, 2, 0)[::2]),
    "bool labels": (X, Y.astype(bool)),
    "uint8 labels": (X, Y.astype("uint8")),
    "flat labels": (X, Y[:, 0]),
    "frames": (Frame(X), Frame(Y)),
    "generator": (batches(), None),
    "dataset": (Batches(), None),
    "threads": (Batches(workers=3), None),
    "iterable": (Source(), None),
}


@pytest.mark.parametrize("kind", SAME_DATA)
def test_kinds_of_data(kind):
    x, y = SAME_DATA[kind]
    assert final_loss(x, y, batch_size=10 if y is not None else None) == pytest.approx(
        final_loss(X, Y, batch_size=10), rel=1e-5
    )


def test_read_only_arrays_are_left_alone():
    x, y = X.copy(), Y.copy()
    x.flags.writeable = y.flags.writeable = False
    final_loss(x, y)
    np.testing.assert_array_equal(x, X)


def test_float16_and_nan_data():
    assert final_loss(X.astype("float16"), Y) == pytest.approx(final_loss(X, Y), rel=1e-2)
    x = X.copy()
    x[3, 1] = np.nan
    assert np.isnan(final_loss(x, Y, epochs=2))


def test_dicts_of_inputs_and_outputs():
    a, b = keras.Input((3,), name="a"), keras.Input((3,), name="b")
    one = keras.layers.Dense(1, name="one")(a)
    two = keras.layers.Dense(2, name="two")(keras.ops.concatenate([a, b], axis=-1))
    model = keras.Model({"a": a, "b": b}, {"one": one, "two": two})
    model.compile(
        "sgd",
        {"one": "mse", "two": "mae"},
        metrics={"one": ["mae"], "two": ["mse"]},
        loss_weights={"one": 1.0, "two": 0.5},
    )
    targets = {"one": Y, "two": X[:, :2]}
    history = model.fit({"a": X, "b": X}, targets, verbose=0).history
    assert sorted(history) == ["loss", "one_loss", "one_mae", "two_loss", "two_mse"]
    total = history["one_loss"][0] + 0.5 * history["two_loss"][0]
    assert history["loss"][0] == pytest.approx(total, rel=1e-4)
    outputs = model.predict({"a": X, "b": X}, verbose=0)
    assert outputs["one"].shape == (40, 1) and outputs["two"].shape == (40, 2)


# -- steps -------------------------------------------------------------------------------


class Custom(keras.Model):
    """A model with a training step of its own."""

    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(1)
        self.seen = keras.metrics.Mean(name="seen")

    def call(self, x):
        return self.dense(x)

    def train_step(self, data):
        x, y = data
        with weft.GradientTape() as tape:
            loss = ops.mean(ops.square(self(x, training=True) - y))
        variables = self.trainable_variables
        self.optimizer.apply_gradients(zip(tape.gradient(loss, variables), variables))
        self.seen.update_state(loss)
        return {"loss": loss, "seen": self.seen.result()}


@pytest.mark.parametrize("run_eagerly", [False, True])
def test_a_training_step_of_ones_own(run_eagerly):
    keras.utils.set_random_seed(3)
    model = Custom()
    model.compile(keras.optimizers.SGD(0.1), run_eagerly=run_eagerly)
    history = model.fit(X, Y, batch_size=16, epochs=8, verbose=0, shuffle=False).history
    assert sorted(history) == ["loss", "seen"]
    assert history["seen"][-1] < history["seen"][0]
    assert int(model.optimizer.iterations) == 24


def test_single_batches():
    model = network(metrics=["mae"])
    first = model.train_on_batch(X, Y)
    assert isinstance(first, list) and len(first) == 2
    assert sorted(model.train_on_batch(X, Y, return_dict=True)) == ["loss", "mae"]
    assert int(model.optimizer.iterations) == 2
    model.reset_metrics()
    scores = model.test_on_batch(X, Y)
    assert scores == pytest.approx(model.evaluate(X, Y, verbose=0), rel=1e-5)
    outputs = model.predict_on_batch(X)
    np.testing.assert_allclose(outputs, model.predict(X, verbose=0), rtol=1e-6)


@pytest.mark.parametrize("rows", [1, 2, 9, 10, 11, 39, 40])
def test_predict_any_number_of_rows(rows):
    model = network(units=2)
    model.predict(X, batch_size=10, verbose=0)
    expected = np.asarray(model(X[:rows]))
    found = model.predict(X[:rows], batch_size=10, verbose=0)
    assert type(found) is np.ndarray
    np.testing.assert_allclose(found, expected, rtol=1e-6)


def test_the_same_seed_gives_the_same_bits():
    def run():
        keras.utils.set_random_seed(9)
        model = keras.Sequential(
            [
                keras.Input((3,)),
                keras.layers.Dense(16, activation="relu"),
                keras.layers.Dense(1),
            ]
        )
        model.compile("adam", "mse")
        history = model.fit(X, Y, batch_size=7, epochs=3, verbose=0).history["loss"]
        return history, model.get_weights()

    (first, weights), (second, again) = run(), run()
    assert first == second
    for one, other in zip(weights, again):
        np.testing.assert_array_equal(one, other)


def test_shuffling_changes_the_order_only():
    model = network()
    model.compile(keras.optimizers.SGD(0.0), "mse")
    history = model.fit(X, Y, batch_size=7, epochs=2, verbose=0).history["loss"]
    assert history[0] == pytest.approx(history[1], rel=1e-5)


def test_frozen_layers_stay():
    model = keras.Sequential(
        [keras.Input((3,)), keras.layers.Dense(4), keras.layers.Dense(1)]
    )
    model.compile("sgd", "mse")
    model.fit(X, Y, verbose=0)
    model.layers[0].trainable = False
    model.compile("sgd", "mse")
    before = [w.copy() for w in model.get_weights()]
    model.fit(X, Y, verbose=0)
    after = model.get_weights()
    np.testing.assert_array_equal(before[0], after[0])
    assert not np.array_equal(before[2], after[2])


def test_results_are_python_numbers():
    model = network(metrics=["acc"])
    history = model.fit(X, Y, epochs=2, verbose=0)
    assert all(type(v) is float for values in history.history.values() for v in values)
    assert history.epoch == [0, 1] and history.params == {
        "verbose": 0,
        "epochs": 2,
        "steps": 2,
    }
    scores = model.evaluate(X, Y, verbose=0)
    assert type(scores) is list and all(type(v) is float for v in scores)
    assert type(network().evaluate(X, Y, verbose=0)) is float
    assert model.history is history


def test_accuracy_keeps_its_spelling():
    for spelling in ("acc", "accuracy", "Accuracy"):
        model = network(metrics=[spelling])
        assert spelling in model.fit(X, Y, verbose=0).history


# -- mistakes ----------------------------------------------------------------------------

SPARSE = {"units": 4, "activation": "softmax", "loss": "sparse_categorical_crossentropy"}

MISTAKES = [
    ("fewer labels", {}, {"y": Y[:5]}, ValueError, "same number of samples.*40.*5"),
    ("no samples", {}, {"x": X[:0], "y": Y[:0]}, ValueError, "at least one sample"),
    ("batch size 0", {}, {"batch_size": 0}, ValueError, "batch_size.*positive"),
    ("negative batch size", {}, {"batch_size": -1}, ValueError, "batch_size.*-1"),
    ("text", {}, {"x": np.array([["a"] * 3] * 40)}, TypeError, "numbers"),
    ("objects", {}, {"x": np.array([[object()] * 3] * 40)}, TypeError, "object"),
    ("no labels", {}, {"y": None}, ValueError, "targets"),
    ("label too large", SPARSE, {"y": np.full(40, 4)}, ValueError, "0 … 3.*4 classes.*label 4"),
    ("negative label", SPARSE, {"y": np.full(40, -1)}, ValueError, "label -1"),
    ("wrong features", {}, {"x": X[:, :2]}, ValueError, "axis|shape"),
    ("one-hot for sparse", SPARSE, {"y": np.eye(4)[LABELS]}, ValueError, "categorical_cross"),
    ("sparse for one-hot", {**SPARSE, "loss": "categorical_crossentropy"}, {"y": LABELS},
     ValueError, "sparse_categorical_crossentropy"),
    ("both weights", SPARSE, {"y": LABELS, "class_weight": {0: 1.0},
                              "sample_weight": np.ones(40)}, ValueError, "class_weight"),
    ("whole split", {}, {"validation_split": 1.0}, ValueError, "between 0 and 1"),
    ("tiny split", {}, {"validation_split": 0.99}, ValueError, "not sufficient"),
    ("a number", {}, {"x": 3.0}, (ValueError, TypeError), "x"),
    ("callback class", {}, {"callbacks": [keras.callbacks.History]}, TypeError, r"History\(\)"),
]  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES, ids=[m[0] for m in MISTAKES])
def test_mistakes(mistake):
    _, compiled, arguments, error, message = mistake
    model = network(**compiled)
    with pytest.raises(error, match=message):
        model.fit(**{"x": X, "y": Y, "verbose": 0, **arguments})


@pytest.mark.parametrize("arguments, near", [
    ({"optimizer": "rmsprp"}, "rmsprop"),
    ({"loss": "mean_square_error"}, "mean_squared_error"),
    ({"metrics": ["acuracy"]}, "accuracy"),
])  # fmt: skip
def test_unknown_names(arguments, near):
    with pytest.raises(ValueError, match=f"(?i)did you mean '{near}'"):
        network(**arguments)


def test_fit_before_compile():
    model = keras.Sequential([keras.layers.Dense(1)])
    for method in (model.fit, model.evaluate):
        with pytest.raises(ValueError, match="must call `compile"):
            method(X, Y)


def test_a_model_survives_a_mistake():
    model = network(**SPARSE)
    with pytest.raises(ValueError):
        model.fit(X, np.full(40, 9), verbose=0)
    assert model.fit(X, LABELS, verbose=0).history["loss"][0] > 0


def test_generators_run_out():
    model = network()
    with pytest.warns(UserWarning, match="ran out of data"):
        model.fit(batches(), epochs=1, steps_per_epoch=10, verbose=0)


def test_regularizers_count():
    keras.utils.set_random_seed(0)
    layer = keras.layers.Dense(1, kernel_regularizer="l2")
    model = keras.Sequential([keras.Input((3,)), layer])
    model.compile(keras.optimizers.SGD(0.0), "mse")
    loss = model.fit(X, Y, verbose=0).history["loss"][0]
    error = float(np.mean((model.predict(X, verbose=0) - Y) ** 2))
    cost = 0.01 * float(np.sum(layer.get_weights()[0] ** 2))
    assert loss == pytest.approx(error + cost, rel=1e-4)


def test_dropout_differs_from_step_to_step():
    layers = [keras.layers.Dropout(0.5), keras.layers.Dense(1)]
    model = keras.Sequential([keras.Input((3,)), *layers])
    model.compile(keras.optimizers.SGD(0.0), "mse")
    history = model.fit(X, Y, epochs=3, batch_size=40, verbose=0).history["loss"]
    assert len(set(history)) == 3


def test_control_c_leaves_whole_weights():
    model = network()
    signals = pytest.importorskip("signal")
    timer = getattr(signals, "setitimer", None)
    if timer is None:
        pytest.skip("no timers here")

    def interrupt(*_):
        raise KeyboardInterrupt

    before = signals.signal(signals.SIGALRM, interrupt)
    x, y = np.tile(X, (2000, 1)), np.tile(Y, (2000, 1))
    try:
        timer(signals.ITIMER_REAL, 0.5)
        with pytest.raises(KeyboardInterrupt):
            model.fit(x, y, batch_size=1, epochs=1000, verbose=0)
    finally:
        timer(signals.ITIMER_REAL, 0)
        signals.signal(signals.SIGALRM, before)
    assert all(np.isfinite(weight).all() for weight in model.get_weights())
    assert model.fit(X, Y, verbose=0).history["loss"][0] > 0


DATA_MISTAKES = {
    "no data": (lambda: ([], []), "expected at least one sample"),
    "no rows": (lambda: (X[:0], Y[:0]), r"received x of shape \(0, 3\), y of shape"),
    "unequal rows": (
        lambda: ([[1, 2, 3], [4]], [0, 1]),
        "rows of numbers must have one length",
    ),
    "x is None": (lambda: (None, Y), "expected data; received x=None"),
    "complex": (lambda: (X.astype("complex64"), Y), "expected real numbers"),
}


@pytest.mark.parametrize("mistake", DATA_MISTAKES)
def test_data_that_is_none(mistake):
    make, message = DATA_MISTAKES[mistake]
    with pytest.raises((ValueError, TypeError), match=message) as caught:
        network().fit(*make(), verbose=0)
    assert isinstance(caught.value, weft.errors.WeftError)
    assert str(caught.value).startswith("fit: ")


def test_class_weights_are_a_dict():
    with pytest.raises(
        TypeError, match=r"class_weight: expected a dict.*received \[1, 2\]"
    ):
        network().fit(X, Y, class_weight=[1, 2], verbose=0)


@pytest.mark.parametrize(("steps", "complete"), [(None, 1), (2, 2), (1, 3)])
def test_a_generator_that_is_used_up_ends_training(steps, complete):
    batch = X[:4], Y[:4]
    three = iter([batch] * 3)
    model = network()
    with pytest.warns(UserWarning, match="ran out of data; interrupting") as caught:
        history = model.fit(three, epochs=9, steps_per_epoch=steps, verbose=0)
    assert len(caught) == 1
    assert history.epoch == list(range(complete))
    assert int(model.optimizer.iterations.numpy()) == 3
    with pytest.raises(ValueError, match="used up after one pass"):
        model.fit(three, verbose=0)


def test_a_generator_for_validation_that_is_used_up():
    once = iter([(X, Y)])
    with pytest.warns(UserWarning, match="ran out of data") as caught:
        history = network().fit(X, Y, epochs=3, validation_data=once, verbose=0)
    assert len(caught) == 1
    assert [len(course) for course in history.history.values()].count(3) == 1
    assert len(history.history["val_loss"]) == 1


class Penalised(keras.Model):
    """A loss of its layers alone, in a step of its own."""

    def __init__(self):
        super().__init__()
        self.dense = keras.layers.Dense(1)

    def call(self, x):
        y = self.dense(x)
        self.add_loss(keras.ops.mean(keras.ops.square(y)))
        return y

    def train_step(self, data):
        with weft.GradientTape() as tape:
            self(data, training=True)
            loss = self.compute_loss()
        gradients = tape.gradient(loss, self.trainable_variables)
        self.optimizer.apply_gradients(zip(gradients, self.trainable_variables))
        return {"loss": loss}


def test_a_step_of_ones_own_sees_losses_of_layers():
    model = Penalised()
    model.compile("sgd")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        course = model.fit(X, epochs=3, verbose=0).history["loss"]
    assert 0 < course[2] < course[0]


class TwoNameless(keras.Model):
    def __init__(self):
        super().__init__()
        self.score, self.kind = keras.layers.Dense(1), keras.layers.Dense(3, "softmax")

    def call(self, x):
        return self.score(x), self.kind(x)


def test_logs_of_outputs_without_names():
    model = TwoNameless()
    kinds = np.arange(len(X)) % 3
    losses = ["mse", keras.losses.SparseCategoricalCrossentropy()]
    model.compile("sgd", losses, metrics=[["mae"], ["accuracy"]])
    last = "sparse_categorical_crossentropy_loss"
    course = model.fit(X, (Y, kinds), verbose=0).history
    assert sorted(course) == ["accuracy", "loss", "mae", "mse_loss", last]
    logs = model.evaluate(X, (Y, kinds), verbose=0, return_dict=True)
    values = model.evaluate(X, (Y, kinds), verbose=0)
    assert values == [logs[name] for name in ("loss", "mae", "accuracy", "mse_loss", last)]
    assert model.metrics_names == ["loss", "compile_metrics", "mse_loss", last]
    model.compile("sgd", "mae")
    course = model.fit(X, (Y, np.eye(3)[kinds]), verbose=0).history
    assert sorted(course) == ["loss", "mae_loss", "mae_loss_1"]
